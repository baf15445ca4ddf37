// Committed offsets: who may commit, what is read back, and for how long.

package group_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/group"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func fetchRequest(version int16, name, topic string, partitions ...int32) *kmsg.OffsetFetchRequest {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version = version
	if version < 8 {
		req.Group = name
		req.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: topic, Partitions: partitions}}
		return req
	}
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = name
	g.Topics = []kmsg.OffsetFetchRequestGroupTopic{{Topic: topic, Partitions: partitions}}
	req.Groups = append(req.Groups, g)
	return req
}

// fetched is a partition of the answer, in whatever version.
type fetched struct {
	offset   int64
	metadata string
	code     int16
	group    int16 // the group's own error
}

// fetch asks for the first partition of the topic.
func (w *world) fetch(version int16, name, topic string) (f fetched) {
	w.t.Helper()
	req := fetchRequest(version, name, topic, 0)
	if version >= 10 {
		req.Groups[0].Topics[0] = kmsg.OffsetFetchRequestGroupTopic{TopicID: w.topics[topic].ID, Partitions: []int32{0}}
	}
	resp := answer[*kmsg.OffsetFetchResponse](w.ask("alice", req))
	if version < 8 {
		f.group = resp.ErrorCode
		for _, t := range resp.Topics {
			p := t.Partitions[0]
			f.offset, f.metadata, f.code = p.Offset, *p.Metadata, p.ErrorCode
		}
		return f
	}
	f.group = resp.Groups[0].ErrorCode
	for _, t := range resp.Groups[0].Topics {
		p := t.Partitions[0]
		f.offset, f.metadata, f.code = p.Offset, *p.Metadata, p.ErrorCode
	}
	return f
}

func TestAnUnknownGroupHasCommittedNothing(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	for version := range int16(11) {
		if got := w.fetch(version, "nowhere", "t"); got != (fetched{offset: -1}) {
			t.Errorf("v%d: got %+v", version, got)
		}
	}
	if names := w.groups.Names(); len(names) != 0 {
		t.Fatalf("to ask made groups: %v", names)
	}
}

func TestWhatWasCommittedIsReadBackInEveryVersion(t *testing.T) {
	for version := range int16(11) {
		w := newWorld(t, map[string]int32{"t": 1})
		req := commitRequest(version, "g", "t", 0, 1<<40+int64(version))
		req.Topics[0].TopicID = w.topics["t"].ID
		req.Topics[0].Partitions[0].Metadata = kmsg.StringPtr("so far")
		wantCode(t, committed(w.ask("alice", req)), nil)
		for v := range int16(11) {
			got := w.fetch(v, "g", "t")
			if got != (fetched{offset: 1<<40 + int64(version), metadata: "so far"}) {
				t.Fatalf("committed by v%d, fetched by v%d: %+v", version, v, got)
			}
		}
	}
}

func TestMetadataLeftOutReadsBackEmpty(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "t", 0, 5))), nil)
	for version := range int16(11) {
		if got := w.fetch(version, "g", "t"); got.offset != 5 || got.metadata != "" {
			t.Fatalf("v%d: got %+v", version, got)
		}
	}
}

func TestASimpleConsumerCommitsToAGroupWithoutMembers(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "t", 0, 5))), nil)
	s := w.groups.Snapshot("g")
	if s.State != "Empty" || s.Type != "" || s.Kind != group.Classic {
		t.Fatalf("got %+v", s)
	}
	a := w.client("alice", "g", "t")
	settle(t, a)
	wantCode(t, committed(w.ask("bob", commitRequest(9, "g", "t", 0, 6))), kerr.UnknownMemberID)
	if o, ok := w.groups.Committed("g", "t", 0); !ok || o.Offset != 5 {
		t.Fatalf("got %+v", o)
	}
}

func TestACommitOfNothingMakesNoGroup(t *testing.T) {
	w := newWorld(t, nil)
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group = 9, "g"
	w.ask("alice", req)
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "gone", 0, 5))), kerr.UnknownTopicOrPartition)
	if names := w.groups.Names(); len(names) != 0 {
		t.Fatalf("got %v", names)
	}
}

func TestOffsetCommitRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		want *kerr.Error
		do   func(w *world, c *client, req *kmsg.OffsetCommitRequest)
	}{
		{"an old generation", kerr.IllegalGeneration,
			func(_ *world, _ *client, r *kmsg.OffsetCommitRequest) { r.Generation-- }},
		{"a member it does not know", kerr.UnknownMemberID,
			func(_ *world, _ *client, r *kmsg.OffsetCommitRequest) { r.MemberID = "x" }},
		{"a member that has left", kerr.UnknownMemberID,
			func(_ *world, c *client, r *kmsg.OffsetCommitRequest) { c.leave() }},
		{"a member whose group is gone", kerr.IllegalGeneration,
			func(w *world, c *client, r *kmsg.OffsetCommitRequest) { r.Version = 8; c.leave(); w.pass(time.Hour) }},
		{"a member that has left a group that others are in", kerr.UnknownMemberID,
			func(w *world, c *client, r *kmsg.OffsetCommitRequest) {
				settle(w.t, w.client("bob", "g"), c)
				c.leave()
			}},
		{"an unknown group, as long as there was one error for it", kerr.IllegalGeneration,
			func(_ *world, _ *client, r *kmsg.OffsetCommitRequest) { r.Version, r.Group = 8, "nowhere" }},
		{"an unknown group", kerr.GroupIDNotFound,
			func(_ *world, _ *client, r *kmsg.OffsetCommitRequest) { r.Group = "nowhere" }},
		{"a generation whose assignment is not there yet", kerr.RebalanceInProgress,
			func(_ *world, c *client, r *kmsg.OffsetCommitRequest) { c.took(c.join()); r.Generation = c.generation }},
		{"an unknown topic", kerr.UnknownTopicOrPartition,
			func(_ *world, _ *client, r *kmsg.OffsetCommitRequest) { r.Topics[0].Topic = "gone" }},
		{"a partition it has not", kerr.UnknownTopicOrPartition,
			func(_ *world, _ *client, r *kmsg.OffsetCommitRequest) { r.Topics[0].Partitions[0].Partition = 1 }},
		{"a partition nobody can have", kerr.UnknownTopicOrPartition,
			func(_ *world, _ *client, r *kmsg.OffsetCommitRequest) { r.Topics[0].Partitions[0].Partition = -1 }},
		{"an unknown topic id", kerr.UnknownTopicID,
			func(_ *world, _ *client, r *kmsg.OffsetCommitRequest) { r.Version = 10 }},
		{"too much metadata", kerr.OffsetMetadataTooLarge, func(_ *world, _ *client, r *kmsg.OffsetCommitRequest) {
			r.Topics[0].Partitions[0].Metadata = kmsg.StringPtr(strings.Repeat("x", 4097))
		}},
		{"a topic that may not be read", kerr.TopicAuthorizationFailed,
			func(w *world, _ *client, _ *kmsg.OffsetCommitRequest) { w.forbid(kmsg.ACLResourceTypeTopic) }},
		{"a group that may not be read", kerr.GroupAuthorizationFailed,
			func(w *world, _ *client, _ *kmsg.OffsetCommitRequest) { w.forbid(kmsg.ACLResourceTypeGroup) }},
		{"another broker's group", kerr.NotCoordinator,
			func(w *world, _ *client, _ *kmsg.OffsetCommitRequest) { w.moved = kerr.NotCoordinator }},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, map[string]int32{"t": 1})
			c := w.client("alice", "g", "t")
			settle(t, c)
			req := commitRequest(9, "g", "t", 0, 5)
			req.MemberID, req.Generation = c.id, c.generation
			row.do(w, c, req)
			wantCode(t, committed(w.ask("alice", req)), row.want)
			if _, ok := w.groups.Committed("g", "t", 0); ok {
				t.Fatal("it was committed all the same")
			}
		})
	}
}

// forbid takes away every right to resources of that kind.
func (w *world) forbid(kind kmsg.ACLResourceType) {
	w.allow = func(_ kmsg.ACLOperation, k kmsg.ACLResourceType, _ string) bool { return k != kind }
}

func TestAMemberCommitsWhileTheOthersRejoin(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	a := w.client("alice", "g", "t")
	settle(t, a)
	w.client("bob", "g", "t").join()
	wantCode(t, a.heartbeat(), kerr.RebalanceInProgress)
	wantCode(t, a.commit("t", 0, 5), nil)
}

