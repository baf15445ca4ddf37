// Appending: what producers sent, and markers.

package partition

import (
	"math"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/twmb/franz-go/pkg/kerr"
)

// An Appended tells what became of a batch.
type Appended struct {
	Base       int64 // the offset of the first record; -1 if there were no records
	Last       int64
	AppendTime int64 // the broker's time if the topic has that; -1 if not
	Duplicate  bool  // the batch was in the log already, and nothing was appended
}

// Append appends a batch. In the order in which a broker does, it checks size,
// records and producer, and appends nothing if it finds fault. The caller has
// made sure that a transactional batch belongs to a transaction.
func (l *Log) Append(c batch.Checked, leaderEpoch int32, now int64, s *Settings) (Appended, *batch.Fault) {
	if c.Batch == nil {
		return Appended{Base: -1, Last: -1, AppendTime: -1}, nil
	}
	c, fault := s.vet(c, now)
	if fault != nil {
		return Appended{}, fault
	}
	if n := int64(len(c.Batch)); s.SegmentBytes > 0 && n > s.SegmentBytes {
		why := "%d bytes are more than segment.bytes, %d"
		return Appended{}, batch.Refuse(kerr.RecordListTooLarge, why, n, s.SegmentBytes)
	}
	again, fault := l.checkProducer(c.Batch)
	if fault != nil {
		return Appended{}, fault
	}
	if again != nil {
		return again.appended(), nil
	}
	return l.append(c, leaderEpoch, now, s), nil
}

func (l *Log) append(c batch.Checked, leaderEpoch int32, now int64, s *Settings) Appended {
	done := Appended{Base: l.end, AppendTime: -1}
	l.StartEpoch(leaderEpoch)
	b := l.store(c.Batch, l.end)
	b.Place(l.end, leaderEpoch)
	switch {
	case s.AppendTime:
		done.AppendTime = now
		b.StampAppendTime(now)
	case c.Walked && c.MaxTimestamp != b.MaxTimestamp():
		b.SetMaxTimestamp(c.MaxTimestamp)
	}
	l.timed(b)
	done.Last = b.LastOffset()
	l.end = done.Last + 1
	l.noteProducer(b)
	l.bound(s)
	return done
}

// EndTxn appends the marker that ends a producer's transaction. A marker of an
// old epoch, or of a coordinator that is none any more, is refused.
func (l *Log) EndTxn(m batch.Marker, leaderEpoch int32) (int64, *kerr.Error) {
	if p, ok := l.producers[m.ProducerID]; ok {
		switch {
		case m.ProducerEpoch < p.epoch:
			return -1, kerr.InvalidProducerEpoch
		case m.CoordinatorEpoch < p.coordinatorEpoch:
			return -1, kerr.TransactionCoordinatorFenced
		}
	}
	l.StartEpoch(leaderEpoch)
	raw := batch.Batch(m.Append(nil, l.end, leaderEpoch))
	b := l.store(raw, l.end)
	l.timed(b)
	offset := l.end
	l.end++
	l.noteMarker(m, offset)
	return offset, nil
}

// vet checks a batch against the topic's configs, and recompresses it if they
// say so.
func (s *Settings) vet(c batch.Checked, now int64) (batch.Checked, *batch.Fault) {
	if c.Size > s.MaxBatch {
		return c, s.tooLarge(c.Size)
	}
	if s.Compact || s.BeforeMax < math.MaxInt64 { // the header tells no keys, and not the smallest timestamp
		var fault *batch.Fault
		if c, fault = c.Look(); fault != nil {
			return c, fault
		}
	}
	if s.Compact && c.Keyless {
		return c, &batch.Fault{
			Err:     kerr.InvalidRecord,
			Message: "one or more records have been rejected: a compacted topic takes no record without key",
			Records: c.Batch.Faulty(keyless),
		}
	}
	if fault := s.vetTimes(c, now); fault != nil {
		return c, fault
	}
	return s.recompress(c)
}

func (s *Settings) tooLarge(n int) *batch.Fault {
	return batch.Refuse(kerr.MessageTooLarge, "%d bytes are more than max.message.bytes, %d", n, s.MaxBatch)
}

func keyless(r batch.Record) string {
	if r.Key == nil {
		return "compacted topic cannot accept message without key"
	}
	return ""
}

// vetTimes refuses records whose timestamp is too far from now (KIP-937).
func (s *Settings) vetTimes(c batch.Checked, now int64) *batch.Fault {
	early := func(t int64) bool { return t < now-s.BeforeMax }
	late := func(t int64) bool { return t > now && t-now > s.AfterMax }
	if s.AppendTime || !early(c.MinTimestamp) && !late(c.MaxTimestamp) {
		return nil
	}
	faults := c.Batch.Faulty(func(r batch.Record) string {
		if r.Timestamp != batch.NoTimestamp && (early(r.Timestamp) || late(r.Timestamp)) {
			return "the timestamp is out of range"
		}
		return ""
	})
	if len(faults) == 0 {
		return nil
	}
	return &batch.Fault{
		Err:     kerr.InvalidTimestamp,
		Message: "one or more records have been rejected due to invalid timestamp",
		Records: faults,
	}
}

func (s *Settings) recompress(c batch.Checked) (batch.Checked, *batch.Fault) {
	if s.Codec == batch.Producer || s.Codec == c.Batch.Codec() {
		return c, nil
	}
	b, err := c.Batch.Recompress(s.Codec)
	if err != nil {
		return c, batch.Refuse(kerr.CorruptMessage, "the %v records cannot be read: %v", c.Batch.Codec(), err)
	}
	if len(b) > s.MaxBatch {
		return c, s.tooLarge(len(b))
	}
	c.Batch = b
	return c, nil
}
