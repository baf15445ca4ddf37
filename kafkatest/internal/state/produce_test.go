// Producing: every version, every error, and acks=all.

package state_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestEveryVersionProducesAndFetches(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	set, err := downConvert(records(batch.NewForm(), "v"), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for version := int16(0); version <= 13; version++ {
		raw := records(batch.NewForm(), "v")
		if version < 3 {
			raw = set
		}
		got := d.produce(production(version, topic, raw))
		wantCode(t, "produce", got.ErrorCode, nil)
		wantOffset(t, "produced", got.BaseOffset, int64(version))
	}
	for version := int16(0); version <= 18; version++ {
		got := d.fetch(fetching(version, topic, 13))
		wantCode(t, "fetch", got.ErrorCode, nil)
		if version >= 4 {
			wantValues(t, "fetched", got.RecordBatches, "v")
			continue
		}
		again, fault := batch.Check(got.RecordBatches, 0)
		if fault != nil || again.Batch == nil {
			t.Fatalf("fetch version %d: %v", version, fault)
		}
		wantValues(t, "fetched", again.Batch, "v")
	}
}

func TestProduceIsRefusedAsBrokersDo(t *testing.T) {
	good := records(batch.NewForm(), "v")
	transactional := batch.Form{ProducerID: 1, Transactional: true}
	for _, c := range []struct {
		name   string
		change func(d *driver, req *kmsg.ProduceRequest)
		want   *kerr.Error
	}{
		{"acks", func(_ *driver, req *kmsg.ProduceRequest) { req.Acks = 2 }, kerr.InvalidRequiredAcks},
		{"topic", func(_ *driver, req *kmsg.ProduceRequest) {
			req.Topics[0].Topic = "unknown"
		}, kerr.UnknownTopicOrPartition},
		{"partition", func(_ *driver, req *kmsg.ProduceRequest) {
			req.Topics[0].Partitions[0].Partition = 5
		}, kerr.UnknownTopicOrPartition},
		{"negative partition", func(_ *driver, req *kmsg.ProduceRequest) {
			req.Topics[0].Partitions[0].Partition = -1
		}, kerr.UnknownTopicOrPartition},
		{"topic id", func(_ *driver, req *kmsg.ProduceRequest) {
			req.Version, req.Topics[0].TopicID = 13, [16]byte{1}
		}, kerr.UnknownTopicID},
		{"no records", func(_ *driver, req *kmsg.ProduceRequest) {
			req.Topics[0].Partitions[0].Records = nil
		}, kerr.InvalidRecord},
		{"garbage", func(_ *driver, req *kmsg.ProduceRequest) {
			req.Topics[0].Partitions[0].Records[65] ^= 1
		}, kerr.CorruptMessage},
		{"right", func(d *driver, _ *kmsg.ProduceRequest) {
			d.only(kmsg.ACLOperationDescribe)
		}, kerr.TopicAuthorizationFailed},
		{"right to the transactional id", func(d *driver, req *kmsg.ProduceRequest) {
			d.only(kmsg.ACLOperationDescribe)
			req.Topics[0].Partitions[0].Records = records(transactional, "v")
			req.TransactionID = kmsg.StringPtr("x")
		}, kerr.TransactionalIDAuthorizationFailed},
		{"transactional id", func(_ *driver, req *kmsg.ProduceRequest) {
			req.Topics[0].Partitions[0].Records = records(transactional, "v")
		}, kerr.TransactionalIDAuthorizationFailed},
		{"replicas", func(d *driver, _ *kmsg.ProduceRequest) {
			d.StopBroker(2)
		}, kerr.NotEnoughReplicas},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDriver(t, 2, map[string]string{"min.insync.replicas": "2"})
			topic, err := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{1, 2}}})
			if err != nil {
				t.Fatal(err)
			}
			req := production(12, topic, append([]byte{}, good...))
			c.change(d, req)
			got := d.produce(req)
			wantCode(t, c.name, got.ErrorCode, c.want)
			wantOffset(t, c.name, got.BaseOffset, -1)
			wantOffset(t, "the log's end", topic.Partitions[0].Log().End(), 0)
		})
	}
}

