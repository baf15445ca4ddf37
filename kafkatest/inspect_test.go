// What a test sees of a cluster without a client, does to it, and waits for.

package kafkatest_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// values returns the values of a partition's records.
func values(p *kafkatest.Partition) (all []string) {
	for _, r := range p.Records(0) {
		all = append(all, string(r.Value))
	}
	return all
}

// records makes a batch of format 2.
func records(values ...string) []byte {
	var list []batch.Record
	for i, v := range values {
		list = append(list, batch.Record{Offset: int64(i), Timestamp: 1, Value: []byte(v)})
	}
	return batch.NewForm().Append(nil, list)
}

// produceTo makes a Produce of one batch to each partition of one topic.
func produceTo(topic string, partitions ...int32) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 1000
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	for _, n := range partitions {
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = n, records("a", "b")
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	return req
}

// fetchFrom makes a Fetch of partitions of one topic, from their beginning.
func fetchFrom(topic string, partitions ...int32) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes = 1 << 20
	t := kmsg.NewFetchRequestTopic()
	t.Topic = topic
	for _, n := range partitions {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.PartitionMaxBytes = n, 1<<20
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	return req
}

// start starts a cluster of some brokers with a topic of two partitions.
func start(t *testing.T, brokers int) *kafkatest.Cluster {
	return kafkatest.Start(t, kafkatest.Config{Brokers: brokers, Topics: map[string]int{"orders": 2}})
}

func TestRecordsThatAreAppendedAreReadAgain(t *testing.T) {
	p := start(t, 1).Partition("orders", 1)
	at := time.UnixMilli(1_700_000_000_000)
	headers := []kmsg.Header{{Key: "h", Value: []byte("v")}}
	first, err := p.Append(
		kafkatest.Record{Key: []byte("k"), Value: []byte("one"), Time: at, Headers: headers},
		kafkatest.Record{Value: []byte("two")},
	)
	if err != nil || first != 0 {
		t.Fatalf("appended at %d, %v", first, err)
	}
	if first, err = p.Append(kafkatest.Record{}); err != nil || first != 2 {
		t.Fatalf("appended at %d, %v", first, err)
	}
	got := maps.Collect(p.Records(0))
	one := got[0]
	if len(got) != 3 || string(one.Key) != "k" || string(one.Value) != "one" || !one.Time.Equal(at) ||
		len(one.Headers) != 1 || string(one.Headers[0].Value) != "v" || one.ProducerID != -1 {
		t.Errorf("read %+v", got)
	}
	if got[2].Value != nil || got[2].Time.IsZero() {
		t.Errorf("the empty record is read as %+v", got[2])
	}
	if after := maps.Collect(p.Records(1)); len(after) != 2 || string(after[1].Value) != "two" {
		t.Errorf("from 1 on: %+v", after)
	}
	if i := p.Info(); i.HighWatermark != 3 || i.End != 3 || i.LastStable != 3 || i.Leader != 0 {
		t.Errorf("the partition is %+v", i)
	}
}

func TestAPartitionThatIsNotThereIsEmpty(t *testing.T) {
	p := start(t, 1).Partition("orders", 7)
	if _, err := p.Append(kafkatest.Record{}); !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("append: %v", err)
	}
	for _, err := range []error{p.Lead(0), p.Compact(), p.EnforceRetention(), p.CatchUp(0), p.FallBehind(0)} {
		if !errors.Is(err, kerr.UnknownTopicOrPartition) {
			t.Error(err)
		}
	}
	if len(values(p)) != 0 || p.Info().End != 0 {
		t.Error("it is not empty")
	}
}

