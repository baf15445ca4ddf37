// A session: one connection of a link, from dialing to its end.

package peer

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3/raftpb"
)

var (
	errIdle   = errors.New("peer: nothing was sent for long")
	errHungUp = errors.New("peer: the other side has closed the connection")
	errMoved  = errors.New("peer: the peer has another address now")
	errSilent = errors.New("peer: the other side has not answered for long")
)

// A session writes a link's messages, and asks now and then whether they are
// read. The system alone would not say: it holds megabytes for a peer that is
// gone, and after a partition may wait for minutes before it tries again.
type session struct {
	l      *link
	conn   net.Conn
	out    *batch
	hungUp chan struct{} // closed when the other side is gone

	asked    time.Time   // when it was asked last
	answered atomic.Bool // since then
}

// session dials, and sends until the connection or the link ends.
func (l *link) session() error {
	ctx, addr := l.begin()
	defer l.end()
	conn, err := l.t.connect(ctx, addr, forMessages, l.id)
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errMoved) {
			return cause // what waits is for the new address
		}
		l.lose()
		return err
	}
	s := &session{l: l, conn: conn, out: newBatch(conn), hungUp: make(chan struct{})}
	s.answered.Store(true)
	go s.listen()
	stop := context.AfterFunc(ctx, func() { sever(conn) }) // wakes a write
	err = s.pump(ctx)
	stop()
	sever(conn)
	<-s.hungUp
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// listen hears answers until the connection ends.
func (s *session) listen() {
	defer close(s.hungUp)
	r := newReader(s.conn, maxHello)
	for {
		kind, _, err := r.frame(0)
		if err != nil || kind != pongFrame {
			sever(s.conn)
			return
		}
		s.answered.Store(true)
	}
}

// pump writes messages as they come.
func (s *session) pump(ctx context.Context) error {
	var messages []*raftpb.Message
	defer func() { s.l.written(messages) }()
	for {
		messages = s.l.takeAll(messages)
		if len(messages) == 0 {
			if err := s.rest(ctx); err != nil {
				return err
			}
			continue
		}
		if err := s.write(messages); err != nil {
			return err
		}
	}
}

// rest waits for the next message.
func (s *session) rest(ctx context.Context) error {
	idle := s.l.t.c.IdleTimeout / 2 // so that the receiver is not the first to close
	wait := idle
	if !s.answered.Load() {
		wait = min(wait, time.Until(s.asked.Add(s.l.t.c.WriteTimeout)))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-s.l.wake:
		return nil
	case <-s.hungUp:
		return errHungUp
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
	}
	if err := s.heard(time.Now()); err != nil || wait < idle {
		return err
	}
	return errIdle
}

// heard returns an error if the other side has been silent for too long.
func (s *session) heard(now time.Time) error {
	if !s.answered.Load() && now.Sub(s.asked) >= s.l.t.c.WriteTimeout {
		return errSilent
	}
	return nil
}

// ask adds a ping, if the last is answered and some time ago.
func (s *session) ask(now time.Time) {
	if s.answered.Load() && now.Sub(s.asked) >= s.l.t.c.WriteTimeout/10 {
		s.answered.Store(false)
		s.asked = now
		s.out.begin(pingFrame)
		s.out.end(0)
	}
}

// write writes messages in pieces of about a megabyte.
func (s *session) write(messages []*raftpb.Message) error {
	t := s.l.t
	for i, m := range messages {
		if err := s.out.message(m, t.c.MaxFrame); err != nil {
			t.c.Logger.Error("a message cannot be sent", "type", m.GetType(), "error", err)
			t.report(s.l.id)
		}
		if i < len(messages)-1 && s.out.size() < flushAt {
			continue
		}
		if err := s.flush(time.Now()); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) flush(now time.Time) error {
	if err := s.heard(now); err != nil {
		return err
	}
	s.ask(now)
	if err := s.conn.SetWriteDeadline(now.Add(s.l.t.c.WriteTimeout)); err != nil {
		return err
	}
	return s.out.flush(s.conn)
}