func TestOffsetFetchRefuses(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "t", 0, 5))), nil)
	w.forbid(kmsg.ACLResourceTypeGroup)
	for version := range int16(11) {
		got := w.fetch(version, "g", "t")
		if version < 2 && got.code != kerr.GroupAuthorizationFailed.Code ||
			version >= 2 && got.group != kerr.GroupAuthorizationFailed.Code {
			t.Errorf("v%d: group not allowed, got %+v", version, got)
		}
	}
	w.forbid(kmsg.ACLResourceTypeTopic)
	for version := range int16(11) {
		got := w.fetch(version, "g", "t")
		if got.code != kerr.TopicAuthorizationFailed.Code || got.offset != -1 {
			t.Errorf("v%d: topic not allowed, got %+v", version, got)
		}
	}
	w.allow, w.moved = nil, kerr.CoordinatorLoadInProgress
	if got := w.fetch(8, "g", "t"); got.group != kerr.CoordinatorLoadInProgress.Code {
		t.Errorf("while loading, got %+v", got)
	}
	w.moved = nil
	delete(w.topics, "t")
	if got := w.fetch(10, "g", "t"); got.code != kerr.UnknownTopicID.Code {
		t.Errorf("an id that is not there, got %+v", got)
	}
}

func TestOffsetFetchOfAllTopicsTellsWhatMayBeKnown(t *testing.T) {
	w := newWorld(t, map[string]int32{"b": 3, "a": 1, "secret": 1})
	for _, row := range []struct {
		topic     string
		partition int32
	}{{"b", 2}, {"b", 0}, {"a", 0}, {"secret", 0}} {
		wantCode(t, committed(w.ask("alice", commitRequest(9, "g", row.topic, row.partition, 5))), nil)
	}
	w.allow = func(_ kmsg.ACLOperation, _ kmsg.ACLResourceType, name string) bool { return name != "secret" }
	for _, version := range []int16{2, 7, 8, 9, 10} {
		req := fetchRequest(version, "g", "")
		req.Topics = nil
		if version >= 8 {
			req.Groups[0].Topics = nil
		}
		resp := answer[*kmsg.OffsetFetchResponse](w.ask("alice", req))
		if s := w.told(resp); s != "a/0 b/0 b/2" {
			t.Errorf("v%d: got %s", version, s)
		}
	}
}

// told lists the partitions of an answer, as topic/partition.
func (w *world) told(resp *kmsg.OffsetFetchResponse) string {
	var all []string
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			all = append(all, fmt.Sprint(t.Topic, "/", p.Partition))
		}
	}
	for _, g := range resp.Groups {
		for _, t := range g.Topics {
			known, _ := w.TopicByID(t.TopicID)
			for _, p := range t.Partitions {
				all = append(all, fmt.Sprint(t.Topic, known.Name, "/", p.Partition))
			}
		}
	}
	return strings.Join(all, " ")
}

func TestOffsetFetchAsksForSeveralGroups(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "t", 0, 5))), nil)
	req := fetchRequest(9, "g", "t", 0, 1)
	req.Groups = append(req.Groups, fetchRequest(9, "h", "t", 0).Groups...)
	resp := answer[*kmsg.OffsetFetchResponse](w.ask("alice", req))
	if len(resp.Groups) != 2 || resp.Groups[0].Topics[0].Partitions[0].Offset != 5 ||
		resp.Groups[0].Topics[0].Partitions[1].Offset != -1 || resp.Groups[1].Topics[0].Partitions[0].Offset != -1 {
		t.Fatalf("got %+v", resp.Groups)
	}
}

func TestOffsetsAgeFromWhenTheLastMemberLeft(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	w.settings["offsets.retention.minutes"] = "60"
	a := w.client("alice", "g", "t")
	settle(t, a)
	wantCode(t, a.commit("t", 0, 5), nil)
	for range 3 * 400 {
		w.pass(9 * time.Second)
		wantCode(t, a.heartbeat(), nil)
	}
	wantCode(t, a.leave(), nil)
	w.pass(59 * time.Minute)
	if _, ok := w.groups.Committed("g", "t", 0); !ok {
		t.Fatal("the offset is gone before its time")
	}
	w.pass(2 * time.Minute)
	if _, ok := w.groups.Committed("g", "t", 0); ok {
		t.Fatal("the offset stays for ever")
	}
	if names := w.groups.Names(); len(names) != 0 {
		t.Fatalf("the group stays without members and offsets: %v", names)
	}
}

