// The driver's verbs for logs: produce, fetch, and what waits.

package state_test

import (
	"fmt"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// records returns a batch with the values, keyed by themselves.
func records(f batch.Form, values ...string) []byte {
	all := make([]batch.Record, len(values))
	for i, v := range values {
		all[i] = batch.Record{Offset: int64(i), Timestamp: begin.UnixMilli() + int64(i)}
		all[i].Key, all[i].Value = []byte(v), []byte(v)
	}
	return f.Append(nil, all)
}

// production returns a request to produce a batch to partition 0.
func production(version int16, t *state.Topic, raw []byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = version, -1, 1000
	topic, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	topic.Topic, topic.TopicID, p.Records = t.Name, t.ID, raw
	topic.Partitions = append(topic.Partitions, p)
	req.Topics = append(req.Topics, topic)
	return req
}

// produce produces, and returns the answer for the one partition.
func (d *driver) produce(req *kmsg.ProduceRequest) kmsg.ProduceResponseTopicPartition {
	d.t.Helper()
	return ask[*kmsg.ProduceResponse](d, req).Topics[0].Partitions[0]
}

// put produces values that must be taken.
func (d *driver) put(t *state.Topic, values ...string) int64 {
	d.t.Helper()
	d.broker = t.Partitions[0].Leader
	got := d.produce(production(9, t, records(batch.NewForm(), values...)))
	wantCode(d.t, "produce", got.ErrorCode, nil)
	return got.BaseOffset
}

// begin begins a transaction and returns the form of its first batch.
func (d *driver) begin(txnID string) batch.Form {
	d.t.Helper()
	req := kmsg.NewPtrInitProducerIDRequest()
	req.Version, req.TransactionalID, req.TransactionTimeoutMillis = 4, &txnID, 60_000
	x := d.call()
	x.Broker = d.Coordinator(txnID)
	got := d.Handle(x, req).(*kmsg.InitProducerIDResponse)
	wantCode(d.t, "init", got.ErrorCode, nil)
	return batch.Form{ProducerID: got.ProducerID, ProducerEpoch: got.ProducerEpoch, Transactional: true}
}

// abandon has the coordinator abort the transaction of a producer that another
// replaces; the other is asked to come again.
func (d *driver) abandon(txnID string) {
	d.t.Helper()
	req := kmsg.NewPtrInitProducerIDRequest()
	req.Version, req.TransactionalID, req.TransactionTimeoutMillis = 4, &txnID, 60_000
	x := d.call()
	x.Broker = d.Coordinator(txnID)
	got := d.Handle(x, req).(*kmsg.InitProducerIDResponse)
	wantCode(d.t, "init", got.ErrorCode, kerr.ConcurrentTransactions)
}

// write produces in a transaction, which the partition joins implicitly.
func (d *driver) write(t *state.Topic, f batch.Form, txnID string) kmsg.ProduceResponseTopicPartition {
	d.t.Helper()
	req := production(12, t, records(f, txnID))
	req.TransactionID = &txnID
	return d.produce(req)
}

// fetching returns a request to fetch partition 0 from an offset, which does
// not wait.
func fetching(version int16, t *state.Topic, offset int64) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes, req.MinBytes, req.SessionEpoch = version, 1<<20, 1, -1
	topic, p := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	topic.Topic, topic.TopicID = t.Name, t.ID
	p.FetchOffset, p.PartitionMaxBytes = offset, 1<<20
	topic.Partitions = append(topic.Partitions, p)
	req.Topics = append(req.Topics, topic)
	return req
}

// fetch fetches, and returns the answer for the one partition.
func (d *driver) fetch(req *kmsg.FetchRequest) kmsg.FetchResponseTopicPartition {
	d.t.Helper()
	resp := ask[*kmsg.FetchResponse](d, req)
	wantCode(d.t, "fetch", resp.ErrorCode, nil)
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		d.t.Fatalf("the answer has %d topics", len(resp.Topics))
	}
	return resp.Topics[0].Partitions[0]
}

// values returns the values of the records in what was fetched.
func values(t testing.TB, raw []byte) (all []string) {
	t.Helper()
	for {
		b, rest := batch.First(raw)
		if b == nil {
			return all
		}
		raw = rest
		decoded, err := b.Decode()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range decoded {
			if !b.Control() {
				all = append(all, string(r.Value))
			}
		}
	}
}

// waits sends a request that must not be answered yet.
func (d *driver) waits(conn string, req kmsg.Request) *call.Parked {
	d.t.Helper()
	x := d.call()
	x.Conn = conn
	if resp := d.Handle(x, req); resp != nil || x.Parked() == nil {
		d.t.Fatalf("%T was answered at once", req)
	}
	return x.Parked()
}

func wantOffset(t *testing.T, what string, got, want int64) {
	t.Helper()
	if got != want {
		t.Errorf("%s: offset %d, want %d", what, got, want)
	}
}

func wantValues(t *testing.T, what string, raw []byte, want ...string) {
	t.Helper()
	if got := values(t, raw); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// fenced is what partition answers are checked for most.
var fenced = map[int32]*kerr.Error{-1: nil, 0: kerr.FencedLeaderEpoch, 1: nil, 2: kerr.UnknownLeaderEpoch}
