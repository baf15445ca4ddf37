// The answer to a fetch: records, and what else there is to tell.

package state

import (
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/partition"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxConverted is how many bytes of plain records one answer converts to an old
// format, but for the batch that goes beyond.
const maxConverted = 64 << 20

// answer makes the answer of what there is now.
func (f *fetch) answer() *kmsg.FetchResponse {
	resp := f.req.ResponseKind().(*kmsg.FetchResponse)
	if f.session != nil {
		resp.SessionID = f.session.id
	}
	room, force := f.limit(), f.req.Version >= 3
	f.old.Room = maxConverted
	if f.req.Version >= 2 {
		f.old.Magic = 1
	}
	gave := make([]bool, len(f.wishes))
	for i, w := range f.wishes {
		told := f.tell(i, partition.Span{MaxBytes: room, Force: force})
		if n := len(told.RecordBatches); n > 0 {
			gave[i], force = true, false
			room = max(0, room-n)
		}
		if !f.incremental || w.isNew(&told) {
			addPartition(resp, w, told)
			f.hint(resp, &f.views[i])
		}
		w.toldHW, w.toldStart = told.HighWatermark, told.LogStartOffset
		if told.ErrorCode != 0 {
			w.toldHW = -1 // tell all again when the error is over
		}
	}
	if f.session != nil && slices.Contains(gave, true) {
		f.session.rotate(func(i int) bool { return gave[i] })
	}
	return resp
}

// isNew reports whether a session has something to tell of the partition.
func (w *wish) isNew(told *kmsg.FetchResponseTopicPartition) bool {
	return told.ErrorCode != 0 || len(told.RecordBatches) > 0 || told.DivergingEpoch.Epoch >= 0 ||
		told.PreferredReadReplica >= 0 || told.HighWatermark != w.toldHW || told.LogStartOffset != w.toldStart
}

// addPartition adds a partition to its topic. Like a broker it looks no further
// back than the last topic, and names one again that comes back later.
func addPartition(resp *kmsg.FetchResponse, w *wish, told kmsg.FetchResponseTopicPartition) {
	if last := len(resp.Topics) - 1; last >= 0 {
		if t := &resp.Topics[last]; t.Topic == w.topic && t.TopicID == w.id {
			t.Partitions = append(t.Partitions, told)
			return
		}
	}
	t := kmsg.NewFetchResponseTopic()
	t.Topic, t.TopicID = w.topic, w.id
	t.Partitions = append(t.Partitions, told)
	resp.Topics = append(resp.Topics, t)
}

// tell tells of one partition, with records within the span's bounds.
func (f *fetch) tell(i int, span partition.Span) kmsg.FetchResponseTopicPartition {
	w, v := f.wishes[i], &f.views[i]
	told := emptyPartition(w.partition, v.err)
	if v.err != nil {
		f.tellLeader(&told, v)
		return told
	}
	log := &v.p.log
	told.HighWatermark = min(log.HighWatermark(), v.p.endOn(f.x.Broker))
	told.LogStartOffset = log.Start()
	told.LastStableOffset = min(log.LastStable(), told.HighWatermark) // told to readers of the uncommitted, too
	if f.req.IsolationLevel == 1 {
		told.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{}
	}
	switch {
	case v.diverges:
		told.DivergingEpoch.Epoch, told.DivergingEpoch.EndOffset = v.epoch, v.end
		return told
	case v.preferred >= 0:
		told.PreferredReadReplica = v.preferred
		return told
	}
	span.From, span.UpTo = w.offset, v.upTo
	span.MaxBytes = min(span.MaxBytes, int(max(w.maxBytes, 0)))
	f.tellRecords(&told, log, span)
	return told
}

// tellRecords reads records into the answer, in the format of the version.
func (f *fetch) tellRecords(told *kmsg.FetchResponseTopicPartition, log *partitionLog, span partition.Span) {
	if f.req.Version < 3 {
		span.Force = span.MaxBytes > 0
	}
	piece := log.Read(span)
	if len(piece.Bytes) == 0 {
		return
	}
	told.RecordBatches = piece.Bytes
	if f.req.Version < 4 {
		f.tellOld(told, span)
		return
	}
	if f.req.IsolationLevel != 1 {
		return
	}
	for _, t := range log.AbortedIn(span.From, piece.Next) {
		aborted := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
		aborted.ProducerID, aborted.FirstOffset = t.Producer, t.First
		told.AbortedTransactions = append(told.AbortedTransactions, aborted)
	}
}

// tellOld converts the records to the message format that the version knows.
// Before version 3 what is too large is cut off in the midst of a message: it
// is how the consumer learns that it must ask for more.
func (f *fetch) tellOld(told *kmsg.FetchResponseTopicPartition, span partition.Span) {
	set, err := f.old.Append(nil, told.RecordBatches, span.From)
	if err != nil {
		*told = emptyPartition(told.Partition, err)
		return
	}
	if f.req.Version < 3 && len(set) > span.MaxBytes {
		set = set[:span.MaxBytes]
	}
	told.RecordBatches = set
	if set == nil {
		told.RecordBatches = []byte{}
	}
}

// tellLeader tells who leads, where the error is that another does (KIP-951).
func (f *fetch) tellLeader(told *kmsg.FetchResponseTopicPartition, v *view) {
	if f.req.Version >= 16 && v.elsewhere() {
		told.CurrentLeader.LeaderID, told.CurrentLeader.LeaderEpoch = v.p.Leader, v.p.Epoch
	}
}

// elsewhere reports whether the caller's notion of the leader is old.
func (v *view) elsewhere() bool {
	return v.p != nil && (v.err == kerr.NotLeaderForPartition || v.err == kerr.FencedLeaderEpoch)
}

// hint tells how to reach the leader that the answer names.
func (f *fetch) hint(resp *kmsg.FetchResponse, v *view) {
	if f.req.Version < 16 || !v.elsewhere() {
		return
	}
	id := v.p.Leader
	if slices.ContainsFunc(resp.Brokers, func(b kmsg.FetchResponseBroker) bool { return b.NodeID == id }) {
		return
	}
	if e, ok := f.c.reach(f.x, id); ok {
		b := kmsg.NewFetchResponseBroker()
		b.NodeID, b.Host, b.Port, b.Rack = id, e.host, e.port, e.rack
		resp.Brokers = append(resp.Brokers, b)
	}
}
