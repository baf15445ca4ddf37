// What a program does on its host, be it in this process or another: listen and dial.

package loopback

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// A party is a host as its programs see it. All its real sockets are here;
// the desk tells the network of them.
type party struct {
	name string
	ip4  netip.Addr
	key  string         // the host's token
	gate netip.AddrPort // the gateway
	hub  netip.AddrPort // where datagrams go
	desk desk
}

// A desk is where sockets are registered.
type desk interface {
	// open registers what m asks for. When the network closes the socket, it
	// shuts near.
	open(m message, near shutter) message
	close(id int)
	took(conn, peer string) // a program accepted a connection
}

// Name returns the host's name.
func (p *party) Name() string { return p.name }

// IP4 returns the host's address.
func (p *party) IP4() netip.Addr { return p.ip4 }

// virtual is the host's address, as messages carry it.
func (p *party) virtual() netip.AddrPort { return netip.AddrPortFrom(p.ip4, 0) }

// Listen listens on address: "api:80" for the host's own names and addresses,
// ":80" for all of them. Port 0 is an ephemeral port. The networks are tcp,
// tcp4 and tcp6, errors those of package net. Addr and the addresses of
// connections are the virtual ones; a listener on all addresses has, as with
// package net, none of them.
func (p *party) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	if err := p.check("tcp", network, address); err != nil {
		return nil, opError("listen", network, err)
	}
	real, err := listenHere()
	if err != nil {
		return nil, opError("listen", network, err)
	}
	l := &listener{party: p, real: real, network: network}
	m := p.desk.open(message{Op: opOpen, Network: network, Address: address, Real: addrPort(real.Addr())}, l)
	if m.Failure != nil {
		real.Close()
		return nil, m.Failure.opError("listen", network)
	}
	l.id, l.addr = m.Socket, netAddr("tcp", m.Local)
	return l, nil
}

// check tells what is wrong with an address to listen on.
func (p *party) check(proto, network, address string) error {
	e, err := parseEndpoint(network, address)
	if err == nil && e.family.proto != proto {
		err = &net.AddrError{Err: "unexpected address type", Addr: address}
	}
	return err
}

// Dial connects to address, "api:80", "10.0.0.1:80" or "localhost:80", on the
// named network: tcp, tcp4, udp or udp4. Over a link that is cut, either way,
// it waits until the link heals, ctx is done, or Config.GiveUp has passed,
// which is ETIMEDOUT. Other errors, too, are those of package net.
func (p *party) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	e, err := parseEndpoint(network, address)
	if err != nil {
		return nil, opError("dial", network, err)
	}
	if err := ctx.Err(); err != nil {
		to, _ := netip.ParseAddr(e.host)
		addr := netip.AddrPort{}
		if to.IsValid() {
			addr = netip.AddrPortFrom(to, e.port)
		}
		return nil, &net.OpError{Op: "dial", Net: network, Addr: netAddr(e.family.proto, addr), Err: ctxError(err)}
	}
	if e.family.proto == "udp" {
		return p.dialPacket(network, address)
	}
	return p.dial(ctx, network, address)
}

// parting is how long a dial that is over waits for the gateway to know.
const parting = time.Second

func (p *party) dial(ctx context.Context, network, address string) (net.Conn, error) {
	real, err := dialReal(ctx, p.gate)
	if err != nil {
		return nil, unanswered(ctx, network, address, err)
	}
	stop := context.AfterFunc(ctx, func() { // so that nobody is connected afterwards
		real.SetReadDeadline(time.Now().Add(parting))
		real.CloseWrite()
	})
	m, err := p.ask(real, message{Op: opDial, Network: network, Address: address})
	if !stop() || err != nil {
		reset(real)
		return nil, unanswered(ctx, network, address, net.ErrClosed)
	}
	if m.Failure != nil {
		real.Close()
		return nil, m.Failure.opError("dial", network)
	}
	return newConn(real, network, m), nil
}

// ask sends the gateway a request as the first thing on c.
func (p *party) ask(c *net.TCPConn, m message) (message, error) {
	m.Host, m.Key = p.name, p.key
	if err := writeFrame(c, m); err != nil {
		return m, err
	}
	return readFrame(c)
}

// unanswered is the error of a dial that got no answer: because of ctx, if that
// is done, and otherwise because the network is gone.
func unanswered(ctx context.Context, network, address string, err error) error {
	e, timeout := err.(net.Error)
	switch {
	case ctx.Err() != nil:
		err = ctxError(ctx.Err())
	case timeout && e.Timeout(): // the system's clock was ahead of ctx's
		err = timeoutError{}
	default:
		err = net.ErrClosed
	}
	a, _ := netip.ParseAddrPort(address)
	return &net.OpError{Op: "dial", Net: network, Addr: netAddr("tcp", a), Err: err}
}

// ListenPacket opens a packet connection on address; the networks are udp,
// udp4 and udp6. Over a link that is cut datagrams vanish, and so they do when
// a kernel's buffer is full. A datagram carries 65,500 bytes at most, seven
// less than UDP's: those tell where it goes.
func (p *party) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	if err := p.check("udp", network, address); err != nil {
		return nil, opError("listen", network, err)
	}
	c, err := p.openPacket("listen", message{Op: opOpen, Network: network, Address: address})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (p *party) dialPacket(network, address string) (net.Conn, error) {
	c, err := p.openPacket("dial", message{Op: opDial, Network: network, Address: address})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (p *party) openPacket(op string, m message) (*packetConn, error) {
	real, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, net.UDPAddrFromAddrPort(p.hub))
	if err != nil {
		return nil, opError(op, m.Network, err)
	}
	c := &packetConn{party: p, real: real, network: m.Network}
	m.Real = addrPort(real.LocalAddr())
	answer := p.desk.open(m, c)
	if answer.Failure != nil {
		real.Close()
		return nil, answer.Failure.opError(op, m.Network)
	}
	c.id, c.local, c.remote = answer.Socket, answer.Local, answer.Remote
	return c, nil
}

// addrPort is the real address that a socket has.
func addrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.TCPAddr:
		return unmapped(a.AddrPort())
	case *net.UDPAddr:
		return unmapped(a.AddrPort())
	}
	return netip.AddrPort{}
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