func TestTransactionalBatchesNeedATransaction(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	f := d.begin("x")
	old := production(11, topic, records(f, "v"))
	old.TransactionID = kmsg.StringPtr("x")
	wantCode(t, "without AddPartitionsToTxn", d.produce(old).ErrorCode, kerr.TransactionAbortable)
	old.Version = 10
	wantCode(t, "without it, in old versions", d.produce(old).ErrorCode, kerr.InvalidTxnState)
	wantCode(t, "implicitly", d.write(topic, f, "x").ErrorCode, nil)
	old.Topics[0].Partitions[0].Records = records(batch.Form{
		ProducerID: f.ProducerID, ProducerEpoch: f.ProducerEpoch, Sequence: 1, Transactional: true,
	}, "w")
	wantCode(t, "once the partition has joined", d.produce(old).ErrorCode, nil)

	d.abandon("x")
	again := d.begin("x")
	wantCode(t, "fenced", d.write(topic, f, "x").ErrorCode, kerr.InvalidProducerEpoch)
	wantCode(t, "the new one", d.write(topic, again, "x").ErrorCode, nil)
}

func TestTheLeaderIsNamedToWhoAsksAnother(t *testing.T) {
	d := newDriver(t, 2, nil)
	topic, _ := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{2, 1}}})
	for version := int16(9); version <= 13; version++ {
		resp := ask[*kmsg.ProduceResponse](d, production(version, topic, records(batch.NewForm(), "v")))
		got := resp.Topics[0].Partitions[0]
		wantCode(t, "produce", got.ErrorCode, kerr.NotLeaderForPartition)
		told := got.CurrentLeader.LeaderID == 2 && len(resp.Brokers) == 1 && resp.Brokers[0].Port == 9092
		if told != (version >= 10) {
			t.Errorf("version %d: leader %+v, brokers %+v", version, got.CurrentLeader, resp.Brokers)
		}
	}
}

func TestRecordsToBlameAreTold(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic, err := d.CreateTopic(state.TopicSpec{
		Name: "t", Partitions: 1, Overrides: map[string]string{"cleanup.policy": "compact"},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := batch.NewForm()
	raw := f.Append(nil, []batch.Record{{Key: []byte("k")}, {Offset: 1, Value: []byte("keyless")}})
	got := d.produce(production(8, topic, raw))
	wantCode(t, "produce", got.ErrorCode, kerr.InvalidRecord)
	if len(got.ErrorRecords) != 1 || got.ErrorRecords[0].RelativeOffset != 1 || got.ErrorMessage == nil {
		t.Errorf("told %+v", got)
	}
}

func TestAProducerThatWaitsForNothingIsCutOffForAnError(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	for name, bad := range map[string]bool{"good": false, "bad": true} {
		req := production(9, topic, records(batch.NewForm(), "v"))
		req.Acks = 0
		if bad {
			req.Topics[0].Topic = "unknown"
		}
		x := d.call()
		if resp := d.Handle(x, req); resp != nil || x.Parked() != nil || x.Cut != bad {
			t.Errorf("%s: answered %v, cut %v", name, resp, x.Cut)
		}
	}
	wantOffset(t, "the log's end", topic.Partitions[0].Log().End(), 1)
}

// lagging returns a cluster with a partition whose second replica does not
// follow, and what waits for it.
func lagging(t *testing.T, settings map[string]string) (*driver, *state.Topic) {
	d := newDriver(t, 2, settings)
	topic, err := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{1, 2}}})
	if err != nil {
		t.Fatal(err)
	}
	d.put(topic, "old")
	topic.Partitions[0].FallBehind(2)
	return d, topic
}

