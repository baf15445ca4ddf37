// Transports among hostile bytes and the silent.

package peer_test

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog/internal/peer"
)

// The kinds of frames, as the format numbers them.
const (
	kindHello   = 1
	kindRefused = 2
	kindMessage = 3
	kindApp     = 4
	kindRequest = 5
	kindChunk   = 6
	kindEnd     = 7
)

// readFrame reads over a frame.
func readFrame(r io.Reader) {
	h := make([]byte, 9)
	io.ReadFull(r, h)
	io.CopyN(io.Discard, r, int64(binary.LittleEndian.Uint32(h)))
}

// frame is a frame as the format says, whole.
func frame(kind byte, body string) string {
	h := binary.LittleEndian.AppendUint32(nil, uint32(len(body)))
	h = append(h, kind)
	sum := crc32.Checksum([]byte(string(h)+body), crc32.MakeTable(crc32.Castagnoli))
	return string(binary.LittleEndian.AppendUint32(h, sum)) + body
}

// helloBody is a hello of node 9 of cluster c.
func helloBody(purpose byte) string { return "rlp1" + string(purpose) + "\x01\x09\x01c\x02n9\x04n9:1" }

func protobuf(m *raftpb.Message) string {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// lines are what a transport logs, a line each.
type lines chan string

func (l lines) Write(p []byte) (int, error) { l <- string(p); return len(p), nil }

func logTo(l lines) *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestHostileBytesAreRefusedWithAReason(t *testing.T) {
	many := strings.Repeat("\x3a\x00", 1<<16+1)
	gap := app(7, 10, 10)
	gap.Entries[1].Index = proto.Uint64(99)
	gap.Context = []byte("so that it is protobuf")
	hi := frame(kindHello, helloBody(0))
	for _, row := range []struct{ name, says, want string }{
		{"no hello", frame(kindMessage, protobuf(heartbeat(1))), "malformed hello: a frame of kind 3"},
		{"a huge hello", "\xff\xff\xff\xff\x01sums", "frame of 4294967295 bytes; at most 4096"},
		{"a flipped bit", strings.Replace(frame(kindHello, helloBody(0)), "n9:1", "n8:1", 1), "its checksum is"},
		{"another's hello", frame(kindHello, "http/1.1"), "begins with"},
		{"a short hello", frame(kindHello, helloBody(0)[:9]), "malformed hello"},
		{"a hello whose word is too long", frame(kindHello, "rlp1\x00\x01\x09\xff\x7fc"), "of which 1 are there"},
		{"a hello with control bytes", frame(kindHello, "rlp1\x00\x01\x09\x02\x00\n\x00\x00"), "is not plain text"},
		{"an unknown purpose", frame(kindHello, helloBody(7)), "purpose 7"},
		{"an unknown kind", hi + frame(77, ""), "a frame of kind 77"},
		{"a huge message", hi + "\xff\xff\xff\x7f\x03sums", "at most 1048576"},
		{"a cut message", hi + frame(kindMessage, protobuf(heartbeat(1)))[:12], "unexpected EOF"},
		{"a damaged message", hi + frame(kindMessage, protobuf(heartbeat(1)))[:9] + "xxxxxxxxxxxxxx", "checksum"},
		{"no protobuf", hi + frame(kindMessage, "\xff\xff"), "malformed message"},
		{"a local message", hi + frame(kindMessage, "\x08\x13"), "does not go from node to node"},
		{"an unknown message", hi + frame(kindMessage, "\x08\x7f"), "does not go from node to node"},
		{"too many entries", hi + frame(kindMessage, many), "more than 65536 entries"},
		{"responses", hi + frame(kindMessage, "\x72\x00"), "responses"},
		{"a gap", hi + frame(kindMessage, protobuf(gap)), "entry 99 stands where 9 should"},
		{"an empty MsgApp", hi + frame(kindApp, ""), "malformed MsgApp"},
		{"a MsgApp of many", hi + frame(kindApp, "\x02\x01\x07\x06\x05\x04\xff\xff\x7f"), "entries after 5"},
		{"a MsgApp of too many", hi + frame(kindApp,
			"\x02\x01\x07\x06\x05\x04\x81\x80\x04"+strings.Repeat("\x00\x07\x00", 1<<16+1)), "65537 entries after 5"},
		{"a MsgApp at the end of all", hi + frame(kindApp,
			"\x02\x01\x07\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x04\x01\x00\x07\x00"), "1 entries after"},
		{"no entry's type", hi + frame(kindApp, "\x02\x01\x07\x06\x05\x04\x01\x03\x07\x00"), "of type 3"},
		{"a MsgApp and more", hi + frame(kindApp, "\x02\x01\x07\x06\x05\x04\x00x"), "1 bytes follow"},
		{"a ping with a body", hi + frame(9, "x"), "malformed ping"},
		{"no request", frame(kindHello, helloBody(1)) + frame(kindMessage, ""), "malformed request"},
		{"a huge request", frame(kindHello, helloBody(1)) + "\xff\xff\xff\x00\x05sums", "at most 1048576"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, log := newMemory(), make(lines, 10)
				n := start(t, w, 1, func(c *peer.Config) {
					c.Logger = logTo(log)
					c.MaxFrame = 1 << 20
				})
				conn, err := w.dial(t.Context(), n.hello.Addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				go func() {
					io.WriteString(conn, row.says)
					conn.(interface{ CloseWrite() error }).CloseWrite()
				}()
				io.Copy(io.Discard, conn)
				if got := <-log; !strings.Contains(got, row.want) {
					t.Errorf("the log says %q; want %q in it", got, row.want)
				}
				if len(n.received) > 0 {
					t.Errorf("it received %v", <-n.received)
				}
			})
		})
	}
}

