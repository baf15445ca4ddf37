// A KIP-848 client as the tests need it: it does what it is told.

package group_test

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A part is a partition by topic and index.
type part struct {
	topic string
	index int32
}

// A subscriber is a client that speaks KIP-848.
type subscriber struct {
	w        *world
	name     string
	group    string
	instance *string
	topics   []string
	regex    *string
	assignor *string
	id       string
	epoch    int32
	owned    []part
	revoking []part // told to let go, and not done so yet
	code     int16  // of the last answer
	message  string
	told     bool // the last answer brought an assignment
}

func (w *world) subscriber(name, group string, topics ...string) *subscriber {
	return &subscriber{w: w, name: name, group: group, topics: topics, id: "id-" + name}
}

func (s *subscriber) request() *kmsg.ConsumerGroupHeartbeatRequest {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.MemberEpoch = 1, s.group, s.id, s.epoch
	req.InstanceID = s.instance
	req.RebalanceTimeoutMillis = -1
	if s.epoch == 0 {
		req.RebalanceTimeoutMillis = 60000
		req.SubscribedTopicNames, req.SubscribedTopicRegex, req.ServerAssignor = s.topics, s.regex, s.assignor
	}
	if s.epoch >= 0 {
		req.Topics = s.report()
	}
	return req
}

// report says what the client has: all that it owns and has not let go.
func (s *subscriber) report() []kmsg.ConsumerGroupHeartbeatRequestTopic {
	topics := []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	if s.epoch == 0 {
		return topics
	}
	for _, p := range slices.Concat(s.owned, s.revoking) {
		t := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		t.TopicID, t.Partitions = s.w.topics[p.topic].ID, []int32{p.index}
		topics = append(topics, t)
	}
	return topics
}

// send makes the request and takes over what the answer says. What is taken
// away is kept until release.
func (s *subscriber) send(req *kmsg.ConsumerGroupHeartbeatRequest) *subscriber {
	s.w.t.Helper()
	resp := answer[*kmsg.ConsumerGroupHeartbeatResponse](s.w.ask(s.name, req))
	s.code, s.message, s.told = resp.ErrorCode, "", false
	if resp.ErrorMessage != nil {
		s.message = *resp.ErrorMessage
	}
	if resp.ErrorCode != 0 {
		return s
	}
	s.id, s.epoch = *resp.MemberID, resp.MemberEpoch
	if resp.Assignment == nil {
		return s
	}
	s.told = true
	var now []part
	for _, t := range resp.Assignment.Topics {
		topic, _ := s.w.TopicByID(t.TopicID)
		for _, i := range t.Partitions {
			now = append(now, part{topic.Name, i})
		}
	}
	for _, p := range s.owned {
		if !slices.Contains(now, p) {
			s.revoking = append(s.revoking, p)
		}
	}
	s.owned = now
	return s
}

// beat sends a heartbeat.
func (s *subscriber) beat() *subscriber { s.w.t.Helper(); return s.send(s.request()) }

// release lets go of what the client was told to, and says so.
func (s *subscriber) release() *subscriber {
	s.w.t.Helper()
	s.revoking = nil
	return s.beat()
}

// want changes what the client subscribes to, and says so.
func (s *subscriber) want(topics ...string) *subscriber {
	s.w.t.Helper()
	s.topics = topics
	req := s.request()
	req.SubscribedTopicNames = topics
	return s.send(req)
}

// leave says that the client goes: -1 for good, -2 for now.
func (s *subscriber) leave(epoch int32) *subscriber {
	s.w.t.Helper()
	req := s.request()
	req.MemberEpoch, req.Topics = epoch, nil
	req.RebalanceTimeoutMillis, req.SubscribedTopicNames = -1, nil
	resp := answer[*kmsg.ConsumerGroupHeartbeatResponse](s.w.ask(s.name, req))
	s.code = resp.ErrorCode
	if s.code == 0 {
		s.epoch, s.owned, s.revoking = resp.MemberEpoch, nil, nil
	}
	return s
}

// fence is what a client does that is told that it is out: it drops all it has
// and joins anew.
func (s *subscriber) fence() { s.epoch, s.owned, s.revoking = 0, nil, nil }

// converge has the clients do as they are told until nothing changes.
func converge(subscribers ...*subscriber) {
	for range 4 * len(subscribers) {
		for _, s := range subscribers {
			s.beat()
			s.release()
		}
	}
}