func TestOffsetsOfASimpleConsumerAgeFromTheCommit(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2})
	w.settings["offsets.retention.minutes"] = "60"
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "t", 0, 5))), nil)
	w.pass(30 * time.Minute)
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "t", 1, 5))), nil)
	w.pass(31 * time.Minute)
	_, first := w.groups.Committed("g", "t", 0)
	_, second := w.groups.Committed("g", "t", 1)
	if first || !second {
		t.Fatalf("after an hour and half an hour there are %v and %v", first, second)
	}
}

func TestOffsetsOfTopicsThatNobodyConsumesAgeToo(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1, "u": 1})
	w.settings["offsets.retention.minutes"] = "60"
	a := w.client("alice", "g", "t")
	settle(t, a)
	wantCode(t, a.commit("t", 0, 5), nil)
	wantCode(t, a.commit("u", 0, 5), nil)
	for range 12 * 61 {
		w.pass(5 * time.Second)
		wantCode(t, a.heartbeat(), nil)
	}
	_, consumed := w.groups.Committed("g", "t", 0)
	_, other := w.groups.Committed("g", "u", 0)
	if !consumed || other {
		t.Fatalf("of the consumed topic and the other there are %v and %v", consumed, other)
	}
}

func TestOldClientsSayHowLongAnOffsetIsKept(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	req := commitRequest(3, "g", "t", 0, 5)
	req.RetentionTimeMillis = 60000
	wantCode(t, committed(w.ask("alice", req)), nil)
	w.pass(59 * time.Second)
	if _, ok := w.groups.Committed("g", "t", 0); !ok {
		t.Fatal("the offset is gone before its time")
	}
	w.pass(2 * time.Second)
	if _, ok := w.groups.Committed("g", "t", 0); ok {
		t.Fatal("the offset is kept for longer than asked for")
	}
}

func TestAnEmptyGroupWithoutOffsetsGoesByItself(t *testing.T) {
	w := newWorld(t, nil)
	a := w.client("alice", "g")
	settle(t, a)
	a.leave()
	w.pass(9 * time.Minute)
	if s := w.groups.Snapshot("g"); s.State != "Empty" {
		t.Fatalf("got %+v", s)
	}
	w.pass(2 * time.Minute)
	if s := w.groups.Snapshot("g"); s.State != "Dead" {
		t.Fatalf("got %+v", s)
	}
}

func TestADeletedTopicTakesItsOffsetsAlong(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1, "u": 1})
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "t", 0, 5))), nil)
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "u", 0, 5))), nil)
	delete(w.topics, "t")
	w.groups.TopicsDeleted([]string{"t"})
	if s := w.groups.Snapshot("g"); len(s.Offsets) != 1 || s.Offsets[0].Topic != "u" {
		t.Fatalf("got %+v", s.Offsets)
	}
}

func txnCommitRequest(version int16, producer, offset int64) *kmsg.TxnOffsetCommitRequest {
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.Version, req.TransactionalID, req.Group, req.ProducerID = version, "txn", "g", producer
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic = "t"
	p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	p.Offset = offset
	topic.Partitions = append(topic.Partitions, p)
	req.Topics = append(req.Topics, topic)
	return req
}

func txnCommitted(a *asked) int16 {
	a.t.Helper()
	return answer[*kmsg.TxnOffsetCommitResponse](a).Topics[0].Partitions[0].ErrorCode
}

