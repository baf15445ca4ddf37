// ConsumerGroupHeartbeat (KIP-848): everything a member has to say.

package group

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/pattern"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A pulse is a ConsumerGroupHeartbeat request and its answer to be.
type pulse struct {
	c     *call.Call
	req   *kmsg.ConsumerGroupHeartbeatRequest
	resp  *kmsg.ConsumerGroupHeartbeatResponse
	owned set            // what the member says it has; nil if it does not say
	news  bool           // it is to have something else than before
	regex *regexp.Regexp // nil if the request brings none
}

// ConsumerGroupHeartbeat lets a member join, live, tell what it wants and has,
// and leave; the answer tells it what it is to have.
func (x *Coordinator) ConsumerGroupHeartbeat(c *call.Call, req *kmsg.ConsumerGroupHeartbeatRequest) kmsg.Response {
	h := &pulse{c: c, req: req, resp: req.ResponseKind().(*kmsg.ConsumerGroupHeartbeatResponse)}
	h.owned = reported(req.Topics)
	if err := x.heartbeat(h); err != nil {
		h.resp.ErrorCode, h.resp.ErrorMessage = err.Code, kmsg.StringPtr(err.Description)
	}
	return h.resp
}

func (x *Coordinator) heartbeat(h *pulse) *kerr.Error {
	for _, check := range []func(*pulse) *kerr.Error{x.mayHeartbeat, x.wellFormed, x.compile} {
		if err := check(h); err != nil {
			return err
		}
	}
	if err := x.coordinatorError(h.c, h.req.Group); err != nil {
		return err
	}
	b, err := x.consumers(h)
	switch {
	case err != nil:
		return err
	case h.req.MemberEpoch < 0:
		return b.leave(h)
	}
	return b.heartbeat(h)
}

// because is the error with a reason of its own.
func because(err *kerr.Error, why string) *kerr.Error {
	e := *err
	e.Description = why
	return &e
}

// speaksConsumer reports whether the brokers offer KIP-848's protocol.
func (x *Coordinator) speaksConsumer() bool {
	protocols := x.cluster.Setting("group.coordinator.rebalance.protocols")
	return protocols == "" || strings.Contains(protocols, string(Consumer))
}

func (x *Coordinator) mayHeartbeat(h *pulse) *kerr.Error {
	if !x.speaksConsumer() {
		return kerr.UnsupportedVersion
	}
	if !h.c.AllowsGroup(kmsg.ACLOperationRead, h.req.Group) {
		return kerr.GroupAuthorizationFailed
	}
	for _, topic := range h.req.SubscribedTopicNames {
		if !h.c.AllowsTopic(kmsg.ACLOperationDescribe, topic) {
			return kerr.TopicAuthorizationFailed
		}
	}
	return nil
}

// wellFormed says what is wrong with the request in itself, in Kafka's order.
func (x *Coordinator) wellFormed(h *pulse) *kerr.Error {
	req := h.req
	joins := req.MemberEpoch == 0
	var why string
	switch {
	case isBlank(req.MemberID) && (!joins || req.Version >= 1):
		why = "MemberId can't be empty."
	case isBlank(req.Group):
		why = "GroupId can't be empty."
	case req.InstanceID != nil && isBlank(*req.InstanceID):
		why = "InstanceId can't be empty."
	case req.RackID != nil && isBlank(*req.RackID):
		why = "RackId can't be empty."
	case joins && req.RebalanceTimeoutMillis < 0:
		why = "RebalanceTimeoutMs must be provided in first request."
	case joins && (req.Topics == nil || len(req.Topics) > 0):
		why = "TopicPartitions must be empty when (re-)joining."
	case joins && req.SubscribedTopicNames == nil && req.SubscribedTopicRegex == nil:
		why = "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining."
	case req.MemberEpoch == leftForNow && req.InstanceID == nil:
		why = "InstanceId can't be null."
	case req.MemberEpoch < leftForNow:
		why = "MemberEpoch is invalid."
	case req.ServerAssignor != nil && !slices.Contains(x.assignors(), *req.ServerAssignor):
		return because(kerr.UnsupportedAssignor, "ServerAssignor "+*req.ServerAssignor+
			" is not supported. Supported assignors: "+strings.Join(x.assignors(), ", ")+".")
	default:
		return nil
	}
	return because(kerr.InvalidRequest, why)
}

