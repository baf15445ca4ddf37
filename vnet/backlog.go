// The test's handle on a listener: its backlog, let in one by one.

package vnet

import (
	"fmt"
	"iter"
	"slices"
)

// A Listener is a test's handle on what a program listens with.
type Listener listener

// Listener returns the handle on who listens on addr, "api:80". It panics
// when nobody does: a test that runs ahead of its server must let it start
// (Settle, or listening before the server's goroutine begins).
func (n *Network) Listener(addr string) *Listener {
	l := n.findListener(addr)
	if l == nil {
		panic(fmt.Sprintf("vnet: nobody listens on %s; there are %v", addr, slices.Collect(n.Listeners())))
	}
	return (*Listener)(l)
}

func (n *Network) findListener(addr string) *listener {
	h, port := n.place(addr)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range h.listeners {
		if l.addr.Port() == port {
			return l
		}
	}
	return nil
}

// Listeners yields the handles on all listeners, by host and address.
func (n *Network) Listeners() iter.Seq[*Listener] {
	return func(yield func(*Listener) bool) {
		for _, l := range n.allListeners() {
			if !yield((*Listener)(l)) {
				return
			}
		}
	}
}

// allListeners returns every listener, by host and address.
func (n *Network) allListeners() []*listener {
	var all []*listener
	for h := range n.Hosts() {
		n.mu.Lock()
		all = append(all, h.sortedListeners()...)
		n.mu.Unlock()
	}
	return all
}

// Addr returns "api:80".
func (l *Listener) Addr() string { return hostPort(l.host, l.addr) }

// String returns the address.
func (l *Listener) String() string { return l.Addr() }

// Pending returns the backlog: connections that are not accepted, oldest
// first.
func (l *Listener) Pending() []*Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*Conn
	for _, w := range l.queue {
		all = append(all, (*Conn)(w.s.c))
	}
	return all
}

// Pause makes connections stay pending until AcceptOne, Accept or Resume.
func (l *Listener) Pause() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = true
}

// Resume ends Pause and lets everything pending be accepted.
func (l *Listener) Resume() {
	l.mu.Lock()
	l.paused = false
	for i := range l.queue {
		l.queue[i].granted = true
	}
	l.cond.Broadcast()
	l.mu.Unlock()
	l.net.settle()
}

// Pend puts a connection from the named host into the backlog, where it stays
// pending, and returns its client's end, a scripted one. Nothing else happens.
func (l *Listener) Pend(from string) *End {
	n := l.net
	h := n.Host(from)
	n.mu.Lock()
	defer n.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	c := n.connectTo(h, l.host, l.addr.Port())
	(*listener)(l).push(&c.ends[1], false)
	return (*End)(&c.ends[0])
}

// AcceptOne lets the first pending connection be accepted, waits for rest and
// returns it; nil when there is none.
func (l *Listener) AcceptOne() *Conn {
	return l.admit(func(w waiter) bool { return !w.granted })
}

// Accept lets that connection be accepted, whatever its place, and waits for
// rest. It tells whether the connection was pending.
func (l *Listener) Accept(c *Conn) bool {
	return l.admit(func(w waiter) bool { return !w.granted && w.s.c == (*conn)(c) }) != nil
}

// admit grants the first connection that which holds for.
func (l *Listener) admit(which func(waiter) bool) *Conn {
	l.mu.Lock()
	i := slices.IndexFunc(l.queue, which)
	if i < 0 {
		l.mu.Unlock()
		return nil
	}
	c := l.queue[i].s.c
	l.queue[i].granted = true
	l.cond.Broadcast()
	l.mu.Unlock()
	l.net.settle()
	return (*Conn)(c)
}

// StopReading makes the program accept nothing any more; dials still fill the
// backlog.
func (l *Listener) StopReading() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
}

// StoppedReading tells whether the program accepts nothing any more: it closed
// the listener, or the test stopped it.
func (l *Listener) StoppedReading() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopped || l.closed
}

// AcceptOne lets the first pending connection of any listener be accepted,
// by host and port; nil when there is none.
func (n *Network) AcceptOne() *Conn {
	for _, l := range n.allListeners() {
		if c := (*Listener)(l).AcceptOne(); c != nil {
			return c
		}
	}
	return nil
}

// settle waits for rest where the network knows how to.
func (n *Network) settle() {
	if n.cfg.Settle != nil {
		n.cfg.Settle()
	}
}

// FailListen makes the next Listen on port fail with err, once.
func (h *Host) FailListen(port uint16, err error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.failing[port] = err
}
