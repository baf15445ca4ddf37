// Letting records go: at the beginning, and at the end.

package partition

import (
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/twmb/franz-go/pkg/kerr"
)

// DeleteBefore deletes the records before offset; -1 stands for the high
// watermark. It returns the first offset that is left. That offset is beyond
// what may be deleted is an error; that it is gone already is none.
func (l *Log) DeleteBefore(offset int64) (int64, *kerr.Error) {
	if offset == -1 {
		offset = l.hw
	}
	if offset < 0 || offset > l.hw {
		return -1, kerr.OffsetOutOfRange
	}
	l.moveStart(offset)
	return l.start, nil
}

// Expire deletes from the beginning what the retention settings let go. It
// goes by batches, where Kafka goes by segments, and like Kafka stops at the
// high watermark. Batches without timestamps do not age.
func (l *Log) Expire(now int64, s *Settings) {
	if !s.Delete {
		return
	}
	l.dropWhile(func(b batch.Batch) bool {
		old := s.RetentionMs >= 0 && b.MaxTimestamp() >= 0 && b.MaxTimestamp() < now-s.RetentionMs
		much := s.RetentionBytes >= 0 && l.size-int64(len(b)) >= s.RetentionBytes
		return old || much
	})
}

// bound keeps the log within its hard bound, the last batch excepted.
func (l *Log) bound(s *Settings) {
	if s.Bound <= 0 || l.size <= s.Bound {
		return
	}
	l.dropWhile(func(b batch.Batch) bool { return l.size > s.Bound })
}

// dropWhile drops the first batch, and so on, while want says so and the high
// watermark allows it.
func (l *Log) dropWhile(want func(batch.Batch) bool) {
	for len(l.segments) > 0 {
		b := l.segments[0].batch(0)
		if b.LastOffset() >= l.hw || !want(b) {
			return
		}
		l.moveStart(b.LastOffset() + 1)
	}
}

// moveStart makes offset the first that can be read, unless that is later
// already, and lets go of what lies wholly before it.
func (l *Log) moveStart(offset int64) {
	if offset <= l.start {
		return
	}
	l.start = offset
	for len(l.segments) > 0 {
		s := l.segments[0]
		gone := s.from(offset)
		if gone < len(s.index) {
			l.size -= int64(s.index[gone].at - s.index[0].at)
			s.index = s.index[gone:]
			break
		}
		l.size -= s.size()
		l.segments = slices.Delete(l.segments, 0, 1)
	}
	l.trimEpochs()
	l.aborted = slices.DeleteFunc(l.aborted, func(t Aborted) bool { return t.Last < l.start })
}

// Truncate cuts the log off at offset, so that the next record gets that, or
// the first of the batch that has it. It is what becomes of records that a
// leader had and its successor has not.
func (l *Log) Truncate(offset int64) {
	if offset >= l.end {
		return
	}
	l.end = max(offset, l.start)
	for len(l.segments) > 0 {
		s := l.segments[len(l.segments)-1]
		keep := s.from(l.end)
		if keep == len(s.index) {
			break
		}
		l.end = max(min(l.end, s.index[keep].base), l.start)
		l.size -= int64(len(s.data) - s.index[keep].at)
		if keep > 0 {
			s.cut(keep)
			break
		}
		l.segments = l.segments[:len(l.segments)-1]
	}
	l.hw = min(l.hw, l.end)
	l.cutEpochs()
	beyond := func(t Aborted) bool { return t.Last >= l.end }
	l.aborted = slices.DeleteFunc(l.aborted, beyond)
	l.ended = slices.DeleteFunc(l.ended, beyond)
	l.replay()
}
