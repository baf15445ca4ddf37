// What admin clients see of groups and do to them.

package group_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func (w *world) describe(version int16, names ...string) []kmsg.DescribeGroupsResponseGroup {
	w.t.Helper()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Version, req.Groups, req.IncludeAuthorizedOperations = version, names, true
	return answer[*kmsg.DescribeGroupsResponse](w.ask("admin", req)).Groups
}

func TestAnUnknownGroupIsDead(t *testing.T) {
	w := newWorld(t, nil)
	for version := range int16(7) {
		g := w.describe(version, "nowhere")[0]
		want := (*kerr.Error)(nil)
		if version >= 6 {
			want = kerr.GroupIDNotFound
		}
		wantCode(t, g.ErrorCode, want)
		if g.State != "Dead" || version >= 6 && *g.ErrorMessage != "Group nowhere not found." {
			t.Fatalf("v%d: got %+v", version, g)
		}
	}
}

func TestDescribeGroupsTellsOfAStableGroup(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.client("alice", "g", "t").static("i"), w.client("bob", "g", "t")
	settle(t, a, b)
	synced(a.sync(nil))
	for version := range int16(7) {
		g := w.describe(version, "g")[0]
		if g.State != "Stable" || g.ProtocolType != "consumer" || g.Protocol != "range" || len(g.Members) != 2 {
			t.Fatalf("v%d: got %+v", version, g)
		}
		m := g.Members[0]
		if m.MemberID != a.id || m.ClientID != "alice" || m.ClientHost != "/10.0.0.1" || len(m.ProtocolMetadata) == 0 {
			t.Fatalf("v%d: got %+v", version, m)
		}
		if version >= 4 && *m.InstanceID != "i" {
			t.Fatalf("v%d: got %+v", version, m)
		}
		if version >= 3 && g.AuthorizedOperations != 1<<3|1<<6|1<<8|1<<10|1<<11 {
			t.Fatalf("v%d: got operations %b", version, g.AuthorizedOperations)
		}
	}
	w.client("carol", "g", "t").join()
	g := w.describe(6, "g")[0]
	if g.State != "PreparingRebalance" || g.Protocol != "" || len(g.Members[0].ProtocolMetadata) != 0 {
		t.Fatalf("got %+v", g)
	}
}

func TestDescribeGroupsRefuses(t *testing.T) {
	w := newWorld(t, nil)
	settle(t, w.client("alice", "g"))
	w.moved = kerr.NotCoordinator
	wantCode(t, w.describe(5, "g")[0].ErrorCode, kerr.NotCoordinator)
	w.forbid(kmsg.ACLResourceTypeGroup)
	wantCode(t, w.describe(5, "g")[0].ErrorCode, kerr.GroupAuthorizationFailed)
}

// list returns the groups listed, as name:type:state:kind.
func (w *world) list(version int16, states, kinds []string) string {
	w.t.Helper()
	req := kmsg.NewPtrListGroupsRequest()
	req.Version, req.StatesFilter, req.TypesFilter = version, states, kinds
	var all []string
	for _, g := range answer[*kmsg.ListGroupsResponse](w.ask("admin", req)).Groups {
		all = append(all, g.Group+":"+g.ProtocolType+":"+g.GroupState+":"+g.GroupType)
	}
	return strings.Join(all, " ")
}

func TestListGroupsFilters(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	w.subscriber("carol", "modern", "t").beat()
	wantCode(t, committed(w.ask("alice", commitRequest(9, "simple", "t", 0, 5))), nil)
	settle(t, w.client("alice", "classic"))
	const classic, modern = "classic:consumer:Stable:classic", "modern:consumer:Stable:consumer"
	const simple = "simple::Empty:classic"
	for _, row := range []struct {
		states, kinds []string
		want          string
	}{
		{nil, nil, classic + " " + modern + " " + simple},
		{[]string{"stable"}, nil, classic + " " + modern},
		{[]string{"EMPTY", "Dead"}, nil, simple},
		{nil, []string{"Consumer"}, modern},
		{[]string{"Stable"}, []string{"CLASSIC"}, classic},
		{[]string{"none"}, nil, ""},
	} {
		if got := w.list(5, row.states, row.kinds); got != row.want {
			t.Errorf("states %v, types %v: got %s, want %s", row.states, row.kinds, got, row.want)
		}
	}
	if got := w.list(0, nil, nil); got != "classic:consumer:: modern:consumer:: simple:::" {
		t.Errorf("v0: got %s", got)
	}
}

func TestAGroupIsListedOnceItsFirstMemberJoined(t *testing.T) {
	w := newWorld(t, nil)
	w.settings["group.initial.rebalance.delay.ms"] = "3000"
	a := w.client("alice", "g")
	w.ask("alice", a.joinRequest())
	if got := w.list(5, nil, nil); got != "" {
		t.Fatalf("before, got %s", got)
	}
	a.join()
	if got := w.list(5, nil, nil); got != "g:consumer:PreparingRebalance:classic" {
		t.Fatalf("got %s", got)
	}
}

