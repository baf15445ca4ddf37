// The test's handles on connections: what waits where, and what to do with it.

package vnet

import (
	"iter"
	"net"
	"net/netip"

	"github.com/rehearse-go/rehearse/journal"
)

// A Conn is a test's handle on a connection. What the programs hold are its
// two ends.
type Conn conn

// Conns yields the connections that are not over yet, in the order they were
// made.
func (n *Network) Conns() iter.Seq[*Conn] {
	return func(yield func(*Conn) bool) {
		for c := range n.internalConns() {
			if !yield((*Conn)(c)) {
				return
			}
		}
	}
}

// Name returns "app>api:80#0": who dialled whom, and the how-manieth
// connection that is.
func (c *Conn) Name() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return (*conn)(c).name()
}

// String returns the connection's name.
func (c *Conn) String() string { return c.Name() }

// Client returns the end that dialled.
func (c *Conn) Client() *End { return (*End)(&c.ends[0]) }

// Server returns the end that accepted.
func (c *Conn) Server() *End { return (*End)(&c.ends[1]) }

// Reset makes both ends see a reset, now.
func (c *Conn) Reset() {
	c.mu.Lock()
	defer (*conn)(c).unlock()
	for i := range c.ends {
		c.ends[i].die(resetErr)
	}
	c.ends[0].record("net.reset", 0)
}

// An End is a test's handle on one end of a connection. A scripted end has no
// program; the test speaks through it.
type End stream

func (e *End) stream() *stream { return (*stream)(e) }

// Conn returns the connection.
func (e *End) Conn() *Conn { return (*Conn)(e.c) }

// Host returns the host it is on.
func (e *End) Host() *Host { return e.host }

// Peer returns the other end.
func (e *End) Peer() *End { return (*End)(e.stream().peer()) }

// Unread returns what has arrived here and was not read: the input buffer.
func (e *End) Unread() []byte {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	unread, _ := e.in.Peek()
	return unread
}

// InFlight returns what is on its way here: written by the other end and not
// delivered.
func (e *End) InFlight() []byte {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	_, flying := e.in.Peek()
	for _, w := range e.c.net.held.snapshot() {
		if w.to == e.stream() {
			flying = append(flying, w.seg.Data...)
		}
	}
	if e.wire != nil {
		flying = append(flying, e.wire.open...)
	}
	return flying
}

// Output returns what was written here and is not delivered: the output
// buffer.
func (e *End) Output() []byte { return e.Peer().InFlight() }

// Acked tells whether everything that was written here has been delivered.
func (e *End) Acked() bool { return len(e.Output()) == 0 }

// Inject lets b arrive here at once, past window, rules and holds, as if the
// other end had sent it. What is on its way arrives after it.
func (e *End) Inject(b []byte) {
	s := e.stream()
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.has(closed | dead) {
		return
	}
	s.in.Inject(b)
	if s.c.net.is(recording) {
		s.c.net.append(journal.Event{
			Kind: "net.inject", Where: s.host.name, Peer: s.peer().host.name,
			Subject: s.c.name(), Body: b,
		})
	}
	s.cond.Broadcast()
}

// Take takes up to n of the unread bytes away, in the program's place; n < 0
// takes all.
func (e *End) Take(n int) []byte {
	s := e.stream()
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	unread, _ := s.in.Peek()
	if n >= 0 && n < len(unread) {
		unread = unread[:n]
	}
	s.in.Skip(len(unread))
	s.cond.Broadcast()
	return unread
}

// Pause keeps the program from reading until Resume: what arrives stays
// unread, and the window fills.
func (e *End) Pause() {
	s := e.stream()
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.set(stopped)
}

// Resume ends Pause.
func (e *End) Resume() {
	s := e.stream()
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.unset(stopped)
	s.wakeLocked()
}

// StopReading does what the program's CloseRead would: reads return io.EOF
// once what has arrived is read.
func (e *End) StopReading() error { return e.stream().CloseRead() }

// StoppedReading tells whether the program cannot read any more: it closed
// the end or its reading half, the connection is dead, or the test has paused
// it.
func (e *End) StoppedReading() bool {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	return e.stream().has(closed | shutR | dead | stopped)
}

// Ended tells whether the other end's FIN has arrived.
func (e *End) Ended() bool {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	return e.stream().has(finIn)
}

// IsReset tells whether the connection was reset or has timed out here.
func (e *End) IsReset() bool {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	return e.stream().has(dead)
}

// Deliver delivers all that waits for this end, also what comes meanwhile,
// and returns how many segments that were.
func (e *End) Deliver() int {
	s := e.stream()
	name, from := e.Conn().Name(), hostPort(s.peer().host, s.peer().addr)
	return e.c.net.FlushWhen(func(seg Segment) bool {
		return seg.Conn == name && seg.From == from && !seg.Syn
	})
}

// NetConn returns the end as a net.Conn: for a scripted end, to speak through
// it like a program.
func (e *End) NetConn() net.Conn { return e.stream() }

// Reset resets the connection from this end: the other end sees it when the
// reset arrives.
func (e *End) Reset() {
	s := e.stream()
	s.c.mu.Lock()
	defer s.c.unlock()
	s.set(closed)
	s.abort()
}

// wakeLocked lets everybody who waits on s look again; c.mu is held.
func (s *stream) wakeLocked() {
	s.cond.Broadcast()
	s.peer().cond.Broadcast()
}

// Provide makes the next dial to addr ("api:80") succeed though nobody
// listens there, and returns the end that answers it, a scripted one.
func (n *Network) Provide(addr string) *End {
	h, port := n.place(addr)
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.newConn(h, h)
	s := &c.ends[1]
	s.addr = netip.AddrPortFrom(h.ip4, port)
	h.provided[port] = s
	return (*End)(s)
}

// Provided tells whether a dial to addr would be answered by Provide.
func (n *Network) Provided(addr string) bool {
	h, port := n.place(addr)
	n.mu.Lock()
	defer n.mu.Unlock()
	return h.provided[port] != nil
}

// place splits "api:80" into host and port; a bad address is misuse.
func (n *Network) place(addr string) (*Host, uint16) {
	name, service, err := net.SplitHostPort(addr)
	if err != nil {
		panic("vnet: " + err.Error())
	}
	port, err := parsePort(service)
	if err != nil {
		panic("vnet: address " + addr + ": " + err.Error())
	}
	return n.Host(name), port
}

// Pair connects two hosts without a dial and returns both ends, for a test
// that wants nothing but a connection.
func (n *Network) Pair(a, b string) (net.Conn, net.Conn) {
	from, to := n.Host(a), n.Host(b)
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.connectTo(from, to, 0)
	return &c.ends[0], &c.ends[1]
}

// connectTo makes a connection that nobody dialled; net.mu is held.
func (n *Network) connectTo(from, to *Host, port uint16) *conn {
	c := n.newConn(from, to)
	c.num = n.number(from, to, port)
	c.ends[0].addr = netip.AddrPortFrom(from.source(to.ip4), from.nextPort())
	c.ends[1].addr = netip.AddrPortFrom(to.ip4, port)
	return c
}