func TestAProduceFailsWhereARuleSaysAndArrivesElsewhere(t *testing.T) {
	c := start(t, 1)
	apply(t, c, "before Produce topic=orders partition=1: error NOT_LEADER_OR_FOLLOWER")
	resp := ask[*kmsg.ProduceResponse](dial(t, c.Broker(0)), produceTo("orders", 0, 1), 9)
	got := map[int32]int16{}
	for _, p := range resp.Topics[0].Partitions {
		got[p.Partition] = p.ErrorCode
	}
	want := map[int32]int16{0: 0, 1: kerr.NotLeaderForPartition.Code}
	if !maps.Equal(got, want) || len(resp.Topics) != 1 {
		t.Errorf("codes %v, want %v", got, want)
	}
	if n, m := len(values(c.Partition("orders", 0))), len(values(c.Partition("orders", 1))); n != 2 || m != 0 {
		t.Errorf("%d and %d records arrived, want 2 and 0", n, m)
	}
}

func TestAProduceMayArriveAndItsAnswerSayThatItDidNot(t *testing.T) {
	c := start(t, 1)
	apply(t, c, "after Produce topic=orders partition=1: error REQUEST_TIMED_OUT")
	b := dial(t, c.Broker(0))
	resp := ask[*kmsg.ProduceResponse](b, produceTo("orders", 0, 1), 9)
	parts := resp.Topics[0].Partitions
	if len(parts) != 2 || parts[0].ErrorCode != 0 || parts[1].ErrorCode != kerr.RequestTimedOut.Code {
		t.Errorf("answered %+v", parts)
	}
	if got := values(c.Partition("orders", 1)); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("arrived %q", got)
	}
	apply(t, c, "after Produce: close")
	b.send(produceTo("orders", 0), 9)
	b.wantClosed()
	if n := len(values(c.Partition("orders", 0))); n != 4 {
		t.Errorf("%d records, want those of the answer that was lost too", n)
	}
}

