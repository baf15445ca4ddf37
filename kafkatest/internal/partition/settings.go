// What a topic's configs say to its logs.

package partition

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
)

// Settings are the topic configs that a log heeds.
type Settings struct {
	AppendTime     bool        // message.timestamp.type is LogAppendTime
	BeforeMax      int64       // message.timestamp.before.max.ms
	AfterMax       int64       // message.timestamp.after.max.ms
	MaxBatch       int         // max.message.bytes
	SegmentBytes   int64       // segment.bytes, which no batch may exceed; 0 for no limit
	Codec          batch.Codec // compression.type
	Compact        bool        // cleanup.policy has compact
	Delete         bool        // cleanup.policy has delete
	RetentionMs    int64       // retention.ms; -1 for ever
	RetentionBytes int64       // retention.bytes; -1 without end
	TombstoneMs    int64       // delete.retention.ms
	CompactionLag  int64       // min.compaction.lag.ms

	// Bound is how many bytes a log holds at most, whatever else is said; the
	// oldest go. 0 for no bound. Kafka has none: it has a disk.
	Bound int64
}
