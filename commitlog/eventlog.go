// The last events of a node, for any number of readers.

package commitlog

import (
	"context"
	"iter"
	"sync"
)

// eventlog keeps the last events in a ring.
type eventlog struct {
	mu     sync.Mutex
	ring   [1024]Event
	next   uint64 // the Seq of the next event
	more   chan struct{}
	closed bool
}

func newEventlog() *eventlog { return &eventlog{next: 1, more: make(chan struct{})} }

func (l *eventlog) add(events []Event) {
	if len(events) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		e.Seq = l.next
		l.ring[e.Seq%uint64(len(l.ring))] = e
		l.next++
	}
	if !l.closed {
		close(l.more)
		l.more = make(chan struct{})
	}
}

func (l *eventlog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.more)
	}
}

// get returns the event with that number, or a Gap if it is gone already; more
// is closed when there is one, end says that there will be none.
func (l *eventlog) get(seq uint64) (e Event, ok bool, more <-chan struct{}, end bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	oldest := uint64(1)
	if l.next > uint64(len(l.ring)) {
		oldest = l.next - uint64(len(l.ring))
	}
	switch {
	case seq >= l.next:
		return Event{}, false, l.more, l.closed
	case seq < oldest:
		return Event{Seq: oldest - 1, Kind: Gap}, true, nil, false
	}
	return l.ring[seq%uint64(len(l.ring))], true, nil, false
}

// Events yields what happens on the node, from the event with that number on
// (1 is the first of the node's life, 0 the same), until ctx ends or the node
// is shut down. The last 1,024 are kept; who is slower gets a Gap for those
// that are missing.
func (n *Node) Events(ctx context.Context, from uint64) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for seq := max(from, 1); ; {
			e, ok, more, end := n.events.get(seq)
			if ok {
				if !yield(e) {
					return
				}
				seq = e.Seq + 1
				continue
			}
			if end {
				return
			}
			select {
			case <-more:
			case <-ctx.Done():
				return
			}
		}
	}
}
