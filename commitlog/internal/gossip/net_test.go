// A network in memory for bubbles: hosts with streams, packets, and cuts between them.

package gossip_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// A network has hosts, n0 at 10.0.0.1, n1 at 10.0.0.2, ...
type network struct {
	mu        sync.Mutex
	next      uint16
	listeners map[string]*listener // by "10.0.0.1:8401"
	sockets   map[string]*socket
	cut       map[[2]string]bool // pairs of IP addresses
}

func newNetwork() *network {
	return &network{
		next: 40000, listeners: map[string]*listener{}, sockets: map[string]*socket{}, cut: map[[2]string]bool{},
	}
}

func ipOf(n int) string { return fmt.Sprintf("10.0.0.%d", n+1) }

// part cuts two hosts apart for streams to come and packets, or joins them.
func (n *network) part(a, b int, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut[[2]string{ipOf(a), ipOf(b)}] = cut
	n.cut[[2]string{ipOf(b), ipOf(a)}] = cut
}

// A host is one end of the network.
type host struct {
	n  *network
	ip string
}

// at returns the address that the host has for ":0", "n3:8401", "10.0.0.4:8401".
func (h host) at(address string) (string, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	var i int
	if _, err := fmt.Sscanf(name, "n%d", &i); err == nil {
		name = ipOf(i)
	}
	if port == "0" {
		h.n.next++
		port = fmt.Sprint(h.n.next)
	}
	return net.JoinHostPort(name, port), nil
}

func refused(op string) error { return &net.OpError{Op: op, Net: "tcp", Err: syscall.ECONNREFUSED} }

func (h host) Listen(_ context.Context, _, address string) (net.Listener, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	at, err := h.at(address)
	if err != nil || h.n.listeners[at] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: syscall.EADDRINUSE}
	}
	l := &listener{n: h.n, at: at, conns: make(chan net.Conn), done: make(chan struct{})}
	h.n.listeners[at] = l
	return l, nil
}

func (h host) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	h.n.mu.Lock()
	at, err := h.at(address)
	l := h.n.listeners[at]
	var cut bool
	if l != nil {
		cut = h.n.cut[[2]string{h.ip, l.ip()}]
	}
	h.n.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if cut {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	}
	if l == nil {
		return nil, refused("dial")
	}
	a, b := net.Pipe()
	select {
	case l.conns <- b:
		return a, nil
	case <-l.done:
		return nil, refused("dial")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (h host) ListenPacket(_ context.Context, _, address string) (net.PacketConn, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	at, err := h.at(address)
	if err != nil || h.n.sockets[at] != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Err: syscall.EADDRINUSE}
	}
	s := &socket{n: h.n, at: at, packets: make(chan packet, 1000), done: make(chan struct{})}
	h.n.sockets[at] = s
	return s, nil
}

type listener struct {
	n     *network
	at    string
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *listener) ip() string { return netip.MustParseAddrPort(l.at).Addr().String() }

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		l.n.mu.Lock()
		delete(l.n.listeners, l.at)
		l.n.mu.Unlock()
		close(l.done)
	})
	return nil
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(l.at)) }

type packet struct {
	body []byte
	from string
}

type socket struct {
	n       *network
	at      string
	packets chan packet
	done    chan struct{}
	once    sync.Once
}

func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-s.packets:
		return copy(b, p.body), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(p.from)), nil
	case <-s.done:
		return 0, nil, net.ErrClosed
	}
}

func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	from, at := netip.MustParseAddrPort(s.at), netip.MustParseAddrPort(to.String())
	other := s.n.sockets[at.String()]
	if other == nil || s.n.cut[[2]string{from.Addr().String(), at.Addr().String()}] {
		return len(b), nil
	}
	select {
	case other.packets <- packet{append([]byte(nil), b...), s.at}:
	default: // lost
	}
	return len(b), nil
}

func (s *socket) Close() error {
	s.once.Do(func() {
		s.n.mu.Lock()
		delete(s.n.sockets, s.at)
		s.n.mu.Unlock()
		close(s.done)
	})
	return nil
}

func (s *socket) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(netip.MustParseAddrPort(s.at)) }
func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }
