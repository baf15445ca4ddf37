// What Kafka does in cases that are rare, and that clients can tell.

package group_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAGroupThatIsNamedTwiceIsDeletedOnce(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "t", 0, 5))), nil)
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Version, req.Groups = 2, []string{"g", "x", "g"}
	resp := answer[*kmsg.DeleteGroupsResponse](w.ask("admin", req))
	if len(resp.Groups) != 2 {
		t.Fatalf("got %+v", resp.Groups)
	}
	wantCode(t, resp.Groups[0].ErrorCode, nil)
	wantCode(t, resp.Groups[1].ErrorCode, kerr.GroupIDNotFound)
}

func TestOffsetsAreDeletedOfGroupsWithANameOnly(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	wantCode(t, committed(w.ask("alice", commitRequest(9, "", "t", 0, 5))), nil)
	top, _ := w.deleteOffset("", "t", 0)
	wantCode(t, top, kerr.InvalidGroupID)
}

func TestWhatATransactionHoldsIsGone(t *testing.T) {
	for name, forget := range map[string]func(w *world){
		"with the offset that is deleted": func(w *world) {
			top, part := w.deleteOffset("g", "t", 0)
			wantCode(w.t, top, nil)
			wantCode(w.t, part, nil)
		},
		"with the topic that is deleted": func(w *world) { w.groups.TopicsDeleted([]string{"t"}) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]int32{"t": 1})
			wantCode(t, txnCommitted(w.ask("alice", txnCommitRequest(2, 9, 5))), nil)
			forget(w)
			w.groups.EndTxn("g", 9, true)
			if o, ok := w.groups.Committed("g", "t", 0); ok {
				t.Fatalf("got %+v", o)
			}
		})
	}
}

func TestDescribeGroupsShowsAssignmentsUntilTheyAreLost(t *testing.T) {
	w := newWorld(t, nil)
	a := w.client("alice", "g", "t")
	a.took(a.join())
	synced(a.sync(map[string]string{a.id: "part"}))
	w.client("bob", "g", "t").join()
	m := w.describe(5, "g")[0].Members[0]
	if string(m.MemberAssignment) != "part" || len(m.ProtocolMetadata) != 0 {
		t.Fatalf("got %+v", m)
	}
}

func TestNothingIsAllowedWithAGroupThatIsNotThere(t *testing.T) {
	w := newWorld(t, nil)
	for version, want := range map[int16]int32{5: 1<<3 | 1<<6 | 1<<8 | 1<<10 | 1<<11, 6: -1 << 31} {
		if got := w.describe(version, "g")[0].AuthorizedOperations; got != want {
			t.Errorf("v%d: got %b, want %b", version, got, want)
		}
	}
}

func TestConsumerGroupDescribeRefuses(t *testing.T) {
	w := newWorld(t, nil)
	describe := func(name string) int16 {
		req := kmsg.NewPtrConsumerGroupDescribeRequest()
		req.Version, req.Groups = 1, []string{name}
		return answer[*kmsg.ConsumerGroupDescribeResponse](w.ask("admin", req)).Groups[0].ErrorCode
	}
	wantCode(t, describe(""), kerr.InvalidGroupID)
	w.settings["group.coordinator.rebalance.protocols"] = "classic"
	wantCode(t, describe("g"), kerr.UnsupportedVersion)
}

func TestTheLengthOfMetadataIsInCharsOfJava(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	for _, row := range []struct {
		metadata string
		want     *kerr.Error
	}{
		{strings.Repeat("é", 4096), nil}, {strings.Repeat("é", 4097), kerr.OffsetMetadataTooLarge},
		{strings.Repeat("🦀", 2048), nil}, {strings.Repeat("🦀", 2049), kerr.OffsetMetadataTooLarge},
	} {
		req := commitRequest(9, "g", "t", 0, 5)
		req.Topics[0].Partitions[0].Metadata = &row.metadata
		wantCode(t, committed(w.ask("alice", req)), row.want)
	}
}