func TestAcksAllWaitsForTheReplicasInSync(t *testing.T) {
	d, topic := lagging(t, nil)
	p := d.waits("c", production(9, topic, records(batch.NewForm(), "v")))
	wantOffset(t, "high watermark", topic.Partitions[0].Log().HighWatermark(), 1)
	topic.Partitions[0].CatchUp(2)
	if !p.Answered() {
		t.Fatal("not answered when the replica caught up")
	}
	got := p.Response().(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	wantCode(t, "produce", got.ErrorCode, nil)
	wantOffset(t, "produced", got.BaseOffset, 1)
}

func TestAcksAllHasADeadline(t *testing.T) {
	d, topic := lagging(t, nil)
	p := d.waits("c", production(9, topic, records(batch.NewForm(), "v")))
	d.tick(time.Second)
	if !p.Answered() {
		t.Fatal("not answered at the deadline")
	}
	wantCode(t, "produce", p.Response().(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode, kerr.RequestTimedOut)
	topic.Partitions[0].CatchUp(2)
}

func TestAcksAllGetsTooFewReplicasAfterAll(t *testing.T) {
	d, topic := lagging(t, map[string]string{"min.insync.replicas": "2"})
	req := production(9, topic, records(batch.NewForm(), "v"))
	req.TimeoutMillis = 3_600_000
	p := d.waits("c", req)
	d.tick(time.Minute) // beyond replica.lag.time.max.ms
	if !p.Answered() {
		t.Fatal("not answered when the replica left the set")
	}
	got := p.Response().(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	wantCode(t, "produce", got.ErrorCode, kerr.NotEnoughReplicasAfterAppend)
}

func TestAcksAllLearnsOfANewLeader(t *testing.T) {
	d, topic := lagging(t, nil)
	p := d.waits("c", production(9, topic, records(batch.NewForm(), "v")))
	topic.Partitions[0].Lead(2)
	if !p.Answered() {
		t.Fatal("not answered when the leader changed")
	}
	got := p.Response().(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	wantCode(t, "produce", got.ErrorCode, kerr.NotLeaderForPartition)
	wantOffset(t, "the log's end", topic.Partitions[0].Log().End(), 1)
}

func TestAcksOneDoesNotWait(t *testing.T) {
	d, topic := lagging(t, nil)
	req := production(9, topic, records(batch.NewForm(), "v"))
	req.Acks = 1
	wantCode(t, "produce", d.produce(req).ErrorCode, nil)
}

func TestAPreparedRequestIsNotCheckedAgain(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	req := production(9, topic, records(batch.NewForm(), "v"))
	x := d.call()
	x.Prepared = state.Prepare(req)
	if n := testing.AllocsPerRun(10, func() { _ = d.Handle(x, req) }); n > 6 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkProduce(b *testing.B) {
	c, err := state.New(state.Config{Now: begin, Brokers: []state.Member{{ID: 1}}, LogBytes: 64 << 20})
	if err != nil {
		b.Fatal(err)
	}
	topic, kerr := c.CreateTopic(state.TopicSpec{Name: "t", Partitions: 1})
	if kerr != nil {
		b.Fatal(kerr)
	}
	d := &driver{Cluster: c, broker: 1}
	req := production(9, topic, records(batch.NewForm(), "a value of some length"))
	b.ReportAllocs()
	for b.Loop() {
		x := d.call()
		x.Prepared = state.Prepare(req)
		c.Handle(x, req)
	}
}

func TestOnlyTheAdminClientWritesToTheTopicsOfTheBrokers(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic, err := d.CreateTopic(state.TopicSpec{Name: "__consumer_offsets", Partitions: 1, Replication: 1})
	if err != nil {
		t.Fatal(err)
	}
	req := production(9, topic, records(batch.NewForm(), "v"))
	wantCode(t, "an application", d.produce(req).ErrorCode, kerr.InvalidTopicException)
	x := d.call()
	x.ClientID = "__admin_client"
	got := d.Handle(x, req).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	wantCode(t, "the admin client", got.ErrorCode, nil)
}

// downConvert makes a message set of batches.
func downConvert(stored []byte, magic int8, from int64) ([]byte, *kerr.Error) {
	c := batch.Conversion{Magic: magic, Room: 1 << 20}
	return c.Append(nil, stored, from)
}
