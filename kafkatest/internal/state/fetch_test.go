// Fetching: errors, waiting, followers, transactions.

package state_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestFetchIsRefusedAsBrokersDo(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(d *driver, req *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition)
		want   *kerr.Error
	}{
		{"below the start", func(_ *driver, _ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) {
			p.FetchOffset = 0
		}, kerr.OffsetOutOfRange},
		{"beyond the end", func(_ *driver, _ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) {
			p.FetchOffset = 4
		}, kerr.OffsetOutOfRange},
		{"negative", func(_ *driver, _ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) {
			p.FetchOffset = -1
		}, kerr.OffsetOutOfRange},
		{"partition", func(_ *driver, _ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) {
			p.Partition = 7
		}, kerr.UnknownTopicOrPartition},
		{"topic", func(_ *driver, req *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) {
			req.Topics[0].Topic = "unknown"
		}, kerr.UnknownTopicOrPartition},
		{"topic id", func(_ *driver, req *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) {
			req.Version, req.Topics[0].TopicID = 13, [16]byte{1}
		}, kerr.UnknownTopicID},
		{"right", func(d *driver, _ *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) {
			d.only(kmsg.ACLOperationDescribe)
		}, kerr.TopicAuthorizationFailed},
		{"old epoch", func(_ *driver, _ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) {
			p.CurrentLeaderEpoch = 0
		}, kerr.FencedLeaderEpoch},
		{"epoch to come", func(_ *driver, _ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) {
			p.CurrentLeaderEpoch = 9
		}, kerr.UnknownLeaderEpoch},
		{"a broker without replica", func(d *driver, _ *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) {
			d.broker = 3
		}, kerr.NotLeaderForPartition},
		{"an old epoch, no replica", func(d *driver, _ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) {
			d.broker, p.CurrentLeaderEpoch = 3, 0
		}, kerr.NotLeaderForPartition},
		{"a follower, in old versions", func(d *driver, req *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) {
			d.broker, req.Version = 2, 10
		}, kerr.NotLeaderForPartition},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDriver(t, 3, nil)
			topic, _ := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{1, 2}}})
			topic.Partitions[0].Lead(1)
			d.put(topic, "a", "b", "c")
			if _, err := topic.Partitions[0].DeleteBefore(1); err != nil {
				t.Fatal(err)
			}
			req := fetching(12, topic, 1)
			c.change(d, req, &req.Topics[0].Partitions[0])
			got := d.fetch(req)
			wantCode(t, c.name, got.ErrorCode, c.want)
			if got.HighWatermark != -1 || len(got.RecordBatches) != 0 || got.RecordBatches == nil {
				t.Errorf("told %+v", got)
			}
		})
	}
}

func TestAFetchWaitsForRecords(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	req := fetching(12, topic, 0)
	req.MaxWaitMillis = 500
	p := d.waits("c", req)
	d.put(topic, "v")
	if !p.Answered() {
		t.Fatal("not woken")
	}
	wantValues(t, "fetched", p.Response().(*kmsg.FetchResponse).Topics[0].Partitions[0].RecordBatches, "v")
}

func TestAFetchWaitsForEnoughBytes(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	req := fetching(12, topic, 0)
	req.MaxWaitMillis, req.MinBytes = 500, 150
	p := d.waits("c", req)
	d.put(topic, "a")
	if p.Answered() {
		t.Fatal("woken by too little")
	}
	d.put(topic, "b")
	d.put(topic, "c")
	if !p.Answered() {
		t.Fatal("not woken by enough")
	}
}

func TestAFetchWaitsNoLongerThanItSays(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	req := fetching(12, topic, 0)
	req.MaxWaitMillis, req.MinBytes = 500, 1000
	p := d.waits("c", req)
	d.put(topic, "a")
	d.tick(499 * time.Millisecond)
	if p.Answered() {
		t.Fatal("answered too early")
	}
	d.tick(time.Millisecond)
	wantValues(t, "fetched", p.Response().(*kmsg.FetchResponse).Topics[0].Partitions[0].RecordBatches, "a")
}

