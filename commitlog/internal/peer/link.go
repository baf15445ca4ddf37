// A link: the messages for one peer, and the goroutine that sends them.

package peer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"go.etcd.io/raft/v3/raftpb"
)

// errIdle ends a connection over which nothing has been sent for long.
var errIdle = errors.New("peer: nothing was sent for long")

// errHungUp ends a connection that the other side has closed.
var errHungUp = errors.New("peer: the other side has closed the connection")

// errMoved ends what is under way to an address that is no longer the peer's.
var errMoved = errors.New("peer: the peer has another address now")

// A link dials when there is something to send. Invariants:
//
//  1. Only run's goroutine touches conn, out and rand.
//  2. bytes is the sum of sizeOf over queue.
//  3. mu is held for a few instructions, never while anything is awaited.
type link struct {
	t      *Transport
	id     uint64
	ctx    context.Context // ends with Forget and with the transport
	cancel context.CancelFunc
	wake   chan struct{} // something was queued
	rand   *rand.Rand

	mu      sync.Mutex
	addr    string
	queue   []*raftpb.Message
	bytes   int
	full    bool                    // a message was dropped since the queue was last taken
	attempt context.CancelCauseFunc // ends the connection or dialing under way
}

func newLink(t *Transport, id uint64, addr string) *link {
	l := &link{t: t, id: id, addr: addr, wake: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(t.ctx)
	l.rand = rand.New(rand.NewPCG(t.c.Seed, id))
	return l
}

// put queues a message. It returns false if this is a loss to be reported.
func (l *link) put(m *raftpb.Message) bool {
	size := sizeOf(m)
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.queue); n >= l.t.c.QueueMessages || n > 0 && l.bytes+size > l.t.c.QueueBytes {
		first := !l.full
		l.full = true
		return !first
	}
	l.queue, l.bytes = append(l.queue, m), l.bytes+size
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return true
}

// takeAll empties the queue into spare, whose memory is used again.
func (l *link) takeAll(spare []*raftpb.Message) []*raftpb.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(spare)
	all := l.queue
	l.queue, l.bytes, l.full = spare[:0], 0, false
	return all
}

func (l *link) isEmpty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) == 0
}

// move changes the peer's address.
func (l *link) move(addr string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.addr == addr {
		return
	}
	l.addr = addr
	if l.attempt != nil {
		l.attempt(errMoved)
	}
}

// begin returns the address to dial and a context that ends when it is no
// longer the right one.
func (l *link) begin() (context.Context, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithCancelCause(l.ctx)
	l.attempt = cancel
	return ctx, l.addr
}

func (l *link) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempt(nil)
	l.attempt = nil
}

// run sends what is queued until the link is forgotten.
func (l *link) run() {
	failures, said := 0, ""
	for l.awaitWork() {
		began := time.Now()
		err := l.session()
		if l.ctx.Err() != nil {
			return
		}
		if errors.Is(err, errIdle) || errors.Is(err, errMoved) {
			failures = 0
			continue
		}
		l.t.report(l.id)
		if time.Since(began) > l.t.c.BackoffMax+l.t.c.HelloTimeout {
			failures, said = 0, "" // it was connected for a while
		}
		l.say(err, said)
		said = err.Error()
		if !pause(l.backoff(failures), l.ctx.Done()) {
			return
		}
		failures++
	}
}

// say logs a failure, in a low voice if it is the same as before.
func (l *link) say(err error, said string) {
	log := l.t.c.Logger.Warn
	if err.Error() == said {
		log = l.t.c.Logger.Debug
	}
	log("lost touch with a peer", "id", fmt.Sprintf("%x", l.id), "error", err)
}

// backoff is how long to wait after so many failures: doubled each time, and
// half of it by chance, so that nodes do not dial in step.
func (l *link) backoff(failures int) time.Duration {
	d := l.t.c.BackoffMin
	for range failures {
		if d *= 2; d >= l.t.c.BackoffMax {
			break
		}
	}
	d = min(d, l.t.c.BackoffMax)
	return d/2 + time.Duration(l.rand.Int64N(int64(d/2)+1))
}

// awaitWork waits until something is queued. It is false if nothing ever will be.
func (l *link) awaitWork() bool {
	for l.isEmpty() {
		select {
		case <-l.wake:
		case <-l.ctx.Done():
			return false
		}
	}
	return l.ctx.Err() == nil
}

// session is one connection, from dialing to its end.
func (l *link) session() error {
	ctx, addr := l.begin()
	defer l.end()
	conn, err := l.t.connect(ctx, addr, forMessages, l.id)
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errMoved) {
			return cause // what waits is for the new address
		}
		l.takeAll(nil)
		return err
	}
	hungUp := make(chan struct{})
	go func() {
		defer close(hungUp)
		conn.Read(make([]byte, 1)) // nothing is sent this way: it returns when the connection ends
	}()
	err = l.pump(ctx, conn, hungUp)
	sever(conn)
	<-hungUp
	return err
}

// pump writes messages until the connection or ctx ends. Blocked in a write it
// is woken by watch.
func (l *link) pump(ctx context.Context, conn net.Conn, hungUp <-chan struct{}) error {
	stop := context.AfterFunc(ctx, func() { sever(conn) })
	defer stop()
	out := newBatch(conn)
	var messages []*raftpb.Message
	for {
		messages = l.takeAll(messages)
		if len(messages) == 0 {
			if err := l.rest(ctx, hungUp); err != nil {
				return err
			}
			continue
		}
		if err := l.write(conn, out, messages); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
	}
}

// rest waits for the next message.
func (l *link) rest(ctx context.Context, hungUp <-chan struct{}) error {
	idle := time.NewTimer(l.t.c.IdleTimeout / 2) // so that the receiver never is the first to close
	defer idle.Stop()
	select {
	case <-l.wake:
		return nil
	case <-hungUp:
		return errHungUp
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-idle.C:
		return errIdle
	}
}

// write writes messages in pieces of about a megabyte.
func (l *link) write(conn net.Conn, out *batch, messages []*raftpb.Message) error {
	for i, m := range messages {
		if err := out.message(m, l.t.c.MaxFrame); err != nil {
			l.t.c.Logger.Error("a message cannot be sent", "type", m.GetType(), "error", err)
			l.t.report(l.id)
		}
		if i < len(messages)-1 && out.size() < flushAt {
			continue
		}
		if err := conn.SetWriteDeadline(time.Now().Add(l.t.c.WriteTimeout)); err != nil {
			return err
		}
		if err := out.flush(conn); err != nil {
			return err
		}
	}
	return nil
}
