// A partition's log: the records under its shape, and who waits for them.

package state

import (
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/partition"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A partitionLog is a log with those who wait for it to move.
type partitionLog struct {
	partition.Log
	fetches  []watch
	acks     []*ackWait
	cleaning *call.Entry // when retention or compaction is due next
	urgent   bool        // the cleaning on the agenda is due because of the log's size
	dirty    int64       // up to where it was compacted last
}

// logSettings are a topic's configs as its logs heed them, resolved when the
// store's count of changes was count.
type logSettings struct {
	partition.Settings
	count     uint64
	minISR    int
	segmentMs int64
	maxLag    int64
}

// defaultLogBytes is what one partition holds at most unless the cluster's
// Config says otherwise.
const defaultLogBytes = 1 << 30

// logSettings returns the topic's configs, resolved anew only after a change.
func (t *Topic) logSettings() *logSettings {
	count := t.cluster.settings.Changes()
	if t.log.count == count && t.log.MaxBatch != 0 {
		return &t.log
	}
	codec, _ := batch.ParseCodec(t.setting("compression.type"))
	policy := t.Setting("cleanup.policy").List()
	bound := t.cluster.config.LogBytes
	if bound == 0 {
		bound = defaultLogBytes
	}
	t.log = logSettings{
		Settings: partition.Settings{
			AppendTime:     t.setting("message.timestamp.type") == "LogAppendTime",
			BeforeMax:      t.Setting("message.timestamp.before.max.ms").Int64(),
			AfterMax:       t.Setting("message.timestamp.after.max.ms").Int64(),
			MaxBatch:       int(t.Setting("max.message.bytes").Int64()),
			SegmentBytes:   t.Setting("segment.bytes").Int64(),
			Codec:          codec,
			Compact:        slices.Contains(policy, "compact"),
			Delete:         slices.Contains(policy, "delete"),
			RetentionMs:    t.Setting("retention.ms").Int64(),
			RetentionBytes: t.Setting("retention.bytes").Int64(),
			TombstoneMs:    t.Setting("delete.retention.ms").Int64(),
			CompactionLag:  t.Setting("min.compaction.lag.ms").Int64(),
			Bound:          bound,
		},
		count:     count,
		minISR:    int(t.Setting("min.insync.replicas").Int64()),
		segmentMs: t.Setting("segment.ms").Int64(),
		maxLag:    t.Setting("max.compaction.lag.ms").Int64(),
	}
	return &t.log
}

// Log returns the log, to look at.
func (p *Partition) Log() *partition.Log { return &p.log.Log }

// endOn returns the end of what a replica holds.
func (p *Partition) endOn(broker int32) int64 {
	if end, behind := p.behind[broker]; behind {
		return end
	}
	return p.log.End()
}

// truncate cuts the log off at an offset, and what replicas hold beyond it.
func (p *Partition) truncate(offset int64) {
	p.log.Truncate(offset)
	for id, end := range p.behind {
		p.behind[id] = min(end, p.log.End())
	}
}

// advance moves the high watermark to where the replicas in sync allow it, and
// tells whoever waits for that.
func (p *Partition) advance() {
	if p.log.Advance(p.watermark()) {
		p.wakeAcks()
	}
	p.wakeFetches()
}

// changed tells whoever waits for the partition that its shape is another.
func (p *Partition) changed() {
	if p.gone {
		p.log.cleaning.Stop()
	} else if p.Leader >= 0 {
		p.log.StartEpoch(p.Epoch)
	}
	p.wakeAcks()
	p.wakeFetches()
}

// appendBatch appends a checked batch on the leader, and lets replication move
// the high watermark.
func (p *Partition) appendBatch(b batch.Checked) (partition.Appended, *batch.Fault) {
	s := p.Topic.logSettings()
	done, fault := p.log.Append(b, p.Epoch, p.Topic.cluster.now(), &s.Settings)
	if fault == nil && !done.Duplicate {
		p.advance()
		p.scheduleCleaning()
	}
	return done, fault
}

// Append appends records as if a producer had sent them in one batch, and
// returns the offset of the first. Offsets that the records have are ignored.
func (p *Partition) Append(records []batch.Record) (int64, error) {
	if len(records) == 0 {
		return p.log.End(), nil
	}
	records = slices.Clone(records)
	for i := range records {
		records[i].Offset = int64(i)
	}
	f := batch.NewForm()
	b, fault := batch.Check(f.Append(nil, records), 9)
	if fault != nil {
		return 0, fault
	}
	done, fault := p.appendBatch(b)
	if fault != nil {
		return 0, fault
	}
	return done.Base, nil
}

// EndTxn appends the marker that ends a producer's transaction. The error asks
// for another attempt if the partition has no leader at present.
func (p *Partition) EndTxn(m batch.Marker) *kerr.Error {
	if p.Leader < 0 {
		return kerr.LeaderNotAvailable
	}
	m.Timestamp = p.Topic.cluster.now()
	if _, err := p.log.EndTxn(m, p.Epoch); err != nil {
		return err
	}
	p.advance()
	return nil
}

// DeleteBefore deletes the records before offset; -1 stands for the high
// watermark. It returns the first offset that is left.
func (p *Partition) DeleteBefore(offset int64) (int64, *kerr.Error) {
	low, err := p.log.DeleteBefore(offset)
	p.wakeFetches()
	return low, err
}
