// Transports among hostile bytes, slow readers, closing and cutting.

package peer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
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
	for _, row := range []struct{ name, says, want string }{
		{"no hello", frame(kindMessage, protobuf(heartbeat(1))), "malformed hello: a frame of kind 3"},
		{"a huge hello", "\xff\xff\xff\xff\x01sums", "frame of 4294967295 bytes; at most 4096"},
		{"a flipped bit", strings.Replace(frame(kindHello, helloBody(0)), "n9:1", "n8:1", 1), "its checksum is"},
		{"another's hello", frame(kindHello, "http/1.1"), "begins with"},
		{"a short hello", frame(kindHello, helloBody(0)[:9]), "malformed hello"},
		{"a hello whose word is too long", frame(kindHello, "rlp1\x00\x01\x09\xff\x7fc"), "of which 1 are there"},
		{"a hello with control bytes", frame(kindHello, "rlp1\x00\x01\x09\x02\x00\n\x00\x00"), "is not plain text"},
		{"an unknown purpose", frame(kindHello, helloBody(7)), "purpose 7"},
		{"an unknown kind", frame(kindHello, helloBody(0)) + frame(77, ""), "a frame of kind 77"},
		{"a huge message", frame(kindHello, helloBody(0)) + "\xff\xff\xff\x7f\x03sums", "at most 1048576"},
		{"a cut message", frame(kindHello, helloBody(0)) + frame(kindMessage, protobuf(heartbeat(1)))[:12], "unexpected EOF"},
		{"a damaged message", frame(kindHello, helloBody(0)) + frame(kindMessage, protobuf(heartbeat(1)))[:9] + "xxxxxxxxxxxxxxxxxx", "checksum"},
		{"no protobuf", frame(kindHello, helloBody(0)) + frame(kindMessage, "\xff\xff"), "malformed message"},
		{"a local message", frame(kindHello, helloBody(0)) + frame(kindMessage, "\x08\x13"), "does not go from node to node"},
		{"an unknown message", frame(kindHello, helloBody(0)) + frame(kindMessage, "\x08\x7f"), "does not go from node to node"},
		{"too many entries", frame(kindHello, helloBody(0)) + frame(kindMessage, many), "more than 65536 entries"},
		{"responses", frame(kindHello, helloBody(0)) + frame(kindMessage, "\x72\x00"), "responses"},
		{"a gap", frame(kindHello, helloBody(0)) + frame(kindMessage, protobuf(gap)), "entry 99 stands where 9 should"},
		{"an empty MsgApp", frame(kindHello, helloBody(0)) + frame(kindApp, ""), "malformed MsgApp"},
		{"a MsgApp of many", frame(kindHello, helloBody(0)) + frame(kindApp, "\x02\x01\x07\x06\x05\x04\xff\xff\x7f"), "entries after 5"},
		{"a MsgApp at the end of all", frame(kindHello, helloBody(0)) +
			frame(kindApp, "\x02\x01\x07\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x04\x01\x00\x07\x00"), "entries after"},
		{"an entry of no type", frame(kindHello, helloBody(0)) + frame(kindApp, "\x02\x01\x07\x06\x05\x04\x01\x03\x07\x00"), "type 3"},
		{"a MsgApp and more", frame(kindHello, helloBody(0)) + frame(kindApp, "\x02\x01\x07\x06\x05\x04\x00x"), "1 bytes follow"},
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
		n := start(t, w, 1, func(c *peer.Config) { c.HelloTimeout, c.IdleTimeout = time.Second, time.Minute })
		for _, row := range []struct {
			says string
			want time.Duration
		}{
			{"", time.Second},
			{frame(kindHello, helloBody(0))[:10], time.Second},
			{frame(kindHello, helloBody(0)), time.Minute},
			{frame(kindHello, helloBody(0)) + frame(kindMessage, protobuf(heartbeat(1)))[:10], time.Minute},
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

func TestASlowReceiverIsPacedAndSendNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		gate := make(chan struct{})
		a := start(t, w, 1, func(c *peer.Config) { c.QueueBytes = 1 << 20 })
		var got []uint64
		b := start(t, w, 2, func(c *peer.Config) {
			c.Receive = func(_ peer.Hello, m *raftpb.Message) { <-gate; got = append(got, m.GetIndex()) }
		})
		a.Peer(2, b.hello.Addr)
		began := time.Now()
		for i := range uint64(1000) {
			a.Send(2, app(i+1, 10<<10))
			if i == 5 {
				synctest.Wait() // the first are under way
			}
		}
		synctest.Wait()
		if time.Since(began) > 0 {
			t.Error("Send blocked")
		}
		if n := len(a.lost); n != 1 {
			t.Errorf("it was called unreachable %d times, not once for a run of lost messages", n)
		}
		close(gate)
		synctest.Wait()
		for i := 1; i < len(got); i++ {
			if got[i] != got[i-1]+1 {
				t.Fatalf("%d came after %d", got[i], got[i-1])
			}
		}
		if len(got) < 100 || len(got) > 200 {
			t.Errorf("%d messages of 10 KiB came through a queue of 1 MiB", len(got))
		}
		a.Send(2, app(5000, 1))
		synctest.Wait()
		if last := got[len(got)-1]; last != 5000 {
			t.Errorf("the last is %d, not 5000", last)
		}
	})
}

