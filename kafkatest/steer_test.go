// What a test decides in the cluster's place: assignments, and how long a reassignment takes.

package kafkatest_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// beat is a heartbeat of a member of a consumer group: its first if the epoch
// is 0.
func beat(group, member string, epoch int32, topics ...string) *kmsg.ConsumerGroupHeartbeatRequest {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch = group, member, epoch
	if epoch == 0 {
		req.RebalanceTimeoutMillis, req.SubscribedTopicNames = 60_000, topics
		req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	}
	return req
}

func TestAMemberIsAssignedWhatTheTestSays(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Config{Topics: map[string]int{"orders": 4}})
	g := c.Group("billing")
	said := map[string]map[string][]int32{"a": {"orders": {1, 3, 9}, "gone": {0}}}
	if err := g.Assign(said); err != nil {
		t.Fatal(err)
	}
	said["a"]["orders"][0] = 0 // what was said counts
	x := dial(t, c.Broker(0))
	r := ask[*kmsg.ConsumerGroupHeartbeatResponse](x, beat("billing", "a", 0, "orders"), 1)
	if got := assignedBy(t, r); len(got) != 2 || got[0] != 1 || got[1] != 3 {
		t.Errorf("assigned %v, said were 1 and 3", got)
	}
	if err := g.Assign(nil); err != nil {
		t.Fatal(err)
	}
	r = ask[*kmsg.ConsumerGroupHeartbeatResponse](x, beat("billing", "a", r.MemberEpoch), 1)
	if got := assignedBy(t, r); len(got) != 4 {
		t.Errorf("the assignor assigns %v of 4 partitions", got)
	}
}

// assignedBy returns the partitions of the one topic in an answer.
func assignedBy(t *testing.T, r *kmsg.ConsumerGroupHeartbeatResponse) []int32 {
	t.Helper()
	if r.ErrorCode != 0 || r.Assignment == nil || len(r.Assignment.Topics) != 1 {
		t.Fatalf("answered %+v", r)
	}
	return r.Assignment.Topics[0].Partitions
}

func TestAReassignmentIsUnderWayForAsLongAsItTakes(t *testing.T) {
	c := start(t, 2)
	spec := kafkatest.TopicConfig{Name: "moved", Assignment: [][]int32{{0}}}
	if err := errors.Join(c.CreateTopic(spec), c.ReassignFor(time.Hour)); err != nil {
		t.Fatal(err)
	}
	x := dial(t, c.Broker(0))
	req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	p := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
	p.Replicas = []int32{1}
	topic := kmsg.NewAlterPartitionAssignmentsRequestTopic()
	topic.Topic, topic.Partitions = "moved", append(topic.Partitions, p)
	req.Topics = append(req.Topics, topic)
	moved := ask[*kmsg.AlterPartitionAssignmentsResponse](x, req, 0)
	if moved.ErrorCode != 0 || moved.Topics[0].Partitions[0].ErrorCode != 0 {
		t.Fatalf("answered %+v", moved)
	}
	list := kmsg.NewPtrListPartitionReassignmentsRequest()
	if r := ask[*kmsg.ListPartitionReassignmentsResponse](x, list, 0); len(r.Topics) != 1 {
		t.Errorf("under way are %+v", r.Topics)
	}
	if info := c.Partition("moved", 0).Info(); info.Leader != 0 || len(info.Replicas) != 2 {
		t.Errorf("the partition is %+v", info)
	}
}

func TestNothingIsSteeredOfAClusterThatIsClosed(t *testing.T) {
	c := start(t, 1)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{c.Group("g").Assign(nil), c.ReassignFor(time.Second)} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
}
