// Groups that change from one protocol to the other while they consume.

package group_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/group"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// give returns a leader's word for one member.
func give(topic string, partitions ...int32) string {
	a := kmsg.NewConsumerMemberAssignment()
	t := kmsg.NewConsumerMemberAssignmentTopic()
	t.Topic, t.Partitions = topic, partitions
	a.Topics = append(a.Topics, t)
	return string(a.AppendTo(nil))
}

// got decodes what a member was given.
func got(t *testing.T, resp *kmsg.SyncGroupResponse) (all []part) {
	t.Helper()
	wantCode(t, resp.ErrorCode, nil)
	var a kmsg.ConsumerMemberAssignment
	if err := a.ReadFrom(resp.MemberAssignment); err != nil {
		t.Fatal(err)
	}
	for _, topic := range a.Topics {
		for _, p := range topic.Partitions {
			all = append(all, part{topic.Topic, p})
		}
	}
	return all
}

// mixed returns a group in which alice, who is classic, had everything, and bob
// has just joined by KIP-848.
func mixed(t *testing.T, w *world) (a *client, b *subscriber) {
	t.Helper()
	a = w.client("alice", "g", "t")
	a.took(a.join())
	synced(a.sync(map[string]string{a.id: give("t", 0, 1, 2, 3)}))
	wantCode(t, a.commit("t", 0, 5), nil)
	b = w.subscriber("bob", "g", "t").beat()
	b.want1(t, nil)
	return a, b
}

func TestAClassicGroupIsUpgradedWhileItConsumes(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, b := mixed(t, w)
	s := w.groups.Snapshot("g")
	if s.Kind != group.Consumer || s.Epoch != 2 || len(s.Members) != 2 {
		t.Fatalf("got %+v", s)
	}
	if b.has(t); b.epoch != 2 {
		t.Fatalf("bob is at epoch %d", b.epoch)
	}
	wantCode(t, a.commit("t", 0, 6), nil)
	wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
	a.took(a.join()) // it gave everything up to join, as eager consumers do
	mine := got(t, synced(a.sync(nil)))
	if a.generation != 2 || len(mine) != 2 {
		t.Fatalf("alice has %v at generation %d", mine, a.generation)
	}
	wantCode(t, a.heartbeat(), nil)
	if b.beat(); len(b.owned) != 2 || slices.Contains(b.owned, mine[0]) || slices.Contains(b.owned, mine[1]) {
		t.Fatalf("bob has %v, alice has %v", b.owned, mine)
	}
	if o, _ := w.groups.Committed("g", "t", 0); o.Offset != 6 {
		t.Fatalf("got offset %d", o.Offset)
	}
	for _, m := range w.groups.Snapshot("g").Members {
		if (m.ID == a.id) != (m.Kind == group.Classic) {
			t.Fatalf("got %+v", m)
		}
	}
}

func TestACooperativeMemberLetsGoBeforeOthersGet(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, b := mixed(t, w)
	joinOwning := func(partitions ...int32) *kmsg.JoinGroupResponse {
		req := a.joinRequest()
		meta := kmsg.NewConsumerMemberMetadata()
		meta.Version, meta.Topics = 1, []string{"t"}
		meta.OwnedPartitions = []kmsg.ConsumerMemberMetadataOwnedPartition{{Topic: "t", Partitions: partitions}}
		req.Protocols[0].Metadata = meta.AppendTo(nil)
		return a.took(w.ask("alice", req))
	}
	if joinOwning(0, 1, 2, 3); a.generation != 1 {
		t.Fatalf("alice holds everything and is at generation %d", a.generation)
	}
	keeps := got(t, synced(a.sync(nil)))
	if len(keeps) != 2 {
		t.Fatalf("alice is told to keep %v", keeps)
	}
	b.beat().has(t)
	wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
	if joinOwning(keeps[0].index, keeps[1].index); a.generation != 2 {
		t.Fatalf("alice let go and is at generation %d", a.generation)
	}
	if b.beat(); len(b.owned) != 2 {
		t.Fatalf("bob has %v", b.owned)
	}
}

func TestAGroupIsDowngradedWhenTheLastSubscriberLeaves(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, b := mixed(t, w)
	a.took(a.join())
	got(t, synced(a.sync(nil)))
	b.beat()
	b.leave(-1).want1(t, nil)
	s := w.groups.Snapshot("g")
	if s.Kind != group.Classic || s.State != "PreparingRebalance" || s.Epoch != 3 {
		t.Fatalf("got %+v", s)
	}
	a.generation = 3
	wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
	settle(t, a)
	if s := w.groups.Snapshot("g"); s.State != "Stable" || s.Epoch != 4 || len(s.Offsets) != 1 {
		t.Fatalf("got %+v", s)
	}
}