func TestAReceiverThatReadsNothingForLongLosesItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		gate := make(chan struct{})
		a := start(t, w, 1, nil)
		b := start(t, w, 2, func(c *peer.Config) {
			c.Receive = func(peer.Hello, *raftpb.Message) { <-gate }
		})
		defer close(gate)
		a.Peer(2, b.hello.Addr)
		began := time.Now()
		a.Send(2, app(1, 1<<20))
		a.Send(2, app(2, 1<<20))
		<-a.lost
		if d := time.Since(began); d != 10*time.Second {
			t.Errorf("it was called unreachable after %v", d)
		}
	})
}

func TestAMessageToNobodyIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		a, b := start(t, w, 1, func(c *peer.Config) { c.MaxFrame = 1 << 20 }), start(t, w, 2, nil)
		a.Send(7, heartbeat(1))
		if id := <-a.lost; id != 7 {
			t.Errorf("node %d is called unreachable, not 7", id)
		}
		a.Peer(2, b.hello.Addr)
		a.Send(2, app(1, 1<<20))
		if id := <-a.lost; id != 2 {
			t.Errorf("a message that is too large: node %d is called unreachable, not 2", id)
		}
		a.Send(2, heartbeat(3))
		if m := <-b.received; m.GetTerm() != 3 {
			t.Errorf("after it, %v arrived", m)
		}
		a.Forget(2)
		a.Send(2, heartbeat(4))
		if id := <-a.lost; id != 2 {
			t.Errorf("node %d is called unreachable, not 2", id)
		}
	})
}

func TestAnAddressThatChangesIsFollowedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		a, b := start(t, w, 1, nil), start(t, w, 2, nil)
		silent := w.listen(t) // nobody accepts: dialing hangs
		defer silent.Close()
		a.Peer(2, silent.Addr().String())
		a.Send(2, heartbeat(1))
		synctest.Wait()
		began := time.Now()
		a.Peer(2, b.hello.Addr)
		<-b.received
		if d := time.Since(began); d > 0 || len(a.lost) > 0 {
			t.Errorf("it took %v, and %d were lost", d, len(a.lost))
		}
		b2 := start(t, w, 2, nil)
		a.Peer(2, b2.hello.Addr)
		a.Send(2, heartbeat(2))
		<-b2.received
	})
}

func TestAnIdleConnectionEndsQuietly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, log := newMemory(), make(lines, 10)
		quiet := func(c *peer.Config) { c.Logger = logTo(log) }
		a, b := start(t, w, 1, quiet), start(t, w, 2, quiet)
		a.Peer(2, b.hello.Addr)
		for i := range uint64(3) {
			a.Send(2, heartbeat(i))
			<-b.received
			time.Sleep(time.Hour) // virtual
		}
		if len(log) > 0 || len(a.lost) > 0 {
			t.Errorf("%d losses, and in the log: %s", len(a.lost), <-log)
		}
	})
}

func TestCloseInTheMiddleEndsAllThatRuns(t *testing.T) {
	everywhere(t, func(t *testing.T, w network) {
		serving, ended := make(chan struct{}), make(chan error, 1)
		a := start(t, w, 1, nil)
		b := start(t, w, 2, func(c *peer.Config) {
			c.Stream = func(ctx context.Context, _ peer.Hello, _ []byte, w io.Writer) error {
				w.Write(make([]byte, 300<<10))
				close(serving)
				<-ctx.Done()
				ended <- ctx.Err()
				return ctx.Err()
			}
		})
		a.Peer(2, b.hello.Addr)
		a.Peer(3, b.hello.Addr)
		for i := range uint64(100) {
			a.Send(2, app(i+1, 100<<10))
		}
		s, err := a.Fetch(t.Context(), b.hello.Addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		<-serving
		read := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, s)
			read <- err
		}()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		err = <-read
		var broken peer.Broken
		if !errors.As(err, &broken) || !errors.Is(err, peer.ErrClosed) {
			t.Errorf("the stream ended with %v", err)
		}
		if err := <-ended; err != context.Canceled {
			t.Errorf("the server's context ended with %v", err)
		}
		if _, err := a.Fetch(t.Context(), b.hello.Addr, nil); err != peer.ErrClosed {
			t.Errorf("Fetch on a closed transport returns %v", err)
		}
		a.Send(2, heartbeat(1))
		a.Peer(4, b.hello.Addr)
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestATruncatedStreamIsNeverWhole(t *testing.T) {
	chunk := frame(kindChunk, strings.Repeat("x", 1000))
	for _, row := range []struct {
		name, says string
		got        int
		want       error
	}{
		{"cut at once", "", 0, io.ErrUnexpectedEOF},
		{"cut between chunks", chunk, 1000, io.ErrUnexpectedEOF},
		{"cut in a chunk", chunk + chunk[:500], 1000, io.ErrUnexpectedEOF},
		{"cut in a head", chunk + chunk[:3], 1000, io.ErrUnexpectedEOF},
		{"a wrong sum", chunk + frame(kindEnd, "\x01"), 1000, peer.Malformed{What: "stream", Why: "its end speaks of 1 bytes"}},
		{"no sum", chunk + frame(kindEnd, ""), 1000, peer.Malformed{What: "stream", Why: "its end speaks of 0 bytes"}},
		{"a stranger", chunk + frame(kindMessage, ""), 1000, peer.Malformed{What: "stream", Why: "a frame of kind 3 in it"}},
		{"too large", "\xff\xff\xff\xff\x06sums", 0, peer.Oversized{What: "frame", Bytes: 1<<32 - 1, Limit: 1 << 20}},
		{"whole", chunk + chunk + frame(kindEnd, "\xd0\x0f"), 2000, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newMemory()
				a, l := start(t, w, 1, nil), w.listen(t)
				defer l.Close()
				go func() {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					readFrame(conn)
					io.WriteString(conn, frame(kindHello, helloBody(0)))
					readFrame(conn) // the request
					io.WriteString(conn, row.says)
					conn.(interface{ CloseWrite() error }).CloseWrite()
					io.Copy(io.Discard, conn)
					conn.Close()
				}()
				s, err := a.Fetch(t.Context(), l.Addr().String(), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				got, err := io.ReadAll(s)
				if len(got) != row.got || !errors.Is(err, row.want) || errors.Is(err, io.EOF) {
					t.Errorf("%d bytes and %v; want %d and %v", len(got), err, row.got, row.want)
				}
			})
		})
	}
}

func TestAStreamEndsWithItsContextAndItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		ended := make(chan error, 1)
		a := start(t, w, 1, nil)
		b := start(t, w, 2, func(c *peer.Config) {
			c.Stream = func(ctx context.Context, _ peer.Hello, _ []byte, w io.Writer) error {
				<-ctx.Done()
				ended <- ctx.Err()
				return ctx.Err()
			}
		})
		ctx, cancel := context.WithCancelCause(t.Context())
		s, err := a.Fetch(ctx, b.hello.Addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		cause := errors.New("another segment is wanted")
		time.AfterFunc(time.Second, func() { cancel(cause) })
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, cause) {
			t.Errorf("the stream ended with %v", err)
		}
		<-ended
		s.Close()
		if s, err = a.Fetch(t.Context(), b.hello.Addr, nil); err != nil {
			t.Fatal(err)
		}
		s.Close()
		<-ended
		if _, err := a.Fetch(t.Context(), b.hello.Addr, make([]byte, 2<<20)); !errors.As(err, new(peer.Oversized)) {
			t.Errorf("a huge request: %v", err)
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

func TestAMessageOfManyEntriesIsSentAsSeveral(t *testing.T) {
	everywhere(t, func(t *testing.T, w network) {
		a, b := start(t, w, 1, nil), start(t, w, 2, nil)
		a.Peer(2, b.hello.Addr)
		want := app(10, make([]int, 150_000)...)
		a.Send(2, want)
		var got []*raftpb.Entry
		for after := want; len(got) < len(want.Entries); {
			m := <-b.received
			if m.GetIndex() != after.GetIndex()+uint64(len(got)) || len(got) > 0 && m.GetLogTerm() != 7 {
				t.Fatalf("%d entries follow %d of term %d", len(m.Entries), m.GetIndex(), m.GetLogTerm())
			}
			got = append(got, m.Entries...)
		}
		for i, e := range got {
			if !proto.Equal(e, want.Entries[i]) {
				t.Fatalf("entry %d arrived as %v", i, e)
			}
		}
	})
}

// A flaky connection fails after some bytes.
type flaky struct {
	net.Conn
	left *int
}

func (c flaky) Write(p []byte) (int, error) {
	if *c.left -= len(p); *c.left < 0 {
		c.Conn.Close()
		return 0, fmt.Errorf("the cable is cut")
	}
	return c.Conn.Write(p)
}

func TestAConnectionThatBreaksIsReplacedAndReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		left := 1 << 20
		a := start(t, w, 1, func(c *peer.Config) {
			c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
				conn, err := w.dial(ctx, address)
				return flaky{conn, &left}, err
			}
		})
		b := start(t, w, 2, nil)
		a.Peer(2, b.hello.Addr)
		for i := range uint64(300) {
			a.Send(2, app(i+1, 4<<10))
			synctest.Wait()
		}
		if n := len(a.lost); n != 1 {
			t.Errorf("reported %d times", n)
		}
		left = 10 << 20
		time.Sleep(time.Second) // virtual
		var last uint64
		for len(b.received) > 0 {
			m := <-b.received
			if m.GetIndex() <= last || !bytes.Equal(m.Entries[0].Data, app(m.GetIndex(), 4<<10).Entries[0].Data) {
				t.Fatalf("after %d came %d, or damaged", last, m.GetIndex())
			}
			last = m.GetIndex()
		}
		if last != 300 {
			t.Errorf("the last that came is %d, not 300", last)
		}
	})
}
