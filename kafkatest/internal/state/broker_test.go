// Brokers that stop, die and come back, and what becomes of what they led.

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

// placed makes a topic of one partition with these replicas, the leader first.
func (d *driver) placed(name string, replicas ...int32) (*state.Topic, *state.Partition) {
	d.t.Helper()
	t, err := d.CreateTopic(state.TopicSpec{Name: name, Assignment: [][]int32{replicas}})
	if err != nil {
		d.t.Fatal(err)
	}
	return t, t.Partitions[0]
}

func wantShape(t *testing.T, p *state.Partition, leader, epoch int32, isr ...int32) {
	t.Helper()
	got := slices.Clone(p.ISR)
	slices.Sort(got)
	if p.Leader != leader || p.Epoch != epoch || !slices.Equal(got, isr) {
		t.Errorf("the leader is %d in epoch %d, in sync %v; want %d, %d, %v",
			p.Leader, p.Epoch, got, leader, epoch, isr)
	}
}

func TestAStoppedBrokerHandsOverAtOnce(t *testing.T) {
	d := newDriver(t, 3, nil)
	_, led := d.placed("led", 1, 2, 3)
	_, followed := d.placed("followed", 2, 1)
	d.StopBroker(1)
	wantShape(t, led, 2, 1, 2, 3)
	wantShape(t, followed, 2, 0, 2)
	if d.Controller() != 2 {
		t.Errorf("the controller is %d, want 2", d.Controller())
	}
	d.StartBroker(1)
	wantShape(t, led, 2, 1, 1, 2, 3) // leadership stays where it went
	wantShape(t, followed, 2, 0, 1, 2)
}

func TestAKilledBrokerIsNoticedWhenItsSessionEnds(t *testing.T) {
	d := newDriver(t, 3, map[string]string{"broker.session.timeout.ms": "9000"})
	_, p := d.placed("orders", 1, 2, 3)
	d.KillBroker(1)
	d.tick(9*time.Second - time.Millisecond)
	wantShape(t, p, 1, 0, 1, 2, 3)
	if d.Serves(1) {
		t.Error("a dead broker serves")
	}
	d.tick(time.Millisecond)
	wantShape(t, p, 2, 1, 2, 3)
}

func TestABrokerThatRestartsBeforeItsSessionEndsIsFencedFirst(t *testing.T) {
	d := newDriver(t, 2, nil)
	_, p := d.placed("orders", 1, 2)
	d.KillBroker(1)
	d.tick(time.Second)
	d.StartBroker(1)
	wantShape(t, p, 2, 1, 1, 2)
	d.tick(time.Minute) // the old session's end means nothing any more
	wantShape(t, p, 2, 1, 1, 2)
}

func TestTheHighWatermarkWaitsForADeadFollower(t *testing.T) {
	d := newDriver(t, 2, nil)
	topic, p := d.placed("orders", 1, 2)
	d.put(topic, "a")
	d.KillBroker(2)
	d.broker = 1
	req := production(9, topic, records(batch.NewForm(), "b"))
	req.TimeoutMillis = 60_000
	parked := d.waits("c1", req)
	if hw := p.Log().HighWatermark(); hw != 1 {
		t.Errorf("the high watermark is %d, want 1", hw)
	}
	d.tick(10 * time.Second) // its session has ended
	if !parked.Answered() || p.Log().HighWatermark() != 2 {
		t.Errorf("answered %v, high watermark %d", parked.Answered(), p.Log().HighWatermark())
	}
}

func TestTheLastReplicaInSyncLeadsAgainWithoutLoss(t *testing.T) {
	d := newDriver(t, 2, nil)
	topic, p := d.placed("orders", 1, 2)
	d.StopBroker(2)
	d.put(topic, "only on 1")
	d.StopBroker(1)
	d.StartBroker(2)
	wantShape(t, p, -1, 1, 1) // 2 was not in sync: it must not lead
	d.StartBroker(1)
	wantShape(t, p, 1, 2, 1, 2)
	if p.Log().End() != 1 {
		t.Errorf("the log ends at %d, want 1", p.Log().End())
	}
}

func TestAnUncleanElectionCutsOffWhatTheNewLeaderDoesNotHave(t *testing.T) {
	d := newDriver(t, 2, map[string]string{"unclean.leader.election.enable": "true"})
	topic, p := d.placed("orders", 1, 2)
	d.put(topic, "on both")
	d.StopBroker(2)
	d.put(topic, "only on 1")
	d.StopBroker(1)
	d.StartBroker(2)
	wantShape(t, p, 2, 2, 2)
	if p.Log().End() != 1 || p.Log().HighWatermark() != 1 {
		t.Errorf("the log ends at %d, high watermark %d; want 1", p.Log().End(), p.Log().HighWatermark())
	}
	d.StartBroker(1)
	wantShape(t, p, 2, 2, 1, 2)
}