func TestAnAnswerThatIsNoHelloIsAnError(t *testing.T) {
	for _, row := range []struct{ name, says, want string }{
		{"nothing", "", "unexpected EOF"},
		{"something else", "HTTP/1.1 400 Bad Request\r\n\r\n", "at most 4096"},
		{"a message", frame(kindMessage, ""), "a frame of kind 3"},
		{"half a hello", frame(kindHello, helloBody(0))[:20], "unexpected EOF"},
		{"a refusal in many lines", frame(kindRefused, "no\nlevel=error\x1b[2J"), "refuses us: no level=error [2J"},
		{"another node", frame(kindHello, helloBody(0)), "is node 9, not 2"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, log := newMemory(), make(lines, 10)
				a := start(t, w, 1, func(c *peer.Config) { c.Logger = logTo(log) })
				l := w.listen(t)
				go func() {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					readFrame(conn)
					io.WriteString(conn, row.says)
					conn.(interface{ CloseWrite() error }).CloseWrite()
					io.Copy(io.Discard, conn)
					conn.Close()
				}()
				a.Peer(2, l.Addr().String())
				a.Send(2, heartbeat(1))
				if got := <-log; !strings.Contains(got, row.want) {
					t.Errorf("the log says %q; want %q in it", got, row.want)
				}
				l.Close()
			})
		})
	}
}

func TestTheSilentAreLeftAloneForNoLongerThanTheirTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		hi := frame(kindHello, helloBody(0))
		n := start(t, w, 1, func(c *peer.Config) { c.HelloTimeout, c.IdleTimeout = time.Second, time.Minute })
		for _, row := range []struct {
			says string
			want time.Duration
		}{
			{"", time.Second},
			{frame(kindHello, helloBody(0))[:10], time.Second},
			{frame(kindHello, helloBody(0)), time.Minute},
			{hi + frame(kindMessage, protobuf(heartbeat(1)))[:10], time.Minute},
			{frame(kindHello, helloBody(1)), time.Second},
		} {
			conn, err := w.dial(t.Context(), n.hello.Addr)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			io.WriteString(conn, row.says)
			io.Copy(io.Discard, conn)
			if d := time.Since(began); d != row.want && d != row.want+time.Second { // to read the refusal
				t.Errorf("after %q it was closed in %v, not %v", row.says, d, row.want)
			}
			conn.Close()
		}
	})
}

func TestConnectionsAreCountedBeforeTheyAreHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		n := start(t, w, 1, func(c *peer.Config) { c.MaxConns = 3 })
		var conns []net.Conn
		for range 4 {
			conn, err := w.dial(t.Context(), n.hello.Addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conns = append(conns, conn)
		}
		began := time.Now()
		io.Copy(io.Discard, conns[3])
		if d := time.Since(began); d > 0 {
			t.Errorf("one too many was closed after %v", d)
		}
	})
}
