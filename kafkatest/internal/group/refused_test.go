// What ConsumerGroupHeartbeat refuses.

package group_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type beat = kmsg.ConsumerGroupHeartbeatRequest

// refusedBeats are what is done to a member's heartbeat, and what comes of it.
var refusedBeats = []struct {
	name string
	want *kerr.Error
	do   func(w *world, s *subscriber, r *beat)
}{
	{"an epoch ahead of the group's", kerr.FencedMemberEpoch,
		func(_ *world, s *subscriber, r *beat) { r.MemberEpoch++ }},
	{"a member it does not know", kerr.UnknownMemberID,
		func(_ *world, _ *subscriber, r *beat) { r.MemberID = "x" }},
	{"an unknown group", kerr.GroupIDNotFound,
		func(_ *world, _ *subscriber, r *beat) { r.Group = "nowhere" }},
	{"a group without name", kerr.InvalidRequest,
		func(_ *world, _ *subscriber, r *beat) { r.Group = "" }},
	{"a member without name", kerr.InvalidRequest,
		func(_ *world, _ *subscriber, r *beat) { r.MemberID = "" }},
	{"an instance without name", kerr.InvalidRequest,
		func(_ *world, _ *subscriber, r *beat) {
			r.InstanceID = kmsg.StringPtr("")
		}},
	{"a rack without name", kerr.InvalidRequest,
		func(_ *world, _ *subscriber, r *beat) { r.RackID = kmsg.StringPtr("") }},
	{"an epoch that means nothing", kerr.InvalidRequest,
		func(_ *world, _ *subscriber, r *beat) { r.MemberEpoch = -3 }},
	{"a dynamic member that will be back", kerr.InvalidRequest,
		func(_ *world, _ *subscriber, r *beat) { r.MemberEpoch = -2 }},
	{"a join without rebalance timeout", kerr.InvalidRequest,
		func(_ *world, s *subscriber, r *beat) {
			*r = *s.w.subscriber("bob", "g", "t").request()
			r.RebalanceTimeoutMillis = -1
		}},
	{"a join that owns something", kerr.InvalidRequest,
		func(_ *world, s *subscriber, r *beat) {
			owned := r.Topics
			*r = *s.w.subscriber("bob", "g", "t").request()
			r.Topics = owned
		}},
	{"a join without subscription", kerr.InvalidRequest,
		func(_ *world, s *subscriber, r *beat) {
			*r = *s.w.subscriber("bob", "g").request()
			r.SubscribedTopicNames = nil
		}},
	{"an assignor it has not", kerr.UnsupportedAssignor,
		func(_ *world, _ *subscriber, r *beat) {
			r.ServerAssignor = kmsg.StringPtr("own")
		}},
	{"a regex that is none", kerr.InvalidRegularExpression,
		func(_ *world, _ *subscriber, r *beat) {
			r.SubscribedTopicRegex = kmsg.StringPtr("(")
		}},
	{"a regex that is none by itself", kerr.InvalidRegularExpression,
		func(_ *world, _ *subscriber, r *beat) {
			r.SubscribedTopicRegex = kmsg.StringPtr("a)|(b")
		}},
	{"one too many", kerr.GroupMaxSizeReached,
		func(w *world, _ *subscriber, r *beat) {
			w.settings["group.consumer.max.size"] = "1"
			*r = *w.subscriber("bob", "g", "t").request()
		}},
	{"an unknown instance", kerr.UnknownMemberID,
		func(_ *world, _ *subscriber, r *beat) {
			r.InstanceID = kmsg.StringPtr("i")
		}},
	{"who may not read the group", kerr.GroupAuthorizationFailed,
		func(w *world, _ *subscriber, _ *beat) {
			w.forbid(kmsg.ACLResourceTypeGroup)
		}},
	{"who may not know of the topic", kerr.TopicAuthorizationFailed,
		func(w *world, _ *subscriber, r *beat) {
			w.forbid(kmsg.ACLResourceTypeTopic)
			r.SubscribedTopicNames = []string{"t"}
		}},
	{"at another broker", kerr.NotCoordinator,
		func(w *world, _ *subscriber, _ *beat) { w.moved = kerr.NotCoordinator }},
	{"where the protocol is switched off", kerr.UnsupportedVersion,
		func(w *world, _ *subscriber, _ *beat) {
			w.settings["group.coordinator.rebalance.protocols"] = "classic"
		}},
}

func TestConsumerGroupHeartbeatRefuses(t *testing.T) {
	for _, row := range refusedBeats {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, map[string]int32{"t": 1})
			a := w.subscriber("alice", "g", "t").beat()
			a.want1(t, nil)
			req := a.request()
			row.do(w, a, req)
			a.send(req).want1(t, row.want)
			if a.message == "" {
				t.Fatal("the answer does not say why")
			}
			if s := w.groups.Snapshot("g"); len(s.Members) != 1 || s.Epoch != 1 {
				t.Fatalf("what was refused changed the group: %+v", s)
			}
		})
	}
}
