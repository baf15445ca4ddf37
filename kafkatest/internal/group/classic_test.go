// Classic groups: stories of members that join, live and leave.

package group_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/group"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestANewMemberIsToldItsIDAndJoinsWithIt(t *testing.T) {
	w := newWorld(t, nil)
	a := w.client("alice", "g")
	told := joined(w.ask("alice", a.joinRequest()))
	wantCode(t, told.ErrorCode, kerr.MemberIDRequired)
	if w.groups.Snapshot("g").State != "Dead" {
		t.Fatal("a group is there before its first member joined")
	}
	a.id = told.MemberID
	resp := a.took(w.ask("alice", a.joinRequest()))
	if resp.MemberID != told.MemberID || resp.LeaderID != told.MemberID || resp.Generation != 1 ||
		len(resp.Members) != 1 {
		t.Fatalf("got %+v", resp)
	}
}

func TestOldClientsJoinAtOnce(t *testing.T) {
	for version := range int16(4) {
		w := newWorld(t, nil)
		a := w.client("alice", "g")
		a.version = version
		if resp := a.took(w.ask("alice", a.joinRequest())); resp.Generation != 1 {
			t.Fatalf("v%d: got %+v", version, resp)
		}
	}
}

func TestMemberIDsComeFromTheSeedAndTheClientsOwnName(t *testing.T) {
	ids := func(names ...string) map[string]string {
		w := newWorld(t, nil)
		all := make(map[string]string)
		for _, name := range names {
			all[name] = joined(w.ask(name, w.client(name, "g").joinRequest())).MemberID
		}
		return all
	}
	one, other := ids("alice", "bob"), ids("bob", "alice")
	if one["alice"] != other["alice"] || one["bob"] != other["bob"] || one["alice"] == one["bob"] {
		t.Fatalf("got %v and %v", one, other)
	}
	if len(one["alice"]) != len("alice-")+36 {
		t.Fatalf("got %q, want the client id and a UUID", one["alice"])
	}
}

func TestAJoinMakesTheOthersRejoin(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	settle(t, a)
	bobs := b.join()
	wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
	wantCode(t, synced(a.sync(nil)).ErrorCode, kerr.RebalanceInProgress)
	led := a.took(a.join())
	followed := b.took(bobs)
	if led.Generation != 2 || followed.Generation != 2 || followed.LeaderID != a.id {
		t.Fatalf("got generations %d and %d", led.Generation, followed.Generation)
	}
	if len(led.Members) != 2 || len(followed.Members) != 0 {
		t.Fatalf("the leader sees %d members, the follower %d", len(led.Members), len(followed.Members))
	}
	bobs = b.sync(nil)
	if !bobs.waits() {
		t.Fatal("bob has an assignment that the leader did not give")
	}
	mine := a.sync(map[string]string{a.id: "for alice", b.id: "for bob"})
	if got := string(synced(mine).MemberAssignment); got != "for alice" {
		t.Fatalf("alice got %q", got)
	}
	if got := string(synced(bobs).MemberAssignment); got != "for bob" {
		t.Fatalf("bob got %q", got)
	}
	if got := string(synced(b.sync(nil)).MemberAssignment); got != "for bob" {
		t.Fatalf("asked again, bob got %q", got)
	}
}

func TestASyncThatWaitsFailsWhenSomebodyJoins(t *testing.T) {
	w := newWorld(t, nil)
	a, b, c := w.client("alice", "g"), w.client("bob", "g"), w.client("carol", "g")
	a.took(a.join())
	bobs := b.join()
	a.took(a.join())
	b.took(bobs)
	bobs = b.sync(nil)
	c.join()
	wantCode(t, synced(bobs).ErrorCode, kerr.RebalanceInProgress)
}

func TestASilentMemberIsOutAfterItsSession(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	settle(t, a, b)
	w.pass(9 * time.Second)
	wantCode(t, a.heartbeat(), nil)
	w.pass(2 * time.Second)
	wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
	wantCode(t, b.heartbeat(), kerr.UnknownMemberID)
	if resp := a.took(a.join()); len(resp.Members) != 1 || resp.Generation != 3 {
		t.Fatalf("got %+v", resp)
	}
}

