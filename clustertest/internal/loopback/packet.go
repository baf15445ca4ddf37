// A packet connection as a program holds it: the kernel's, which talks to the hub alone.

package loopback

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// packetConn is a net.PacketConn and, when it was dialled, a net.Conn, like
// *net.UDPConn.
type packetConn struct {
	party   *party
	real    *net.UDPConn // connected to the hub, so that nobody else reaches it
	network string
	id      int
	local   netip.AddrPort
	remote  netip.AddrPort // valid when dialled
	refused atomic.Bool    // a refusal that came back and is not told yet
}

var grams = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// ReadFrom takes the next datagram; what does not fit into b is lost.
func (p *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := p.receive(b)
	if err != nil {
		return 0, nil, p.fail("read", p.RemoteAddr(), err)
	}
	return n, netAddr("udp", from), nil
}

// ReadFromUDPAddrPort is ReadFrom without allocating an address.
func (p *packetConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, from, err := p.receive(b)
	return n, from, p.fail("read", p.RemoteAddr(), err)
}

// Read is ReadFrom without the address. Reading no bytes takes no datagram.
func (p *packetConn) Read(b []byte) (int, error) {
	var err error
	var n int
	if len(b) == 0 {
		_, err = p.real.Read(nil) // which tells whether it is closed
	} else {
		n, _, err = p.receive(b)
	}
	return n, p.fail("read", p.RemoteAddr(), err)
}

func (p *packetConn) receive(b []byte) (int, netip.AddrPort, error) {
	room := grams.Get().(*[64 << 10]byte)
	defer grams.Put(room)
	for {
		if p.refused.Swap(false) {
			return 0, netip.AddrPort{}, os.NewSyscallError(p.call("read", "recvfrom"), syscall.ECONNREFUSED)
		}
		n, err := p.real.Read(room[:])
		if errors.Is(err, syscall.ECONNREFUSED) {
			return 0, netip.AddrPort{}, net.ErrClosed // the hub is gone
		}
		if err != nil {
			return 0, netip.AddrPort{}, err
		}
		if from, payload, ok := p.take(room[:n]); ok {
			return copy(b, payload), from, nil
		}
	}
}

// take looks at what the hub sends; ok is false when it is not a datagram.
func (p *packetConn) take(b []byte) (from netip.AddrPort, payload []byte, ok bool) {
	kind, from, payload, ok := parseGram(b)
	if ok && kind == gramRefused {
		if p.remote == from {
			p.refused.Store(true)
		}
		return from, nil, false
	}
	return from, payload, ok
}

// call is the system call that package net would have made.
func (p *packetConn) call(dialled, listened string) string {
	if p.remote.IsValid() {
		return dialled
	}
	return listened
}

// WriteTo sends b as one datagram. It succeeds whether or not anybody
// receives it.
func (p *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	u, ok := to.(*net.UDPAddr)
	if !ok || u == nil {
		return 0, p.fail("write", to, syscall.EINVAL)
	}
	return p.WriteToUDPAddrPort(b, u.AddrPort())
}

// WriteToUDPAddrPort is WriteTo for an address of that type.
func (p *packetConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	err := error(net.ErrWriteToConnected)
	if to = unmapped(to); !p.remote.IsValid() {
		err = p.send(b, to)
	}
	if err != nil {
		return 0, p.fail("write", netAddr("udp", to), err)
	}
	return len(b), nil
}

// Write sends b as one datagram to the address that was dialled.
func (p *packetConn) Write(b []byte) (int, error) {
	err := os.NewSyscallError("write", syscall.EDESTADDRREQ)
	if p.remote.IsValid() {
		err = p.send(b, p.remote)
	}
	if err != nil {
		return 0, p.fail("write", p.RemoteAddr(), err)
	}
	return len(b), nil
}

// send checks what the kernel would and hands the datagram to the hub.
func (p *packetConn) send(b []byte, to netip.AddrPort) error {
	if p.remote.IsValid() {
		p.peek()
	}
	call := p.call("write", "sendto")
	switch {
	case p.refused.Swap(false):
		return os.NewSyscallError(call, syscall.ECONNREFUSED)
	case to.Port() == 0:
		return os.NewSyscallError(call, syscall.EINVAL)
	case len(b) > maxGram:
		return os.NewSyscallError(call, syscall.EMSGSIZE)
	case !to.Addr().Is4():
		return os.NewSyscallError(call, syscall.ENETUNREACH)
	}
	room := grams.Get().(*[64 << 10]byte)
	defer grams.Put(room)
	_, err := p.real.Write(append(appendGram(room[:0], gramData, to), b...))
	if errors.Is(err, syscall.ECONNREFUSED) {
		return net.ErrClosed // the hub is gone
	}
	return err
}

// Close closes the socket; what waits unread is gone.
func (p *packetConn) Close() error {
	if err := p.real.Close(); err != nil {
		return p.fail("close", p.RemoteAddr(), err)
	}
	p.party.desk.close(p.id)
	return nil
}

// shut closes the socket when the network has forgotten it.
func (p *packetConn) shut() { p.real.Close() }

// LocalAddr returns the socket's virtual *net.UDPAddr.
func (p *packetConn) LocalAddr() net.Addr { return netAddr("udp", p.local) }

// RemoteAddr returns the virtual *net.UDPAddr that was dialled, or nil.
func (p *packetConn) RemoteAddr() net.Addr { return netAddr("udp", p.remote) }

// SetDeadline sets both deadlines.
func (p *packetConn) SetDeadline(t time.Time) error { return p.set(p.real.SetDeadline(t)) }

// SetReadDeadline sets when reads give up; the zero time means never.
func (p *packetConn) SetReadDeadline(t time.Time) error { return p.set(p.real.SetReadDeadline(t)) }

// SetWriteDeadline sets when writes give up; the zero time means never.
func (p *packetConn) SetWriteDeadline(t time.Time) error { return p.set(p.real.SetWriteDeadline(t)) }

// SetReadBuffer sets how many bytes of datagrams the kernel holds unread.
func (p *packetConn) SetReadBuffer(bytes int) error { return p.set(p.real.SetReadBuffer(bytes)) }

// SetWriteBuffer sets how many bytes of datagrams wait for the hub.
func (p *packetConn) SetWriteBuffer(bytes int) error { return p.set(p.real.SetWriteBuffer(bytes)) }

// set dresses the error of a setting.
func (p *packetConn) set(err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: "set", Net: p.network, Addr: p.LocalAddr(), Err: bare(err)}
}

// fail dresses an error as package net does.
func (p *packetConn) fail(op string, addr net.Addr, err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: op, Net: p.network, Source: p.LocalAddr(), Addr: addr, Err: bare(err)}
}

// bare takes off what package net has dressed an error in.
func bare(err error) error {
	if op, ok := err.(*net.OpError); ok {
		return op.Err
	}
	return err
}
