// Packet connections: UDP sockets with a bounded queue.

package vnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

// packetConn is what a program holds: a net.PacketConn and, when it was
// dialled, a net.Conn, like *net.UDPConn.
type packetConn struct {
	net     *Network
	host    *Host
	network string
	addr    netip.AddrPort
	remote  netip.AddrPort // valid when dialled

	mu     sync.Mutex
	cond   sync.Cond
	queue  []received
	bytes  int // in queue
	closed bool
	err    syscall.Errno // a refusal that came back; seen once
	read   deadline
	write  deadline
	lanes  map[netip.AddrPort]*lane // over links that chance rules, by address
}

type received struct {
	from netip.AddrPort
	data []byte
}

// ListenPacket opens a packet connection on address; the networks are udp,
// udp4 and udp6.
func (h *Host) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	addr, err := h.local("udp", network, address)
	if err != nil {
		return nil, listenError(network, nil, err)
	}
	p, err := h.bindPacket(network, addr, netip.AddrPort{})
	if err != nil {
		return nil, listenError(network, netAddr("udp", addr), err)
	}
	h.net.note(journal.Event{Kind: "net.listen", Where: h.name, Subject: "udp " + hostPort(h, p.addr)})
	return p, nil
}

func (h *Host) dialPacket(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, dialError(network, netAddr("udp", to), ctxError(err))
	}
	from := netip.AddrPortFrom(h.source(to.Addr()), 0)
	if to.Addr().IsUnspecified() {
		to = netip.AddrPortFrom(h.source(to.Addr()), to.Port())
	}
	p, err := h.bindPacket(network, from, to)
	if err != nil {
		return nil, dialError(network, netAddr("udp", to), err)
	}
	return p, nil
}

func (h *Host) bindPacket(network string, addr, remote netip.AddrPort) (*packetConn, error) {
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
	}
	for tries := 0; addr.Port() == 0 && tries < portCount; tries++ {
		if free := netip.AddrPortFrom(addr.Addr(), h.nextPort()); !h.inUse(free) {
			addr = free
		}
	}
	if addr.Port() == 0 || h.inUse(addr) {
		return nil, errno("bind", syscall.EADDRINUSE)
	}
	p := &packetConn{net: n, host: h, network: network, addr: addr, remote: remote}
	p.cond.L = &p.mu
	h.packets[addr] = p
	return p, nil
}

// inUse tells whether a packet connection of h keeps another from addr; net.mu
// is held.
func (h *Host) inUse(addr netip.AddrPort) bool {
	if a := addr.Addr().Unmap(); !a.IsUnspecified() {
		return h.packets[addr] != nil || h.packets[netip.AddrPortFrom(netip.IPv6Unspecified(), addr.Port())] != nil ||
			a.Is4() && h.packets[netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port())] != nil
	}
	for other := range h.packets {
		if clash(other, addr) {
			return true
		}
	}
	return false
}

// receiver returns who receives what from sends to addr; net.mu is held.
func (h *Host) receiver(addr, from netip.AddrPort) *packetConn {
	a := addr.Addr().Unmap()
	any := [...]netip.Addr{a, netip.IPv6Unspecified(), netip.IPv4Unspecified()}
	for i, b := range any {
		if i == 2 && !a.Is4() {
			continue
		}
		p := h.packets[netip.AddrPortFrom(b, addr.Port())]
		if p != nil && (!p.remote.IsValid() || p.remote == from) {
			return p
		}
	}
	return nil
}

func (h *Host) takePackets() []*packetConn {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	all := make([]*packetConn, 0, len(h.packets))
	for _, p := range h.packets {
		all = append(all, p)
	}
	clear(h.packets)
	slices.SortFunc(all, func(a, b *packetConn) int { return a.addr.Compare(b.addr) })
	return all
}

// ReadFrom takes the next datagram; what does not fit into b is lost.
func (p *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := p.receive(b)
	if err != nil {
		return 0, nil, p.fail("read", p.remoteAddr(), err)
	}
	return n, netAddr("udp", from), nil
}

// ReadFromUDPAddrPort is ReadFrom without allocating an address.
func (p *packetConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, from, err := p.receive(b)
	return n, from, p.fail("read", p.remoteAddr(), err)
}

// Read is ReadFrom without the address. Reading no bytes takes no datagram.
func (p *packetConn) Read(b []byte) (int, error) {
	if len(b) == 0 && !p.isClosed() {
		return 0, nil
	}
	n, _, err := p.receive(b)
	return n, p.fail("read", p.remoteAddr(), err)
}

func (p *packetConn) receive(b []byte) (int, netip.AddrPort, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.closed:
			return 0, netip.AddrPort{}, net.ErrClosed
		case p.read.over:
			return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
		case p.err != 0:
			return 0, netip.AddrPort{}, p.takeErr(p.readCall())
		case len(p.queue) > 0 && !p.host.paused.Load():
			r := p.queue[0]
			p.queue[0] = received{}
			p.queue = p.queue[1:]
			p.bytes -= max(1, len(r.data))
			return copy(b, r.data), r.from, nil
		}
		p.cond.Wait()
	}
}

// readCall is the system call that package net would have made.
func (p *packetConn) readCall() string {
	if p.remote.IsValid() {
		return "read"
	}
	return "recvfrom"
}

func (p *packetConn) takeErr(call string) error {
	e := p.err
	p.err = 0
	return errno(call, e)
}

