// A link: the messages for one peer, and the goroutine that sends them.

package peer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.etcd.io/raft/v3/raftpb"
)

// A link dials when there is something to send. Invariants:
//
//  1. Only run's goroutine touches rand.
//  2. bytes and count are those of queue and of what was taken from it and is
//     being written: the bounds hold for both together.
//  3. mu is held for a few instructions, never while anything is awaited.
type link struct {
	t      *Transport
	id     uint64
	ctx    context.Context // ends with Forget and with the transport
	cancel context.CancelFunc
	wake   chan struct{} // something was queued
	heard  chan struct{} // the peer has called: it is there
	rand   *rand.Rand

	mu      sync.Mutex
	addr    string
	queue   []*raftpb.Message
	bytes   int
	count   int
	taken   int                     // of bytes, what is being written
	full    bool                    // a message was dropped since the queue was last taken
	attempt context.CancelCauseFunc // ends the connection or dialing under way
}

func newLink(t *Transport, id uint64, addr string) *link {
	l := &link{t: t, id: id, addr: addr, wake: make(chan struct{}, 1), heard: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(t.ctx)
	l.rand = rand.New(rand.NewPCG(t.c.Seed, id))
	return l
}

// put queues a message. It returns false if this is a loss to be reported.
func (l *link) put(m *raftpb.Message) bool {
	size := sizeOf(m)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count >= l.t.c.QueueMessages || l.count > 0 && l.bytes+size > l.t.c.QueueBytes {
		first := !l.full
		l.full = true
		return !first
	}
	l.queue, l.bytes, l.count = append(l.queue, m), l.bytes+size, l.count+1
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return true
}

// takeAll empties the queue into spare, whose memory is used again, and whose
// messages are done with.
func (l *link) takeAll(spare []*raftpb.Message) []*raftpb.Message {
	l.written(spare)
	clear(spare)
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.queue
	l.queue, l.taken, l.full = spare[:0], l.bytes, false
	return all
}

// written tells that what takeAll has returned is done with, and nothing taken
// for it.
func (l *link) written(messages []*raftpb.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count -= len(messages)
	l.bytes -= l.taken
	l.taken = 0
}

// lose empties the queue.
func (l *link) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue, l.bytes, l.count, l.taken, l.full = nil, 0, 0, 0, false
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
		if !l.rest(l.backoff(failures)) {
			return
		}
		failures++
	}
}

// rest waits before the next attempt, or until the peer calls by itself. It is
// false if there is none.
func (l *link) rest(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.heard:
	case <-l.ctx.Done():
	}
	return l.ctx.Err() == nil
}

// hear notes that the peer has called.
func (l *link) hear() {
	select {
	case l.heard <- struct{}{}:
	default:
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