// isBlank reports whether Kafka takes the text for an empty one.
func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// compile reads the regex, which is RE2 in Kafka too. It has to match a whole
// name.
func (x *Coordinator) compile(h *pulse) *kerr.Error {
	said := text(h.req.SubscribedTopicRegex)
	if said == "" {
		return nil
	}
	re, err := wholly(said, len(x.cluster.TopicNames()))
	if err != nil {
		return because(kerr.InvalidRegularExpression,
			"SubscribedTopicRegex `"+said+"` is not a valid regular expression: "+err.Error()+".")
	}
	h.regex = re
	return nil
}

// consumers finds the group, which a joining member creates, or turns a
// classic one into.
func (x *Coordinator) consumers(h *pulse) (*consumer, *kerr.Error) {
	g := x.groups[h.req.Group]
	joins := h.req.MemberEpoch == 0
	if g == nil && !joins {
		return nil, because(kerr.GroupIDNotFound, "Consumer group "+h.req.Group+" not found.")
	}
	g = x.obtain(h.req.Group)
	switch b := g.body.(type) {
	case *consumer:
		return b, nil
	case *classic:
		if joins {
			return b.upgrade()
		}
	}
	return nil, because(kerr.GroupIDNotFound, "Group "+h.req.Group+" is not a consumer group.")
}

func (b *consumer) heartbeat(h *pulse) *kerr.Error {
	m, fresh, err := b.enroll(h)
	if err != nil {
		return err
	}
	had := m.assigned
	changed := b.update(h, m)
	h.news = b.advance(m, fresh || changed, h.owned) && !had.equal(m.assigned)
	b.renew(m)
	b.answer(h, m)
	return nil
}

// enroll finds the member that speaks, or takes a new one in.
func (b *consumer) enroll(h *pulse) (m *subscriber, fresh bool, err *kerr.Error) {
	if h.req.InstanceID != nil {
		return b.enrollStatic(h)
	}
	m = b.members[h.req.MemberID]
	switch {
	case m != nil && h.req.MemberEpoch == 0:
		return m, false, nil
	case m != nil:
		return m, false, m.epochError(h)
	case h.req.MemberEpoch != 0:
		return nil, false, kerr.UnknownMemberID
	}
	return b.admit(h)
}

// enrollStatic is enroll for members with an instance id: it names the member,
// whoever speaks for it.
func (b *consumer) enrollStatic(h *pulse) (m *subscriber, fresh bool, err *kerr.Error) {
	m = b.static[*h.req.InstanceID]
	joins := h.req.MemberEpoch == 0
	switch {
	case m == nil && joins:
		return b.admit(h)
	case m == nil:
		return nil, false, kerr.UnknownMemberID
	case !joins && m.id != h.req.MemberID:
		return nil, false, kerr.FencedInstanceID
	case !joins:
		return m, false, m.epochError(h)
	case m.id == h.req.MemberID:
		return m, false, nil
	case m.epoch != leftForNow:
		return nil, false, kerr.UnreleasedInstanceID
	}
	b.rename(m, h.memberID(b.g.x))
	m.epoch, m.previous = 0, 0
	return m, false, nil
}

func (b *consumer) admit(h *pulse) (m *subscriber, fresh bool, err *kerr.Error) {
	if !b.hasRoom() {
		return nil, false, kerr.GroupMaxSizeReached
	}
	return b.add(h.memberID(b.g.x), h.req.InstanceID), true, nil
}

// memberID is the id that the client chose; version 0 lets the broker choose.
func (h *pulse) memberID(x *Coordinator) string {
	if h.req.MemberID != "" {
		return h.req.MemberID
	}
	return x.draw(h.req.Group, h.c.ClientID)
}

// epochError fences a member whose epoch is not the group's word. The epoch
// before is fine from one that missed the last answer, as long as it has
// nothing that is not its own.
func (m *subscriber) epochError(h *pulse) *kerr.Error {
	said := h.req.MemberEpoch
	missed := said == m.previous && h.owned != nil && h.owned.within(m.assigned)
	if said == m.epoch || said < m.epoch && missed {
		return nil
	}
	return kerr.FencedMemberEpoch
}

