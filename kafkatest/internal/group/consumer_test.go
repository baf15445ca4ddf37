// Consumer groups (KIP-848): stories of members that are assigned to.

package group_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/group"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func (s *subscriber) want1(t *testing.T, want *kerr.Error) {
	t.Helper()
	wantCode(t, s.code, want)
}

// has fails the test if the client does not own exactly these partitions.
func (s *subscriber) has(t *testing.T, want ...part) {
	t.Helper()
	got := slices.Clone(s.owned)
	slices.SortFunc(got, func(a, b part) int { return strings.Compare(a.topic, b.topic)*1000 + int(a.index-b.index) })
	if !slices.Equal(got, want) {
		t.Fatalf("%s has %v, want %v", s.name, got, want)
	}
}

func TestTheFirstSubscriberGetsEverything(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2, "u": 1})
	a := w.subscriber("alice", "g", "t", "u", "gone").beat()
	a.want1(t, nil)
	a.has(t, part{"t", 0}, part{"t", 1}, part{"u", 0})
	if a.epoch != 1 || a.id != "id-alice" {
		t.Fatalf("got epoch %d, id %s", a.epoch, a.id)
	}
	if a.beat(); a.told {
		t.Fatal("it is told again although nothing changed")
	}
	req := a.request()
	req.RebalanceTimeoutMillis, req.SubscribedTopicNames = 60000, a.topics
	if a.send(req); !a.told {
		t.Fatal("it told all of itself and was not told what it has")
	}
}

func TestTheAnswerTellsHowOftenToBeat(t *testing.T) {
	w := newWorld(t, nil)
	interval := func() int32 {
		req := w.subscriber("alice", "g", "t").request()
		return answer[*kmsg.ConsumerGroupHeartbeatResponse](w.ask("alice", req)).HeartbeatIntervalMillis
	}
	if got := interval(); got != 5000 {
		t.Fatalf("got %d ms", got)
	}
	w.settings["group.consumer.heartbeat.interval.ms"] = "1000"
	if got := interval(); got != 1000 {
		t.Fatalf("got %d ms", got)
	}
}

func TestVersion0LetsTheBrokerNameTheMember(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	a := w.subscriber("alice", "g", "t")
	a.id = ""
	req := a.request()
	req.Version = 0
	if a.send(req); a.code != 0 || len(a.id) != 36 {
		t.Fatalf("got error %d, id %q", a.code, a.id)
	}
	a.has(t, part{"t", 0})
}

func TestPartitionsAreLetGoBeforeTheyAreGivenAway(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, b := w.subscriber("alice", "g", "t").beat(), w.subscriber("bob", "g", "t").beat()
	b.has(t)
	if s := w.groups.Snapshot("g"); s.State != "Reconciling" || s.Epoch != 2 {
		t.Fatalf("got %+v", s)
	}
	a.beat()
	if len(a.owned) != 2 || len(a.revoking) != 2 || a.epoch != 1 {
		t.Fatalf("alice keeps %v, lets %v go, at epoch %d", a.owned, a.revoking, a.epoch)
	}
	if b.beat(); len(b.owned) != 0 {
		t.Fatalf("bob has %v, which alice has not let go", b.owned)
	}
	if a.release(); a.epoch != 2 {
		t.Fatalf("alice let go and is at epoch %d", a.epoch)
	}
	if b.beat(); len(b.owned) != 2 || b.epoch != 2 {
		t.Fatalf("bob has %v at epoch %d", b.owned, b.epoch)
	}
	if s := w.groups.Snapshot("g"); s.State != "Stable" {
		t.Fatalf("got %+v", s)
	}
}

func TestWhoDoesNotLetGoInTimeIsOut(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, b := w.subscriber("alice", "g", "t").beat(), w.subscriber("bob", "g", "t").beat()
	a.beat()
	for range 3 {
		w.pass(19 * time.Second)
		a.beat()
		b.beat()
	}
	a.want1(t, nil)
	w.pass(4 * time.Second)
	a.beat().want1(t, kerr.UnknownMemberID)
	b.beat().has(t, part{"t", 0}, part{"t", 1}, part{"t", 2}, part{"t", 3})
}

func TestASilentSubscriberIsOutAfterItsSession(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2})
	a, b := w.subscriber("alice", "g", "t"), w.subscriber("bob", "g", "t")
	converge(a, b)
	for range 2 {
		w.pass(23 * time.Second)
		b.beat()
	}
	b.beat().has(t, part{"t", 0}, part{"t", 1})
	a.beat().want1(t, kerr.UnknownMemberID)
}

