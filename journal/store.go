// Where a journal keeps its events: in chunks, within a limit of bytes.

package journal

const (
	chunkLen  = 128
	eventCost = 160 // bytes of an Event itself, without what it points to
	noteCost  = 32
)

// A chunk is never copied: when a journal grows, it gets one more.
type chunk [chunkLen]Event

// A store holds the events with Seq in [head, next). Indices are Seq-1.
//
//  1. chunks[0] holds index base, a multiple of chunkLen, and base <= head.
//  2. Payloads below index paid have been let go; head <= paid <= next.
//  3. bytes is the sum of cost over the events kept.
type store struct {
	chunks           []*chunk
	spare            *chunk
	base, head, next int
	paid             int
	bytes            int
	lostBodies       int
	lostEvents       int
}

func (s *store) at(i int) *Event {
	i -= s.base
	return &s.chunks[i/chunkLen][i%chunkLen]
}

// add keeps a copy of e as the newest, without a payload that would push out
// all the others and then itself; then it lets go what exceeds limit. Events
// go by pointer: they are large, and a goroutine that a timer has just started
// would have to grow its stack for each copy.
func (s *store) add(e *Event, limit int) {
	if (s.next-s.base)/chunkLen == len(s.chunks) {
		s.grow()
	}
	kept := s.at(s.next)
	*kept = *e
	if len(kept.Body) > limit {
		kept.Body = nil
		s.lostBodies++
	}
	s.next++
	s.bytes += cost(kept)
	if s.bytes > limit {
		s.trim(limit)
	}
}

func (s *store) grow() {
	c := s.spare
	if s.spare = nil; c == nil {
		c = new(chunk)
	}
	s.chunks = append(s.chunks, c)
}

// trim lets go the oldest payloads, then the oldest events but the newest
// one. Its cursors only go forward, so that an add costs O(1) on average.
func (s *store) trim(limit int) {
	for ; s.bytes > limit && s.paid < s.next; s.paid++ {
		if e := s.at(s.paid); len(e.Body) > 0 {
			s.bytes -= len(e.Body)
			e.Body = nil
			s.lostBodies++
		}
	}
	for s.bytes > limit && s.head < s.next-1 {
		e := s.at(s.head)
		s.bytes -= cost(e)
		*e = Event{}
		s.head++
		s.lostEvents++
		s.release()
	}
}

// release takes the first chunk away once nothing in it is kept.
func (s *store) release() {
	if s.head-s.base < chunkLen {
		return
	}
	s.spare = s.chunks[0]
	s.chunks[0] = nil
	s.chunks = s.chunks[1:]
	s.base += chunkLen
}

func cost(e *Event) int {
	n := eventCost + len(e.Kind) + len(e.Where) + len(e.Peer) + len(e.Subject) + len(e.Body)
	for i := range e.Notes {
		n += noteCost + len(e.Notes[i].Key) + len(e.Notes[i].Value)
	}
	return n
}