// update takes over what the member says of itself, and reports whether it
// wants other topics than before.
func (b *consumer) update(h *pulse, m *subscriber) (changed bool) {
	req := h.req
	m.clientID, m.host = h.c.ClientID, h.c.Host
	m.classic.stop()
	m.classic = nil
	if req.RackID != nil {
		m.rack = req.RackID
	}
	if req.RebalanceTimeoutMillis >= 0 {
		m.rebalance = time.Duration(req.RebalanceTimeoutMillis) * time.Millisecond
	}
	if req.ServerAssignor != nil {
		m.assignor = *req.ServerAssignor
	}
	if req.SubscribedTopicNames != nil {
		changed = m.subscribe(req.SubscribedTopicNames)
	}
	return b.match(h, m) || changed
}

// subscribe takes over the topics by name, and reports whether they differ.
func (m *subscriber) subscribe(names []string) bool {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if slices.Equal(names, m.names) {
		return false
	}
	m.names = names
	return true
}

// match finds the topics of the member's regex, if it or they changed: those
// that the member may know of. It reports whether they are others.
func (b *consumer) match(h *pulse, m *subscriber) bool {
	said := h.req.SubscribedTopicRegex
	same := said == nil || *said == m.regex
	if same && (m.regex == "" || m.looked == b.g.x.changes) {
		return false
	}
	if !same {
		m.regex = *said
	}
	m.looked = b.g.x.changes
	re := h.regex
	if re == nil && m.regex != "" {
		re, _ = pattern.Whole(m.regex) // it was compiled before
	}
	var matched []string
	for _, name := range b.g.x.cluster.TopicNames() {
		if re != nil && re.MatchString(name) && h.c.AllowsTopic(kmsg.ACLOperationDescribe, name) {
			matched = append(matched, name)
		}
	}
	other := !slices.Equal(matched, m.matched)
	m.matched = matched
	return other || !same
}

// answer tells the member its epoch, and its assignment if that changed, if
// the member starts, or if it tells all of itself, as it does when it is not
// sure of the last answer.
func (b *consumer) answer(h *pulse, m *subscriber) {
	req, resp := h.req, h.resp
	resp.MemberID, resp.MemberEpoch = kmsg.StringPtr(m.id), m.epoch
	interval := b.g.x.groupMillis(b.g.name, "consumer.heartbeat.interval.ms", 5*time.Second)
	resp.HeartbeatIntervalMillis = int32(interval.Milliseconds())
	subscribed := req.SubscribedTopicNames != nil || req.SubscribedTopicRegex != nil
	whole := req.RebalanceTimeoutMillis >= 0 && subscribed && req.Topics != nil
	if req.MemberEpoch != 0 && !whole && !h.news {
		return
	}
	resp.Assignment = &kmsg.ConsumerGroupHeartbeatResponseAssignment{
		Topics: []kmsg.ConsumerGroupHeartbeatResponseAssignmentTopic{},
	}
	m.assigned.byTopic(func(id [16]byte, indexes []int32) {
		t := kmsg.NewConsumerGroupHeartbeatResponseAssignmentTopic()
		t.TopicID, t.Partitions = id, indexes
		resp.Assignment.Topics = append(resp.Assignment.Topics, t)
	})
}

// leave takes the member out; a static one may say that it will be back, and
// keeps what it has for a session.
func (b *consumer) leave(h *pulse) *kerr.Error {
	m := b.members[h.req.MemberID]
	if h.req.InstanceID != nil {
		m = b.static[*h.req.InstanceID]
	}
	switch {
	case m == nil:
		return kerr.UnknownMemberID
	case m.id != h.req.MemberID:
		return kerr.FencedInstanceID
	}
	h.resp.MemberID, h.resp.MemberEpoch = kmsg.StringPtr(m.id), h.req.MemberEpoch
	if h.req.MemberEpoch == leftForGood {
		b.fence(m)
		return nil
	}
	m.epoch = leftForNow
	m.revocation.Stop()
	b.own(m, m.assigned, nil)
	return nil
}
