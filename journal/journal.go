// The journal: an append-only list of events, bounded by bytes.

package journal

import (
	"bytes"
	"io"
	"iter"
	"slices"
	"sync"
	"time"
)

// DefaultLimit is how many bytes a Journal keeps when its Limit is zero:
// 64 MiB, payloads and the events themselves taken together.
const DefaultLimit = 64 << 20

// MaxBody is the longest payload that is kept or written, in bytes: 16 MiB.
// It bounds the lines of the text form, and so the memory of its readers.
const MaxBody = 16 << 20

// A Journal holds what happened, in order. The zero value is ready to use,
// from any goroutine. Its clock starts at the first Append; in a
// testing/synctest bubble that clock is the bubble's.
//
// A Journal is bounded: past Limit bytes it lets go the oldest payloads first
// (the event and its Size stay), then the oldest events. Dropped tells how
// many. What is let go was streamed before, if the Journal streams.
type Journal struct {
	// Limit is the number of bytes kept; if not positive, DefaultLimit. Set
	// it before the first Append.
	Limit int

	mu     sync.Mutex // held for a few instructions only
	header Header
	start  time.Time
	store  store
	out    io.Writer // nil when nothing streams; changed under both locks

	// outMu puts the lines of a stream in order. It is taken before mu and
	// held while out writes, so that readers need not wait for a slow file.
	outMu  sync.Mutex
	outErr error
	line   []byte
}

// Append adds e, copying its Body and Notes, and returns the Seq it was given.
// A Body longer than MaxBody or Limit is not kept; its Size is.
func (j *Journal) Append(e Event) int {
	if e.Size == 0 {
		e.Size = len(e.Body)
	}
	lost := len(e.Body) > MaxBody
	if lost {
		e.Body = nil
	}
	e.Body = bytes.Clone(e.Body)
	e.Notes = slices.Clone(e.Notes)

	j.mu.Lock()
	if lost {
		j.store.lostBodies++
	}
	if j.out != nil {
		j.mu.Unlock()
		return j.appendOut(&e)
	}
	defer j.mu.Unlock()
	return j.keep(&e)
}

// keep numbers and dates e and stores it. mu is held.
func (j *Journal) keep(e *Event) int {
	if j.start.IsZero() {
		j.start = time.Now()
	}
	if e.At == 0 {
		e.At = time.Since(j.start)
	}
	limit := j.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	e.Seq = j.store.next + 1
	j.store.add(e, limit)
	return e.Seq
}

// Events yields the events kept so far whose Seq is at least from, in order.
// It begins there at once, whatever was kept before, and sees what is
// appended while it runs; the loop's body may call the Journal. Events let go
// meanwhile are passed over. The payloads are the Journal's own: do not change
// them.
func (j *Journal) Events(from int) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for i := max(from-1, 0); ; i++ {
			e, ok := j.next(&i)
			if !ok || !yield(e) {
				return
			}
		}
	}
}

// next returns the first event kept at index *i or later, and moves *i there.
func (j *Journal) next(i *int) (Event, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	*i = max(*i, j.store.head)
	if *i >= j.store.next {
		return Event{}, false
	}
	return *j.store.at(*i), true
}

// Tail returns the last n events, or fewer if fewer are kept.
func (j *Journal) Tail(n int) []Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	var tail []Event
	for i := max(j.store.head, j.store.next-max(n, 0)); i < j.store.next; i++ {
		tail = append(tail, *j.store.at(i))
	}
	return tail
}

// Len returns how many events are kept.
func (j *Journal) Len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.store.next - j.store.head
}

// Last returns the Seq of the newest event; 0 before the first.
func (j *Journal) Last() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.store.next
}

// Dropped returns how many payloads and how many whole events were let go. The
// payload of an event that went as a whole had gone before it.
func (j *Journal) Dropped() (payloads, events int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.store.lostBodies, j.store.lostEvents
}
