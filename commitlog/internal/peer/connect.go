// How two nodes meet: hellos on both sides of a connection.

package peer

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"
)

// connect dials addr and exchanges hellos. If want is not 0, it must be the
// other's ID.
func (t *Transport) connect(ctx context.Context, addr string, purpose byte, want uint64) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.c.HelloTimeout)
	defer cancel()
	conn, err := t.c.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { sever(conn) })
	err = t.greet(conn, addr, purpose, want)
	if !stop() {
		err = fmt.Errorf("peer: no hello from %s: %w", addr, context.Cause(ctx))
	}
	if err != nil {
		sever(conn)
		return nil, err
	}
	return conn, conn.SetDeadline(time.Time{})
}

// greet says hello and hears one.
func (t *Transport) greet(conn net.Conn, addr string, purpose byte, want uint64) error {
	out := newBatch(conn)
	if err := out.hello(t.c.Hello(), purpose); err != nil {
		return err
	}
	if err := out.flush(conn); err != nil {
		return fmt.Errorf("peer: hello to %s: %w", addr, err)
	}
	remote, err := t.answer(conn, addr)
	if err != nil {
		return err
	}
	if want != 0 && remote.ID != 0 && remote.ID != want {
		return WrongNode{Addr: addr, Want: want, Have: remote.ID}
	}
	if err := t.c.Admit(remote); err != nil {
		return fmt.Errorf("peer: the node at %s is not one of ours: %w", addr, err)
	}
	return nil
}

// answer reads the acceptor's hello. Nothing follows it before the dialer has
// spoken again.
func (t *Transport) answer(conn net.Conn, addr string) (Hello, error) {
	r := newReader(conn, maxHello)
	kind, body, err := r.frame(maxHello)
	if err != nil {
		return Hello{}, fmt.Errorf("peer: no hello from %s: %w", addr, whole(err))
	}
	switch kind {
	case helloFrame:
		h, _, err := parseHello(body)
		return h, err
	case refusedFrame:
		return Hello{}, Refused{Addr: addr, Why: printable(string(body))}
	}
	return Hello{}, Malformed{What: "hello", Why: fmt.Sprintf("a frame of kind %d", kind)}
}

// take begins to serve an accepted connection.
func (t *Transport) take(conn net.Conn) {
	if err := t.hold(conn, t.c.MaxConns); err != nil {
		sever(conn)
		t.c.Logger.Warn("refused a connection", "from", conn.RemoteAddr(), "error", err)
		return
	}
	if !t.own(func() { defer t.drop(conn); t.serve(conn) }) {
		t.drop(conn)
	}
}

// serve is an accepted connection's life.
func (t *Transport) serve(conn net.Conn) {
	log := t.c.Logger.With("from", conn.RemoteAddr().String())
	r := newReader(conn, readAhead)
	conn.SetDeadline(time.Now().Add(t.c.HelloTimeout))
	from, purpose, err := t.welcome(conn, r)
	if err != nil {
		log.Warn("refused a peer", "name", from.Name, "error", err)
		return
	}
	conn.SetDeadline(time.Time{})
	r.idle = t.c.IdleTimeout
	serve := t.receive
	if purpose == forStream {
		serve = t.serveStream
	}
	if err := serve(conn, r, from); err != nil && err != io.EOF && t.ctx.Err() == nil {
		log.Warn("a peer's connection broke", "name", from.Name, "error", err)
	}
}

// welcome hears a dialer's hello and answers it.
func (t *Transport) welcome(conn net.Conn, r *reader) (from Hello, purpose byte, err error) {
	kind, body, err := r.frame(maxHello)
	if err != nil {
		return from, 0, err
	}
	if kind != helloFrame {
		return from, 0, Malformed{What: "hello", Why: fmt.Sprintf("a frame of kind %d", kind)}
	}
	out := newBatch(conn)
	if from, purpose, err = parseHello(body); err == nil {
		err = t.c.Admit(from)
	}
	if err == nil {
		err = out.hello(t.c.Hello(), forMessages)
	}
	if err != nil {
		out.reason(refusedFrame, err.Error())
		out.flush(conn)
		return from, 0, part(conn, err)
	}
	return from, purpose, out.flush(conn)
}

// receive hands messages on until the connection ends. Who calls can be called.
func (t *Transport) receive(conn net.Conn, r *reader, from Hello) error {
	t.mu.Lock()
	back := t.links[from.ID]
	t.mu.Unlock()
	if back != nil {
		back.hear()
	}
	pong := newBatch(conn)
	for {
		h, err := r.head(t.c.MaxFrame)
		if err != nil {
			return err
		}
		if h.kind == pingFrame {
			err = t.pong(conn, r, pong, h)
		} else {
			err = t.message(r, h, from)
		}
		if err != nil {
			return err
		}
	}
}

// message reads one message and hands it on.
func (t *Transport) message(r *reader, h head, from Hello) error {
	m, err := r.message(h)
	if err != nil {
		return err
	}
	if t.ctx.Err() != nil {
		return ErrClosed
	}
	t.c.Receive(from, m)
	return nil
}

// pong answers a ping: what came before it was received.
func (t *Transport) pong(conn net.Conn, r *reader, out *batch, h head) error {
	if h.bytes > 0 {
		return Malformed{What: "ping", Why: fmt.Sprintf("it has a body of %d bytes", h.bytes)}
	}
	if _, err := r.reused(h); err != nil {
		return err
	}
	out.begin(pongFrame)
	out.end(0)
	if err := conn.SetWriteDeadline(time.Now().Add(t.c.WriteTimeout)); err != nil {
		return err
	}
	return out.flush(conn)
}
