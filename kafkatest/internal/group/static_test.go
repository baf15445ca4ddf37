// Static members of classic groups (KIP-345).

package group_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// again returns the client as it is after a restart: it has forgotten its id.
func (c *client) again() *client {
	fresh := *c
	fresh.id, fresh.generation = "", 0
	return &fresh
}

func TestAStaticMemberNeedsNoSecondJoin(t *testing.T) {
	w := newWorld(t, nil)
	a := w.client("alice", "g").static("i")
	if resp := a.took(w.ask("alice", a.joinRequest())); resp.Generation != 1 || resp.MemberID[:2] != "i-" {
		t.Fatalf("got %+v", resp)
	}
}

func TestAStaticFollowerComesBackWithoutARebalance(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g").static("i")
	settle(t, a, b)
	back := b.again()
	resp := back.took(back.join())
	if resp.Generation != b.generation || resp.MemberID == b.id || resp.LeaderID != a.id || resp.SkipAssignment {
		t.Fatalf("got %+v", resp)
	}
	wantCode(t, a.heartbeat(), nil)
	wantCode(t, synced(back.sync(nil)).ErrorCode, nil)
	wantCode(t, back.heartbeat(), nil)
}

func TestAStaticLeaderComesBackAndDoesNotAssign(t *testing.T) {
	for _, version := range []int16{5, 8, 9} {
		w := newWorld(t, nil)
		a, b := w.client("alice", "g").static("i"), w.client("bob", "g")
		settle(t, a, b)
		back := a.again()
		back.version = version
		resp := back.took(back.join())
		if resp.Generation != a.generation {
			t.Fatalf("v%d: got generation %d", version, resp.Generation)
		}
		// Clients before KIP-814 would assign if they were told that they lead.
		leads := resp.LeaderID == resp.MemberID
		if (version >= 9) != leads || leads != resp.SkipAssignment || leads != (len(resp.Members) == 2) {
			t.Fatalf("v%d: got %+v", version, resp)
		}
		wantCode(t, b.heartbeat(), nil)
	}
}

func TestAStaticMemberThatBringsAnotherProtocolMakesARebalance(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g").static("i")
	a.protocols, b.protocols = []string{"range", "sticky"}, []string{"range", "sticky"}
	settle(t, a, b)
	back := b.again()
	back.protocols = []string{"sticky"}
	if !back.join().waits() {
		t.Fatal("the group's protocol is not bob's any more, and it goes on")
	}
	wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
}

func TestTheFormerHolderOfAnInstanceIsFenced(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	a, b := w.client("alice", "g", "t"), w.client("bob", "g", "t").static("i")
	settle(t, a, b)
	back := b.again()
	back.took(back.join())
	wantCode(t, b.heartbeat(), kerr.FencedInstanceID)
	wantCode(t, synced(b.sync(nil)).ErrorCode, kerr.FencedInstanceID)
	wantCode(t, b.commit("t", 0, 1), kerr.FencedInstanceID)
	wantCode(t, b.leave(), kerr.FencedInstanceID)
	wantCode(t, joined(b.join()).ErrorCode, kerr.FencedInstanceID)
	wantCode(t, back.heartbeat(), nil)
}

func TestAJoinThatWaitsIsFencedByTheNextOfItsInstance(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g").static("i")
	settle(t, a)
	first := b.join()
	second := b.again().join()
	wantCode(t, joined(first).ErrorCode, kerr.FencedInstanceID)
	a.took(a.join())
	wantCode(t, joined(second).ErrorCode, nil)
}

func TestAStaticMemberKeepsItsPlaceThroughARebalance(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g").static("i")
	b.version = 5
	settle(t, a, b)
	a.topics = []string{"t"}
	mine := a.join()
	for range 6 {
		w.pass(9 * time.Second)
		b.heartbeat()
	}
	w.pass(7 * time.Second)
	if resp := a.took(mine); len(resp.Members) != 2 {
		t.Fatalf("bob did not rejoin, and his place is gone: %+v", resp)
	}
}

func TestAStaticMemberIsOutAfterItsSessionToo(t *testing.T) {
	w := newWorld(t, nil)
	b := w.client("bob", "g").static("i")
	settle(t, b)
	w.pass(11 * time.Second)
	wantCode(t, b.heartbeat(), kerr.UnknownMemberID)
	if s := w.groups.Snapshot("g"); s.State != "Empty" {
		t.Fatalf("got %+v", s)
	}
}

func TestAGroupOfStaticMembersOfWhomNoneRejoinsWaitsOn(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g").static("i"), w.client("bob", "g").static("j")
	settle(t, a, b)
	c := w.client("carol", "g")
	carols := c.join()
	wantCode(t, c.leave(), nil)
	wantCode(t, joined(carols).ErrorCode, kerr.UnknownMemberID)
	for range 8 {
		w.pass(9 * time.Second)
		wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
		wantCode(t, b.heartbeat(), kerr.RebalanceInProgress)
	}
	settle(t, a, b)
}

func TestStaticMembersThatSayTheyNeedNoTimeDoNotTakeAllOfIt(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g").static("i"), w.client("bob", "g").static("j")
	a.rebalance, b.rebalance = 0, 0
	settle(t, a, b)
	c := w.client("carol", "g")
	c.rebalance = 0
	c.join()
	c.leave()
	for range 3 {
		w.pass(9 * time.Second)
		wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
		wantCode(t, b.heartbeat(), kerr.RebalanceInProgress)
	}
}
