// Partitions move, and leaders are elected, as Kafka does it.

package state_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// move asks for other replicas of a partition; nil cancels.
func move(d *driver, topic string, partition int32, replicas []int32) int16 {
	d.t.Helper()
	resp := ask[*kmsg.AlterPartitionAssignmentsResponse](d, moveRequest(topic, partition, replicas))
	return resp.Topics[0].Partitions[0].ErrorCode
}

func moveRequest(topic string, partition int32, replicas []int32) *kmsg.AlterPartitionAssignmentsRequest {
	asked := kmsg.AlterPartitionAssignmentsRequestTopic{Topic: topic}
	to := kmsg.AlterPartitionAssignmentsRequestTopicPartition{Partition: partition, Replicas: replicas}
	asked.Partitions = append(asked.Partitions, to)
	return &kmsg.AlterPartitionAssignmentsRequest{
		Version: 1, AllowReplicationFactorChange: true,
		Topics: []kmsg.AlterPartitionAssignmentsRequestTopic{asked},
	}
}

// moving lists the reassignments that are under way.
func moving(d *driver, topics ...kmsg.ListPartitionReassignmentsRequestTopic) (lines []string) {
	d.t.Helper()
	resp := ask[*kmsg.ListPartitionReassignmentsResponse](d, &kmsg.ListPartitionReassignmentsRequest{Topics: topics})
	wantCode(d.t, "the list", resp.ErrorCode, nil)
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			lines = append(lines, fmt.Sprintf("%s-%d %v +%v -%v",
				topic.Topic, p.Partition, p.Replicas, p.AddingReplicas, p.RemovingReplicas))
		}
	}
	return lines
}

// shape prints who leads, holds and follows a partition.
func shape(p *state.Partition) string {
	return fmt.Sprintf("leader %d replicas %v isr %v", p.Leader, p.Replicas, p.ISR)
}

// placed makes a topic of one partition on the given brokers.
func placed(d *driver, name string, replicas ...int32) *state.Partition {
	d.t.Helper()
	t, err := d.CreateTopic(state.TopicSpec{Name: name, Assignment: [][]int32{replicas}})
	if err != nil {
		d.t.Fatal(err)
	}
	return t.Partitions[0]
}

func TestAReassignmentIsDoneAtOnceUnlessItTakesTime(t *testing.T) {
	d := newDriver(t, 4, nil)
	p := placed(d, "a", 1, 2)
	wantCode(t, "the move", move(d, "a", 0, []int32{3, 4}), nil)
	if got := shape(p); got != "leader 3 replicas [3 4] isr [3 4]" {
		t.Errorf("after it: %s", got)
	}
	if got := moving(d); got != nil {
		t.Errorf("under way: %v", got)
	}
}

func TestAReassignmentIsListedUntilItIsDone(t *testing.T) {
	d := newDriver(t, 4, nil)
	d.SetReassignmentTime(time.Minute)
	p, _ := placed(d, "a", 1, 2), placed(d, "b", 1)
	wantCode(t, "the move", move(d, "a", 0, []int32{3, 2}), nil)
	d.tick(59 * time.Second)
	if got := fmt.Sprint(moving(d)); got != "[a-0 [3 2 1] +[3] -[1]]" {
		t.Errorf("under way: %s", got)
	}
	if got := shape(p); got != "leader 1 replicas [3 2 1] isr [1 2]" {
		t.Errorf("meanwhile: %s", got)
	}
	d.tick(time.Second)
	if got := moving(d); got != nil {
		t.Errorf("still under way: %v", got)
	}
	if got := shape(p); got != "leader 3 replicas [3 2] isr [2 3]" {
		t.Errorf("after it: %s", got)
	}
}

