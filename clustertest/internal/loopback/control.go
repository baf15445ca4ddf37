// A child's control connection, at the network's end: its sockets come and go with it.

package loopback

import (
	"context"
	"net"
	"slices"
	"time"
)

// A control is a child that has joined.
type control struct {
	host *Host
	line *line
}

func newControl(h *Host, c *net.TCPConn) *control {
	return &control{h, newLine(c)}
}

// serve does what the child asks until its connection ends, and forgets its
// sockets then.
func (c *control) serve() {
	defer c.bury()
	n := c.host.net
	if c.line.send(n.ctx, message{Op: opAnswer, Hub: n.hub.addr, Local: c.host.virtual()}) != nil {
		return
	}
	for {
		m, err := readFrame(c.line.conn)
		if err != nil || c.obey(m) != nil {
			return
		}
	}
}

func (c *control) obey(m message) error {
	switch m.Op {
	case opOpen, opDial:
		s := &socket{host: c.host, owner: c}
		s.near = &far{s, c}
		return c.line.send(c.host.net.ctx, c.host.net.answer(s, m))
	case opShut:
		c.closeOwn(m.Socket)
		return c.line.send(c.host.net.ctx, message{Op: opAnswer, Seq: m.Seq})
	case opTook:
		c.host.took(m.Name, m.Host)
	default:
		return errFrame
	}
	return nil
}

// closeOwn closes a socket if it is the child's.
func (c *control) closeOwn(id int) {
	for _, s := range c.own() {
		if s.id == id {
			c.host.net.closeSocket(s)
		}
	}
}

// own returns the child's sockets.
func (c *control) own() []*socket {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.host.sockets), func(s *socket) bool { return s.owner != c })
}

func (c *control) bury() {
	reset(c.line.conn)
	for _, s := range c.own() {
		c.host.net.closeSocket(s)
	}
}

// far is a socket in a child, which is told when it is to be closed.
type far struct {
	socket *socket
	owner  *control
}

func (f *far) shut() {
	if f.owner.line.send(f.owner.host.net.ctx, message{Op: opShut, Socket: f.socket.id}) != nil {
		reset(f.owner.line.conn)
	}
}

// A line is a control connection's way out, for several goroutines.
type line struct {
	conn *net.TCPConn
	turn chan struct{} // holds a value while somebody writes
}

func newLine(c *net.TCPConn) *line { return &line{c, make(chan struct{}, 1)} }

// send writes m in its turn. Who does not read for long is given up.
func (l *line) send(ctx context.Context, m message) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.turn }()
	l.conn.SetWriteDeadline(time.Now().Add(handshake))
	return writeFrame(l.conn, m)
}