func TestOffsetsOfATransactionCountWhenItIsCommitted(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	wantCode(t, committed(w.ask("alice", commitRequest(9, "g", "t", 0, 1))), nil)
	stable := func() int16 {
		req := fetchRequest(7, "g", "t", 0)
		req.RequireStable = true
		return answer[*kmsg.OffsetFetchResponse](w.ask("alice", req)).Topics[0].Partitions[0].ErrorCode
	}
	for _, row := range []struct {
		version int16
		commit  bool
		want    int64
	}{{5, true, 10}, {3, false, 10}, {0, true, 30}, {6, true, 40}} {
		req := txnCommitRequest(row.version, 9, row.want)
		req.Topics[0].TopicID = w.topics["t"].ID
		wantCode(t, txnCommitted(w.ask("alice", req)), nil)
		if o, _ := w.groups.Committed("g", "t", 0); o.Offset == row.want && row.commit {
			t.Fatal("the offset counts before the transaction's end")
		}
		wantCode(t, stable(), kerr.UnstableOffsetCommit)
		w.groups.EndTxn("g", 8, true) // another producer's
		wantCode(t, stable(), kerr.UnstableOffsetCommit)
		w.groups.EndTxn("g", 9, row.commit)
		wantCode(t, stable(), nil)
		if o, _ := w.groups.Committed("g", "t", 0); o.Offset != row.want {
			t.Fatalf("v%d: got %d, want %d", row.version, o.Offset, row.want)
		}
	}
}

func TestTxnOffsetCommitRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		want *kerr.Error
		do   func(w *world, req *kmsg.TxnOffsetCommitRequest)
	}{
		{"a fenced producer", kerr.InvalidProducerEpoch,
			func(w *world, _ *kmsg.TxnOffsetCommitRequest) { w.txn = kerr.InvalidProducerEpoch }},
		{"an old generation", kerr.IllegalGeneration,
			func(_ *world, r *kmsg.TxnOffsetCommitRequest) { r.Generation-- }},
		{"an unknown member", kerr.UnknownMemberID,
			func(_ *world, r *kmsg.TxnOffsetCommitRequest) { r.MemberID = "x" }},
		{"another instance", kerr.UnknownMemberID,
			func(_ *world, r *kmsg.TxnOffsetCommitRequest) { r.InstanceID = kmsg.StringPtr("i") }},
		{"an unknown group", kerr.IllegalGeneration,
			func(_ *world, r *kmsg.TxnOffsetCommitRequest) { r.Group = "nowhere" }},
		{"a group without name", kerr.InvalidGroupID,
			func(_ *world, r *kmsg.TxnOffsetCommitRequest) { r.Group = "" }},
		{"an unknown topic", kerr.UnknownTopicOrPartition,
			func(_ *world, r *kmsg.TxnOffsetCommitRequest) { r.Topics[0].Topic = "gone" }},
		{"an unknown topic id", kerr.UnknownTopicID, func(_ *world, r *kmsg.TxnOffsetCommitRequest) { r.Version = 6 }},
		{"who may not use the transactional id", kerr.TransactionalIDAuthorizationFailed,
			func(w *world, _ *kmsg.TxnOffsetCommitRequest) { w.forbid(kmsg.ACLResourceTypeTransactionalId) }},
		{"who may not read the group", kerr.GroupAuthorizationFailed,
			func(w *world, _ *kmsg.TxnOffsetCommitRequest) { w.forbid(kmsg.ACLResourceTypeGroup) }},
		{"who may not read the topic", kerr.TopicAuthorizationFailed,
			func(w *world, _ *kmsg.TxnOffsetCommitRequest) { w.forbid(kmsg.ACLResourceTypeTopic) }},
		{"at another broker", kerr.NotCoordinator,
			func(w *world, _ *kmsg.TxnOffsetCommitRequest) { w.moved = kerr.NotCoordinator }},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, map[string]int32{"t": 1})
			c := w.client("alice", "g", "t")
			settle(t, c)
			req := txnCommitRequest(5, 9, 5)
			req.MemberID, req.Generation = c.id, c.generation
			row.do(w, req)
			wantCode(t, txnCommitted(w.ask("alice", req)), row.want)
			w.groups.EndTxn("g", 9, true)
			if _, ok := w.groups.Committed("g", "t", 0); ok {
				t.Fatal("it was committed all the same")
			}
		})
	}
}

func TestAProducerOfOldCommitsForAGroupWithMembers(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	settle(t, w.client("alice", "g", "t"))
	wantCode(t, txnCommitted(w.ask("alice", txnCommitRequest(2, 9, 5))), nil)
}

func TestATransactionThatIsAbortedLeavesNoGroup(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	wantCode(t, txnCommitted(w.ask("alice", txnCommitRequest(2, 9, 5))), nil)
	w.groups.EndTxn("g", 9, false)
	if names := w.groups.Names(); len(names) != 0 {
		t.Fatalf("got %v", names)
	}
}
