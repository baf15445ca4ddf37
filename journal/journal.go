// The journal: an append-only list of events, bounded by bytes.

package journal

import (
	"io"
	"iter"
	"sync"
	"time"
)

// DefaultLimit is how many bytes a Journal keeps when its Limit is zero:
// 64 MiB, payloads and the events themselves taken together.
const DefaultLimit = 64 << 20

// A Journal holds what happened, in order. The zero value is ready to use,
// from any goroutine. Its clock starts at the first use; in a
// testing/synctest bubble that clock is the bubble's.
//
// A Journal is bounded: past Limit bytes it lets go the oldest payloads first
// (the event and its Size stay), then the oldest events. Dropped tells how
// many. What is let go was streamed before, if the Journal streams.
type Journal struct {
	// Limit is the number of bytes kept; if 0, DefaultLimit. Set it before
	// the first Append.
	Limit int

	mu     sync.Mutex
	start  time.Time
	events []Event
	seq    int
	stream io.Writer
}

// Append adds e, copying its Body, and returns the Seq it was given.
func (j *Journal) Append(e Event) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.start.IsZero() {
		j.start = time.Now()
	}
	j.seq++
	e.Seq = j.seq
	if e.At == 0 {
		e.At = time.Since(j.start)
	}
	if e.Size == 0 {
		e.Size = len(e.Body)
	}
	if e.Body != nil {
		e.Body = append([]byte(nil), e.Body...)
	}
	j.events = append(j.events, e)
	return e.Seq
}

// Events yields the events kept so far whose Seq is at least from, in order.
// It sees what is appended while it runs.
func (j *Journal) Events(from int) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for i := 0; ; i++ {
			j.mu.Lock()
			if i >= len(j.events) {
				j.mu.Unlock()
				return
			}
			e := j.events[i]
			j.mu.Unlock()
			if e.Seq >= from && !yield(e) {
				return
			}
		}
	}
}
