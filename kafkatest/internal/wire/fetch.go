// Fetch answers without a copy of the records in them.

package wire

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// FetchParts returns the frame that AppendResponse makes of a Fetch answer, in
// parts that are to be written one after the other: the records are parts of
// their own, and not copied. It returns false for an answer that has tagged
// fields, which are those of errors and rare; AppendResponse knows them all.
func FetchParts(correlation int32, r *kmsg.FetchResponse) (parts [][]byte, ok bool) {
	if hasTags(r) {
		return nil, false
	}
	w := fetchWriter{flexible: r.IsFlexible()}
	w.dst = beginFrame(make([]byte, 0, 256))
	w.int32(correlation)
	w.tags()
	if r.Version >= 1 {
		w.int32(r.ThrottleMillis)
	}
	if r.Version >= 7 {
		w.int16(r.ErrorCode)
		w.int32(r.SessionID)
	}
	w.count(len(r.Topics))
	for i := range r.Topics {
		w.topic(r.Version, &r.Topics[i])
	}
	w.tags()
	return w.parts(), true
}

// hasTags reports whether some field is there that is only written if it is.
func hasTags(r *kmsg.FetchResponse) bool {
	if len(r.Brokers) > 0 || r.UnknownTags.Len() > 0 {
		return true
	}
	for i := range r.Topics {
		t := &r.Topics[i]
		if t.UnknownTags.Len() > 0 {
			return true
		}
		for j := range t.Partitions {
			if partitionHasTags(&t.Partitions[j]) {
				return true
			}
		}
	}
	return false
}

func partitionHasTags(p *kmsg.FetchResponseTopicPartition) bool {
	diverging := p.DivergingEpoch.Epoch != -1 || p.DivergingEpoch.EndOffset != -1
	led := p.CurrentLeader.LeaderID != -1 || p.CurrentLeader.LeaderEpoch != -1
	snapshot := p.SnapshotID.EndOffset != -1 || p.SnapshotID.Epoch != -1
	unknown := p.UnknownTags.Len() + p.DivergingEpoch.UnknownTags.Len() + p.CurrentLeader.UnknownTags.Len() +
		p.SnapshotID.UnknownTags.Len()
	for i := range p.AbortedTransactions {
		unknown += p.AbortedTransactions[i].UnknownTags.Len()
	}
	return diverging || led || snapshot || unknown > 0
}

// A fetchWriter writes what stands round the records, and notes where they go.
type fetchWriter struct {
	flexible bool
	dst      []byte
	records  [][]byte
	at       []int // where in dst each of records belongs
}

func (w *fetchWriter) topic(version int16, t *kmsg.FetchResponseTopic) {
	if version >= 13 {
		w.dst = append(w.dst, t.TopicID[:]...)
	} else {
		w.string(t.Topic)
	}
	w.count(len(t.Partitions))
	for i := range t.Partitions {
		w.partition(version, &t.Partitions[i])
	}
	w.tags()
}

func (w *fetchWriter) partition(version int16, p *kmsg.FetchResponseTopicPartition) {
	w.int32(p.Partition)
	w.int16(p.ErrorCode)
	w.int64(p.HighWatermark)
	if version >= 4 {
		w.int64(p.LastStableOffset)
	}
	if version >= 5 {
		w.int64(p.LogStartOffset)
	}
	if version >= 4 {
		w.aborted(p.AbortedTransactions)
	}
	if version >= 11 {
		w.int32(p.PreferredReadReplica)
	}
	if p.RecordBatches == nil {
		w.count(-1)
	} else {
		w.count(len(p.RecordBatches))
		w.at, w.records = append(w.at, len(w.dst)), append(w.records, p.RecordBatches)
	}
	w.tags()
}

func (w *fetchWriter) aborted(all []kmsg.FetchResponseTopicPartitionAbortedTransaction) {
	if all == nil {
		w.count(-1)
		return
	}
	w.count(len(all))
	for i := range all {
		w.int64(all[i].ProducerID)
		w.int64(all[i].FirstOffset)
		w.tags()
	}
}

func (w *fetchWriter) int16(n int16) { w.dst = binary.BigEndian.AppendUint16(w.dst, uint16(n)) }
func (w *fetchWriter) int32(n int32) { w.dst = binary.BigEndian.AppendUint32(w.dst, uint32(n)) }
func (w *fetchWriter) int64(n int64) { w.dst = binary.BigEndian.AppendUint64(w.dst, uint64(n)) }

// count writes the length of an array or of bytes; -1 for null.
func (w *fetchWriter) count(n int) {
	if w.flexible {
		w.dst = binary.AppendUvarint(w.dst, uint64(n+1))
		return
	}
	w.int32(int32(n))
}

func (w *fetchWriter) string(s string) {
	if w.flexible {
		w.dst = binary.AppendUvarint(w.dst, uint64(len(s)+1))
	} else {
		w.int16(int16(len(s)))
	}
	w.dst = append(w.dst, s...)
}

// tags writes that there are no tagged fields, where there might be.
func (w *fetchWriter) tags() {
	if w.flexible {
		w.dst = append(w.dst, 0)
	}
}

// parts fills in the frame's length and puts the records where they belong.
func (w *fetchWriter) parts() [][]byte {
	size := len(w.dst) - 4
	for _, records := range w.records {
		size += len(records)
	}
	binary.BigEndian.PutUint32(w.dst, uint32(size))
	parts := make([][]byte, 0, 2*len(w.records)+1)
	from := 0
	for i, records := range w.records {
		parts = append(parts, w.dst[from:w.at[i]], records)
		from = w.at[i]
	}
	return append(parts, w.dst[from:])
}
