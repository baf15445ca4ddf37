// Offsets by time and by epoch, deleted records, and producers.

package state_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var oneRecord = []batch.Record{{Timestamp: 1, Value: []byte("v")}}

func listing(version int16, timestamp int64) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version = version
	topic, p := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	topic.Topic, p.Timestamp, p.MaxNumOffsets = "t", timestamp, 5
	topic.Partitions = append(topic.Partitions, p)
	req.Topics = append(req.Topics, topic)
	return req
}

func (d *driver) list(req *kmsg.ListOffsetsRequest) kmsg.ListOffsetsResponseTopicPartition {
	d.t.Helper()
	return ask[*kmsg.ListOffsetsResponse](d, req).Topics[0].Partitions[0]
}

func TestTimestampsStandForPlaces(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	d.put(topic, "a", "b", "c")
	if _, err := topic.Partitions[0].DeleteBefore(1); err != nil {
		t.Fatal(err)
	}
	at := begin.UnixMilli()
	for _, c := range []struct {
		name      string
		timestamp int64
		version   int16
		offset    int64
		told      int64
		want      *kerr.Error
	}{
		{"latest", -1, 1, 3, -1, nil},
		{"latest", -1, 11, 3, -1, nil},
		{"earliest", -2, 4, 1, -1, nil},
		{"largest timestamp", -3, 7, 2, at + 2, nil},
		{"largest timestamp, too early", -3, 6, -1, -1, kerr.UnsupportedVersion},
		{"earliest local", -4, 8, 1, -1, nil},
		{"earliest local, too early", -4, 7, -1, -1, kerr.UnsupportedVersion},
		{"latest tiered", -5, 9, -1, -1, nil},
		{"latest tiered, too early", -5, 8, -1, -1, kerr.UnsupportedVersion},
		{"earliest to be tiered", -6, 11, -1, -1, nil},
		{"nonsense", -7, 11, -1, -1, kerr.UnsupportedVersion},
		{"the beginning of time", 0, 5, 1, at + 1, nil},
		{"a time", at + 2, 5, 2, at + 2, nil},
		{"the end of time", at + 3, 5, -1, -1, nil},
	} {
		got := d.list(listing(c.version, c.timestamp))
		wantCode(t, c.name, got.ErrorCode, c.want)
		wantOffset(t, c.name, got.Offset, c.offset)
		if got.Timestamp != c.told {
			t.Errorf("%s: timestamp %d, want %d", c.name, got.Timestamp, c.told)
		}
	}
}

func TestVersion0ListsBeginnings(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.put(d.create("t", 1, 1), "a", "b")
	now := begin.UnixMilli()
	for timestamp, want := range map[int64][]int64{-1: {2, 0}, -2: {0}, now: {2, 0}, now - 1: {}} {
		if got := d.list(listing(0, timestamp)); !slices.Equal(got.OldStyleOffsets, want) {
			t.Errorf("at %d: %v, want %v", timestamp, got.OldStyleOffsets, want)
		}
	}
}

func TestReadersOfTheCommittedHaveAnotherEnd(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	d.put(topic, "plain")
	wantCode(t, "produce", d.write(topic, d.begin("open"), "open").ErrorCode, nil)
	list := listing(5, -1)
	wantOffset(t, "uncommitted", d.list(list).Offset, 2)
	list.IsolationLevel = 1
	wantOffset(t, "committed", d.list(list).Offset, 1)
}

