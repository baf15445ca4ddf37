// How members speak to each other: memberlist's transport over a member's world.

package gossip

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// transport is a memberlist.NodeAwareTransport.
type transport struct {
	c        Config
	listener net.Listener
	socket   net.PacketConn
	packets  chan *memberlist.Packet
	streams  chan net.Conn
	done     chan struct{}
	running  sync.WaitGroup
}

// newTransport listens for streams and packets.
func newTransport(c Config) (*transport, error) {
	t := &transport{
		c: c, packets: make(chan *memberlist.Packet), streams: make(chan net.Conn), done: make(chan struct{}),
	}
	var err error
	if t.listener, err = c.Listen(context.Background(), "tcp4", c.address()); err != nil {
		return nil, err
	}
	if t.socket, err = c.ListenPacket(context.Background(), "udp4", c.address()); err != nil {
		t.listener.Close()
		return nil, err
	}
	t.running.Go(t.accept)
	t.running.Go(t.receive)
	return t, nil
}

func (t *transport) accept() {
	for {
		conn, err := t.listener.Accept()
		if err != nil {
			return
		}
		select {
		case t.streams <- conn:
		case <-t.done:
			conn.Close()
		}
	}
}

func (t *transport) receive() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := t.socket.ReadFrom(buf)
		if err != nil {
			return
		}
		p := &memberlist.Packet{Buf: append([]byte(nil), buf[:n]...), From: from, Timestamp: time.Now()}
		select {
		case t.packets <- p:
		case <-t.done:
		}
	}
}

// FinalAdvertiseAddr returns the address where the member listens.
func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	at := t.listener.Addr().(*net.TCPAddr)
	return at.IP, at.Port, nil
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
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return t.c.Dial(ctx, "tcp", addr)
}

// DialAddressTimeout opens a stream to a member: by its name, if nothing else
// is known, as of those that are to be joined.
func (t *transport) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	if strings.HasPrefix(to.Addr, nowhere) {
		return t.DialTimeout(t.c.Find(to.Name), timeout)
	}
	return t.DialTimeout(to.Addr, timeout)
}

// PacketCh yields the packets that arrive.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// StreamCh yields the streams that others open.
func (t *transport) StreamCh() <-chan net.Conn { return t.streams }

// Shutdown closes both sockets and waits for their readers.
func (t *transport) Shutdown() error {
	close(t.done)
	t.listener.Close()
	t.socket.Close()
	t.running.Wait()
	return nil
}