func TestTheMigrationPolicyIsHeeded(t *testing.T) {
	for _, row := range []struct {
		policy   string
		up, down bool
	}{
		{"", true, true}, {"BIDIRECTIONAL", true, true}, {"upgrade", true, false},
		{"downgrade", false, true}, {"disabled", false, false},
	} {
		w := newWorld(t, map[string]int32{"t": 4})
		w.settings["group.consumer.migration.policy"] = row.policy
		settle(t, w.client("alice", "g", "t"))
		b := w.subscriber("bob", "g", "t").beat()
		if (b.code == 0) != row.up || !row.up && b.code != kerr.GroupIDNotFound.Code {
			t.Errorf("%q: the upgrade got %v", row.policy, kerr.TypedErrorForCode(b.code))
		}
		w.settings["group.consumer.migration.policy"] = "upgrade"
		b.beat()
		w.settings["group.consumer.migration.policy"] = row.policy
		b.leave(-1)
		if s := w.groups.Snapshot("g"); (s.Kind == group.Classic) != row.down {
			t.Errorf("%q: after the last subscriber left got %+v", row.policy, s)
		}
	}
}

func TestOnlyGroupsOfConsumersAreUpgraded(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(req *kmsg.JoinGroupRequest)
	}{
		{"another type", func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" }},
		{"words that are no consumer's", func(r *kmsg.JoinGroupRequest) { r.Protocols[0].Metadata = []byte{1} }},
	} {
		w := newWorld(t, map[string]int32{"t": 1})
		req := w.client("alice", "g", "t").joinRequest()
		req.Version = 3
		row.do(req)
		wantCode(t, joined(w.ask("alice", req)).ErrorCode, nil)
		b := w.subscriber("bob", "g", "t").beat()
		b.want1(t, kerr.GroupIDNotFound)
		if s := w.groups.Snapshot("g"); s.Kind != group.Classic || len(s.Members) != 1 {
			t.Errorf("%s: got %+v", row.name, s)
		}
	}
}

func TestAGroupTooBigIsNotUpgraded(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	w.settings["group.consumer.max.size"] = "1"
	settle(t, w.client("alice", "g", "t"), w.client("carol", "g", "t"))
	w.subscriber("bob", "g", "t").beat().want1(t, kerr.GroupIDNotFound)
}

func TestWhoWaitsWhenTheGroupIsUpgradedIsAskedToRejoin(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, c := w.client("alice", "g", "t"), w.client("carol", "g", "t")
	settle(t, a)
	carols := c.join()
	w.subscriber("bob", "g", "t").beat().want1(t, nil)
	wantCode(t, joined(carols).ErrorCode, kerr.RebalanceInProgress)
	c.took(c.join())
	got(t, synced(c.sync(nil)))
}

func TestAGroupWithoutMembersIsOfTheKindOfItsNext(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	w.settings["group.consumer.migration.policy"] = "disabled"
	wantCode(t, committed(w.ask("admin", commitRequest(9, "g", "t", 0, 5))), nil)
	b := w.subscriber("bob", "g", "t").beat()
	b.want1(t, nil)
	b.leave(-1)
	settle(t, w.client("alice", "g", "t"))
	s := w.groups.Snapshot("g")
	if s.Kind != group.Classic || s.Epoch != 1 || len(s.Offsets) != 1 || s.Offsets[0].Offset.Offset != 5 {
		t.Fatalf("got %+v", s)
	}
}

func TestAClassicMemberOfAConsumerGroupIsHeldToItsWord(t *testing.T) {
	for _, row := range []struct {
		name            string
		heartbeat, sync *kerr.Error
		do              func(a *client, b *subscriber)
	}{
		{"an old generation", kerr.IllegalGeneration, kerr.IllegalGeneration,
			func(a *client, _ *subscriber) { a.generation-- }},
		{"an unknown member", kerr.UnknownMemberID, kerr.UnknownMemberID,
			func(a *client, _ *subscriber) { a.id = "x" }},
		{"a member of the other protocol", kerr.UnknownMemberID, kerr.UnknownMemberID,
			func(a *client, b *subscriber) { a.id, a.generation = b.id, b.epoch }},
		{"an unknown instance", kerr.UnknownMemberID, kerr.UnknownMemberID,
			func(a *client, _ *subscriber) { a.static("i") }},
		{"a protocol it did not name", nil, kerr.InconsistentGroupProtocol,
			func(a *client, _ *subscriber) { a.protocols = []string{"own"} }},
		{"a group that moved on", kerr.RebalanceInProgress, kerr.RebalanceInProgress,
			func(a *client, _ *subscriber) { a.w.subscriber("carol", "g", "t").beat() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, map[string]int32{"t": 4})
			a, b := mixed(t, w)
			a.took(a.join())
			got(t, synced(a.sync(nil)))
			row.do(a, b)
			wantCode(t, a.heartbeat(), row.heartbeat)
			wantCode(t, synced(a.sync(nil)).ErrorCode, row.sync)
		})
	}
}

func TestJoinGroupToAConsumerGroupRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		want *kerr.Error
		do   func(w *world, r *kmsg.JoinGroupRequest)
	}{
		{"another type", kerr.InconsistentGroupProtocol,
			func(_ *world, r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" }},
		{"a protocol that not all know", kerr.InconsistentGroupProtocol,
			func(_ *world, r *kmsg.JoinGroupRequest) { r.Protocols[0].Name = "own" }},
		{"words that are no consumer's", kerr.InconsistentGroupProtocol,
			func(_ *world, r *kmsg.JoinGroupRequest) { r.Protocols[0].Metadata = []byte{1} }},
		{"one too many", kerr.GroupMaxSizeReached,
			func(w *world, _ *kmsg.JoinGroupRequest) { w.settings["group.consumer.max.size"] = "2" }},
		{"who has no id", kerr.MemberIDRequired, func(_ *world, r *kmsg.JoinGroupRequest) { r.MemberID = "" }},
	} {
		w := newWorld(t, map[string]int32{"t": 4})
		mixed(t, w)
		c := w.client("carol", "g", "t")
		c.id = "carol-1"
		req := c.joinRequest()
		row.do(w, req)
		if code := joined(w.ask("carol", req)).ErrorCode; code != row.want.Code {
			t.Errorf("%s: got %v", row.name, kerr.TypedErrorForCode(code))
		}
	}
}

func TestAClassicMemberThatDoesNotComeBackIsOut(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, b := mixed(t, w)
	for range 8 {
		w.pass(9 * time.Second)
		b.beat()
		a.heartbeat()
	}
	wantCode(t, a.heartbeat(), kerr.UnknownMemberID)
	if b.beat(); len(b.owned) != 4 {
		t.Fatalf("bob has %v", b.owned)
	}
}

func TestAClassicMemberLeavesAConsumerGroup(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, b := mixed(t, w)
	wantCode(t, a.leave(), nil)
	wantCode(t, a.leave(), kerr.UnknownMemberID)
	if b.beat(); len(b.owned) != 4 {
		t.Fatalf("bob has %v", b.owned)
	}
}

func TestAStaticClassicMemberComesBackToAConsumerGroup(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	_, b := mixed(t, w)
	c := w.client("carol", "g", "t").static("i")
	c.took(c.join())
	got(t, synced(c.sync(nil)))
	back := c.again()
	back.took(back.join())
	wantCode(t, c.heartbeat(), kerr.FencedInstanceID)
	wantCode(t, joined(c.join()).ErrorCode, kerr.FencedInstanceID)
	wantCode(t, back.heartbeat(), nil)
	back.id, back.w = "", w
	wantCode(t, back.leave(), nil) // as an admin does it, by instance alone
	b.beat().want1(t, nil)
	if s := w.groups.Snapshot("g"); len(s.Members) != 2 {
		t.Fatalf("got %+v", s)
	}
}

func TestASubscriberMayHaveBeenAClassicMember(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, b := mixed(t, w)
	a2 := w.subscriber("alice", "g", "t")
	a2.id = a.id
	a2.beat().want1(t, nil)
	converge(a2, b)
	if len(a2.owned) != 2 || len(b.owned) != 2 {
		t.Fatalf("got %v and %v", a2.owned, b.owned)
	}
}

func TestAClassicMemberThatDoesNotSyncIsOut(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, b := mixed(t, w)
	a.took(a.join())
	for range 7 {
		w.pass(9 * time.Second)
		b.beat()
		a.heartbeat()
	}
	wantCode(t, a.heartbeat(), kerr.UnknownMemberID)
}

func TestWhatALeaderGaveTwiceHasOneOwnerAfterTheUpgrade(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2})
	a, c := w.client("alice", "g", "t"), w.client("carol", "g", "t")
	settle(t, a, c)
	carols := c.join()
	if carols.waits() {
		t.Fatal("a follower that brings nothing new made a rebalance")
	}
	mine := a.join()
	carols = c.join()
	a.took(mine)
	c.took(carols)
	synced(a.sync(map[string]string{a.id: give("t", 0, 1), c.id: give("t", 0, 1)}))
	w.subscriber("bob", "g", "t").beat().want1(t, nil)
	owned := 0
	for _, m := range w.groups.Snapshot("g").Members {
		owned += len(m.Assigned["t"]) + len(m.Revoking["t"])
	}
	if owned != 2 {
		t.Fatalf("2 partitions have %d owners", owned)
	}
}
