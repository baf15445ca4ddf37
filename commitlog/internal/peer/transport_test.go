// What transports carry, over a network in memory and over loopback.

package peer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog/internal/peer"
)

// A node is a transport in a test, with what it was told.
type node struct {
	*peer.Transport
	hello    peer.Hello
	received chan *raftpb.Message
	lost     chan uint64
}

// A network is what nodes of a test listen on and dial with.
type network interface {
	listen(t *testing.T) net.Listener
	dial(ctx context.Context, address string) (net.Conn, error)
}

// start starts node id of cluster "c". change, if not nil, changes its Config.
func start(t *testing.T, w network, id uint64, change func(*peer.Config)) *node {
	t.Helper()
	l := w.listen(t)
	n := &node{
		hello:    peer.Hello{Cluster: "c", Name: fmt.Sprint("n", id), Addr: l.Addr().String(), ID: id, Version: 1},
		received: make(chan *raftpb.Message, 1<<16),
		lost:     make(chan uint64, 1<<16),
	}
	c := peer.Config{
		Listener:    l,
		Dial:        w.dial,
		Hello:       func() peer.Hello { return n.hello },
		Receive:     func(_ peer.Hello, m *raftpb.Message) { n.received <- m },
		Unreachable: func(id uint64) { n.lost <- id },
	}
	if change != nil {
		change(&c)
	}
	n.Transport = peer.New(c)
	n.Start()
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return n
}

// everywhere runs f in a bubble with a network in memory, and over loopback.
func everywhere(t *testing.T, f func(t *testing.T, w network)) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, newMemory()) })
	})
	t.Run("loopback", func(t *testing.T) { f(t, loopback{}) })
}

type loopback struct{}

func (loopback) listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (loopback) dial(ctx context.Context, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}

// app is a MsgApp with an entry for each size.
func app(index uint64, sizes ...int) *raftpb.Message {
	r := rand.NewChaCha8([32]byte{byte(index)})
	m := &raftpb.Message{
		Type: raftpb.MsgApp.Enum(), From: proto.Uint64(1), To: proto.Uint64(2), Term: proto.Uint64(7),
		LogTerm: proto.Uint64(6), Index: proto.Uint64(index), Commit: proto.Uint64(index - 1),
	}
	for i, size := range sizes {
		e := &raftpb.Entry{
			Type: raftpb.EntryNormal.Enum(), Term: proto.Uint64(7), Index: proto.Uint64(index + 1 + uint64(i)),
		}
		if size > 0 {
			e.Data = make([]byte, size)
		}
		r.Read(e.Data)
		m.Entries = append(m.Entries, e)
	}
	return m
}

func heartbeat(term uint64) *raftpb.Message {
	return &raftpb.Message{
		Type: raftpb.MsgHeartbeat.Enum(), From: proto.Uint64(1), To: proto.Uint64(2), Term: proto.Uint64(term),
		Context: []byte("read"),
	}
}

func TestMessagesArriveInOrderAndWhole(t *testing.T) {
	everywhere(t, func(t *testing.T, w network) {
		a, b := start(t, w, 1, nil), start(t, w, 2, nil)
		a.Peer(2, b.hello.Addr)
		var sent []*raftpb.Message
		for i := range uint64(50) {
			sent = append(sent, heartbeat(i+1), app(10+i), app(10+i, 0, 1, 100, int(i)*1000), app(10+i, 3<<20/int(i+1)))
		}
		for _, m := range sent {
			a.Send(2, m)
		}
		for i, want := range sent {
			if got := <-b.received; !proto.Equal(got, want) {
				t.Fatalf("message %d arrived as\n%.300v\nand was sent as\n%.300v", i, got, want)
			}
		}
		if len(a.lost) > 0 {
			t.Errorf("%d nodes were called unreachable", len(a.lost))
		}
	})
}

func TestAWrongClusterIsTurnedAwayWithItsReason(t *testing.T) {
	everywhere(t, func(t *testing.T, w network) {
		a := start(t, w, 1, nil)
		b := start(t, w, 2, func(c *peer.Config) {
			c.Admit = func(h peer.Hello) error { return fmt.Errorf("%s is of cluster %q, not z", h.Name, h.Cluster) }
		})
		_, err := a.Fetch(t.Context(), b.hello.Addr, nil)
		if want := (peer.Refused{Addr: b.hello.Addr, Why: `n1 is of cluster "c", not z`}); err != want {
			t.Errorf("the error is %v; want %v", err, want)
		}
		a.Peer(2, b.hello.Addr)
		a.Send(2, heartbeat(1))
		if id := <-a.lost; id != 2 {
			t.Errorf("node %d was called unreachable, not 2", id)
		}
	})
}