func TestACommitKeepsASessionAlive(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	a := w.client("alice", "g", "t")
	settle(t, a)
	for range 5 {
		w.pass(9 * time.Second)
		wantCode(t, a.commit("t", 0, 1), nil)
	}
	wantCode(t, a.heartbeat(), nil)
}

func TestWhoDoesNotRejoinInTimeIsOut(t *testing.T) {
	w := newWorld(t, nil)
	a, b, c := w.client("alice", "g"), w.client("bob", "g"), w.client("carol", "g")
	settle(t, a, b)
	carols := c.join()
	bobs := b.join()
	for range 6 {
		w.pass(9 * time.Second)
		wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
	}
	if !carols.waits() || !bobs.waits() {
		t.Fatal("the generation began before alice's time was over")
	}
	w.pass(7 * time.Second)
	if resp := b.took(bobs); resp.LeaderID != b.id || len(resp.Members) != 2 {
		t.Fatalf("bob, who was there first, does not lead: %+v", resp)
	}
	if resp := c.took(carols); resp.LeaderID != b.id {
		t.Fatalf("got leader %s", resp.LeaderID)
	}
	wantCode(t, a.heartbeat(), kerr.UnknownMemberID)
}

func TestVersion0HasOneTimeoutForBoth(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	a.version = 0
	settle(t, a)
	b.version = 0
	bobs := b.join()
	for range 3 {
		w.pass(4 * time.Second)
		a.heartbeat()
	}
	if resp := b.took(bobs); resp.LeaderID != b.id {
		t.Fatalf("after 12 of 10 seconds alice still leads: %+v", resp)
	}
}

func TestWhoDoesNotSyncInTimeIsOut(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	a.took(a.join())
	bobs := b.join()
	a.took(a.join())
	b.took(bobs)
	a.sync(nil)
	for range 7 {
		w.pass(9 * time.Second)
		a.heartbeat()
		b.heartbeat()
	}
	wantCode(t, b.heartbeat(), kerr.UnknownMemberID)
	wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
}

func TestAnIDThatIsNotUsedIsForgotten(t *testing.T) {
	w := newWorld(t, nil)
	a := w.client("alice", "g")
	a.id = joined(w.ask("alice", a.joinRequest())).MemberID
	w.pass(11 * time.Second)
	wantCode(t, joined(w.ask("alice", a.joinRequest())).ErrorCode, kerr.UnknownMemberID)
}

func TestARebalanceWaitsForIDsThatWereGivenOut(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	settle(t, a)
	joined(w.ask("bob", b.joinRequest()))
	again := a.join()
	if !again.waits() {
		t.Fatal("the generation began without bob, who was told to come again")
	}
	w.pass(11 * time.Second)
	if resp := a.took(again); len(resp.Members) != 1 {
		t.Fatalf("got %+v", resp)
	}
}

func TestAnInitialRebalanceWaitsForMoreMembers(t *testing.T) {
	w := newWorld(t, nil)
	w.settings["group.initial.rebalance.delay.ms"] = "3000"
	a, b := w.client("alice", "g"), w.client("bob", "g")
	first := a.join()
	w.pass(2 * time.Second)
	second := b.join()
	w.pass(2 * time.Second)
	if !first.waits() || !second.waits() {
		t.Fatal("bob's coming did not make the group wait again")
	}
	if s := w.groups.Snapshot("g"); s.State != "PreparingRebalance" || len(s.Members) != 2 || !s.Members[0].Waiting {
		t.Fatalf("got %+v", s)
	}
	w.pass(2 * time.Second)
	if a.took(first).Generation != 1 || b.took(second).Generation != 1 {
		t.Fatal("they are not in one generation, the first")
	}
}

func TestAnInitialRebalanceWaitsNoLongerThanTheRebalanceTimeout(t *testing.T) {
	w := newWorld(t, nil)
	w.settings["group.initial.rebalance.delay.ms"] = "25000"
	first := w.client("alice", "g").join()
	for _, name := range []string{"bob", "carol", "dave"} {
		w.pass(20 * time.Second)
		w.client(name, "g").join()
	}
	w.pass(time.Second)
	if first.waits() {
		t.Fatal("alice waits for longer than the minute that she said she would")
	}
}

