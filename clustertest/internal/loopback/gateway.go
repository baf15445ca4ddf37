// The gateway: where dials come in, and children join.

package loopback

import (
	"context"
	"crypto/subtle"
	"net"
	"time"
)

// welcome takes whoever comes to the gateway, until it is closed.
func (n *Network) welcome() {
	for {
		c, err := n.gate.AcceptTCP()
		if err != nil && n.ctx.Err() != nil {
			return
		}
		if err != nil {
			wait(n.ctx, time.Millisecond) // descriptors may run out, and come back
			continue
		}
		if n.receive(c) && !n.run(func() { n.greet(c) }) {
			reset(c)
		}
	}
}

// greet hears who c is and what it wants. Whoever does not say so in time, and
// with a host's token, is closed.
func (n *Network) greet(c *net.TCPConn) {
	defer n.release(c)
	c.SetDeadline(time.Now().Add(handshake))
	m, err := readFrame(c)
	h := n.known(m.Host, m.Key)
	if err != nil || h == nil {
		reset(c)
		return
	}
	c.SetDeadline(time.Time{})
	switch m.Op {
	case opDial:
		h.dialled(c, m)
	case opJoin:
		newControl(h, c).serve()
	default:
		reset(c)
	}
}

// known returns the host of that name if the token is its own.
func (n *Network) known(name, key string) *Host {
	n.mu.Lock()
	h := n.hosts[name]
	n.mu.Unlock()
	if h == nil || subtle.ConstantTimeCompare([]byte(h.key), []byte(key)) != 1 {
		return nil
	}
	return h
}

// dialled connects c, which a program of h holds, to where it wants, and
// carries what goes between.
func (h *Host) dialled(c *net.TCPConn, m message) {
	ctx, gone := context.WithCancel(h.net.ctx)
	defer gone()
	stop := watch(c, gone)
	a, fail := h.net.newAttempt(h, m.Network, m.Address)
	var r *relay
	if fail == nil {
		r, fail = a.connect(ctx, c)
	}
	stop()
	answer := message{Op: opAnswer, Failure: fail}
	if r != nil {
		answer.Name, answer.Local, answer.Remote = r.name, a.local, a.addr
	}
	c.SetWriteDeadline(time.Now().Add(handshake))
	err := writeFrame(c, answer)
	c.SetWriteDeadline(time.Time{})
	switch {
	case r != nil:
		h.net.release(c) // the relay is on the network's list
		r.serve()
	case err == nil:
		c.Close()
	default:
		reset(c)
	}
}