func TestAFencedJoinNamesItsOwnId(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g"), w.client("bob", "g").static("i")
	settle(t, a, b)
	w.client("carol", "g").join()
	waits := b.join()
	b.again().join()
	resp := joined(waits)
	wantCode(t, resp.ErrorCode, kerr.FencedInstanceID)
	if resp.MemberID != b.id {
		t.Fatalf("got %q, want %q", resp.MemberID, b.id)
	}
}

func TestAClassicMemberOfAConsumerGroupIsToldTheFirstOfItsProtocols(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, _ := mixed(t, w)
	c := w.client("carol", "g", "t")
	c.protocols = []string{"own", a.protocols[0]}
	if resp := c.took(c.join()); *resp.Protocol != "own" {
		t.Fatalf("got %q", *resp.Protocol)
	}
	wantCode(t, synced(c.sync(nil)).ErrorCode, nil)
	d := w.client("dave", "g", "t")
	d.protocols = []string{"own"}
	wantCode(t, joined(d.join()).ErrorCode, kerr.InconsistentGroupProtocol)
}

func TestAGroupWhoseFirstMemberLeftEarlyTakesNoOtherWithIt(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	w.settings["group.initial.rebalance.delay.ms"] = "3000"
	a := w.client("alice", "g", "t")
	a.join()
	wantCode(t, a.leave(), nil)
	w.pass(time.Second)
	wantCode(t, committed(w.ask("bob", commitRequest(9, "g", "t", 0, 5))), nil)
	w.pass(time.Hour)
	if _, ok := w.groups.Committed("g", "t", 0); !ok {
		t.Fatal("the offset is gone")
	}
}

func TestBlankNamesAreNone(t *testing.T) {
	for what, blank := range map[string]func(*kmsg.ConsumerGroupHeartbeatRequest){
		"GroupId":    func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.Group = " " },
		"MemberId":   func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberID, r.Group = " ", "" },
		"InstanceId": func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.InstanceID = kmsg.StringPtr(" ") },
		"RackId":     func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.RackID = kmsg.StringPtr(" ") },
	} {
		w := newWorld(t, nil)
		req := w.subscriber("alice", "g", "t").request()
		blank(req)
		resp := answer[*kmsg.ConsumerGroupHeartbeatResponse](w.ask("alice", req))
		wantCode(t, resp.ErrorCode, kerr.InvalidRequest)
		if *resp.ErrorMessage != what+" can't be empty." {
			t.Errorf("%s: got %q", what, *resp.ErrorMessage)
		}
	}
}

func TestWhoAsksTwiceForAGroupIsToldOnce(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "t", 0, 5))), nil)
	if got := w.describe(5, "g", "x", "g"); len(got) != 2 {
		t.Errorf("DescribeGroups: %+v", got)
	}
	consumers := kmsg.NewPtrConsumerGroupDescribeRequest()
	consumers.Groups = []string{"g", "x", "g"}
	if got := answer[*kmsg.ConsumerGroupDescribeResponse](w.ask("admin", consumers)).Groups; len(got) != 2 {
		t.Errorf("ConsumerGroupDescribe: %+v", got)
	}
	fetch := fetchRequest(8, "g", "t", 0)
	fetch.Groups = append(fetch.Groups, fetch.Groups[0])
	if got := answer[*kmsg.OffsetFetchResponse](w.ask("admin", fetch)).Groups; len(got) != 1 {
		t.Errorf("OffsetFetch: %+v", got)
	}
}

func TestTheLaterCommitCountsThoughItsTransactionEndsLast(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	wantCode(t, txnCommitted(w.ask("alice", txnCommitRequest(2, 9, 5))), nil)
	wantCode(t, committed(w.ask("bob", commitRequest(9, "g", "t", 0, 7))), nil)
	w.groups.EndTxn("g", 9, true)
	if o, _ := w.groups.Committed("g", "t", 0); o.Offset != 7 {
		t.Fatalf("got %d", o.Offset)
	}
	wantCode(t, txnCommitted(w.ask("alice", txnCommitRequest(2, 9, 3))), nil)
	w.groups.EndTxn("g", 9, true)
	if o, _ := w.groups.Committed("g", "t", 0); o.Offset != 3 {
		t.Fatalf("got %d", o.Offset)
	}
}

