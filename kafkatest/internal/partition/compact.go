// Compaction: the last record of each key stays.

package partition

import (
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
)

// Compact removes records that a later one with the same key supersedes, what
// aborted transactions wrote, and in time tombstones and markers. What is left
// keeps its offsets. It stops at the last stable offset, and at the first
// batch that is younger than min.compaction.lag.ms.
func (l *Log) Compact(now int64, s *Settings) {
	c := compaction{log: l, now: now, settings: s, last: map[string]int64{}, wrote: map[int64]bool{}}
	c.bound = c.findBound()
	for b := range l.Batches(l.start) {
		c.learn(b)
	}
	old := *l
	l.segments, l.size = nil, 0
	for b := range old.Batches(l.start) {
		c.copy(b)
	}
	l.aborted = slices.DeleteFunc(l.aborted, func(t Aborted) bool { return slices.Contains(c.unmarked, t.Last) })
}

// A compaction is one pass over a log.
type compaction struct {
	log      *Log
	now      int64
	settings *Settings
	bound    int64            // batches that end at or after it stay as they are
	last     map[string]int64 // the last offset of each key
	wrote    map[int64]bool   // producers with records that stay in the transaction at hand
	unmarked []int64          // offsets of markers that went
}

func (c *compaction) findBound() int64 {
	bound := c.log.LastStable()
	if c.settings.CompactionLag <= 0 {
		return bound
	}
	for b := range c.log.Batches(c.log.start) {
		if b.MaxTimestamp() > c.now-c.settings.CompactionLag {
			return min(bound, b.BaseOffset())
		}
	}
	return bound
}

// untouched reports whether the batch is beyond what may be compacted.
func (c *compaction) untouched(b batch.Batch) bool { return b.LastOffset() >= c.bound }

// learn notes the keys of a batch.
func (c *compaction) learn(b batch.Batch) {
	if c.untouched(b) || b.Control() || c.log.WasAborted(b) {
		return
	}
	for r, err := range b.Records() {
		if err != nil {
			return
		}
		if r.Key != nil {
			c.last[string(r.Key)] = r.Offset
		}
	}
}

// copy stores what stays of a batch.
func (c *compaction) copy(b batch.Batch) {
	switch {
	case c.untouched(b):
		c.store(b)
	case b.Control():
		c.copyMarker(b)
	case !c.log.WasAborted(b):
		c.copyRecords(b)
	}
}

func (c *compaction) store(b batch.Batch) { c.log.timed(c.log.store(b, b.BaseOffset())) }

// copyMarker keeps a marker while records of its transaction are left, and
// then as long as a tombstone.
func (c *compaction) copyMarker(b batch.Batch) {
	needed := c.wrote[b.ProducerID()]
	delete(c.wrote, b.ProducerID())
	horizon, set := b.Horizon()
	switch {
	case needed || set && c.now < horizon:
		c.store(b)
	case set:
		c.unmarked = append(c.unmarked, b.BaseOffset())
	default:
		c.rewrite(b, nil, c.now+c.settings.TombstoneMs)
	}
}

// copyRecords keeps the records that are the last of their key.
func (c *compaction) copyRecords(b batch.Batch) {
	records, err := b.Decode()
	if err != nil { // a compressed batch that was never looked at
		c.store(b)
		return
	}
	horizon, set := b.Horizon()
	expired := set && c.now >= horizon
	tombstones := false
	var stay []batch.Record
	for i := range records {
		r := &records[i]
		if r.Key == nil || r.Offset < c.last[string(r.Key)] || r.Value == nil && expired {
			continue
		}
		tombstones = tombstones || r.Value == nil
		stay = append(stay, *r)
	}
	if len(stay) == 0 {
		return
	}
	if b.Transactional() {
		c.wrote[b.ProducerID()] = true
	}
	switch {
	case tombstones && !set:
		c.rewrite(b, stay, c.now+c.settings.TombstoneMs)
	case len(stay) < len(records):
		c.rewrite(b, stay, b.Form().Horizon)
	default:
		c.store(b)
	}
}

// rewrite stores a batch again with the records, or its own if there are none
// given, and a delete horizon.
func (c *compaction) rewrite(b batch.Batch, records []batch.Record, horizon int64) {
	if records == nil {
		var err error
		if records, err = b.Decode(); err != nil {
			c.store(b)
			return
		}
	}
	f := b.Form()
	f.Horizon = horizon
	c.store(f.Append(nil, records))
}
