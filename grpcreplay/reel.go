// A recording under way: events go in at no wait, and a goroutine writes them.

package grpcreplay

import (
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// backlog is how many bytes of messages may wait to be written before those
// who record wait too.
const backlog = 64 << 20

// A reel takes down what happens, in the order in which it is told.
//
// Messages are not copied: the reel holds gRPC's own buffers until they are
// written. Who records pays for a place in the queue, no more.
type reel struct {
	began  time.Time
	before func(*Message) error
	book   *book

	mu     sync.Mutex
	room   *sync.Cond // signalled when queued has shrunk
	queue  []entry
	queued int // bytes of messages in queue and being written
	order  int // of the last event
	calls  uint64
	closed bool
	err    error // the first that the writer met

	wake chan struct{} // there is something in the queue
	done chan struct{} // the writer is gone
}

// An entry is what the writer is told: a call begins, or something happens in one.
type entry struct {
	id     uint64     // of the call
	method string     // likewise
	start  *tape.Call // of a call that begins; else nil
	event  tape.Event
	own    []byte          // not nil: the program's own bytes were set, and nothing else happened
	body   mem.BufferSlice // of a message, with a reference of the reel's own
}

// newReel starts a reel whose entries go to write, a batch at a time.
func newReel(b *book, before func(*Message) error, write func([]entry) error) *reel {
	r := &reel{
		began: time.Now(), before: before, book: b,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	r.room = sync.NewCond(&r.mu)
	go r.run(write)
	return r
}

// A strand is one call on a reel. Its zero value records nothing.
type strand struct {
	reel    *reel
	id      uint64
	method  string
	subtype string // of its content-type
	made    *made  // in the ledger; nil: the call is not kept there, or not from here
}

// begin takes down that a call begins.
func (r *reel) begin(c *tape.Call) (strand, error) {
	if r.before != nil {
		m := &Message{Method: c.Method, Part: Opening, Metadata: metadataOf(c.Pairs), schema: r.book.set()}
		if err := r.before(m); err != nil {
			return strand{}, err
		}
		c.Pairs = pairsOf(m.Metadata)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return strand{}, nil
	}
	r.calls++
	s := strand{reel: r, id: r.calls, method: c.Method}
	c.Start, c.Order = time.Since(r.began), r.next()
	r.put(entry{id: s.id, start: c})
	return s, nil
}

// message takes down a message: Send before it is handed on, Recv after it
// has come. The reel takes a reference to body.
func (s strand) message(kind tape.Kind, body mem.BufferSlice) error {
	if s.reel == nil {
		return nil
	}
	if s.made != nil {
		s.made.add(tape.Event{Kind: kind, Message: body.Materialize()})
	}
	if s.reel.before == nil {
		body.Ref()
		s.reel.add(entry{id: s.id, method: s.method, event: tape.Event{Kind: kind}, body: body})
		return nil
	}
	m := &Message{Method: s.method, Part: Request, Bytes: body.Materialize(), schema: s.reel.book.set()}
	if kind == tape.Recv {
		m.Part = Response
	}
	if err := s.reel.before(m); err != nil {
		return err
	}
	s.reel.add(entry{id: s.id, method: s.method, event: tape.Event{Kind: kind}, body: frameOf(m.Bytes).b})
	return nil
}

// event takes down anything else.
func (s strand) event(e tape.Event) error {
	if s.reel == nil {
		return nil
	}
	if s.made != nil {
		s.made.add(e)
	}
	if s.reel.before != nil && (e.Kind == tape.Header || e.Kind == tape.End) {
		m := &Message{Method: s.method, Part: Headers, Metadata: metadataOf(e.Pairs), schema: s.reel.book.set()}
		if e.Kind == tape.End {
			m.Part, m.Status = Outcome, grpcStatus(e.Status)
		}
		if err := s.reel.before(m); err != nil {
			return err
		}
		e.Pairs = pairsOf(m.Metadata)
		if e.Kind == tape.End {
			plain := e.Status.Plain
			e.Status = statusOf(m.Status.Err())
			e.Status.Plain = plain && e.Status.Code != 0
		}
	}
	s.reel.add(entry{id: s.id, method: s.method, event: e})
	return nil
}

// add puts an entry into the queue, in its turn.
func (r *reel) add(e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.queued > backlog && !r.closed {
		r.room.Wait()
	}
	if r.closed {
		e.body.Free()
		return
	}
	e.event.At, e.event.Order = time.Since(r.began), r.next()
	r.put(e)
}

// setInitial takes down the program's own bytes.
func (r *reel) setInitial(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.put(entry{own: b})
	}
}

// next returns the next event's place. The caller holds mu.
func (r *reel) next() int {
	r.order++
	return r.order
}

// put queues an entry and wakes the writer. The caller holds mu.
func (r *reel) put(e entry) {
	r.queue = append(r.queue, e)
	r.queued += e.body.Len()
	if len(r.queue) == 1 {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// run writes what is in the queue until the reel is closed and the queue empty.
func (r *reel) run(write func([]entry) error) {
	defer close(r.done)
	var spare []entry
	for range r.wake {
		r.mu.Lock()
		batch, closed := r.queue, r.closed
		r.queue = spare[:0]
		failed := r.err != nil
		r.mu.Unlock()

		var err error
		if !failed && len(batch) > 0 {
			err = write(batch)
		}
		size := 0
		for i := range batch {
			size += batch[i].body.Len()
			batch[i].body.Free()
		}
		clear(batch)
		spare = batch
		r.wrote(size, err)
		if closed {
			return
		}
	}
}

// wrote notes that size bytes of messages are written, or why they are not.
func (r *reel) wrote(size int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queued -= size
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("grpcreplay: the recording is not complete: %w", err)
	}
	r.room.Broadcast()
}

// close ends the reel: what comes later is not recorded. It returns once all
// is written, with the first error that occurred.
func (r *reel) close() error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		r.room.Broadcast()
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
	r.mu.Unlock()
	<-r.done
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}