func TestListOffsetsIsRefusedAsBrokersDo(t *testing.T) {
	d := newDriver(t, 2, nil)
	topic, _ := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{1, 2}}})
	topic.Partitions[0].Lead(1)
	req := listing(5, -1)
	for epoch, want := range fenced {
		req.Topics[0].Partitions[0].CurrentLeaderEpoch = epoch
		wantCode(t, "epoch", d.list(req).ErrorCode, want)
	}
	twice := listing(5, -1)
	twice.Topics[0].Partitions = append(twice.Topics[0].Partitions, twice.Topics[0].Partitions[0])
	wantCode(t, "twice", d.list(twice).ErrorCode, kerr.InvalidRequest)
	unknown := listing(5, -1)
	unknown.Topics[0].Partitions[0].Partition = 9
	wantCode(t, "unknown", d.list(unknown).ErrorCode, kerr.UnknownTopicOrPartition)
	d.broker = 2
	wantCode(t, "a follower", d.list(listing(5, -1)).ErrorCode, kerr.NotLeaderForPartition)
	d.only(kmsg.ACLOperationWrite)
	wantCode(t, "right", d.list(listing(5, -1)).ErrorCode, kerr.TopicAuthorizationFailed)
}

func TestANewLeaderDoesNotTellLessThanTheOneBefore(t *testing.T) {
	d, topic := lagging(t, nil)
	req := production(9, topic, records(batch.NewForm(), "v"))
	req.Acks = 1
	d.produce(req)
	topic.Partitions[0].Lead(1) // before the follower has what the old leader may have told
	wantOffset(t, "high watermark", topic.Partitions[0].Log().HighWatermark(), 1)
	wantCode(t, "version 5", d.list(listing(5, -1)).ErrorCode, kerr.OffsetNotAvailable)
	wantCode(t, "version 4", d.list(listing(4, -1)).ErrorCode, kerr.LeaderNotAvailable)
	wantCode(t, "the beginning", d.list(listing(5, -2)).ErrorCode, nil)
	wantCode(t, "a time in what is known", d.list(listing(5, 0)).ErrorCode, nil)
	late := listing(5, begin.Add(time.Hour).UnixMilli())
	wantCode(t, "a time beyond", d.list(late).ErrorCode, kerr.OffsetNotAvailable)
	late.ReplicaID = 2
	wantCode(t, "a replica", d.list(late).ErrorCode, nil)
}

func TestTheFirstEpochEndsWhereItBeganWhileNothingIsProduced(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	epoch, end := topic.Partitions[0].Log().EpochEnd(0)
	if epoch != 0 || end != 0 {
		t.Errorf("epoch %d ends at %d", epoch, end)
	}
	got := d.list(listing(5, -2))
	wantOffset(t, "earliest", got.Offset, 0)
	if got.LeaderEpoch != 0 {
		t.Errorf("its epoch is %d", got.LeaderEpoch)
	}
}

func TestEpochsHaveEnds(t *testing.T) {
	d := newDriver(t, 2, nil)
	topic, _ := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{1, 2}}})
	d.put(topic, "a", "b")
	topic.Partitions[0].Lead(1)
	d.put(topic, "c")
	for version := int16(0); version <= 4; version++ {
		req := kmsg.NewPtrOffsetForLeaderEpochRequest()
		req.Version = version
		asked, p := kmsg.NewOffsetForLeaderEpochRequestTopic(), kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		asked.Topic = "t"
		asked.Partitions = append(asked.Partitions, p)
		req.Topics = append(req.Topics, asked)
		got := ask[*kmsg.OffsetForLeaderEpochResponse](d, req).Topics[0].Partitions[0]
		wantCode(t, "epoch 0", got.ErrorCode, nil)
		wantOffset(t, "its end", got.EndOffset, 2)
		if version < 2 {
			continue
		}
		for epoch, want := range fenced {
			req.Topics[0].Partitions[0].CurrentLeaderEpoch = epoch
			got := ask[*kmsg.OffsetForLeaderEpochResponse](d, req).Topics[0].Partitions[0]
			wantCode(t, "believed epoch", got.ErrorCode, want)
		}
	}
}

func (d *driver) deleteRecords(topic string, partition int32, offset int64) (int64, int16) {
	d.t.Helper()
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Version = 2
	asked, p := kmsg.NewDeleteRecordsRequestTopic(), kmsg.NewDeleteRecordsRequestTopicPartition()
	asked.Topic, p.Partition, p.Offset = topic, partition, offset
	asked.Partitions = append(asked.Partitions, p)
	req.Topics = append(req.Topics, asked)
	got := ask[*kmsg.DeleteRecordsResponse](d, req).Topics[0].Partitions[0]
	return got.LowWatermark, got.ErrorCode
}