func TestOnlyWhatIsAskedForIsListed(t *testing.T) {
	d := newDriver(t, 2, nil)
	d.SetReassignmentTime(time.Minute)
	placed(d, "a", 1)
	placed(d, "b", 1)
	move(d, "a", 0, []int32{2})
	move(d, "b", 0, []int32{2})
	got := moving(d, kmsg.ListPartitionReassignmentsRequestTopic{Topic: "b", Partitions: []int32{0, 7, -1}},
		kmsg.ListPartitionReassignmentsRequestTopic{Topic: "unknown", Partitions: []int32{0}})
	if fmt.Sprint(got) != "[b-0 [2 1] +[2] -[1]]" {
		t.Errorf("listed: %v", got)
	}
}

func TestACancelledReassignmentLeavesThePartitionWhereItWas(t *testing.T) {
	d := newDriver(t, 3, nil)
	d.SetReassignmentTime(time.Minute)
	p := placed(d, "a", 1, 2)
	wantCode(t, "nothing to cancel", move(d, "a", 0, nil), kerr.NoReassignmentInProgress)
	move(d, "a", 0, []int32{3})
	wantCode(t, "cancel", move(d, "a", 0, nil), nil)
	if got := shape(p); got != "leader 1 replicas [1 2] isr [1 2]" {
		t.Errorf("after it: %s", got)
	}
	d.tick(time.Hour)
	if got := shape(p); got != "leader 1 replicas [1 2] isr [1 2]" {
		t.Errorf("an hour later: %s", got)
	}
}

func TestAReassignmentIsNotCancelledWhenNobodyWhoStaysMayLead(t *testing.T) {
	d := newDriver(t, 3, nil)
	p := placed(d, "a", 1)
	d.broker = 2
	d.StopBroker(3)
	wantCode(t, "the reassignment", move(d, "a", 0, []int32{2, 3}), nil)
	d.StopBroker(1)
	wantCode(t, "its end", move(d, "a", 0, nil), kerr.InvalidReplicaAssignment)
	if p.Leader != 2 {
		t.Fatalf("%d leads", p.Leader)
	}
	wantCode(t, "the config", alter(d, setting.Topic, "a", "unclean.leader.election.enable=true"), nil)
	wantCode(t, "its unclean end", move(d, "a", 0, nil), nil)
	d.StartBroker(1)
	if got := shape(p); got != "leader 1 replicas [1] isr [1]" {
		t.Errorf("after it: %s", got)
	}
}

func TestANewReassignmentTakesThePlaceOfTheOld(t *testing.T) {
	d := newDriver(t, 3, nil)
	d.SetReassignmentTime(time.Minute)
	p := placed(d, "a", 1)
	move(d, "a", 0, []int32{2})
	d.tick(30 * time.Second)
	move(d, "a", 0, []int32{3})
	d.tick(30 * time.Second)
	if got := fmt.Sprint(moving(d)); got != "[a-0 [3 1] +[3] -[1]]" {
		t.Errorf("under way: %s", got)
	}
	d.tick(30 * time.Second)
	if got := shape(p); got != "leader 3 replicas [3] isr [3]" {
		t.Errorf("after it: %s", got)
	}
}

func TestAReassignmentWaitsForABrokerThatIsDown(t *testing.T) {
	d := newDriver(t, 2, nil)
	p := placed(d, "a", 1)
	d.StopBroker(2)
	wantCode(t, "the move", move(d, "a", 0, []int32{2}), nil)
	if got := fmt.Sprint(moving(d)); got != "[a-0 [2 1] +[2] -[1]]" {
		t.Errorf("under way: %s", got)
	}
	d.StartBroker(2)
	if got := shape(p); got != "leader 2 replicas [2] isr [2]" || moving(d) != nil {
		t.Errorf("after its start: %s, under way %v", got, moving(d))
	}
}

func TestADeletedTopicIsNotMovedAnyMore(t *testing.T) {
	d := newDriver(t, 2, nil)
	d.SetReassignmentTime(time.Minute)
	placed(d, "a", 1)
	move(d, "a", 0, []int32{2})
	ask[*kmsg.DeleteTopicsResponse](d, deletion(6, byName("a")))
	p := placed(d, "a", 1)
	d.tick(time.Hour)
	if got := shape(p); got != "leader 1 replicas [1] isr [1]" || moving(d) != nil {
		t.Errorf("its successor: %s, under way %v", got, moving(d))
	}
}

