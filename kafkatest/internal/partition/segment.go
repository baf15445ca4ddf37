// Segments: the memory that batches lie in.

package partition

import (
	"math"
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
)

// segmentSize is how much a segment holds, unless one batch is larger. A read
// ends with a segment, as in Kafka, so that what is read is one piece; the
// default of max.partition.fetch.bytes is as large.
const segmentSize = 1 << 20

// A segment holds batches one after the other. Its memory is only ever
// appended to, so that slices of it may be handed out.
type segment struct {
	data    []byte
	index   []place
	maxTime int64 // the largest timestamp
	before  int64 // how many bytes the log has had before this segment
}

// A place is where a batch begins.
type place struct {
	base int64
	at   int
}

// newSegment returns a segment for a batch of n bytes to begin with. The first
// one of a log is small and grows, so that an idle log takes next to no memory.
// One that the batch all but fills is left to append, since what is copied into
// new memory need not be cleared before.
func newSegment(n int, before int64, first bool) *segment {
	s := &segment{maxTime: math.MinInt64, before: before}
	switch {
	case n > segmentSize/4*3:
	case first:
		s.data = make([]byte, 0, max(512, n))
	default:
		s.data = make([]byte, 0, segmentSize)
	}
	return s
}

// fits reports whether n bytes have room in the segment, which may grow.
func (s *segment) fits(n int) bool {
	return len(s.data)+n <= max(cap(s.data), segmentSize)
}

// append copies a batch into the segment and returns the copy, which may still
// be patched: nobody has seen it.
func (s *segment) append(b batch.Batch, base int64) batch.Batch {
	if need := len(s.data) + len(b); need > cap(s.data) && s.data != nil {
		grown := make([]byte, len(s.data), max(need, min(2*cap(s.data), segmentSize)))
		copy(grown, s.data)
		s.data = grown
	}
	at := len(s.data)
	s.data = append(s.data, b...)
	s.index = append(s.index, place{base, at})
	return batch.Batch(s.data[at:len(s.data):len(s.data)])
}

// base returns the first offset of the segment, which is not empty.
func (s *segment) base() int64 { return s.index[0].base }

// batch returns the i-th batch.
func (s *segment) batch(i int) batch.Batch {
	at, end := s.index[i].at, s.endOf(i)
	return batch.Batch(s.data[at:end:end])
}

// endOf returns where the i-th batch ends.
func (s *segment) endOf(i int) int {
	if i+1 < len(s.index) {
		return s.index[i+1].at
	}
	return len(s.data)
}

// size returns how many bytes the batches of the segment take.
func (s *segment) size() int64 { return int64(len(s.data) - s.index[0].at) }

// from returns the first batch that has offset or a later one; the number of
// batches if there is none.
func (s *segment) from(offset int64) int {
	i := s.notBefore(offset + 1)
	if i > 0 && s.batch(i-1).LastOffset() >= offset {
		return i - 1
	}
	return i
}

// notBefore returns the first batch with a base of at least offset.
func (s *segment) notBefore(offset int64) int {
	i, _ := slices.BinarySearchFunc(s.index, offset, func(p place, offset int64) int {
		if p.base < offset {
			return -1
		}
		return 1
	})
	return i
}

// upTo returns how many batches end before offset.
func (s *segment) upTo(offset int64) int {
	n := s.notBefore(offset)
	if n > 0 && s.batch(n-1).LastOffset() >= offset {
		n--
	}
	return n
}

// within returns how many batches end at or before the position.
func (s *segment) within(position int) int {
	i, found := slices.BinarySearchFunc(s.index, position, func(p place, position int) int { return p.at - position })
	if found {
		return i
	}
	if position >= len(s.data) {
		return len(s.index)
	}
	return i - 1
}

// cut takes away all batches from the i-th on. What is appended next goes into
// memory of its own, since somebody may still read what was cut.
func (s *segment) cut(i int) {
	end := s.index[i].at
	s.data = s.data[:end:end]
	s.index = s.index[:i]
	s.maxTime = math.MinInt64
	for i := range s.index {
		s.maxTime = max(s.maxTime, s.batch(i).MaxTimestamp())
	}
}