func TestTheSessionIsTheGroupsSetting(t *testing.T) {
	w := newWorld(t, nil)
	w.settings["group.consumer.session.timeout.ms"] = "100000"
	a := w.subscriber("alice", "g", "t").beat()
	w.pass(99 * time.Second)
	a.beat().want1(t, nil)
	w.pass(101 * time.Second)
	a.beat().want1(t, kerr.UnknownMemberID)
}

func TestASubscriberLeaves(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2})
	a, b := w.subscriber("alice", "g", "t"), w.subscriber("bob", "g", "t")
	converge(a, b)
	a.leave(-1).want1(t, nil)
	if a.epoch != -1 {
		t.Fatalf("got epoch %d", a.epoch)
	}
	b.beat().has(t, part{"t", 0}, part{"t", 1})
	b.leave(-1)
	b.leave(-1).want1(t, kerr.UnknownMemberID)
	if s := w.groups.Snapshot("g"); s.State != "Empty" || s.Kind != group.Consumer {
		t.Fatalf("got %+v", s)
	}
}

func TestAMemberThatMissedAnAnswerIsHeardOnce(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2})
	a, b := w.subscriber("alice", "g", "t").beat(), w.subscriber("bob", "g", "t").beat()
	a.beat().release()
	before := b.request()
	before.MemberEpoch = 1 // never b's
	b.send(before).want1(t, kerr.FencedMemberEpoch)
	lost := a.request()
	lost.MemberEpoch = 1
	a.send(lost).want1(t, nil)
	lost.Topics = b.beat().report()
	a.send(lost).want1(t, kerr.FencedMemberEpoch)
	lost.Topics = nil
	a.send(lost).want1(t, kerr.FencedMemberEpoch)
}

func TestARejoiningMemberKeepsItsPlace(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2})
	a, b := w.subscriber("alice", "g", "t"), w.subscriber("bob", "g", "t")
	converge(a, b)
	epoch, had := a.epoch, slices.Clone(a.owned)
	a.fence()
	a.beat().want1(t, nil)
	if a.epoch != epoch || !slices.Equal(a.owned, had) {
		t.Fatalf("alice is back at epoch %d with %v, was at %d with %v", a.epoch, a.owned, epoch, had)
	}
}

func TestANewPartitionIsAssigned(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	a := w.subscriber("alice", "g", "t").beat()
	w.setTopic("t", 2)
	a.beat().has(t, part{"t", 0}, part{"t", 1})
	w.setTopic("other", 2)
	if a.beat(); a.epoch != 2 {
		t.Fatal("a topic that nobody wants moved the group on")
	}
	delete(w.topics, "t")
	w.groups.TopicsDeleted([]string{"t"})
	a.beat().has(t)
}

func TestASubscriptionChanges(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1, "u": 1})
	a := w.subscriber("alice", "g", "t").beat()
	a.want("u")
	a.release().has(t, part{"u", 0})
	if a.want("u"); a.epoch != 2 {
		t.Fatal("the same subscription moved the group on")
	}
	a.want("t", "u").has(t, part{"t", 0}, part{"u", 0})
}

func TestARegexFindsTopicsOfToday(t *testing.T) {
	w := newWorld(t, map[string]int32{"a1": 1, "a22": 1, "xa3": 1, "secret-a4": 1})
	a := w.subscriber("alice", "g")
	a.topics, a.regex = nil, kmsg.StringPtr("a[0-9]+|secret.*")
	w.allow = func(_ kmsg.ACLOperation, _ kmsg.ACLResourceType, name string) bool { return name != "secret-a4" }
	a.beat().has(t, part{"a1", 0}, part{"a22", 0})
	w.setTopic("a9", 1)
	a.beat().has(t, part{"a1", 0}, part{"a22", 0}, part{"a9", 0})
	a.regex = kmsg.StringPtr("")
	req := a.request()
	req.SubscribedTopicRegex = a.regex
	a.send(req)
	a.release().has(t)
}

func TestACostlyRegexIsRefused(t *testing.T) {
	for _, row := range []struct {
		regex  string
		topics int32
		want   *kerr.Error
	}{
		{"(?:x{1000}|y{1000}).*", 1, nil},
		{"(?:x{1000}|y{1000}).*", 9000, kerr.InvalidRegularExpression},
		{"t.*", 9000, nil},
		{strings.Repeat("x{1000}", 11), 1, kerr.InvalidRegularExpression},
		{"a)(?:b", 1, kerr.InvalidRegularExpression},
	} {
		w := newWorld(t, nil)
		for i := range row.topics {
			w.setTopic("t"+strconv.Itoa(int(i)), 1)
		}
		a := w.subscriber("alice", "g")
		a.topics, a.regex = nil, &row.regex
		a.beat()
		wantCode(t, a.code, row.want)
	}
}