func TestAFollowerThatFallsBehindLeavesAfterItsLag(t *testing.T) {
	d := newDriver(t, 2, map[string]string{"replica.lag.time.max.ms": "5000"})
	_, p := d.placed("orders", 1, 2)
	p.FallBehind(2)
	d.tick(5*time.Second - time.Millisecond)
	wantShape(t, p, 1, 0, 1, 2)
	d.tick(time.Millisecond)
	wantShape(t, p, 1, 0, 1)
	p.CatchUp(2)
	wantShape(t, p, 1, 0, 1, 2)
}

func TestARemovedBrokerIsGoneFromMetadata(t *testing.T) {
	d := newDriver(t, 3, nil)
	d.placed("orders", 3, 1)
	d.RemoveBroker(3)
	d.broker = 1
	resp := ask[*kmsg.MetadataResponse](d, &kmsg.MetadataRequest{Version: 12})
	if len(resp.Brokers) != 2 || resp.Brokers[1].NodeID != 2 {
		t.Errorf("the brokers are %+v", resp.Brokers)
	}
	p := resp.Topics[0].Partitions[0]
	if p.Leader != 1 || !slices.Equal(p.OfflineReplicas, []int32{3}) {
		t.Errorf("the partition is %+v", p)
	}
	if err := d.AddBroker(state.Member{ID: 3}); err != nil {
		t.Error(err)
	}
}

func TestABrokerCannotBeAddedTwice(t *testing.T) {
	d := newDriver(t, 1, nil)
	if err := d.AddBroker(state.Member{ID: 1}); err != kerr.DuplicateBrokerRegistration {
		t.Errorf("the error is %v", err)
	}
}

func TestOnlyABrokerThatServesBecomesController(t *testing.T) {
	d := newDriver(t, 2, nil)
	d.StopBroker(2)
	if err := d.MoveController(2); err != kerr.BrokerNotAvailable {
		t.Errorf("the error is %v", err)
	}
	d.StopBroker(1)
	if d.Controller() != -1 {
		t.Errorf("the controller is %d, but no broker serves", d.Controller())
	}
	d.StartBroker(2)
	if d.Controller() != 2 {
		t.Errorf("the controller is %d, want 2", d.Controller())
	}
}

func TestACoordinatorThatMovedLoadsFirst(t *testing.T) {
	d := newDriver(t, 2, nil)
	d.SetCoordinatorLoadTime(time.Second)
	from := d.Coordinator("group")
	to := 3 - from
	if err := d.MoveCoordinator("group", to); err != nil {
		t.Fatal(err)
	}
	if err := d.CoordinatorError(from, "group"); err != kerr.NotCoordinator {
		t.Errorf("the old coordinator says %v", err)
	}
	if err := d.CoordinatorError(to, "group"); err != kerr.CoordinatorLoadInProgress {
		t.Errorf("the new coordinator says %v", err)
	}
	d.tick(time.Second)
	if err := d.CoordinatorError(to, "group"); err != nil {
		t.Errorf("the new coordinator says %v", err)
	}
}

func TestCoordinatorsFollowTheBrokersThatServe(t *testing.T) {
	d := newDriver(t, 3, nil)
	first := d.Coordinator("group")
	d.StopBroker(first)
	second := d.Coordinator("group")
	if second == first || !d.Serves(second) {
		t.Errorf("broker %d coordinates after %d stopped", second, first)
	}
	for _, id := range []int32{1, 2, 3} {
		d.StopBroker(id)
	}
	d.broker = second
	found := ask[*kmsg.FindCoordinatorResponse](d, &kmsg.FindCoordinatorRequest{Version: 3, CoordinatorKey: "group"})
	wantCode(t, "with no broker up", found.ErrorCode, kerr.CoordinatorNotAvailable)
	d.StartBroker(first)
	if got := d.Coordinator("group"); got != first {
		t.Errorf("broker %d coordinates, want %d", got, first)
	}
}

func TestKeysFindTheirSlotAsInKafka(t *testing.T) {
	// Java's "group".hashCode() is 98629247, so its partition of 50 is 47; with
	// two brokers that serve in turn, odd slots are broker 2's.
	d := newDriver(t, 2, nil)
	if got := d.Coordinator("group"); got != 2 {
		t.Errorf("broker %d coordinates, want 2", got)
	}
}