func TestFetchesAreWokenInTheOrderInWhichTheyCame(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	for _, conn := range []string{"c3", "c1", "c2"} {
		req := fetching(12, topic, 0)
		req.MaxWaitMillis = 500
		d.waits(conn, req).Owner = conn
	}
	d.put(topic, "v")
	var order string
	for _, p := range d.Agenda.TakeAnswered() {
		order += p.Owner.(string)
	}
	if order != "c3c1c2" {
		t.Errorf("woken: %s", order)
	}
	if _, due := d.Agenda.Next(); due {
		when, _ := d.Agenda.Next()
		if when.Sub(d.Agenda.Now()) <= time.Second {
			t.Error("a deadline is left on the agenda")
		}
	}
}

func TestAWaitingFetchLearnsOfANewLeader(t *testing.T) {
	d := newDriver(t, 2, nil)
	topic, _ := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{1, 2}}})
	req := fetching(16, topic, 0)
	req.MaxWaitMillis, req.Topics[0].Partitions[0].CurrentLeaderEpoch = 500, 0
	p := d.waits("c", req)
	topic.Partitions[0].Lead(2)
	if !p.Answered() {
		t.Fatal("not woken")
	}
	resp := p.Response().(*kmsg.FetchResponse)
	got := resp.Topics[0].Partitions[0]
	wantCode(t, "fetch", got.ErrorCode, kerr.FencedLeaderEpoch)
	if got.CurrentLeader.LeaderID != 2 || len(resp.Brokers) != 1 || resp.Brokers[0].NodeID != 2 {
		t.Errorf("leader %+v, brokers %+v", got.CurrentLeader, resp.Brokers)
	}
}

func TestAWaitingFetchLearnsThatItsTopicIsGone(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	req := fetching(12, topic, 0)
	req.MaxWaitMillis = 500
	p := d.waits("c", req)
	d.DeleteTopics(topic)
	if !p.Answered() {
		t.Fatal("not woken")
	}
	got := p.Response().(*kmsg.FetchResponse).Topics[0].Partitions[0]
	wantCode(t, "fetch", got.ErrorCode, kerr.UnknownTopicOrPartition)
}

func TestAFetchThatIsGoneIsNotWoken(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	req := fetching(12, topic, 0)
	req.MaxWaitMillis = 500
	p := d.waits("c", req)
	p.Gone()
	d.put(topic, "v")
	d.tick(time.Second)
	if p.Response() != nil {
		t.Error("answered nonetheless")
	}
}

func TestAtLeastOneBatchIsFetched(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 2, 1)
	d.put(topic, "a")
	d.put(topic, "b")
	if _, err := topic.Partitions[1].Append([]batch.Record{{Value: []byte("c")}}); err != nil {
		t.Fatal(err)
	}
	req := fetching(12, topic, 0)
	req.MaxBytes = 1
	req.Topics[0].Partitions = append(req.Topics[0].Partitions, req.Topics[0].Partitions[0])
	req.Topics[0].Partitions[1].Partition = 1
	got := ask[*kmsg.FetchResponse](d, req).Topics[0].Partitions
	wantValues(t, "the first partition", got[0].RecordBatches, "a")
	wantValues(t, "the second", got[1].RecordBatches)
}

func TestOldConsumersSeeThatTheyMustAskForMore(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	d.put(topic, "a")
	req := fetching(2, topic, 0)
	req.Topics[0].Partitions[0].PartitionMaxBytes = 20
	if got := d.fetch(req); len(got.RecordBatches) != 20 {
		t.Errorf("%d bytes", len(got.RecordBatches))
	}
}

func TestZstdIsNotConverted(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	f := batch.NewForm()
	f.Codec = batch.Zstd
	wantCode(t, "produce", d.produce(production(9, topic, records(f, "v"))).ErrorCode, nil)
	wantCode(t, "fetch", d.fetch(fetching(3, topic, 0)).ErrorCode, kerr.UnsupportedCompressionType)
}