func TestARegexAndNamesGoTogether(t *testing.T) {
	w := newWorld(t, map[string]int32{"a": 1, "b": 1, "c": 1})
	a := w.subscriber("alice", "g", "c", "b")
	a.regex = kmsg.StringPtr("a|b")
	a.beat().has(t, part{"a", 0}, part{"b", 0}, part{"c", 0})
}

func TestAStaticSubscriberKeepsItsPartitionsWhileItIsAway(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, b := w.subscriber("alice", "g", "t"), w.subscriber("bob", "g", "t")
	a.instance = kmsg.StringPtr("i")
	converge(a, b)
	had := slices.Clone(a.owned)
	intruder := w.subscriber("alice2", "g", "t")
	intruder.instance = a.instance
	intruder.beat().want1(t, kerr.UnreleasedInstanceID)
	a.leave(-2).want1(t, nil)
	b.beat()
	if len(b.owned) != 2 {
		t.Fatalf("bob has %v", b.owned)
	}
	epoch := b.epoch
	intruder.beat().want1(t, nil)
	if !slices.Equal(intruder.owned, had) || intruder.epoch != epoch {
		t.Fatalf("who came back has %v at epoch %d, want %v", intruder.owned, intruder.epoch, had)
	}
	a.epoch = epoch
	a.beat().want1(t, kerr.FencedInstanceID)
	a.leave(-1).want1(t, kerr.FencedInstanceID)
}

func TestAStaticSubscriberThatStaysAwayIsOut(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2})
	a, b := w.subscriber("alice", "g", "t"), w.subscriber("bob", "g", "t")
	a.instance = kmsg.StringPtr("i")
	converge(a, b)
	a.leave(-2)
	for range 2 {
		w.pass(23 * time.Second)
		b.beat()
	}
	b.beat().has(t, part{"t", 0}, part{"t", 1})
}

func TestCommitsOfSubscribersCarryTheirEpoch(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2})
	a, b := w.subscriber("alice", "g", "t"), w.subscriber("bob", "g", "t")
	converge(a, b)
	for _, row := range []struct {
		name    string
		version int16
		member  string
		epoch   int32
		want    *kerr.Error
	}{
		{"its epoch", 9, a.id, a.epoch, nil},
		{"an old epoch", 9, a.id, a.epoch - 1, kerr.StaleMemberEpoch},
		{"an epoch ahead", 9, a.id, a.epoch + 1, kerr.StaleMemberEpoch},
		{"a member it does not know", 9, "x", a.epoch, kerr.UnknownMemberID},
		{"nobody", 9, "", -1, kerr.UnknownMemberID},
		{"a version that cannot hear of epochs", 8, a.id, a.epoch, kerr.UnsupportedVersion},
	} {
		req := commitRequest(row.version, "g", "t", 0, 5)
		req.MemberID, req.Generation = row.member, row.epoch
		t.Log(row.name)
		wantCode(t, committed(w.ask("alice", req)), row.want)
	}
	req := txnCommitRequest(5, 9, 5)
	req.MemberID, req.Generation = a.id, a.epoch-1
	wantCode(t, txnCommitted(w.ask("alice", req)), kerr.IllegalGeneration)
	a.leave(-1)
	b.leave(-1)
	wantCode(t, committed(w.ask("admin", commitRequest(9, "g", "t", 0, 6))), nil)
}

func TestFetchesOfSubscribersCarryTheirEpoch(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	a := w.subscriber("alice", "g", "t").beat()
	for _, row := range []struct {
		member *string
		epoch  int32
		want   *kerr.Error
	}{
		{nil, -1, nil}, {&a.id, a.epoch, nil}, {&a.id, a.epoch + 1, kerr.StaleMemberEpoch},
		{kmsg.StringPtr("x"), 1, kerr.UnknownMemberID},
	} {
		req := fetchRequest(9, "g", "t", 0)
		req.Groups[0].MemberID, req.Groups[0].MemberEpoch = row.member, row.epoch
		wantCode(t, answer[*kmsg.OffsetFetchResponse](w.ask("alice", req)).Groups[0].ErrorCode, row.want)
	}
}

