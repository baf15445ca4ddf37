// FuzzConnOps: the same operations on the kernel's TCP and on a virtual network, outcome by outcome.

package vnettest_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// A match plays operations on the kernel's couple and on the virtual one, and compares what they tell.
type match struct {
	t       testing.TB
	model   model
	couples [2]couple
	log     []string
}

// play does all operations on both couples, and fails at the first different outcome.
func (m *match) play(ops []op) {
	m.t.Helper()
	for _, o := range ops {
		if m.model.waits(o) {
			continue
		}
		want, got := m.couples[0].do(o), m.couples[1].do(o)
		m.log = append(m.log, fmt.Sprintf("%-30v %s", o, want))
		if got != want {
			m.t.Fatalf("after\n\t%s\nthe virtual network says\n\t%30s %s", strings.Join(m.log, "\n\t"), "", got)
		}
		m.model.does(o)
		m.settle(&m.couples[0])
	}
}

// settle waits until the kernel's sockets are as the model says: what was sent has arrived. The
// kernel tells nobody of an acknowledgement, so there is nothing to wait on but the clock.
func (m *match) settle(c *couple) {
	m.t.Helper()
	for i := range m.model {
		s := &m.model[i]
		if s.closed {
			continue
		}
		limit := time.Now().Add(10 * time.Second)
		for !arrived(m.t, c.ends[i], s) {
			if time.Now().After(limit) {
				m.t.Fatalf("after\n\t%s\nend %c is not in a state of %v with %d bytes",
					strings.Join(m.log, "\n\t"), 'a'+i, s.states(), s.unread)
			}
			runtime.Gosched()
		}
	}
}

// arrived tells whether a socket is in the model's state and has what is unread.
func arrived(t testing.TB, c net.Conn, s *side) (ok bool) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		info, err := syscall.GetsockoptInet4Addr(int(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO) // its first bytes
		ok = err == nil && slices.Contains(s.states(), info[0])
		if ok && s.unread > 0 {
			p := make([]byte, s.unread)
			n, _, err := syscall.Recvfrom(int(fd), p, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			ok = err == nil && n == s.unread
		}
	})
	return ok && err == nil
}

// matched are the networks that are compared: the kernel's first, then the virtual one.
type matched struct {
	transports [2]vnettest.Transport
	listeners  [2]net.Listener
}

// newMatched listens on both networks.
func newMatched(t testing.TB) *matched {
	t.Helper()
	n := &matched{transports: [2]vnettest.Transport{loopback(), hostOf(t, vnet.Config{})}}
	for i, tr := range n.transports {
		l, err := tr.Listen(t.Context(), "tcp", tr.Address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		n.listeners[i] = l
	}
	return n
}

// match makes a couple on each network.
func (n *matched) match(t testing.TB) *match {
	t.Helper()
	m := &match{t: t}
	for i, l := range n.listeners {
		dialled, err := n.transports[i].Dial(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		m.couples[i] = couple{ends: [2]net.Conn{dialled, accepted}}
		t.Cleanup(func() {
			dialled.(tuned).SetLinger(0) // leaves nothing behind in the kernel
			dialled.Close()
			accepted.Close()
		})
	}
	return m
}

func FuzzConnOps(f *testing.F) {
	for _, s := range stories {
		f.Add(tell(s))
	}
	n := newMatched(f)
	f.Fuzz(func(t *testing.T, data []byte) { n.match(t).play(parseOps(data)) })
}

func TestRandomOperationsHaveTheSameOutcomesOnBothNetworks(t *testing.T) {
	n := newMatched(t)
	random := rand.New(rand.NewPCG(7, 11))
	for i := range 300 {
		data := make([]byte, 60)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		ops := parseOps(data)
		t.Run(fmt.Sprint(i), func(t *testing.T) { n.match(t).play(ops) })
	}
}

// stories are sequences of operations worth keeping, in words.
var stories = []string{
	"a write, b read, a close, b read-all, b read, b write, b write, b write",
	"a write, b close, a read, a read, a write, a close-write",
	"a write, b close, a write-nothing, a write, a read",
	"a write, a abort, b write, b read, b read-all, b read",
	"a close-write, b read, b write, b close-write, a read-all, a close-write, a close-read",
	"a close-read, a read, b write, a read, a read, b write, a close, b read",
	"a close-read, a close-write, b write, b write, b read, a read, a read",
	"b write, a close-read, a close-write, b write, a read, a read, a read",
	"b write, a expire-read, a read, a read-nothing, a unexpire, a read",
	"b abort, a expire-read, a read, a expire-write, a write, a unexpire, a read",
	"b write, b close-write, b abort, a read, a read, a write, a write",
	"a close-write, b write, a close, b read, b write, b close-write",
	"a close, a close, a read, a write-nothing, a close-read, a expire-read, a setting",
}
