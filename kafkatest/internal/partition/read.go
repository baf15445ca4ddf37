// Reading: by offset, and by time.

package partition

import (
	"math"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
)

// A Piece is whole batches as they are stored. It aliases the log, which never
// writes to it again.
type Piece struct {
	Bytes []byte
	Next  int64 // the offset after the last batch
}

// A Span is what to read.
type Span struct {
	From     int64 // the first offset wanted; the batch that has it comes whole
	UpTo     int64 // read no batch with this offset or later ones
	MaxBytes int
	Force    bool // read the first batch even if it is larger
}

// Read reads batches without copying them. It may return less than there is,
// as it ends with a segment; an empty piece means that there is nothing.
func (l *Log) Read(span Span) Piece {
	piece := Piece{Next: span.From}
	for at := l.segmentOf(span.From); at < len(l.segments); at++ {
		s := l.segments[at]
		first := s.from(span.From)
		if first == len(s.index) {
			continue // there is a gap between this segment and the next
		}
		begin := s.index[first].at
		n := s.upTo(span.UpTo)
		if s.endOf(n-1)-begin > span.MaxBytes {
			n = min(n, s.within(begin+max(span.MaxBytes, 0)))
		}
		if n <= first && span.Force && s.batch(first).LastOffset() < span.UpTo {
			n = first + 1
		}
		if n <= first {
			return piece
		}
		end := s.endOf(n - 1)
		return Piece{Bytes: s.data[begin:end:end], Next: s.batch(n-1).LastOffset() + 1}
	}
	return piece
}

// Pending returns how many bytes there are from offset from up to upTo, across
// segments.
func (l *Log) Pending(from, upTo int64) int64 {
	if len(l.segments) == 0 || from >= upTo {
		return 0
	}
	return max(0, l.position(upTo)-l.position(from))
}

// position returns where the first batch lies that has offset or a later one.
func (l *Log) position(offset int64) int64 {
	s := l.segments[l.segmentOf(offset)]
	i := s.from(offset)
	if i == len(s.index) {
		return s.before + int64(len(s.data))
	}
	return s.before + int64(s.index[i].at)
}

// A Stamp is a record's offset and timestamp, with the epoch it was appended
// in.
type Stamp struct {
	Offset    int64
	Timestamp int64
	Epoch     int32
}

// At returns the first record with a timestamp of at least ms; false if there
// is none.
func (l *Log) At(ms int64) (Stamp, bool) {
	for _, s := range l.segments {
		if s.maxTime < ms {
			continue
		}
		for i := range s.index {
			if stamp, ok := l.atIn(s.batch(i), ms); ok {
				return stamp, true
			}
		}
	}
	return Stamp{}, false
}

// atIn looks for the record in one batch.
func (l *Log) atIn(b batch.Batch, ms int64) (Stamp, bool) {
	if b.MaxTimestamp() < ms {
		return Stamp{}, false
	}
	if b.AppendTime() {
		return Stamp{max(b.BaseOffset(), l.start), b.MaxTimestamp(), b.LeaderEpoch()}, true
	}
	for r, err := range b.Records() {
		if err != nil {
			break
		}
		if r.Timestamp >= ms && r.Offset >= l.start {
			return Stamp{r.Offset, r.Timestamp, b.LeaderEpoch()}, true
		}
	}
	return Stamp{}, false
}

// Latest returns the first record with the largest timestamp (KIP-734); false
// if there is no record.
func (l *Log) Latest() (Stamp, bool) {
	latest := int64(math.MinInt64)
	for _, s := range l.segments {
		latest = max(latest, s.maxTime)
	}
	if len(l.segments) == 0 {
		return Stamp{}, false
	}
	return l.At(latest)
}