func TestATestDecidesWhoHasWhat(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 3})
	a, b := w.subscriber("alice", "g", "t"), w.subscriber("bob", "g", "t")
	converge(a, b)
	w.groups.SetTarget("g", group.Target{a.id: {"t": {0, 1, 2, 9}, "gone": {0}}})
	converge(a, b)
	a.has(t, part{"t", 0}, part{"t", 1}, part{"t", 2})
	b.has(t)
	w.groups.SetTarget("g", group.Target{a.id: {"t": {2}}, b.id: {"t": {0, 1}}})
	converge(b, a)
	a.has(t, part{"t", 2})
	b.has(t, part{"t", 0}, part{"t", 1})
	w.groups.SetTarget("g", nil)
	c := w.subscriber("carol", "g", "t")
	converge(a, b, c)
	if len(a.owned) != 1 || len(b.owned) != 1 || len(c.owned) != 1 {
		t.Fatalf("got %v, %v and %v", a.owned, b.owned, c.owned)
	}
}

func TestConsumerGroupDescribe(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2, "u": 1})
	a, b := w.subscriber("alice", "g", "t"), w.subscriber("bob", "g", "u")
	a.instance, b.regex = kmsg.StringPtr("i"), kmsg.StringPtr("t")
	converge(a, b)
	settle(t, w.client("carol", "classic"))
	describe := func(version int16, name string) kmsg.ConsumerGroupDescribeResponseGroup {
		req := kmsg.NewPtrConsumerGroupDescribeRequest()
		req.Version, req.Groups, req.IncludeAuthorizedOperations = version, []string{name}, true
		return answer[*kmsg.ConsumerGroupDescribeResponse](w.ask("admin", req)).Groups[0]
	}
	for version := range int16(2) {
		g := describe(version, "g")
		wantCode(t, g.ErrorCode, nil)
		if g.State != "Stable" || g.AssignorName != "uniform" || g.Epoch != 2 || g.AssignmentEpoch != 2 {
			t.Fatalf("got %+v", g)
		}
		m := g.Members[0]
		if m.MemberID != a.id || *m.InstanceID != "i" || m.SubscribedTopics[0] != "t" ||
			m.ClientHost != "/10.0.0.1" {
			t.Fatalf("got %+v", m)
		}
		if len(m.Assignment.TopicPartitions) != 1 || m.Assignment.TopicPartitions[0].Topic != "t" {
			t.Fatalf("got %+v", m.Assignment)
		}
		if len(m.TargetAssignment.TopicPartitions) != 1 || g.Members[1].SubscribedTopicRegex == nil {
			t.Fatalf("got %+v", g)
		}
		if version == 1 && m.MemberType != 1 {
			t.Fatalf("got type %d", m.MemberType)
		}
	}
	for _, row := range []struct{ name, message string }{
		{"nowhere", "Group nowhere not found."}, {"classic", "Group classic is not a consumer group."},
	} {
		g := describe(1, row.name)
		wantCode(t, g.ErrorCode, kerr.GroupIDNotFound)
		if *g.ErrorMessage != row.message {
			t.Fatalf("got %q", *g.ErrorMessage)
		}
	}
	if g := w.describe(6, "g")[0]; g.State != "Dead" || *g.ErrorMessage != "Group g is not a classic group." {
		t.Fatalf("got %+v", g)
	}
	w.forbid(kmsg.ACLResourceTypeTopic)
	wantCode(t, describe(1, "g").ErrorCode, kerr.TopicAuthorizationFailed)
	w.forbid(kmsg.ACLResourceTypeGroup)
	wantCode(t, describe(1, "g").ErrorCode, kerr.GroupAuthorizationFailed)
	w.allow, w.moved = nil, kerr.CoordinatorLoadInProgress
	wantCode(t, describe(1, "g").ErrorCode, kerr.CoordinatorLoadInProgress)
}

func TestTheHistoryTellsEachTarget(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 2})
	a, b := w.subscriber("alice", "g", "t"), w.subscriber("bob", "g", "t")
	converge(a, b)
	h := w.groups.Snapshot("g").History
	if len(h) != 2 || h[0].Epoch != 1 || len(h[0].Members[a.id]["t"]) != 2 || len(h[1].Members[b.id]["t"]) != 1 {
		t.Fatalf("got %+v", h)
	}
	for i := range 100 {
		w.setTopic("t", int32(3+i))
		a.beat()
	}
	if h := w.groups.Snapshot("g").History; len(h) != 64 || h[63].Epoch != 102 {
		t.Fatalf("got %d, the last of epoch %d", len(h), h[len(h)-1].Epoch)
	}
}

func TestWhoLetsGoInTimeStays(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 4})
	a, b := w.subscriber("alice", "g", "t").beat(), w.subscriber("bob", "g", "t").beat()
	a.beat()
	w.pass(19 * time.Second)
	a.release()
	for range 4 {
		w.pass(19 * time.Second)
		a.beat().want1(t, nil)
		b.beat().want1(t, nil)
	}
}
