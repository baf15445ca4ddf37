// Lag: what a group has not consumed yet.

package kafkatest

import (
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/group"
	"github.com/rehearse-go/rehearse/kafkatest/internal/partition"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
)

// topicsOf returns the topics that a group is about, sorted.
func topicsOf(s group.Snapshot) (topics []string) {
	for _, m := range s.Members {
		topics = append(topics, m.Topics...)
		for name := range m.Assigned {
			topics = append(topics, name)
		}
	}
	for _, o := range s.Offsets {
		topics = append(topics, o.Topic)
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// lagOf returns how many records of a topic the group has not committed, and
// does not count far beyond enough.
func lagOf(c *state.Cluster, name, topic string, enough int64) (lag int64) {
	t, ok := c.Topic(topic)
	if !ok {
		return 0
	}
	for _, p := range t.Partitions {
		if lag >= enough {
			break
		}
		from := int64(0)
		if o, ok := c.Groups().Committed(name, topic, p.Number); ok {
			from = o.Offset
		}
		lag += ahead(p.Log(), from, enough)
	}
	return lag
}

// ahead returns how many records there are from an offset on that a consumer
// gets to see, counted up to enough. Markers and what was aborted are not among
// them: a consumer that has read all else need not commit anything behind them.
func ahead(l *partition.Log, from, enough int64) (n int64) {
	upTo := l.HighWatermark()
	if from >= upTo {
		return 0
	}
	for b := range l.Batches(from) {
		if b.BaseOffset() >= upTo || n >= enough {
			break
		}
		if !b.Control() && !l.WasAborted(b) {
			n += recordsFrom(b, from)
		}
	}
	return n
}

// recordsFrom returns how many records of a batch have that offset or a later
// one. Only compaction leaves a batch with fewer records than offsets.
func recordsFrom(b batch.Batch, from int64) (n int64) {
	if int64(b.Count()) == int64(b.LastDelta())+1 {
		return b.LastOffset() - max(from, b.BaseOffset()) + 1
	}
	for r, err := range b.Records() {
		if err == nil && r.Offset >= from {
			n++
		}
	}
	return n
}