func TestRecordsAreDeletedAsBrokersDo(t *testing.T) {
	d := newDriver(t, 2, nil)
	topic, _ := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{1, 2}}})
	compacted := map[string]string{"cleanup.policy": "compact"}
	if _, err := d.CreateTopic(state.TopicSpec{Name: "c", Partitions: 1, Overrides: compacted}); err != nil {
		t.Fatal(err)
	}
	d.put(topic, "a", "b", "c")
	for _, c := range []struct {
		name      string
		topic     string
		partition int32
		offset    int64
		low       int64
		want      *kerr.Error
	}{
		{"some", "t", 0, 2, 2, nil},
		{"below the start", "t", 0, 1, 2, nil},
		{"beyond", "t", 0, 4, -1, kerr.OffsetOutOfRange},
		{"all", "t", 0, -1, 3, nil},
		{"unknown", "t", 4, 1, -1, kerr.UnknownTopicOrPartition},
	} {
		low, code := d.deleteRecords(c.topic, c.partition, c.offset)
		wantCode(t, c.name, code, c.want)
		wantOffset(t, c.name, low, c.low)
	}
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey = "g"
	ask[*kmsg.FindCoordinatorResponse](d, find) // for which the topic is made
	_, internal := d.deleteRecords("__consumer_offsets", 0, 0)
	wantCode(t, "of the brokers", internal, kerr.InvalidTopicException)
	p, _ := d.Partition("c", 0)
	d.broker = p.Leader
	_, code := d.deleteRecords("c", 0, 0)
	wantCode(t, "compacted", code, kerr.PolicyViolation)
	d.broker = 2
	_, code = d.deleteRecords("t", 0, 0)
	wantCode(t, "a follower", code, kerr.NotLeaderForPartition)
	d.only(kmsg.ACLOperationRead)
	_, code = d.deleteRecords("t", 0, 0)
	wantCode(t, "right", code, kerr.TopicAuthorizationFailed)
}

func TestIdempotentProducersAreDescribedToo(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	wantCode(t, "produce", d.produce(production(9, topic, records(batch.Form{ProducerID: 7}, "a", "b"))).ErrorCode, nil)
	req := kmsg.NewPtrDescribeProducersRequest()
	asked := kmsg.NewDescribeProducersRequestTopic()
	asked.Topic, asked.Partitions = "t", []int32{0, 1}
	req.Topics = append(req.Topics, asked)
	got := ask[*kmsg.DescribeProducersResponse](d, req).Topics[0].Partitions
	if len(got[0].ActiveProducers) != 1 {
		t.Fatalf("told %+v", got[0])
	}
	producer := got[0].ActiveProducers[0]
	if producer.ProducerID != 7 || producer.LastSequence != 1 || producer.CurrentTxnStartOffset != -1 {
		t.Errorf("told %+v", producer)
	}
	wantCode(t, "unknown", got[1].ErrorCode, kerr.UnknownTopicOrPartition)
}

func TestRecordsExpireInTime(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic, err := d.CreateTopic(state.TopicSpec{
		Name: "t", Partitions: 1, Overrides: map[string]string{"retention.ms": "3600000"},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.put(topic, "a")
	d.tick(30 * time.Minute)
	wantOffset(t, "half an hour later", topic.Partitions[0].Log().Start(), 0)
	d.tick(31 * time.Minute)
	wantOffset(t, "an hour later", topic.Partitions[0].Log().Start(), 1)
	if when, due := d.Agenda.Next(); due {
		t.Errorf("an empty log wants cleaning at %v", when)
	}
}

func TestANewRetentionHoldsForOldRecords(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	d.put(topic, "a")
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, "t"
	config.Name, config.Value = "retention.ms", kmsg.StringPtr("1000")
	r.Configs = append(r.Configs, config)
	req.Resources = append(req.Resources, r)
	wantCode(t, "alter", ask[*kmsg.IncrementalAlterConfigsResponse](d, req).Resources[0].ErrorCode, nil)
	d.tick(5 * time.Minute)
	wantOffset(t, "five minutes later", topic.Partitions[0].Log().Start(), 1)
}

// The first record waits for the week of segment.ms; a log that then grows too
// large does not.
func TestALogThatOutgrowsItsTopicIsCleanedSooner(t *testing.T) {
	d := newDriver(t, 1, nil)
	rows := []struct {
		name      string
		overrides map[string]string
		wait      time.Duration
		start     int64
		left      int
	}{
		{"compacted", map[string]string{"cleanup.policy": "compact", "segment.bytes": "200"}, 15 * time.Second, 0, 1},
		{"shortened", map[string]string{"segment.bytes": "200", "retention.bytes": "200"}, 5 * time.Minute, 17, 3},
	}
	for _, row := range rows {
		topic, err := d.CreateTopic(state.TopicSpec{Name: row.name, Partitions: 1, Overrides: row.overrides})
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			d.put(topic, "a")
		}
		d.tick(row.wait)
		wantOffset(t, row.name, topic.Partitions[0].Log().Start(), row.start)
		values := slices.Repeat([]string{"a"}, row.left)
		wantValues(t, row.name, d.fetch(fetching(12, topic, row.start)).RecordBatches, values...)
	}
}

func TestCompactedTopicsAreCompactedInTime(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic, err := d.CreateTopic(state.TopicSpec{
		Name: "t", Partitions: 1, Overrides: map[string]string{"cleanup.policy": "compact", "segment.ms": "60000"},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.put(topic, "a", "a")
	d.put(topic, "a")
	d.tick(2 * time.Minute)
	wantValues(t, "compacted", d.fetch(fetching(12, topic, 0)).RecordBatches, "a")
	if when, due := d.Agenda.Next(); due {
		t.Errorf("a compacted log wants cleaning at %v", when)
	}
}

func TestFollowersDescribeProducers(t *testing.T) {
	d := newDriver(t, 3, nil)
	topic, _ := d.CreateTopic(state.TopicSpec{Name: "t", Assignment: [][]int32{{1, 2}}})
	wantCode(t, "produce", d.produce(production(9, topic, records(batch.Form{ProducerID: 7}, "a"))).ErrorCode, nil)
	req := kmsg.NewPtrDescribeProducersRequest()
	asked := kmsg.NewDescribeProducersRequestTopic()
	asked.Topic, asked.Partitions = "t", []int32{0}
	req.Topics = append(req.Topics, asked)
	for broker, want := range map[int32]*kerr.Error{1: nil, 2: nil, 3: kerr.NotLeaderForPartition} {
		d.broker = broker
		got := ask[*kmsg.DescribeProducersResponse](d, req).Topics[0].Partitions[0]
		wantCode(t, "describe", got.ErrorCode, want)
		if want == nil && len(got.ActiveProducers) != 1 {
			t.Errorf("broker %d knows %d producers", broker, len(got.ActiveProducers))
		}
	}
}

func TestWhoMayActAsABrokerIsToldTheEndsOfEpochs(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("t", 1, 1)
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.Version = 4
	asked, p := kmsg.NewOffsetForLeaderEpochRequestTopic(), kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	asked.Topic, asked.Partitions = "t", append(asked.Partitions, p)
	req.Topics = append(req.Topics, asked)
	for op, want := range map[kmsg.ACLOperation]*kerr.Error{
		kmsg.ACLOperationDescribe:      nil,
		kmsg.ACLOperationClusterAction: nil,
		kmsg.ACLOperationRead:          kerr.TopicAuthorizationFailed,
	} {
		d.only(op)
		got := ask[*kmsg.OffsetForLeaderEpochResponse](d, req).Topics[0].Partitions[0]
		wantCode(t, op.String(), got.ErrorCode, want)
	}
}