func TestReplicasAreReorderedAndRemovedAtOnce(t *testing.T) {
	d := newDriver(t, 3, nil)
	d.SetReassignmentTime(time.Minute)
	p := placed(d, "a", 1, 2, 3)
	move(d, "a", 0, []int32{3, 2})
	if got := shape(p); got != "leader 3 replicas [3 2] isr [2 3]" || moving(d) != nil {
		t.Errorf("%s, under way %v", got, moving(d))
	}
}

func TestReassignmentsThatMayNotBeAreRefused(t *testing.T) {
	d := newDriver(t, 3, nil)
	placed(d, "a", 1)
	for _, c := range []struct {
		what      string
		topic     string
		partition int32
		replicas  []int32
		want      *kerr.Error
	}{
		{"an unknown topic", "b", 0, []int32{2}, kerr.UnknownTopicOrPartition},
		{"an unknown partition", "a", 1, []int32{2}, kerr.UnknownTopicOrPartition},
		{"a negative partition", "a", -1, []int32{2}, kerr.UnknownTopicOrPartition},
		{"an unknown broker", "a", 0, []int32{9}, kerr.InvalidReplicaAssignment},
		{"a broker twice", "a", 0, []int32{2, 2}, kerr.InvalidReplicaAssignment},
		{"no broker", "a", 0, []int32{}, kerr.InvalidReplicaAssignment},
	} {
		wantCode(t, c.what, move(d, c.topic, c.partition, c.replicas), c.want)
	}
	fixed := moveRequest("a", 0, []int32{2, 3})
	fixed.AllowReplicationFactorChange = false
	resp := ask[*kmsg.AlterPartitionAssignmentsResponse](d, fixed)
	wantCode(t, "another replication", resp.Topics[0].Partitions[0].ErrorCode, kerr.InvalidReplicationFactor)
	d.only()
	resp = ask[*kmsg.AlterPartitionAssignmentsResponse](d, moveRequest("a", 0, []int32{2}))
	wantCode(t, "without right", resp.ErrorCode, kerr.ClusterAuthorizationFailed)
	list := ask[*kmsg.ListPartitionReassignmentsResponse](d, &kmsg.ListPartitionReassignmentsRequest{})
	wantCode(t, "the list without right", list.ErrorCode, kerr.ClusterAuthorizationFailed)
}

// election asks for an election in partitions 0 of topics; of none, in all.
func election(version int16, kind int8, topics ...string) *kmsg.ElectLeadersRequest {
	req := &kmsg.ElectLeadersRequest{Version: version, ElectionType: kind}
	for _, topic := range topics {
		req.Topics = append(req.Topics, kmsg.ElectLeadersRequestTopic{Topic: topic, Partitions: []int32{0}})
	}
	return req
}

func TestAPreferredLeaderIsElected(t *testing.T) {
	for version := range int16(3) {
		d := newDriver(t, 2, nil)
		p := placed(d, "a", 1, 2)
		p.Lead(2)
		epoch := p.Epoch
		resp := ask[*kmsg.ElectLeadersResponse](d, election(version, 0, "a"))
		wantCode(t, "the election", resp.Topics[0].Partitions[0].ErrorCode, nil)
		if p.Leader != 1 || p.Epoch != epoch+1 {
			t.Errorf("version %d: %d leads in epoch %d", version, p.Leader, p.Epoch)
		}
		resp = ask[*kmsg.ElectLeadersResponse](d, election(version, 0, "a"))
		wantCode(t, "another election", resp.Topics[0].Partitions[0].ErrorCode, kerr.ElectionNotNeeded)
	}
}

