// A memberlist transport over a host's streams and packets, in a few lines.

package interop_test

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

const gossipPort = 7946

// gossip is a memberlist.Transport on one host.
type gossip struct {
	host     *vnet.Host
	listener net.Listener
	conn     net.PacketConn
	packets  chan *memberlist.Packet
	streams  chan net.Conn
	done     chan struct{}
	running  sync.WaitGroup
}

// newGossip listens on the named host's gossip port, for streams and packets.
func newGossip(t *vnettest.T, host string) *gossip {
	t.Helper()
	g := &gossip{
		host: t.Host(host), done: make(chan struct{}),
		packets: make(chan *memberlist.Packet), streams: make(chan net.Conn),
	}
	var err error
	if g.listener, err = g.host.Listen(t.Context(), "tcp4", ":7946"); err != nil {
		t.Fatal(err)
	}
	if g.conn, err = g.host.ListenPacket(t.Context(), "udp4", ":7946"); err != nil {
		t.Fatal(err)
	}
	g.running.Go(g.accept)
	g.running.Go(g.receive)
	return g
}

func (g *gossip) accept() {
	for {
		c, err := g.listener.Accept()
		if err != nil {
			return
		}
		select {
		case g.streams <- c:
		case <-g.done:
			c.Close()
		}
	}
}

func (g *gossip) receive() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := g.conn.ReadFrom(buf)
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

// FinalAdvertiseAddr returns the host's own address.
func (g *gossip) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return g.host.IP4().AsSlice(), gossipPort, nil
}

// WriteTo sends a packet.
func (g *gossip) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return time.Time{}, err
	}
	_, err = g.conn.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return time.Now(), err
}

// DialTimeout opens a stream.
func (g *gossip) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return g.host.Dial(ctx, "tcp", addr)
}

// PacketCh yields the packets that arrive.
func (g *gossip) PacketCh() <-chan *memberlist.Packet { return g.packets }

// StreamCh yields the streams that others open.
func (g *gossip) StreamCh() <-chan net.Conn { return g.streams }

// Shutdown closes both sockets and waits for their readers.
func (g *gossip) Shutdown() error {
	close(g.done)
	g.listener.Close()
	g.conn.Close()
	g.running.Wait()
	return nil
}
