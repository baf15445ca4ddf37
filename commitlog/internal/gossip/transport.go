// How members speak to each other: memberlist's transport over given listeners and dialers.

package gossip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// mostStreams is how many streams others may have open at once. A member opens
// one at a time, for milliseconds. Each may cost memberlist 100 MB, if a
// stranger claims to know a million members.
const mostStreams = 32

// transport is a memberlist.NodeAwareTransport.
type transport struct {
	ctx       context.Context // ends dials
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	listener  net.Listener
	socket    net.PacketConn
	advertise netip.AddrPort
	packets   chan *memberlist.Packet
	streams   chan net.Conn
	done      chan struct{}
	running   sync.WaitGroup

	mu     sync.Mutex
	open   map[*stream]struct{} // nil once shut down
	theirs int                  // of those that are open, how many others have opened
}

// listen makes a transport that listens, and knows how it is reached.
func listen(ctx context.Context, c Config) (*transport, error) {
	t := &transport{
		ctx: ctx, dial: c.Dial, done: make(chan struct{}), open: map[*stream]struct{}{},
		packets: make(chan *memberlist.Packet), streams: make(chan net.Conn),
	}
	if err := t.bind(c); err != nil {
		return nil, err
	}
	var err error
	if t.advertise, err = advertised(ctx, c, t.listener.Addr()); err != nil {
		t.listener.Close()
		t.socket.Close()
		return nil, err
	}
	t.running.Go(t.accept)
	t.running.Go(t.receive)
	return t, nil
}

// bind listens for streams and packets on one port.
func (t *transport) bind(c Config) error {
	host, port, err := net.SplitHostPort(c.Bind)
	if err != nil {
		return fmt.Errorf("gossip: cannot listen on %q: %w; want a host and a port", c.Bind, err)
	}
	for try := 1; ; try++ {
		if t.listener, err = c.Listen(t.ctx, "tcp", c.Bind); err != nil {
			return fmt.Errorf("gossip: cannot listen on %s for streams: %w", c.Bind, err)
		}
		_, chosen, err := net.SplitHostPort(t.listener.Addr().String())
		if err != nil {
			t.listener.Close()
			return fmt.Errorf("gossip: the listener on %s has the address %q: %w", c.Bind, t.listener.Addr(), err)
		}
		if t.socket, err = c.ListenPacket(t.ctx, "udp", net.JoinHostPort(host, chosen)); err == nil {
			return nil
		}
		t.listener.Close()
		if port != "0" || try == 10 { // the port that is free for streams need not be for packets
			return fmt.Errorf("gossip: cannot listen on %s for packets: %w", net.JoinHostPort(host, chosen), err)
		}
	}
}

// advertised returns where others reach who listens on at.
func advertised(ctx context.Context, c Config, at net.Addr) (netip.AddrPort, error) {
	bound, err := netip.ParseAddrPort(at.String())
	if err != nil {
		return bound, fmt.Errorf("gossip: the listener on %s has the address %q, and members have IP addresses: %w",
			c.Bind, at, err)
	}
	if c.Advertise == "" && bound.Addr().IsUnspecified() {
		return bound, fmt.Errorf("gossip: %s is every address of this host; say in Advertise which others reach",
			c.Bind)
	}
	if c.Advertise == "" {
		return netip.AddrPortFrom(bound.Addr().Unmap().WithZone(""), bound.Port()), nil
	}
	host, port, err := net.SplitHostPort(c.Advertise)
	if err != nil {
		host, port = c.Advertise, "0"
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return bound, fmt.Errorf("gossip: the port to advertise in %q: %w", c.Advertise, err)
	}
	ip, err := resolved(ctx, c, host, bound.Addr())
	if err != nil {
		return bound, err
	}
	return netip.AddrPortFrom(ip, cmp.Or(uint16(number), bound.Port())), nil
}