func TestAFetchFailsWhereARuleSaysAlsoWithinASession(t *testing.T) {
	c := start(t, 1)
	for n := range int32(2) {
		if _, err := c.Partition("orders", n).Append(kafkatest.Record{Value: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	b, req := dial(t, c.Broker(0)), fetchFrom("orders", 0, 1)
	req.SessionEpoch = 0
	first := ask[*kmsg.FetchResponse](b, req, 12)
	if first.SessionID == 0 || len(first.Topics[0].Partitions) != 2 {
		t.Fatalf("answered %+v", first)
	}
	apply(t, c, "before Fetch topic=orders partition=1 first=1: error OFFSET_OUT_OF_RANGE")
	next := kmsg.NewPtrFetchRequest()
	next.MaxBytes, next.SessionID, next.SessionEpoch, next.MaxWaitMillis = 1<<20, first.SessionID, 1, 1<<30
	second := ask[*kmsg.FetchResponse](b, next, 12)
	codes := map[int32]int16{}
	for _, topic := range second.Topics {
		for _, p := range topic.Partitions {
			codes[p.Partition] = p.ErrorCode
		}
	}
	if codes[1] != kerr.OffsetOutOfRange.Code || codes[0] != 0 || second.SessionID != first.SessionID {
		t.Errorf("answered %+v", second)
	}
	next.SessionEpoch, next.MaxWaitMillis = 2, 0
	if third := ask[*kmsg.FetchResponse](b, next, 12); third.ErrorCode != 0 {
		t.Errorf("the session went on with %d", third.ErrorCode)
	}
}

func TestRecordsAreSpoiledWhereARuleSays(t *testing.T) {
	rows := []struct {
		edit string
		look func(stored, got []byte) bool
	}{
		{"corrupt", func(stored, got []byte) bool { b, _ := batch.First(got); return b.CRC() != b.Sum() }},
		{"magic", func(stored, got []byte) bool { return len(got) == len(stored) && got[16] == 99 }},
		{"half", func(stored, got []byte) bool { return len(got) == len(stored)/2 }},
		{"twice", func(stored, got []byte) bool { return string(got) == string(stored)+string(stored) }},
	}
	for _, row := range rows {
		t.Run(row.edit, func(t *testing.T) {
			c := start(t, 1)
			b := dial(t, c.Broker(0))
			ask[*kmsg.ProduceResponse](b, produceTo("orders", 0, 1), 9)
			fetch := func() (parts [2][]byte) {
				for _, p := range ask[*kmsg.FetchResponse](b, fetchFrom("orders", 0, 1), 6).Topics[0].Partitions {
					parts[p.Partition] = p.RecordBatches
				}
				return parts
			}
			stored := fetch()
			apply(t, c, "after Fetch topic=orders partition=1 first=1: records "+row.edit)
			got := fetch()
			if string(got[0]) != string(stored[0]) || !row.look(stored[1], got[1]) {
				t.Errorf("stored %x\ngot %x", stored, got)
			}
			if again := fetch(); string(again[1]) != string(stored[1]) {
				t.Error("the log itself was spoiled")
			}
		})
	}
}

func TestWhoAwaitsRecordsIsToldWhenTheyCome(t *testing.T) {
	c := start(t, 1)
	p, done := c.Partition("orders", 0), make(chan error)
	go func() { done <- p.AwaitRecords(context.Background(), 3) }()
	for range 3 {
		if _, err := p.Append(kafkatest.Record{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	late := errors.New("too late")
	cancel(late)
	err := p.AwaitRecords(ctx, 4)
	if !errors.Is(err, late) || !strings.Contains(err.Error(), "awaited 4 records in orders/0: there are 3") {
		t.Errorf("%v", err)
	}
}

func TestCloseEndsWhoAwaits(t *testing.T) {
	c, err := kafkatest.New(kafkatest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- c.Group("g").AwaitAssigned(context.Background(), 1) }()
	c.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	for _, err := range []error{
		c.CreateTopic(kafkatest.TopicConfig{Name: "x"}), c.DeleteTopic("x"), c.MoveController(0),
		c.Partition("x", 0).Lead(0), c.Group("g").AwaitLagZero(context.Background()),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
	if _, err := c.AddBroker(""); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestAScriptedClusterHasNothingToLookAt(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Scripted: true})
	for _, err := range []error{
		c.CreateTopic(kafkatest.TopicConfig{Name: "x"}), c.MoveController(0), c.Partition("x", 0).Lead(0),
		c.Group("g").AwaitAssigned(context.Background(), 0),
	} {
		if err == nil || errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
	if len(c.Topics()) != 0 || c.Group("g").Info().Members != nil || c.Controller() != -1 || c.Transactions() != nil {
		t.Error("there is something")
	}
	c.HoldCompletion("t")()
}

func TestTopicsAreMadeAsAsked(t *testing.T) {
	c := start(t, 3)
	rows := []struct {
		config kafkatest.TopicConfig
		want   error
	}{
		{kafkatest.TopicConfig{Name: "plain"}, nil},
		{kafkatest.TopicConfig{Name: "three", Partitions: 3, Replication: 2}, nil},
		{kafkatest.TopicConfig{Name: "given", Assignment: [][]int32{{2, 0}}}, nil},
		{kafkatest.TopicConfig{Name: "orders"}, kerr.TopicAlreadyExists},
		{kafkatest.TopicConfig{Name: "a b"}, kerr.InvalidTopicException},
		{kafkatest.TopicConfig{Name: "x", Partitions: -1}, kerr.InvalidPartitions},
		{kafkatest.TopicConfig{Name: "x", Replication: 4}, kerr.InvalidReplicationFactor},
		{kafkatest.TopicConfig{Name: "x", Assignment: [][]int32{{1, 1}}}, kerr.InvalidReplicaAssignment},
		{kafkatest.TopicConfig{Name: "x", Assignment: [][]int32{{9}}}, kerr.InvalidReplicaAssignment},
		{kafkatest.TopicConfig{Name: "x", Configs: map[string]string{"no.such": "1"}}, kerr.InvalidConfig},
	}
	for _, row := range rows {
		if err := c.CreateTopic(row.config); !errors.Is(err, row.want) {
			t.Errorf("%+v: %v, want %v", row.config, err, row.want)
		}
	}
	if i := c.Partition("given", 0).Info(); i.Leader != 2 || !slices.Equal(i.Replicas, []int32{2, 0}) {
		t.Errorf("given: %+v", i)
	}
	if err := c.DeleteTopic("three"); err != nil {
		t.Error(err)
	}
	if err := c.DeleteTopic("three"); !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Error(err)
	}
	if got, want := c.Topics(), map[string]int{"orders": 2, "plain": 1, "given": 1}; !maps.Equal(got, want) {
		t.Errorf("topics %v, want %v", got, want)
	}
}

func TestALeaderMovesAndAFollowerFallsBehind(t *testing.T) {
	c := start(t, 3)
	p := c.Partition("orders", 0)
	before := p.Info()
	follower := before.Replicas[1]
	if err := p.FallBehind(before.Leader); !errors.Is(err, kerr.ReplicaNotAvailable) {
		t.Errorf("the leader fell behind itself: %v", err)
	}
	if err := p.FallBehind(follower); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Append(kafkatest.Record{}); err != nil {
		t.Fatal(err)
	}
	if i := p.Info(); i.HighWatermark != 0 || i.End != 1 {
		t.Errorf("behind: %+v", i)
	}
	if err := p.CatchUp(follower); err != nil {
		t.Fatal(err)
	}
	if err := p.Lead(follower); err != nil {
		t.Fatal(err)
	}
	if i := p.Info(); i.HighWatermark != 1 || i.Leader != follower || i.Epoch <= before.Epoch {
		t.Errorf("moved: %+v", i)
	}
	if err := p.Lead(77); err == nil {
		t.Error("a broker that has no replica leads")
	}
}

func TestBrokersComeAndGo(t *testing.T) {
	c := start(t, 1)
	b, err := c.AddBroker("r2")
	if err != nil || b.ID() != 1 {
		t.Fatalf("added %v, %v", b, err)
	}
	x := dial(t, b)
	if r := ask[*kmsg.MetadataResponse](x, metadata(), 9); len(r.Brokers) != 2 || *r.Brokers[1].Rack != "r2" {
		t.Errorf("answered %+v", r)
	}
	if err := errors.Join(c.MoveController(1), c.MoveCoordinator("g", 1)); err != nil {
		t.Fatal(err)
	}
	if c.Controller() != 1 || c.Coordinator("g") != 1 {
		t.Errorf("controller %d, coordinator %d, want 1", c.Controller(), c.Coordinator("g"))
	}
	b.Remove()
	x.wantClosed()
	if len(c.Brokers()) != 1 || c.Controller() != 0 || c.Coordinator("g") != 0 {
		t.Errorf("%d brokers, controller %d", len(c.Brokers()), c.Controller())
	}
}

func TestACoordinatorThatHasMovedIsLoading(t *testing.T) {
	c := start(t, 2)
	if err := errors.Join(c.LoadCoordinatorsFor(time.Hour), c.MoveCoordinator("g", 1)); err != nil {
		t.Fatal(err)
	}
	x := dial(t, c.Broker(1))
	if r := ask[*kmsg.LeaveGroupResponse](x, &kmsg.LeaveGroupRequest{Group: "g"}, 2); r.ErrorCode !=
		kerr.CoordinatorLoadInProgress.Code {
		t.Errorf("code %d", r.ErrorCode)
	}
	if r := ask[*kmsg.HeartbeatResponse](x, heartbeat("g"), 3); r.ErrorCode != 0 {
		t.Errorf("a heartbeat has code %d, as if the member were not to wait", r.ErrorCode)
	}
}

func commit(group, topic string, partition int32, offset int64) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = group, -1
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = topic
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

func TestWhatAGroupCommitsIsSeenAndAwaited(t *testing.T) {
	c := start(t, 1)
	g, b := c.Group("billing"), dial(t, c.Broker(0))
	committed, drained := make(chan error), make(chan error)
	go func() { committed <- g.AwaitCommitted(t.Context(), "orders", 1, 2) }()
	go func() { drained <- g.AwaitLagZero(t.Context()) }()
	for _, n := range []int32{0, 1} {
		if _, err := c.Partition("orders", n).Append(kafkatest.Record{}, kafkatest.Record{}); err != nil {
			t.Fatal(err)
		}
	}
	ask[*kmsg.OffsetCommitResponse](b, commit("billing", "orders", 1, 2), 7)
	if err := <-committed; err != nil {
		t.Error(err)
	}
	select {
	case err := <-drained:
		t.Errorf("without lag: %v", err)
	default:
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.AwaitLagZero(over); err == nil || !strings.Contains(err.Error(), "its lag is 2") {
		t.Errorf("with lag: %v", err)
	}
	ask[*kmsg.OffsetCommitResponse](b, commit("billing", "orders", 0, 2), 7)
	if err := <-drained; err != nil {
		t.Error(err)
	}
	i := g.Info()
	if i.State != "Empty" || !slices.Equal(i.Committed["orders"], []int64{2, 2}) {
		t.Errorf("the group is %+v", i)
	}
	if at, ok := g.Committed("orders", 1); !ok || at != 2 {
		t.Errorf("committed %d, %v", at, ok)
	}
	if got := c.Groups(); !slices.Equal(got, []string{"billing"}) {
		t.Errorf("groups %v", got)
	}
}

func TestAGroupsMembersAreAwaited(t *testing.T) {
	c := start(t, 1)
	g, b := c.Group("billing"), dial(t, c.Broker(0))
	assigned := make(chan error)
	go func() { assigned <- g.AwaitAssigned(t.Context(), 1) }()
	join := kmsg.NewPtrJoinGroupRequest()
	join.Group, join.ProtocolType = "billing", "consumer"
	join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = 30000, 30000
	nothing := []byte{0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff} // version 0, no topics, no user data
	join.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: nothing}}
	joined := ask[*kmsg.JoinGroupResponse](b, join, 3)
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.Generation, sync.MemberID = "billing", joined.Generation, joined.MemberID
	sync.GroupAssignment = []kmsg.SyncGroupRequestGroupAssignment{{MemberID: joined.MemberID}}
	ask[*kmsg.SyncGroupResponse](b, sync, 3)
	if err := <-assigned; err != nil {
		t.Error(err)
	}
	i := g.Info()
	if i.State != "Stable" || len(i.Members) != 1 || i.Members[0].ClientID != "app" || i.Leader != joined.MemberID {
		t.Errorf("the group is %+v", i)
	}
}

func TestATransactionsCompletionIsHeld(t *testing.T) {
	c := start(t, 1)
	b := dial(t, c.Broker(0))
	release := c.HoldCompletion("t")
	begin := kmsg.NewPtrInitProducerIDRequest()
	begin.TransactionalID, begin.TransactionTimeoutMillis = kmsg.StringPtr("t"), 60000
	who := ask[*kmsg.InitProducerIDResponse](b, begin, 4)
	add := kmsg.NewPtrAddPartitionsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch = "t", who.ProducerID, who.ProducerEpoch
	add.Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Topic: "orders", Partitions: []int32{0, 1}}}
	ask[*kmsg.AddPartitionsToTxnResponse](b, add, 3)
	end := kmsg.NewPtrEndTxnRequest()
	end.TransactionalID, end.ProducerID, end.ProducerEpoch, end.Commit = "t", who.ProducerID, who.ProducerEpoch, true
	ask[*kmsg.EndTxnResponse](b, end, 3)
	all := c.Transactions()
	if len(all) != 1 || all[0].State != "PrepareCommit" || len(all[0].Partitions["orders"]) != 2 {
		t.Errorf("held: %+v", all)
	}
	release()
	b2 := dial(t, c.Broker(0))
	ask[*kmsg.OffsetCommitResponse](b2, commit("g", "orders", 0, 0), 7)
	if err := c.Group("g").AwaitLagZero(t.Context()); err != nil { // the markers need no commit
		t.Error(err)
	}
	if all := c.Transactions(); len(all) != 1 || all[0].State != "CompleteCommit" {
		t.Errorf("released: %+v", all)
	}
}