func TestAnOffsetUnderATransactionDoesNotAge(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	wantCode(t, committed(w.ask("bob", commitRequest(9, "g", "t", 0, 7))), nil)
	wantCode(t, txnCommitted(w.ask("alice", txnCommitRequest(2, 9, 5))), nil)
	w.pass(8 * 24 * time.Hour)
	if _, ok := w.groups.Committed("g", "t", 0); !ok {
		t.Fatal("the offset is gone")
	}
	w.groups.EndTxn("g", 9, false)
	w.pass(time.Hour)
	if _, ok := w.groups.Committed("g", "t", 0); ok {
		t.Fatal("the offset is still there")
	}
}

func TestAnAdminRemovesMembersThatSpeakEitherProtocol(t *testing.T) {
	for name, row := range map[string]struct {
		static   bool
		id       string // in place of the member's own
		byID     bool
		want     *kerr.Error
		wantLeft int
	}{
		"by id":                      {byID: true},
		"by another id":              {id: "x", want: kerr.UnknownMemberID, wantLeft: 1},
		"by instance":                {static: true},
		"by instance and id":         {static: true, byID: true},
		"by instance and false id":   {static: true, id: "x", want: kerr.FencedInstanceID, wantLeft: 1},
		"by neither id nor instance": {want: kerr.UnknownMemberID, wantLeft: 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]int32{"t": 1})
			a := w.subscriber("alice", "g", "t")
			req := kmsg.NewPtrLeaveGroupRequest()
			req.Version, req.Group = 5, "g"
			m := kmsg.NewLeaveGroupRequestMember()
			m.MemberID = row.id
			if row.static {
				a.instance, m.InstanceID = kmsg.StringPtr("i"), kmsg.StringPtr("i")
			}
			a.beat().want1(t, nil)
			if row.byID {
				m.MemberID = a.id
			}
			req.Members = append(req.Members, m)
			resp := answer[*kmsg.LeaveGroupResponse](w.ask("admin", req))
			wantCode(t, resp.Members[0].ErrorCode, row.want)
			if left := len(w.groups.Snapshot("g").Members); left != row.wantLeft {
				t.Fatalf("%d members are left", left)
			}
		})
	}
}

// Answers are encoded, and changed by rules, while the groups go on.
func TestAnswersShareNoTextWithTheGroup(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	join := w.client("alice", "g", "t").join()
	*join.parked.Response().(*kmsg.JoinGroupResponse).ProtocolType = "changed"
	if s := w.groups.Snapshot("g"); s.Type != "consumer" {
		t.Errorf("got type %s", s.Type)
	}
	m := w.subscriber("bob", "m", "t")
	m.regex = kmsg.StringPtr("t.*")
	beat := w.ask("bob", m.request())
	*beat.resp.(*kmsg.ConsumerGroupHeartbeatResponse).MemberID = "changed"
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{"m"}
	described := w.ask("admin", req).resp.(*kmsg.ConsumerGroupDescribeResponse).Groups[0].Members[0]
	*described.SubscribedTopicRegex = "changed"
	if got := w.groups.Snapshot("m").Members[0]; got.ID != m.id || got.Regex != "t.*" {
		t.Errorf("got %+v", got)
	}
	req.Groups = []string{"none"}
	w.moved = kerr.NotCoordinator
	before := kerr.NotCoordinator.Description
	*w.ask("admin", req).resp.(*kmsg.ConsumerGroupDescribeResponse).Groups[0].ErrorMessage = "changed"
	if kerr.NotCoordinator.Description != before {
		kerr.NotCoordinator.Description = before
		t.Error("the sentence of the error was changed for all")
	}
}
