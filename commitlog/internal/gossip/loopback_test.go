// Groups on real sockets, with free ports; and what strangers may send there.

package gossip_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/internal/gossip"
)

// news is a Handler that hands on whom it was told of.
type news struct{ joined, left chan string }

func newNews() news { return news{make(chan string, 10), make(chan string, 10)} }

func (n news) Joined(m gossip.Member)       { n.joined <- m.Name }
func (n news) Left(m gossip.Member)         { n.left <- m.Name }
func (n news) Failed(gossip.Member)         {}
func (n news) Updated(gossip.Member)        {}
func (n news) Refused(gossip.Member, error) {}

// real starts a group on loopback.
func real(t *testing.T, c gossip.Config) *gossip.Group {
	t.Helper()
	c.Bind = "127.0.0.1:0"
	g, err := gossip.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

func TestNodesMeetAndLeaveOnRealSockets(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef0123456789abcdef")
	told := newNews()
	n0 := real(t, gossip.Config{Name: "n0", Key: key, Handler: told})
	n1 := real(t, gossip.Config{Name: "n1", Key: key, Advertise: "localhost:0"})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := n1.Join(ctx, []string{n0.Addr()}); err != nil {
		t.Fatal(err)
	}
	if name := <-told.joined; name != "n1" {
		t.Errorf("%s has joined", name)
	}
	if err := n1.Leave(ctx); err != nil {
		t.Error(err)
	}
	if name := <-told.left; name != "n1" {
		t.Errorf("%s has left", name)
	}
}

// rubbish returns what a stranger might send: noise, and messages that begin
// as memberlist's do, of every type, with hostile lengths and contents.
func rubbish(r *rand.Rand) []byte {
	noise := make([]byte, r.IntN(1400))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	msgpack := [][]byte{
		{0x84, 0xa5}, {0xde, 0xff, 0xff}, {0xdf, 0xff, 0xff, 0xff, 0xff}, {0xdd, 0x7f, 0xff, 0xff, 0xff},
		{0xc6, 0xff, 0xff, 0xff, 0xff}, bytes.Repeat([]byte{0x91}, 1000), bytes.Repeat([]byte{0x81, 0xa1, 'a'}, 400),
		[]byte("\x82\xa5Nodes\xd2\x7f\xff\xff\xff\xacUserStateLen\xd2\x7f\xff\xff\xff"),
		[]byte("\x83\xa5Nodes\xff\xacUserStateLen\xff\xa4Join\xc3"),
		[]byte("\x84\xa5SeqNo\x01\xa4Node\xa2n0\xaaSourceAddr\xa3abc\xaaSourcePort\xcd\xff\xff"),
		[]byte("\x86\xabIncarnation\xce\xff\xff\xff\xff\xa4Node\xa2n0\xa4Addr\xa4\x7f\x00\x00\x01" +
			"\xa4Port\x01\xa4Meta\xa0\xa3Vsn\xa6\x01\x05\x02\x02\x05\x04"),
		[]byte("\x82\xa4Algo\x00\xa3Buf\xa1a"),
	}
	switch kind := byte(r.IntN(16)); r.IntN(4) {
	case 0:
		return noise
	case 1: // a message that Serf takes apart, inside one of memberlist's
		return append(append([]byte{8, byte(r.IntN(9))}, msgpack[r.IntN(len(msgpack))]...), noise...)
	case 2: // encrypted, or with a label, and a length
		length := binary.BigEndian.AppendUint32([]byte{[]byte{10, 244}[r.IntN(2)]}, r.Uint32())
		return append(length, noise...)
	default:
		return append(append([]byte{kind}, msgpack[r.IntN(len(msgpack))]...), noise...)
	}
}

func TestRubbishHarmsNobody(t *testing.T) {
	for _, key := range []string{"", "0123456789abcdef"} {
		t.Run(fmt.Sprintf("with a key of %d bytes", len(key)), func(t *testing.T) {
			t.Parallel()
			n0 := real(t, gossip.Config{Name: "n0", Key: []byte(key)})
			n1 := real(t, gossip.Config{Name: "n1", Key: []byte(key)})
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			defer cancel()
			const seed = 1
			r := rand.New(rand.NewPCG(seed, 0))
			udp, err := net.Dial("udp", n0.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer udp.Close()
			for range 2000 {
				if _, err := udp.Write(rubbish(r)); err != nil && !strings.Contains(err.Error(), "refused") {
					t.Fatal(err)
				}
			}
			for range 200 {
				tcp, err := net.Dial("tcp", n0.Addr())
				if err != nil {
					t.Fatal(err)
				}
				tcp.Write(rubbish(r)) // may be cut off
				tcp.(*net.TCPConn).CloseWrite()
				tcp.SetReadDeadline(time.Now().Add(5 * time.Second))
				buf := make([]byte, 4096)
				for {
					if _, err := tcp.Read(buf); err != nil {
						break
					}
				}
				tcp.Close()
			}
			if err := n1.Join(ctx, []string{n0.Addr()}); err != nil {
				t.Errorf("seed %d: after the rubbish: %v", seed, err)
			}
			for _, m := range n0.Members() {
				if m.Name != "n0" && m.Name != "n1" && key != "" {
					t.Errorf("seed %d: a stranger is a member: %+v", seed, m)
				}
			}
		})
	}
}