// resolved returns the address of the host to advertise, of several the first
// of the sort that is listened on.
func resolved(ctx context.Context, c Config, host string, bound netip.Addr) (netip.Addr, error) {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		all, err := c.Resolve(ctx, host)
		if err != nil {
			return ip, fmt.Errorf("gossip: the host to advertise, %q, has no address: %w", host, err)
		}
		if len(all) == 0 {
			return ip, fmt.Errorf("gossip: the host to advertise, %q, has no address", host)
		}
		ip = all[0]
		alike := func(a netip.Addr) bool { return a.Unmap().Is4() == bound.Unmap().Is4() }
		if i := slices.IndexFunc(all, alike); i >= 0 {
			ip = all[i]
		}
	}
	if ip.IsUnspecified() {
		return ip, fmt.Errorf("gossip: %s cannot be reached; advertise an address of this host", c.Advertise)
	}
	return ip.Unmap().WithZone(""), nil
}

func (t *transport) accept() {
	for {
		conn, err := t.listener.Accept()
		if err != nil && t.over(err) {
			return
		}
		if err != nil {
			continue
		}
		s, err := t.track(conn, true)
		if err != nil {
			continue
		}
		select {
		case t.streams <- s:
		case <-t.done:
			s.Close()
		}
	}
}

func (t *transport) receive() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := t.socket.ReadFrom(buf)
		if err != nil && t.over(err) {
			return
		}
		if err != nil {
			continue
		}
		p := &memberlist.Packet{Buf: append([]byte(nil), buf[:n]...), From: from, Timestamp: time.Now()}
		select {
		case t.packets <- p:
		case <-t.done:
		}
	}
}

// over reports whether an error ends listening. If not, as when descriptors
// have run out, it waits a little first.
func (t *transport) over(err error) bool {
	if errors.Is(err, net.ErrClosed) {
		return true
	}
	pause := time.NewTimer(100 * time.Millisecond)
	defer pause.Stop()
	select {
	case <-pause.C:
		return false
	case <-t.done:
		return true
	}
}

// FinalAdvertiseAddr returns where others reach this node.
func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return t.advertise.Addr().AsSlice(), int(t.advertise.Port()), nil
}

// WriteTo sends a packet.
func (t *transport) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return time.Time{}, err
	}
	_, err = t.socket.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return time.Now(), err
}

// WriteToAddress sends a packet.
func (t *transport) WriteToAddress(b []byte, to memberlist.Address) (time.Time, error) {
	return t.WriteTo(b, to.Addr)
}

// DialTimeout opens a stream.
func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.ctx, timeout)
	defer cancel()
	conn, err := t.dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return t.track(conn, false)
}

// DialAddressTimeout opens a stream to a member, or to an address to join,
// which stands in the place of a name: see [seed].
func (t *transport) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	if address, ok := fromSeed(to); ok {
		return t.DialTimeout(address, timeout)
	}
	return t.DialTimeout(to.Addr, timeout)
}

// PacketCh yields the packets that arrive.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// StreamCh yields the streams that others open.
func (t *transport) StreamCh() <-chan net.Conn { return t.streams }

// Shutdown closes sockets and streams, and waits for the readers of the sockets.
func (t *transport) Shutdown() error {
	close(t.done)
	t.listener.Close()
	t.socket.Close()
	t.mu.Lock()
	open := t.open
	t.open = nil
	t.mu.Unlock()
	for s := range open {
		s.Conn.Close()
	}
	t.running.Wait()
	return nil
}

// A stream is a connection that is closed at Shutdown: memberlist waits for
// what it reads from one up to ten seconds.
type stream struct {
	net.Conn
	t      *transport
	theirs bool // they opened it
}

// track makes a stream of a connection, unless there are too many of theirs,
// or none may be any more.
func (t *transport) track(conn net.Conn, theirs bool) (*stream, error) {
	s := &stream{conn, t, theirs}
	t.mu.Lock()
	ok := t.open != nil && (!theirs || t.theirs < mostStreams)
	if ok {
		t.open[s] = struct{}{}
		t.count(s, 1)
	}
	t.mu.Unlock()
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("gossip: too many streams, or shut down: %w", net.ErrClosed)
	}
	return s, nil
}

// count counts a stream that others have opened.
func (t *transport) count(s *stream, by int) {
	if s.theirs {
		t.theirs += by
	}
}

// Close closes the connection.
func (s *stream) Close() error {
	s.t.mu.Lock()
	if _, ok := s.t.open[s]; ok {
		delete(s.t.open, s)
		s.t.count(s, -1)
	}
	s.t.mu.Unlock()
	return s.Conn.Close()
}
