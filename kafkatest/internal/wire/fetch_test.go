// Fetch answers in parts, held against the codec's own.

package wire_test

import (
	"bytes"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fetched returns an answer with all that has no tag: topics with and without
// partitions, records of several lengths, empty and null, aborted transactions.
func fetched(version int16) *kmsg.FetchResponse {
	r := kmsg.NewPtrFetchResponse()
	r.Version, r.ThrottleMillis, r.ErrorCode, r.SessionID = version, 7, 3, 1<<20
	for topic, sizes := range [][]int{{0, 1, 126, 127, 128, 1 << 15}, {}, {-1, 300}} {
		t := kmsg.NewFetchResponseTopic()
		t.Topic, t.TopicID = "orders"[:1+topic], [16]byte{1, 2, byte(topic)}
		for i, size := range sizes {
			p := kmsg.NewFetchResponseTopicPartition()
			p.Partition, p.ErrorCode, p.HighWatermark = int32(i), int16(size), int64(size)<<33
			p.LastStableOffset, p.LogStartOffset, p.PreferredReadReplica = 5, 4, int32(i)
			if size >= 0 {
				p.RecordBatches = bytes.Repeat([]byte{byte(i)}, size)
				p.AbortedTransactions = make([]kmsg.FetchResponseTopicPartitionAbortedTransaction, size%4)
			}
			t.Partitions = append(t.Partitions, p)
		}
		r.Topics = append(r.Topics, t)
	}
	return r
}

func TestAFetchInPartsIsTheCodecsFrameInEveryVersion(t *testing.T) {
	for version := range int16(19) {
		r := fetched(version)
		parts, ok := wire.FetchParts(42, r)
		if !ok {
			t.Fatalf("version %d was not taken", version)
		}
		if got, want := bytes.Join(parts, nil), wire.AppendResponse(nil, 42, r); !bytes.Equal(got, want) {
			t.Errorf("version %d: %d bytes, want %d:\n%x\n%x", version, len(got), len(want), got[:64], want[:64])
		}
	}
}

func TestAFetchWithTaggedFieldsIsLeftToTheCodec(t *testing.T) {
	rows := map[string]func(*kmsg.FetchResponse){
		"brokers":   func(r *kmsg.FetchResponse) { r.Brokers = make([]kmsg.FetchResponseBroker, 1) },
		"diverging": func(r *kmsg.FetchResponse) { r.Topics[0].Partitions[1].DivergingEpoch.Epoch = 1 },
		"leader":    func(r *kmsg.FetchResponse) { r.Topics[0].Partitions[1].CurrentLeader.LeaderID = 1 },
		"snapshot":  func(r *kmsg.FetchResponse) { r.Topics[2].Partitions[0].SnapshotID.EndOffset = 1 },
		"unknown":   func(r *kmsg.FetchResponse) { r.Topics[1].UnknownTags.Set(99, []byte("?")) },
		"aborted": func(r *kmsg.FetchResponse) {
			r.Topics[0].Partitions[1].AbortedTransactions[0].UnknownTags.Set(99, []byte("?"))
		},
	}
	for name, change := range rows {
		r := fetched(18)
		change(r)
		if _, ok := wire.FetchParts(42, r); ok {
			t.Errorf("%s: taken", name)
		}
	}
}