func TestOldConsumersAreKeptFromZstdTopics(t *testing.T) {
	d := newDriver(t, 1, nil)
	zstd := map[string]string{"compression.type": "zstd"}
	topic, err := d.CreateTopic(state.TopicSpec{Name: "t", Partitions: 1, Overrides: zstd})
	if err != nil {
		t.Fatal(err)
	}
	d.put(topic, "v")
	wantCode(t, "version 9", d.fetch(fetching(9, topic, 0)).ErrorCode, kerr.UnsupportedCompressionType)
	wantValues(t, "version 10", d.fetch(fetching(10, topic, 0)).RecordBatches, "v")
}

func TestAConsumerIsSentToTheReplicaInItsRack(t *testing.T) {
	d := newDriver(t, 3, nil)
	topic, _ := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{1, 2, 3}}})
	d.put(topic, "v")
	for _, c := range []struct {
		rack      string
		version   int16
		preferred int32
	}{{"r2", 12, 2}, {"r3", 11, 3}, {"r1", 12, -1}, {"elsewhere", 12, -1}, {"", 12, -1}, {"r2", 10, -1}} {
		req := fetching(c.version, topic, 0)
		req.Rack, req.MaxWaitMillis = c.rack, 500
		got := d.fetch(req)
		if got.PreferredReadReplica != c.preferred || (len(got.RecordBatches) == 0) != (c.preferred >= 0) {
			t.Errorf("rack %q, version %d: %+v", c.rack, c.version, got)
		}
	}
	d.broker = 2
	req := fetching(12, topic, 0)
	req.Rack = "r2"
	wantValues(t, "from the follower", d.fetch(req).RecordBatches, "v")
	topic.Partitions[0].FallBehind(2)
	late := production(9, topic, records(batch.NewForm(), "w"))
	late.Acks, d.broker = 1, 1
	wantCode(t, "produce", d.produce(late).ErrorCode, nil)
	d.broker = 2
	req.Topics[0].Partitions[0].FetchOffset = 1
	got := d.fetch(req)
	wantCode(t, "at the follower's end", got.ErrorCode, nil)
	wantValues(t, "at the follower's end", got.RecordBatches)
	req.Topics[0].Partitions[0].FetchOffset = 2
	wantCode(t, "beyond it", d.fetch(req).ErrorCode, kerr.OffsetOutOfRange)
}

func TestReadersOfTheCommittedAreToldWhatWasAborted(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	p := topic.Partitions[0]
	f := d.begin("aborted")
	wantCode(t, "produce", d.write(topic, f, "aborted").ErrorCode, nil)
	d.put(topic, "plain")

	committed := fetching(12, topic, 0)
	committed.IsolationLevel, committed.MaxWaitMillis = 1, 500
	waiting := d.waits("c", committed)
	got := d.fetch(fetching(12, topic, 0))
	wantValues(t, "uncommitted", got.RecordBatches, "aborted", "plain")
	if got.LastStableOffset != 0 || got.AbortedTransactions != nil {
		t.Errorf("uncommitted: %+v", got)
	}
	if err := p.EndTxn(batch.Marker{ProducerID: f.ProducerID}); err != nil {
		t.Fatal(err)
	}
	if !waiting.Answered() {
		t.Fatal("the last stable offset moved, and nobody woke")
	}
	got = waiting.Response().(*kmsg.FetchResponse).Topics[0].Partitions[0]
	wantOffset(t, "last stable", got.LastStableOffset, 3)
	if len(got.AbortedTransactions) != 1 || got.AbortedTransactions[0].ProducerID != f.ProducerID {
		t.Errorf("aborted: %+v", got.AbortedTransactions)
	}
}

