// Tests of groups as part of a cluster.

package state_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// findGroup asks for the coordinator of a group.
func (d *driver) findGroup(name string) int32 {
	d.t.Helper()
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.Version, req.CoordinatorKeys = 6, []string{name}
	return ask[*kmsg.FindCoordinatorResponse](d, req).Coordinators[0].NodeID
}

// commitOffset commits for a group without members.
func (d *driver) commitOffset(name, topic string, offset int64) int16 {
	d.t.Helper()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group = 9, name
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = topic
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset = offset
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return ask[*kmsg.OffsetCommitResponse](d, req).Topics[0].Partitions[0].ErrorCode
}

func TestOnlyTheCoordinatorOfAGroupServesIt(t *testing.T) {
	d := newDriver(t, 3, nil)
	d.create("t", 1, 1)
	coordinator := d.findGroup("g")
	for id := int32(1); id <= 3; id++ {
		d.broker = id
		want := kerr.NotCoordinator
		if id == coordinator {
			want = nil
		}
		wantCode(t, "OffsetCommit", d.commitOffset("g", "t", 5), want)
	}
}

// waiting joins a group that waits for its first members to be complete.
func (d *driver) waiting(name string) *call.Parked {
	d.t.Helper()
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.ProtocolType = 3, name, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, 10_000
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}}
	c := d.call()
	if resp := d.Handle(c, req); resp != nil {
		d.t.Fatalf("got %+v", resp)
	}
	return c.Parked()
}

func TestWhoWaitsInAGroupIsSentOnWhenItsCoordinatorMoves(t *testing.T) {
	d := newDriver(t, 2, map[string]string{"group.initial.rebalance.delay.ms": "3000"})
	d.broker = d.findGroup("g")
	join := d.waiting("g")
	if join.Answered() {
		t.Fatal("the group did not wait for more members")
	}
	if err := d.MoveCoordinator("g", 3-d.broker); err != nil {
		t.Fatal(err)
	}
	if !join.Answered() || join.Response().(*kmsg.JoinGroupResponse).ErrorCode != kerr.NotCoordinator.Code {
		t.Fatalf("got %+v", join.Response())
	}
}

func TestTheOffsetsOfADeletedTopicAreGone(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	wantCode(t, "OffsetCommit", d.commitOffset("g", "t", 5), nil)
	d.DeleteTopics(topic)
	if _, ok := d.Groups().Committed("g", "t", 0); ok {
		t.Fatal("the offset is still there")
	}
	d.create("t", 1, 1)
	if _, ok := d.Groups().Committed("g", "t", 0); ok {
		t.Fatal("a topic made anew has the offset of its namesake")
	}
}

// subscribe sends a KIP-848 heartbeat.
func (d *driver) subscribe(epoch int32, topics ...string) *kmsg.ConsumerGroupHeartbeatResponse {
	d.t.Helper()
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.MemberEpoch = 1, "g", "m", epoch
	req.RebalanceTimeoutMillis, req.SubscribedTopicNames = 10_000, topics
	req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	resp := ask[*kmsg.ConsumerGroupHeartbeatResponse](d, req)
	wantCode(d.t, "ConsumerGroupHeartbeat", resp.ErrorCode, nil)
	return resp
}

func TestAConsumerGroupGetsThePartitionsThatATopicGrows(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("t", 1, 1)
	d.subscribe(0, "t")
	d.AddPartitions(topic, 3, nil)
	resp := d.subscribe(1, "t")
	if resp.MemberEpoch != 2 || resp.Assignment == nil || len(resp.Assignment.Topics[0].Partitions) != 3 {
		t.Fatalf("got %+v", resp)
	}
}

func TestTheHeartbeatIntervalIsTheGroupsOwnConfig(t *testing.T) {
	d := newDriver(t, 1, map[string]string{"group.consumer.heartbeat.interval.ms": "6000"})
	if got := d.subscribe(0, "t").HeartbeatIntervalMillis; got != 6000 {
		t.Fatalf("the broker's config: got %d", got)
	}
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Version = 1
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeGroupConfig, "g"
	r.Configs = []kmsg.IncrementalAlterConfigsRequestResourceConfig{
		{Name: "consumer.heartbeat.interval.ms", Value: kmsg.StringPtr("7000")},
	}
	req.Resources = append(req.Resources, r)
	altered := ask[*kmsg.IncrementalAlterConfigsResponse](d, req).Resources[0]
	wantCode(t, "IncrementalAlterConfigs", altered.ErrorCode, nil)
	if got := d.subscribe(1, "t").HeartbeatIntervalMillis; got != 7000 {
		t.Fatalf("the group's config: got %d", got)
	}
}

func TestASilentMemberIsOutByTheClustersClock(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.waiting("g")
	d.tick(9 * time.Second)
	if s := d.Groups().Snapshot("g"); len(s.Members) != 1 {
		t.Fatalf("got %+v", s)
	}
	d.tick(2 * time.Second)
	if s := d.Groups().Snapshot("g"); len(s.Members) != 0 {
		t.Fatalf("got %+v", s)
	}
}

func TestFindingACoordinatorMakesTheInternalTopics(t *testing.T) {
	d := newDriver(t, 2, nil)
	for key, name := range []string{"__consumer_offsets", "__transaction_state"} {
		if _, ok := d.Topic(name); ok {
			t.Fatalf("%s is there before anybody asked", name)
		}
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.Version, req.CoordinatorType, req.CoordinatorKeys = 6, int8(key), []string{"k"}
		wantCode(t, "FindCoordinator", ask[*kmsg.FindCoordinatorResponse](d, req).Coordinators[0].ErrorCode, nil)

		meta := kmsg.NewPtrMetadataRequest()
		meta.Version, meta.Topics = 12, []kmsg.MetadataRequestTopic{{Topic: &name}}
		topic := ask[*kmsg.MetadataResponse](d, meta).Topics[0]
		if !topic.IsInternal || len(topic.Partitions) != 50 || len(topic.Partitions[0].Replicas) != 2 {
			t.Fatalf("got %+v", topic)
		}
	}
}
