// One connection: two ends under one lock, and the list of all connections.

package vnet

import (
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"sync"
)

// conn is one stream connection. ends[0] dialled, ends[1] accepted.
type conn struct {
	mu     sync.Mutex
	net    *Network
	num    int32 // among those of its route, from 0
	listed bool  // on the network's list; c.mu guards it
	prev   *conn
	next   *conn
	label  string // its name, once somebody asked
	ends   [2]stream
}

// route is what connections are numbered by.
type route struct {
	from, to *Host
	port     uint16
}

// newConn makes a connection between two hosts; net.mu is held. The caller
// gives it its number and addresses.
func (n *Network) newConn(from, to *Host) *conn {
	c := &conn{net: n}
	for i, h := range [...]*Host{from, to} {
		s := &c.ends[i]
		s.c, s.host = c, h
		s.cond.L = &c.mu
		s.slow = newPace(int(h.rate.Load()))
	}
	c.ends[0].link, c.ends[1].link = n.link(from, to), n.link(to, from)
	n.conns.add(c)
	return c
}

// number names c by its route; net.mu is held.
func (n *Network) number(from, to *Host, port uint16) int32 {
	r := route{from, to, port}
	k := n.routes[r]
	n.routes[r] = k + 1
	return int32(k)
}

// name returns "app>api:80#0": who dialled whom, and the how-manieth it is.
func (c *conn) name() string {
	if c.label == "" {
		to := &c.ends[1]
		c.label = connName(c.ends[0].host, to.host, to.addr.Port(), c.num)
	}
	return c.label
}

func connName(from, to *Host, port uint16, num int32) string {
	b := make([]byte, 0, 64)
	b = append(append(b, from.name...), '>')
	b = append(append(b, to.name...), ':')
	b = strconv.AppendUint(b, uint64(port), 10)
	b = strconv.AppendInt(append(b, '#'), int64(num), 10)
	return string(b)
}

// over tells that neither end can do anything more; c.mu is held.
func (c *conn) over() bool {
	for i := range c.ends {
		s := &c.ends[i]
		if !s.has(closed|dead) || s.wire.pending() || s.held() {
			return false
		}
	}
	return true
}

// held tells that a program which has not closed s is kept from seeing how it
// ended; c.mu is held.
func (s *stream) held() bool {
	return !s.has(closed) && (s.has(stopped) || s.host.paused.Load())
}

// unlock releases the connection's lock and, when the connection is over,
// takes it off the network's list.
func (c *conn) unlock() {
	over := c.listed && c.over()
	if over {
		c.listed = false
	}
	c.mu.Unlock()
	if over {
		c.net.mu.Lock()
		c.net.conns.remove(c)
		c.net.mu.Unlock()
	}
}

// kill ends c's life on host h: that end dies, the other is reset.
func (c *conn) kill(h *Host) {
	c.mu.Lock()
	defer c.unlock()
	for i := range c.ends {
		s := &c.ends[i]
		if s.host != h {
			continue
		}
		if !s.has(closed) {
			s.set(closed)
			s.stopDeadlines()
			s.wakeLocked()
		}
		if s.has(dead) {
			continue
		}
		if h.crashed.Load() {
			s.set(dead | shutW)
			s.wakeLocked()
			continue
		}
		s.abort()
	}
}

// conns is the list of all connections in the order they were made; the
// network's lock guards it.
type conns struct {
	first, last *conn
}

func (l *conns) add(c *conn) {
	c.listed, c.prev = true, l.last
	if l.last != nil {
		l.last.next = c
	} else {
		l.first = c
	}
	l.last = c
}

func (l *conns) remove(c *conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		l.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		l.last = c.prev
	}
	c.prev, c.next = nil, nil
}

// internalConns yields a snapshot of the connections.
func (n *Network) internalConns() iter.Seq[*conn] {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []*conn
	for c := n.conns.first; c != nil; c = c.next {
		all = append(all, c)
	}
	return slices.Values(all)
}

// hostPort prints an end as "api:80".
func hostPort(h *Host, a netip.AddrPort) string {
	return h.name + ":" + strconv.Itoa(int(a.Port()))
}