func TestMembersVoteForTheProtocol(t *testing.T) {
	w := newWorld(t, nil)
	a, b, c := w.client("alice", "g"), w.client("bob", "g"), w.client("carol", "g")
	a.protocols = []string{"own", "range", "sticky"}
	b.protocols = []string{"sticky", "range"}
	c.protocols = []string{"sticky", "other", "range"}
	first := a.took(a.join())
	if *first.Protocol != "own" {
		t.Fatalf("alone, alice chose %s", *first.Protocol)
	}
	b.join()
	carols := c.join()
	a.took(a.join())
	if got := *c.took(carols).Protocol; got != "sticky" {
		t.Fatalf("got %s, want the one with two votes", got)
	}
}

func TestTheLeaderMayAskForARebalanceAFollowerMayNot(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	settle(t, a, b)
	if got := b.took(b.join()).Generation; got != 2 {
		t.Fatalf("bob, who brings nothing new, made generation %d", got)
	}
	if !a.join().waits() {
		t.Fatal("the leader was not heard")
	}
	wantCode(t, b.heartbeat(), kerr.RebalanceInProgress)
}

func TestANewSubscriptionMakesARebalance(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g", "t")
	settle(t, a, b)
	b.topics = []string{"t", "u"}
	if !b.join().waits() {
		t.Fatal("what bob wants now changed nothing")
	}
	wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
}

func TestAJoinWhoseAnswerWasLostIsAnsweredAgain(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	a.took(a.join())
	bobs := b.join()
	a.took(a.join())
	b.took(bobs)
	if resp := a.took(a.join()); resp.Generation != 2 || len(resp.Members) != 2 {
		t.Fatalf("got %+v", resp)
	}
}

func TestAJoinFromANewConnectionReplacesTheOneThatWaits(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	settle(t, a)
	lost := b.join()
	again := b.join()
	wantCode(t, joined(lost).ErrorCode, kerr.RebalanceInProgress)
	a.took(a.join())
	if resp := b.took(again); resp.Generation != 2 {
		t.Fatalf("got %+v", resp)
	}
}

func TestALeaveMakesARebalance(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	settle(t, a, b)
	wantCode(t, a.leave(), nil)
	wantCode(t, b.heartbeat(), kerr.RebalanceInProgress)
	wantCode(t, a.heartbeat(), kerr.UnknownMemberID)
	wantCode(t, a.leave(), kerr.UnknownMemberID)
	if resp := b.took(b.join()); resp.LeaderID != b.id {
		t.Fatalf("got %+v", resp)
	}
}

func TestLeaveGroupAnswersEachMember(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g").static("i")
	settle(t, a, b)
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Version, req.Group = 5, "g"
	for _, m := range []struct {
		id       string
		instance *string
	}{{a.id, nil}, {"x", nil}, {"x", kmsg.StringPtr("i")}, {"", kmsg.StringPtr("none")}, {"", kmsg.StringPtr("i")}} {
		lm := kmsg.NewLeaveGroupRequestMember()
		lm.MemberID, lm.InstanceID = m.id, m.instance
		req.Members = append(req.Members, lm)
	}
	resp := answer[*kmsg.LeaveGroupResponse](w.ask("admin", req))
	wantCode(t, resp.ErrorCode, nil)
	for i, want := range []*kerr.Error{nil, kerr.UnknownMemberID, kerr.FencedInstanceID, kerr.UnknownMemberID, nil} {
		wantCode(t, resp.Members[i].ErrorCode, want)
	}
	if s := w.groups.Snapshot("g"); s.State != "Empty" || len(s.Members) != 0 {
		t.Fatalf("got %+v", s)
	}
}

func TestLeaveGroupOfOldClientsHasOneError(t *testing.T) {
	w := newWorld(t, nil)
	a := w.client("alice", "g")
	settle(t, a)
	for _, row := range []struct {
		group, id string
		want      *kerr.Error
	}{{"nowhere", a.id, kerr.UnknownMemberID}, {"g", "x", kerr.UnknownMemberID}, {"g", a.id, nil}} {
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Version, req.Group, req.MemberID = 2, row.group, row.id
		wantCode(t, answer[*kmsg.LeaveGroupResponse](w.ask("alice", req)).ErrorCode, row.want)
	}
}

