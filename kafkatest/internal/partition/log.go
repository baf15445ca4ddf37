// The log: its offsets, and its batches by offset.

package partition

import (
	"iter"
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
)

// A Log is the log of one partition. The zero Log is empty and ready.
type Log struct {
	segments []*segment // none is empty
	start    int64
	end      int64
	hw       int64
	size     int64

	epochs    []epochStart
	producers map[int64]*producer

	ongoing []ongoing // by first offset
	ended   []Aborted // transactions with a marker at or above the high watermark
	aborted []Aborted // by the offset of the marker
}

// Start returns the first offset that can be read.
func (l *Log) Start() int64 { return l.start }

// End returns the offset that the next record gets.
func (l *Log) End() int64 { return l.end }

// HighWatermark returns up to which offset consumers may read.
func (l *Log) HighWatermark() int64 { return l.hw }

// Size returns how many bytes the batches take.
func (l *Log) Size() int64 { return l.size }

// Advance moves the high watermark to offset, or to the end if that is lower.
// It never moves back. It reports whether it moved.
func (l *Log) Advance(offset int64) bool {
	offset = min(offset, l.end)
	if offset <= l.hw {
		return false
	}
	l.hw = offset
	l.ended = slices.DeleteFunc(l.ended, func(t Aborted) bool { return t.Last < l.hw })
	return true
}

// Batches yields all batches from the first that has offset or a later one.
// They alias the log and must not be written to.
func (l *Log) Batches(offset int64) iter.Seq[batch.Batch] {
	return func(yield func(batch.Batch) bool) {
		for _, s := range l.segments[l.segmentOf(offset):] {
			for i := s.from(offset); i < len(s.index); i++ {
				if !yield(s.batch(i)) {
					return
				}
			}
		}
	}
}

// segmentOf returns the last segment that begins at or before offset; the
// first if none does.
func (l *Log) segmentOf(offset int64) int {
	i, _ := slices.BinarySearchFunc(l.segments, offset, func(s *segment, offset int64) int {
		if s.base() <= offset {
			return -1
		}
		return 1
	})
	return max(i-1, 0)
}

// store copies a batch behind the others. Its offset must not be below the
// end; the caller moves that on.
func (l *Log) store(b batch.Batch, base int64) batch.Batch {
	last := len(l.segments) - 1
	if last < 0 {
		l.segments = append(l.segments, newSegment(len(b), 0, true))
	} else if s := l.segments[last]; !s.fits(len(b)) {
		l.segments = append(l.segments, newSegment(len(b), s.before+int64(len(s.data)), false))
	}
	s := l.segments[len(l.segments)-1]
	stored := s.append(b, base)
	l.size += int64(len(b))
	return stored
}

// timed notes the largest timestamp of the batch that was stored last.
func (l *Log) timed(b batch.Batch) {
	s := l.segments[len(l.segments)-1]
	s.maxTime = max(s.maxTime, b.MaxTimestamp())
}
