// Listening: a port, its backlog, and Accept.

package vnet

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

// listener is what a program holds: a net.Listener with SetDeadline, like
// *net.TCPListener.
type listener struct {
	net     *Network
	host    *Host
	network string
	addr    netip.AddrPort

	mu       sync.Mutex
	cond     sync.Cond // waits for queue
	queue    []waiter  // the backlog: connected, not yet accepted
	waiting  []*attempt
	limit    int
	caps     []*int // of faults of kind "full"
	closed   bool
	paused   bool // connections are not for Accept until the test says so
	stopped  bool // the test made it accept no more
	deadline deadline
}

// waiter is a connection in the backlog; Accept takes the granted ones.
type waiter struct {
	s       *stream
	granted bool
}

// Listen listens on address: "api:80" for the host's own names and addresses,
// ":80" for all of them. Port 0 is an ephemeral port, given in turn. The
// networks are tcp, tcp4 and tcp6.
func (h *Host) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	addr, err := h.local("tcp", network, address)
	if err != nil {
		return nil, listenError(network, nil, err)
	}
	l, err := h.bind(network, addr)
	if err != nil {
		return nil, listenError(network, netAddr("tcp", addr), err)
	}
	h.net.note(journal.Event{Kind: "net.listen", Where: h.name, Subject: hostPort(h, l.addr)})
	return l, nil
}

// local returns the address of this host that the named network and address
// stand for, which must be of the protocol.
func (h *Host) local(proto, network, address string) (netip.AddrPort, error) {
	e, err := parseEndpoint(network, address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if e.family.proto != proto {
		return netip.AddrPort{}, &net.AddrError{Err: "unexpected address type", Addr: address}
	}
	return h.bindAddr(e)
}

// bindAddr returns the address that e stands for on this host.
func (h *Host) bindAddr(e endpoint) (netip.AddrPort, error) {
	if e.host == "" {
		any := netip.IPv6Unspecified()
		if !e.family.v6 {
			any = netip.IPv4Unspecified()
		}
		return netip.AddrPortFrom(any, e.port), nil
	}
	addrs, err := h.resolve(e.family, e.host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(addrs[0], e.port), nil
}

func (h *Host) bind(network string, addr netip.AddrPort) (*listener, error) {
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
		return nil, errClosed
	case h.down.Load():
		return nil, errno("bind", syscall.ENETDOWN)
	case !h.owns(addr.Addr()):
		return nil, errno("bind", syscall.EADDRNOTAVAIL)
	case h.failing[addr.Port()] != nil:
		err := h.failing[addr.Port()]
		delete(h.failing, addr.Port())
		return nil, err
	}
	if addr.Port() == 0 {
		free, ok := h.freePort(addr.Addr())
		if !ok {
			return nil, errno("bind", syscall.EADDRINUSE)
		}
		addr = free
	}
	if h.taken(addr) {
		return nil, errno("bind", syscall.EADDRINUSE)
	}
	l := &listener{net: n, host: h, network: network, addr: addr, limit: n.cfg.Backlog}
	l.cond.L = &l.mu
	h.listeners[addr] = l
	return l, nil
}

// freePort returns the next ephemeral port nobody listens on, if there is one;
// net.mu is held.
func (h *Host) freePort(a netip.Addr) (addr netip.AddrPort, ok bool) {
	for range portCount {
		if addr = netip.AddrPortFrom(a, h.nextPort()); !h.taken(addr) {
			return addr, true
		}
	}
	return addr, false
}

// taken tells whether somebody listens where addr would clash; net.mu is held.
func (h *Host) taken(addr netip.AddrPort) bool {
	for other := range h.listeners {
		if clash(other, addr) {
			return true
		}
	}
	return false
}

// clash tells whether two sockets cannot both have their addresses.
func clash(a, b netip.AddrPort) bool {
	if a.Port() != b.Port() {
		return false
	}
	x, y := a.Addr().Unmap(), b.Addr().Unmap()
	return x == y || x.IsUnspecified() && covers(x, y) || y.IsUnspecified() && covers(y, x)
}

// covers tells whether the unspecified address any stands for a too. The IPv6
// one stands for both families, as on Linux.
func covers(any, a netip.Addr) bool { return any.Is6() || a.Is4() || a.IsUnspecified() }

// listening returns who listens on addr; net.mu is held.
func (h *Host) listening(addr netip.AddrPort) *listener {
	a, port := addr.Addr().Unmap(), addr.Port()
	if l := h.listeners[netip.AddrPortFrom(a, port)]; l != nil {
		return l
	}
	if a.Is4() {
		if l := h.listeners[netip.AddrPortFrom(netip.IPv4Unspecified(), port)]; l != nil {
			return l
		}
	}
	return h.listeners[netip.AddrPortFrom(netip.IPv6Unspecified(), port)]
}

// push puts a connection into the backlog; l.mu is held.
func (l *listener) push(s *stream, granted bool) {
	l.queue = append(l.queue, waiter{s, granted})
	if granted {
		l.cond.Broadcast()
	}
}

// Accept returns the next connection of the backlog, waiting for one.
func (l *listener) Accept() (net.Conn, error) {
	s, err := l.accept()
	if err != nil {
		return nil, &net.OpError{Op: "accept", Net: l.network, Addr: l.Addr(), Err: err}
	}
	for l.promote() {
	}
	if l.net.is(recording) {
		s.c.mu.Lock()
		name, peer := s.c.name(), s.peer().host.name
		s.c.mu.Unlock()
		l.net.note(journal.Event{Kind: "net.accept", Where: l.host.name, Peer: peer, Subject: name})
	}
	return s, nil
}

func (l *listener) accept() (*stream, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.closed:
			return nil, net.ErrClosed
		case l.deadline.over:
			return nil, os.ErrDeadlineExceeded
		}
		if i := l.next(); i >= 0 {
			s := l.queue[i].s
			l.queue = slices.Delete(l.queue, i, i+1)
			return s, nil
		}
		l.cond.Wait()
	}
}

