// How serf's members speak to each other: memberlist's transport over an agent's world.

package agents

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// gossip is a memberlist.NodeAwareTransport.
type gossip struct {
	c        Config
	listener net.Listener
	socket   net.PacketConn
	packets  chan *memberlist.Packet
	streams  chan net.Conn
	done     chan struct{}
	running  sync.WaitGroup
}

// newGossip listens for streams and packets.
func newGossip(c Config) (*gossip, error) {
	g := &gossip{
		c: c, packets: make(chan *memberlist.Packet), streams: make(chan net.Conn), done: make(chan struct{}),
	}
	var err error
	if g.listener, err = c.Listen(context.Background(), "tcp4", c.Name+gossipPort); err != nil {
		return nil, err
	}
	if g.socket, err = c.ListenPacket(context.Background(), "udp4", c.Name+gossipPort); err != nil {
		g.listener.Close()
		return nil, err
	}
	g.running.Go(g.accept)
	g.running.Go(g.receive)
	return g, nil
}

func (g *gossip) accept() {
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			return
		}
		select {
		case g.streams <- conn:
		case <-g.done:
			conn.Close()
		}
	}
}

func (g *gossip) receive() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := g.socket.ReadFrom(buf)
		if err != nil {
			return
		}
		p := &memberlist.Packet{Buf: append([]byte(nil), buf[:n]...), From: from, Timestamp: time.Now()}
		select {
		case g.packets <- p:
		case <-g.done:
		}
	}
}

// FinalAdvertiseAddr returns the address where the agent listens.
func (g *gossip) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	at := g.listener.Addr().(*net.TCPAddr)
	return at.IP, at.Port, nil
}

// WriteTo sends a packet.
func (g *gossip) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return time.Time{}, err
	}
	_, err = g.socket.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return time.Now(), err
}

// WriteToAddress sends a packet.
func (g *gossip) WriteToAddress(b []byte, to memberlist.Address) (time.Time, error) {
	return g.WriteTo(b, to.Addr)
}

// DialTimeout opens a stream.
func (g *gossip) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return g.c.Dial(ctx, "tcp", addr)
}

// DialAddressTimeout opens a stream to a member by its name, if that is known:
// of those it joins, an agent knows nothing else.
func (g *gossip) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	if to.Name != "" {
		return g.DialTimeout(to.Name+gossipPort, timeout)
	}
	return g.DialTimeout(to.Addr, timeout)
}

// PacketCh yields the packets that arrive.
func (g *gossip) PacketCh() <-chan *memberlist.Packet { return g.packets }

// StreamCh yields the streams that others open.
func (g *gossip) StreamCh() <-chan net.Conn { return g.streams }

// Shutdown closes both sockets and waits for their readers.
func (g *gossip) Shutdown() error {
	close(g.done)
	g.listener.Close()
	g.socket.Close()
	g.running.Wait()
	return nil
}