func TestALogThatPartedIsToldWhere(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	d.put(topic, "a", "b")
	topic.Partitions[0].Lead(1)
	d.put(topic, "c", "d")
	req := fetching(12, topic, 3)
	req.Topics[0].Partitions[0].LastFetchedEpoch = 0
	got := d.fetch(req)
	wantCode(t, "fetch", got.ErrorCode, nil)
	if got.DivergingEpoch.Epoch != 0 || got.DivergingEpoch.EndOffset != 2 || len(got.RecordBatches) != 0 {
		t.Errorf("told %+v", got.DivergingEpoch)
	}
	req.Topics[0].Partitions[0].LastFetchedEpoch = 1
	wantValues(t, "same log", d.fetch(req).RecordBatches, "c", "d")
}

func TestOnlyBrokersFetchAsReplicas(t *testing.T) {
	d, topic := lagging(t, nil)
	d.broker = 1
	req := production(9, topic, records(batch.NewForm(), "v"))
	req.Acks = 1
	d.produce(req)
	fetch := fetching(12, topic, 1)
	wantValues(t, "a consumer", d.fetch(fetch).RecordBatches)
	fetch.ReplicaID = 2
	wantValues(t, "a replica", d.fetch(fetch).RecordBatches, "v")
	d.only(kmsg.ACLOperationRead)
	wantCode(t, "a pretender", ask[*kmsg.FetchResponse](d, fetch).ErrorCode, kerr.ClusterAuthorizationFailed)
}

func BenchmarkFetch(b *testing.B) {
	c, err := state.New(state.Config{Now: begin, Brokers: []state.Member{{ID: 1}}})
	if err != nil {
		b.Fatal(err)
	}
	topic, _ := c.CreateTopic(state.TopicSpec{Name: "t", Partitions: 1})
	d := &driver{Cluster: c, broker: 1}
	req := production(9, topic, records(batch.NewForm(), "a value of some length"))
	c.Handle(d.call(), req)
	fetch := fetching(12, topic, 0)
	b.ReportAllocs()
	for b.Loop() {
		c.Handle(d.call(), fetch)
	}
}

func TestWhoHasReadBeyondTheEndIsToldWhereItIs(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	d.put(topic, "a", "b")
	req := fetching(12, topic, 5)
	req.Topics[0].Partitions[0].LastFetchedEpoch = 0
	got := d.fetch(req)
	wantCode(t, "the epoch known", got.ErrorCode, nil)
	if got.DivergingEpoch.Epoch != 0 || got.DivergingEpoch.EndOffset != 2 {
		t.Errorf("told %+v", got.DivergingEpoch)
	}
	req.Topics[0].Partitions[0].LastFetchedEpoch = 7
	wantCode(t, "the epoch unknown", d.fetch(req).ErrorCode, kerr.OffsetOutOfRange)
}

func TestABatchLargerThanTheWishIsEnough(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	d.put(topic, "larger than what is asked for")
	req := fetching(12, topic, 0)
	req.MinBytes, req.MaxWaitMillis, req.Topics[0].Partitions[0].PartitionMaxBytes = 20, 500, 10
	wantValues(t, "the batch", d.fetch(req).RecordBatches, "larger than what is asked for")
	req.Version = 2
	d.waits("c", req) // which knows nothing of KIP-74
}

func TestAnUnknownPartitionDoesNotCutTheWaitForOthersShort(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic, other := d.create("t", 1, 1), d.create("u", 1, 1)
	req := fetching(12, topic, 0)
	req.MaxWaitMillis = 500
	req.Topics = append(req.Topics, fetching(12, other, 0).Topics...)
	req.Topics[0].Partitions[0].Partition = 7
	p := d.waits("c", req)
	d.put(other, "v")
	got := p.Response().(*kmsg.FetchResponse).Topics
	wantCode(t, "the unknown", got[0].Partitions[0].ErrorCode, kerr.UnknownTopicOrPartition)
	wantValues(t, "the other", got[1].Partitions[0].RecordBatches, "v")

	req.Topics[1].Partitions[0].FetchOffset = 1
	p = d.waits("d", req)
	d.DeleteTopics(other)
	if !p.Answered() {
		t.Error("a partition was deleted during the wait, and nobody was told")
	}
	if d.Handle(d.call(), req) == nil {
		t.Error("waiting for nothing")
	}
}