// next returns the index of the first connection that Accept may take, or -1.
func (l *listener) next() int {
	if l.stopped || l.host.paused.Load() {
		return -1
	}
	return slices.IndexFunc(l.queue, func(w waiter) bool { return w.granted })
}

// promote lets the first dial that found the backlog full try again, and tells
// whether there was one, and room.
func (l *listener) promote() bool {
	l.mu.Lock()
	if len(l.waiting) == 0 || len(l.queue) >= l.limit {
		l.mu.Unlock()
		return false
	}
	a := l.waiting[0]
	l.waiting = l.waiting[1:]
	l.mu.Unlock()
	a.again()
	return true
}

// Close stops listening. Accepted connections live on; those in the backlog
// are reset.
func (l *listener) Close() error {
	n := l.net
	n.mu.Lock()
	gone := l.host.listeners[l.addr] != l
	if !gone {
		delete(l.host.listeners, l.addr)
	}
	n.mu.Unlock()
	if gone {
		return &net.OpError{Op: "close", Net: l.network, Addr: l.Addr(), Err: net.ErrClosed}
	}
	n.note(journal.Event{Kind: "net.unlisten", Where: l.host.name, Subject: hostPort(l.host, l.addr)})
	l.shut()
	return nil
}

// shut ends the listener after it was taken off its host.
func (l *listener) shut() {
	l.mu.Lock()
	queue, waiting := l.queue, l.waiting
	l.queue, l.waiting = nil, nil
	l.closed = true
	l.deadline.stop()
	l.cond.Broadcast()
	l.mu.Unlock()
	crashed := l.host.crashed.Load() // then nobody is told
	for _, w := range queue {
		w.s.c.mu.Lock()
		if w.s.set(closed); crashed {
			w.s.set(dead | shutW)
		} else {
			w.s.abort()
		}
		w.s.c.unlock()
	}
	if crashed {
		l.net.mu.Lock()
		l.net.stuck = append(l.net.stuck, waiting...)
		l.net.mu.Unlock()
		return
	}
	for _, a := range waiting {
		a.finish(errno("connect", refused))
	}
}

// HostName returns the name of the host that is listened on. Addr does not
// tell it where that is every address, and whoever was handed the listener may
// have to say where it is reached.
func (l *listener) HostName() string { return l.host.name }

// Addr returns the *net.TCPAddr it listens on.
func (l *listener) Addr() net.Addr { return netAddr("tcp", l.addr) }

// SetDeadline sets when Accept gives up; the zero time means never.
func (l *listener) SetDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.deadline.set(t, &l.cond)
	return nil
}

// sortedListeners returns who listens on h, by address; net.mu is held.
func (h *Host) sortedListeners() []*listener {
	return slices.SortedFunc(maps.Values(h.listeners), func(a, b *listener) int {
		return cmp.Or(cmp.Compare(a.addr.Port(), b.addr.Port()), a.addr.Compare(b.addr))
	})
}