// WriteTo sends b as one datagram. It succeeds whether or not anybody
// receives it.
func (p *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	u, ok := to.(*net.UDPAddr)
	if !ok || u == nil {
		return 0, p.fail("write", to, syscall.EINVAL)
	}
	a := u.AddrPort()
	return p.WriteToUDPAddrPort(b, netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))
}

// WriteToUDPAddrPort is WriteTo for an address of that type.
func (p *packetConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	var err error
	if p.remote.IsValid() {
		err = net.ErrWriteToConnected
	} else {
		err = p.send(b, to, "sendto")
	}
	if err != nil {
		return 0, p.fail("write", netAddr("udp", to), err)
	}
	return len(b), nil
}

// Write sends b as one datagram to the address that was dialled.
func (p *packetConn) Write(b []byte) (int, error) {
	var err error
	if p.remote.IsValid() {
		err = p.send(b, p.remote, "write")
	} else {
		err = errno("write", syscall.EDESTADDRREQ)
	}
	if err != nil {
		return 0, p.fail("write", p.remoteAddr(), err)
	}
	return len(b), nil
}

// send checks what the kernel would and hands the datagram to the network.
func (p *packetConn) send(b []byte, to netip.AddrPort, call string) error {
	p.mu.Lock()
	var err error
	switch {
	case p.closed:
		err = net.ErrClosed
	case p.write.over:
		err = os.ErrDeadlineExceeded
	case p.err != 0:
		err = p.takeErr(call)
	case to.Port() == 0:
		err = errno(call, syscall.EINVAL)
	case len(b) > p.net.largest(to):
		err = errno(call, syscall.EMSGSIZE)
	}
	p.mu.Unlock()
	if err != nil {
		return err
	}
	from := p.sourceFor(to)
	if p.express(b, from, to) {
		return nil
	}
	return p.net.transmit(&datagram{
		socket: p, from: from, to: to,
		data: append([]byte{}, b...),
	}, call)
}

// largest returns how many bytes a datagram to that address may have.
func (n *Network) largest(to netip.AddrPort) int {
	switch a := to.Addr(); {
	case n.cfg.MTU > 0:
		return n.cfg.MTU
	case a.Is6() && !a.Is4In6():
		return 65535 - 8 // the payload of a packet without its UDP header
	}
	return 65535 - 20 - 8 // of which the IP header takes some, too
}

// express puts b straight into the socket that it is for, when nothing on the
// way could look at it; otherwise it tells so and does nothing.
func (p *packetConn) express(b []byte, from, to netip.AddrPort) bool {
	n := p.net
	if n.mode.Load() != 0 {
		return false
	}
	n.mu.Lock()
	var q *packetConn
	if target := p.host.at(to.Addr()); target != nil && n.link(p.host, target).plain.Load() {
		q = target.receiver(to, from)
	}
	n.mu.Unlock()
	if q == nil {
		return false
	}
	q.put(from, append([]byte{}, b...)) // a full queue drops, as a kernel's does
	return true
}

// sourceFor returns the address that to sees the datagram come from.
func (p *packetConn) sourceFor(to netip.AddrPort) netip.AddrPort {
	a := p.addr.Addr()
	if a.IsUnspecified() || a.IsLoopback() && !to.Addr().IsLoopback() {
		a = p.host.source(to.Addr())
	}
	return netip.AddrPortFrom(a, p.addr.Port())
}

// Close closes the socket; what waits unread is gone.
func (p *packetConn) Close() error {
	n := p.net
	n.mu.Lock()
	gone := p.host.packets[p.addr] != p
	if !gone {
		delete(p.host.packets, p.addr)
	}
	n.mu.Unlock()
	if gone {
		return p.fail("close", p.remoteAddr(), net.ErrClosed)
	}
	p.shut()
	return nil
}

func (p *packetConn) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

func (p *packetConn) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.queue, p.bytes = nil, 0
	p.read.stop()
	p.write.stop()
	p.cond.Broadcast()
}

// LocalAddr returns the socket's *net.UDPAddr.
func (p *packetConn) LocalAddr() net.Addr { return netAddr("udp", p.addr) }

// RemoteAddr returns the *net.UDPAddr that was dialled, or nil.
func (p *packetConn) RemoteAddr() net.Addr { return p.remoteAddr() }

func (p *packetConn) remoteAddr() net.Addr {
	if !p.remote.IsValid() {
		return nil
	}
	return netAddr("udp", p.remote)
}

// SetDeadline sets both deadlines.
func (p *packetConn) SetDeadline(t time.Time) error { return p.setDeadlines(t, &p.read, &p.write) }

// SetReadDeadline sets when reads give up; the zero time means never.
func (p *packetConn) SetReadDeadline(t time.Time) error { return p.setDeadlines(t, &p.read) }

// SetWriteDeadline sets when writes fail; the zero time means never. Writes
// never wait.
func (p *packetConn) SetWriteDeadline(t time.Time) error { return p.setDeadlines(t, &p.write) }

func (p *packetConn) setDeadlines(t time.Time, which ...*deadline) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return &net.OpError{Op: "set", Net: p.network, Addr: p.LocalAddr(), Err: net.ErrClosed}
	}
	for _, d := range which {
		d.set(t, &p.cond)
	}
	return nil
}

// SetReadBuffer is taken without effect: Config.Queue rules.
func (p *packetConn) SetReadBuffer(int) error { return p.setDeadlines(time.Time{}) }

// SetWriteBuffer is taken without effect.
func (p *packetConn) SetWriteBuffer(int) error { return p.setDeadlines(time.Time{}) }

func (p *packetConn) fail(op string, addr net.Addr, err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: op, Net: p.network, Source: p.LocalAddr(), Addr: addr, Err: err}
}