func TestElectionsThatCannotBeAreRefused(t *testing.T) {
	d := newDriver(t, 3, nil)
	placed(d, "gone", 1, 2)
	placed(d, "alone", 1)
	down := placed(d, "down", 3)
	d.broker = 2
	d.StopBroker(1)
	d.StopBroker(3)
	for _, c := range []struct {
		what  string
		kind  int8
		topic string
		want  *kerr.Error
	}{
		{"a preferred leader that is down", 0, "gone", kerr.PreferredLeaderNotAvailable},
		{"no replica that serves", 1, "alone", kerr.EligibleLeadersNotAvailable},
		{"an unclean election with a leader", 1, "gone", kerr.ElectionNotNeeded},
		{"an unknown topic", 0, "unknown", kerr.UnknownTopicOrPartition},
	} {
		resp := ask[*kmsg.ElectLeadersResponse](d, election(2, c.kind, c.topic))
		wantCode(t, c.what, resp.Topics[0].Partitions[0].ErrorCode, c.want)
	}
	unknown := ask[*kmsg.ElectLeadersResponse](d, election(2, 7, "gone"))
	wantCode(t, "an unknown kind", unknown.ErrorCode, kerr.InvalidRequest)
	wantCode(t, "an unknown kind, for the partition", unknown.Topics[0].Partitions[0].ErrorCode, kerr.InvalidRequest)
	all := ask[*kmsg.ElectLeadersResponse](d, election(2, 7))
	wantCode(t, "an unknown kind in all", all.ErrorCode, kerr.InvalidRequest)
	if len(all.Topics) != 0 {
		t.Errorf("an unknown kind in all is answered for %v", all.Topics)
	}
	if down.Leader != -1 {
		t.Errorf("%d leads a partition whose broker is down", down.Leader)
	}
}

func TestAnUncleanElectionTakesAReplicaThatIsBehind(t *testing.T) {
	d := newDriver(t, 2, nil)
	p := placed(d, "a", 1, 2)
	d.StopBroker(2)
	d.StopBroker(1)
	d.StartBroker(2)
	if p.Leader != -1 {
		t.Fatalf("%d leads", p.Leader)
	}
	resp := ask[*kmsg.ElectLeadersResponse](d, election(2, 1, "a"))
	wantCode(t, "the election", resp.Topics[0].Partitions[0].ErrorCode, nil)
	if got := shape(p); got != "leader 2 replicas [1 2] isr [2]" {
		t.Errorf("after it: %s", got)
	}
}

func TestAnElectionInAllTellsOnlyOfThoseThatChanged(t *testing.T) {
	d := newDriver(t, 2, nil)
	placed(d, "a", 1, 2)
	placed(d, "b", 1, 2).Lead(2)
	resp := ask[*kmsg.ElectLeadersResponse](d, election(2, 0))
	var told []string
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			told = append(told, fmt.Sprintf("%s-%d %d", topic.Topic, p.Partition, p.ErrorCode))
		}
	}
	if fmt.Sprint(told) != "[b-0 0]" {
		t.Errorf("told: %v", told)
	}
}

func TestElectionsAreForThoseAllowed(t *testing.T) {
	d := newDriver(t, 2, nil)
	p := placed(d, "a", 1, 2)
	p.Lead(2)
	d.only()
	resp := ask[*kmsg.ElectLeadersResponse](d, election(2, 0, "a"))
	wantCode(t, "version 2", resp.ErrorCode, kerr.ClusterAuthorizationFailed)
	wantCode(t, "the partition", resp.Topics[0].Partitions[0].ErrorCode, kerr.ClusterAuthorizationFailed)
	resp = ask[*kmsg.ElectLeadersResponse](d, election(0, 0, "a"))
	wantCode(t, "version 0", resp.Topics[0].Partitions[0].ErrorCode, kerr.ClusterAuthorizationFailed)
	if p.Leader != 2 {
		t.Errorf("%d leads", p.Leader)
	}
}