func TestListGroupsTellsWhatMayBeKnown(t *testing.T) {
	w := newWorld(t, nil)
	settle(t, w.client("alice", "mine"))
	settle(t, w.client("alice", "other"))
	w.allow = func(_ kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool {
		return kind == kmsg.ACLResourceTypeGroup && name == "mine"
	}
	if got := w.list(4, nil, nil); got != "mine:consumer:Stable:" {
		t.Fatalf("got %s", got)
	}
	w.allow, w.moved = nil, kerr.NotCoordinator
	if got := w.list(4, nil, nil); got != "" {
		t.Fatalf("a broker that coordinates none lists %s", got)
	}
}

func (w *world) delete(version int16, name string) (int16, *string) {
	w.t.Helper()
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Version, req.Groups = version, []string{name}
	g := answer[*kmsg.DeleteGroupsResponse](w.ask("admin", req)).Groups[0]
	return g.ErrorCode, g.ErrorMessage
}

func TestDeleteGroups(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	a := w.client("alice", "g", "t")
	settle(t, a)
	wantCode(t, a.commit("t", 0, 5), nil)
	got, _ := w.delete(2, "g")
	wantCode(t, got, kerr.NonEmptyGroup)
	got, message := w.delete(3, "nowhere")
	wantCode(t, got, kerr.GroupIDNotFound)
	if message == nil || *message != "Group nowhere not found." {
		t.Fatalf("got %v", message)
	}
	a.leave()
	w.forbid(kmsg.ACLResourceTypeGroup)
	got, _ = w.delete(2, "g")
	wantCode(t, got, kerr.GroupAuthorizationFailed)
	w.allow, w.moved = nil, kerr.NotCoordinator
	got, _ = w.delete(2, "g")
	wantCode(t, got, kerr.NotCoordinator)
	w.moved = nil
	got, _ = w.delete(2, "g")
	wantCode(t, got, nil)
	if f := w.fetch(8, "g", "t"); f.offset != -1 || w.list(5, nil, nil) != "" {
		t.Fatalf("the group is still there: %+v", f)
	}
}

func (w *world) deleteOffset(name, topic string, partition int32) (group, part int16) {
	w.t.Helper()
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = name
	req.Topics = []kmsg.OffsetDeleteRequestTopic{{
		Topic: topic, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: partition}},
	}}
	resp := answer[*kmsg.OffsetDeleteResponse](w.ask("admin", req))
	if len(resp.Topics) > 0 {
		part = resp.Topics[0].Partitions[0].ErrorCode
	}
	return resp.ErrorCode, part
}

func TestOffsetDelete(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2, "u": 1})
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "u", 0, 5))), nil)
	a := w.client("alice", "g", "t")
	settle(t, a)
	wantCode(t, a.commit("t", 0, 5), nil)
	for _, row := range []struct {
		topic     string
		partition int32
		want      *kerr.Error
	}{
		{"t", 0, kerr.GroupSubscribedToTopic}, {"gone", 0, kerr.UnknownTopicOrPartition},
		{"u", 1, kerr.UnknownTopicOrPartition}, {"u", -1, kerr.UnknownTopicOrPartition}, {"u", 0, nil},
	} {
		top, part := w.deleteOffset("g", row.topic, row.partition)
		wantCode(t, top, nil)
		wantCode(t, part, row.want)
	}
	s := w.groups.Snapshot("g")
	if len(s.Offsets) != 1 || s.Offsets[0].Topic != "t" {
		t.Fatalf("got %+v", s.Offsets)
	}
	top, _ := w.deleteOffset("nowhere", "t", 0)
	wantCode(t, top, kerr.GroupIDNotFound)
	w.forbid(kmsg.ACLResourceTypeTopic)
	_, part := w.deleteOffset("g", "u", 0)
	wantCode(t, part, kerr.TopicAuthorizationFailed)
	w.forbid(kmsg.ACLResourceTypeGroup)
	top, _ = w.deleteOffset("g", "u", 0)
	wantCode(t, top, kerr.GroupAuthorizationFailed)
	w.allow, w.moved = nil, kerr.NotCoordinator
	top, _ = w.deleteOffset("g", "u", 0)
	wantCode(t, top, kerr.NotCoordinator)
}

func TestOffsetsOfAGroupThatIsNoConsumersAreNotDeletedUnderItsMembers(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	req := w.client("alice", "g").joinRequest()
	req.Version, req.ProtocolType = 3, "connect"
	w.ask("alice", req)
	top, _ := w.deleteOffset("g", "t", 0)
	wantCode(t, top, kerr.NonEmptyGroup)
}