func TestWhoLeavesWhileItWaitsIsAnswered(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	settle(t, a)
	bobs := b.join()
	wantCode(t, b.leave(), nil)
	wantCode(t, joined(bobs).ErrorCode, kerr.UnknownMemberID)
}

func TestANewMemberThatIsGoneDoesNotHoldUpTheGroupForEver(t *testing.T) {
	w := newWorld(t, nil)
	w.settings["group.initial.rebalance.delay.ms"] = "1200000"
	a := w.client("alice", "g")
	req := a.joinRequest()
	req.Version, req.RebalanceTimeoutMillis = 3, 3600000
	waiting := w.ask("alice", req)
	waiting.parked.Gone()
	w.pass(5*time.Minute + time.Second)
	if s := w.groups.Snapshot("g"); len(s.Members) != 0 {
		t.Fatalf("got %+v", s)
	}
}

func TestWhenTheCoordinatorMovesWhoWaitsIsSentOn(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	settle(t, a)
	bobs := b.join()
	w.pass(9 * time.Second)
	w.groups.Moved("g")
	wantCode(t, joined(bobs).ErrorCode, kerr.NotCoordinator)
	w.pass(9 * time.Second)
	wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
	settle(t, a, b)
	if s := w.groups.Snapshot("g"); s.State != "Stable" || len(s.Members) != 2 {
		t.Fatalf("got %+v", s)
	}
}

func TestASnapshotTellsWhoHasWhat(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2})
	a := w.client("alice", "g", "t").static("i")
	a.took(a.join())
	said := kmsg.NewConsumerMemberAssignment()
	at := kmsg.NewConsumerMemberAssignmentTopic()
	at.Topic, at.Partitions = "t", []int32{1, 0}
	said.Topics = append(said.Topics, at)
	synced(a.sync(map[string]string{a.id: string(said.AppendTo(nil))}))
	wantCode(t, a.commit("t", 1, 5), nil)

	s := w.groups.Snapshot("g")
	if s.Kind != group.Classic || s.State != "Stable" || s.Epoch != 1 || s.Type != "consumer" ||
		s.Protocol != "range" {
		t.Fatalf("got %+v", s)
	}
	m := s.Members[0]
	if m.ID != a.id || s.Leader != a.id || m.Instance != "i" || m.ClientID != "alice" || m.Host != "10.0.0.1" {
		t.Fatalf("got %+v", m)
	}
	if m.Topics[0] != "t" || len(m.Assigned["t"]) != 2 || len(s.History) != 1 ||
		len(s.History[0].Members[a.id]["t"]) != 2 {
		t.Fatalf("got %+v, history %+v", m, s.History)
	}
	if len(s.Offsets) != 1 || s.Offsets[0].Topic != "t" || s.Offsets[0].Partition != 1 ||
		s.Offsets[0].Offset.Offset != 5 {
		t.Fatalf("got offsets %+v", s.Offsets)
	}
}

func TestWhoWaitsForTheLeadersWordNeedsNoHeartbeat(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	a.took(a.join())
	bobs := b.join()
	a.took(a.join())
	b.took(bobs)
	bobs = b.sync(nil)
	for range 3 {
		w.pass(9 * time.Second)
		wantCode(t, a.heartbeat(), nil)
	}
	synced(a.sync(map[string]string{b.id: "for bob"}))
	if got := string(synced(bobs).MemberAssignment); got != "for bob" {
		t.Fatalf("bob got %q", got)
	}
	w.pass(9 * time.Second)
	wantCode(t, b.heartbeat(), nil)
}

func TestOfProtocolsWithEquallyManyVotesTheFirstIsTaken(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g")
	a.protocols, b.protocols = []string{"range", "sticky"}, []string{"sticky", "range"}
	settleAs(t, "range", a, b)
	a, b = w.client("alice", "h"), w.client("bob", "h")
	a.protocols, b.protocols = []string{"sticky", "range"}, []string{"range", "sticky"}
	settleAs(t, "sticky", a, b)
}

func settleAs(t *testing.T, protocol string, a, b *client) {
	t.Helper()
	a.took(a.join())
	bobs := b.join()
	a.took(a.join())
	if got := *b.took(bobs).Protocol; got != protocol {
		t.Fatalf("got %s, want %s", got, protocol)
	}
}
