// Names: a net.Resolver that knows the network's hosts and nothing else.

package vnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rehearse-go/rehearse/vnet/internal/dns"
)

// Resolver returns a resolver that knows the hosts of the network by name and
// by address, for programs that take a *net.Resolver; every other name does
// not exist. It is package net's own resolver over a name server in memory:
// answers come at once, whatever the links, and no real name server is asked.
// While the host is down, or once the network is closed, lookups fail.
//
// Two things remain that package net does on the machine it runs on. It reads
// /etc/hosts before it asks, so that a name which stands there has the address
// that stands there; and it puts the addresses of a name into an order that
// may depend on the machine's routes. [Host.LookupHost] does neither.
//
// Package net makes, at the first lookup of a process, a channel that lives as
// long as the process. Made within a testing/synctest bubble, it ends the
// process at the next lookup elsewhere. vnettest.Run looks a name up before
// the first bubble; who makes bubbles otherwise must do the same.
func (h *Host) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: h.dialNames}
}

// dialNames connects to the name server, whatever its address.
func (h *Host) dialNames(ctx context.Context, network, address string) (net.Conn, error) {
	f, known := families[network]
	var err error
	switch {
	case !known:
		err = net.UnknownNetworkError(network)
	case h.net.isClosed():
		err = errClosed
	case h.down.Load():
		err = errno("connect", syscall.ENETUNREACH)
	case ctx.Err() != nil:
		err = ctxError(ctx.Err())
	}
	if err != nil {
		return nil, dialError(network, nil, err)
	}
	c := &nameConn{host: h, network: network, proto: f.proto}
	c.cond.L = &c.mu
	if f.proto == "udp" {
		return namePacketConn{c}, nil
	}
	return c, nil
}

// zone answers from the network's hosts.
func (n *Network) zone(q dns.Question) ([]dns.Record, dns.Code) {
	if a, ok := dns.Reverse(q.Name); ok {
		return n.nameOf(a, q.Type)
	}
	var addrs []netip.Addr
	if strings.EqualFold(q.Name, "localhost") {
		addrs = []netip.Addr{loopback4, loopback6}
	} else {
		addrs = n.lookup(q.Name)
	}
	if addrs == nil {
		return nil, dns.NameError
	}
	var records []dns.Record
	for _, a := range addrs {
		t := dns.AAAA
		if a.Is4() {
			t = dns.A
		}
		if q.Type == t || q.Type == dns.Any {
			records = append(records, dns.Record{Type: t, Data: a.AsSlice()})
		}
	}
	return records, dns.Success
}

// nameOf answers who has the address a.
func (n *Network) nameOf(a netip.Addr, t dns.Type) ([]dns.Record, dns.Code) {
	n.mu.Lock()
	h := n.byAddr[a]
	n.mu.Unlock()
	var name []byte
	switch {
	case a.IsLoopback():
		name = dns.Name("localhost")
	case h != nil:
		name = dns.Name(h.name)
	}
	switch {
	case name == nil:
		return nil, dns.NameError
	case t != dns.PTR && t != dns.Any:
		return nil, dns.Success
	}
	return []dns.Record{{Type: dns.PTR, Data: name}}, dns.Success
}

// nameConn is a connection to the name server in memory: what is written is
// answered at once. Over TCP each message has its length before it.
type nameConn struct {
	host    *Host
	network string
	proto   string // "tcp" or "udp"

	mu      sync.Mutex
	cond    sync.Cond
	half    []byte   // over TCP: a message that is not yet complete
	answers [][]byte // not yet read
	closed  bool
	read    deadline
}

// maxAnswers is how many answers wait to be read; further ones are lost, as
// datagrams are.
const maxAnswers = 64

// write takes queries; over UDP each b is one.
func (c *nameConn) write(b []byte, packet bool) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return 0, c.fail("write", net.ErrClosed)
	case packet:
		c.answer(b, nil)
		return len(b), nil
	}
	c.half = append(c.half, b...)
	for len(c.half) >= 2 {
		end := 2 + int(c.half[0])<<8 + int(c.half[1])
		if len(c.half) < end {
			break
		}
		c.answer(c.half[2:end], []byte{0, 0})
		c.half = c.half[end:]
	}
	return len(b), nil
}

// answer answers one query, with room before it for the length; c.mu is held.
func (c *nameConn) answer(query, before []byte) {
	reply := dns.Reply(query, c.host.net.zone)
	if reply == nil || len(c.answers) == maxAnswers {
		return
	}
	if before != nil {
		before[0], before[1] = byte(len(reply)>>8), byte(len(reply))
	}
	c.answers = append(c.answers, append(before, reply...))
	c.cond.Broadcast()
}

// take reads from the oldest answer; what of a packet does not fit into b is
// lost.
func (c *nameConn) take(b []byte, packet bool) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, c.fail("read", net.ErrClosed)
		case c.read.over:
			return 0, c.fail("read", os.ErrDeadlineExceeded)
		case len(c.answers) > 0:
			n := copy(b, c.answers[0])
			if c.answers[0] = c.answers[0][n:]; packet || len(c.answers[0]) == 0 {
				c.answers = c.answers[1:]
			}
			return n, nil
		}
		c.cond.Wait()
	}
}

func (c *nameConn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: c.network, Err: err}
}

func (c *nameConn) Write(b []byte) (int, error) { return c.write(b, false) }
func (c *nameConn) Read(b []byte) (int, error)  { return c.take(b, false) }

func (c *nameConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.closed = true
	c.read.stop()
	c.cond.Broadcast()
	return nil
}

func (c *nameConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

func (c *nameConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fail("set", net.ErrClosed)
	}
	c.read.set(t, &c.cond)
	return nil
}

// SetWriteDeadline changes nothing: writes never wait.
func (c *nameConn) SetWriteDeadline(time.Time) error { return nil }

func (c *nameConn) LocalAddr() net.Addr {
	return netAddr(c.proto, netip.AddrPortFrom(loopback4, 0))
}
func (c *nameConn) RemoteAddr() net.Addr {
	return netAddr(c.proto, netip.AddrPortFrom(loopback4, 53))
}

// namePacketConn is the same over UDP: each Write one query, each Read one
// answer.
type namePacketConn struct{ *nameConn }

func (c namePacketConn) Write(b []byte) (int, error) { return c.write(b, true) }
func (c namePacketConn) Read(b []byte) (int, error)  { return c.take(b, true) }

func (c namePacketConn) WriteTo(b []byte, _ net.Addr) (int, error) { return c.write(b, true) }

func (c namePacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := c.take(b, true)
	return n, c.RemoteAddr(), err
}
