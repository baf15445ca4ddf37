// Classic members of a consumer group: the while between the two (KIP-848).

package group

import (
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A classicSide is what a consumer group has to know of a member that speaks
// the classic protocol. To it the broker is a leader elsewhere: its generation
// is its member epoch, and a rebalance is asked for when it has to move.
type classicSide struct {
	session   time.Duration
	protocols []protocol
	deadline  *call.Entry // for its next JoinGroup or SyncGroup
}

func (s *classicSide) stop() {
	if s != nil {
		s.deadline.Stop()
	}
}

// await fences the member if it does not speak again within its rebalance
// timeout.
func (b *consumer) await(m *subscriber) {
	m.classic.deadline.Stop()
	name := b.g.name + "/" + m.id
	m.classic.deadline = b.g.x.agenda.After(m.rebalance, "group classic member", name, func() { b.fence(m) })
}

// joinClassic is JoinGroup to a consumer group.
func (b *consumer) joinClassic(j *joiner) kmsg.Response {
	chosen := b.chosen(j)
	sub, readable := j.subscription(chosen)
	switch {
	case b.members[j.req.MemberID] == nil && !b.hasRoom():
		return j.refuse(kerr.GroupMaxSizeReached)
	case chosen == "" || !readable:
		return j.refuse(kerr.InconsistentGroupProtocol)
	case j.req.MemberID == "" && j.mustKnowID():
		j.resp.ErrorCode = kerr.MemberIDRequired.Code
		j.resp.MemberID = j.newID(b.g.x)
		return j.resp
	}
	m, fresh, err := b.enrollClassic(j)
	if err != nil {
		return j.refuse(err)
	}
	m.clientID, m.host, m.rebalance, m.rack = j.c.ClientID, j.c.Host, j.patience(), sub.Rack
	m.classic.stop()
	m.classic = &classicSide{session: j.session(), protocols: j.protocols()}
	changed := m.subscribe(sub.Topics) || m.regex != ""
	m.regex, m.matched = "", nil
	b.advance(m, fresh || changed, b.ownedBy(sub))
	b.renew(m)
	b.await(m)
	j.resp.MemberID, j.resp.Generation = m.id, m.epoch
	j.resp.ProtocolType, j.resp.Protocol = kmsg.StringPtr(consumerProtocol), &chosen
	return j.resp
}

// chosen returns the protocol that the joiner is told: the first of its own, if
// every other classic member knows one of them, whichever; "" if not.
func (b *consumer) chosen(j *joiner) string {
	if j.req.ProtocolType != consumerProtocol {
		return ""
	}
	known, others := make(map[string]int), 0
	for _, m := range b.members {
		if m.classic == nil || m.id == j.req.MemberID {
			continue
		}
		others++
		for name := range m.classic.names() {
			known[name]++
		}
	}
	for _, p := range j.req.Protocols {
		if known[p.Name] == others {
			return j.req.Protocols[0].Name
		}
	}
	return ""
}

// names returns the protocols that the member knows.
func (s *classicSide) names() map[string]bool {
	names := make(map[string]bool, len(s.protocols))
	for _, p := range s.protocols {
		names[p.name] = true
	}
	return names
}

// protocol returns the protocol that the member was told when it joined.
func (s *classicSide) protocol() string {
	if len(s.protocols) == 0 {
		return ""
	}
	return s.protocols[0].name
}

func (j *joiner) subscription(protocol string) (sub kmsg.ConsumerMemberMetadata, ok bool) {
	for _, p := range j.req.Protocols {
		if p.Name == protocol {
			return readSubscription(p.Metadata)
		}
	}
	return sub, false
}

// ownedBy returns what the subscription says the member owns.
func (b *consumer) ownedBy(sub kmsg.ConsumerMemberMetadata) set {
	owned := make(Partitions, len(sub.OwnedPartitions))
	for _, t := range sub.OwnedPartitions {
		owned[t.Topic] = append(owned[t.Topic], t.Partitions...)
	}
	return b.g.x.unnamed(owned)
}

func (b *consumer) enrollClassic(j *joiner) (m *subscriber, fresh bool, err *kerr.Error) {
	id := j.req.MemberID
	if j.req.InstanceID == nil {
		if m = b.members[id]; m != nil {
			return m, false, nil
		}
	} else if m = b.static[*j.req.InstanceID]; m != nil {
		switch {
		case id == "":
			b.rename(m, j.newID(b.g.x))
			m.epoch, m.previous = 0, 0
		case m.id != id:
			return nil, false, kerr.FencedInstanceID
		}
		return m, false, nil
	}
	if id == "" {
		id = j.newID(b.g.x)
	}
	return b.add(id, j.req.InstanceID), true, nil
}

// speaker returns the classic member that speaks, or says why it may not.
func (b *consumer) speaker(id string, instance *string) (*subscriber, *kerr.Error) {
	m := b.members[id]
	if instance != nil {
		m = b.static[*instance]
	}
	switch {
	case m == nil:
		return nil, kerr.UnknownMemberID
	case m.id != id:
		return nil, kerr.FencedInstanceID
	case m.classic == nil:
		return nil, kerr.UnknownMemberID
	}
	return m, nil
}

// syncClassic is SyncGroup to a consumer group: the member's assignment, in
// the words that consumers use among themselves.
func (b *consumer) syncClassic(req *kmsg.SyncGroupRequest, resp *kmsg.SyncGroupResponse) *kerr.Error {
	m, err := b.speaker(req.MemberID, req.InstanceID)
	switch {
	case err != nil:
		return err
	case req.Generation != m.epoch:
		return kerr.IllegalGeneration
	case req.ProtocolType != nil && *req.ProtocolType != consumerProtocol,
		req.Protocol != nil && *req.Protocol != m.classic.protocol():
		return kerr.InconsistentGroupProtocol
	case b.epoch > m.epoch && m.progress != unrevoked:
		b.await(m)
		return kerr.RebalanceInProgress
	}
	m.classic.stop()
	b.renew(m)
	resp.ProtocolType, resp.Protocol = req.ProtocolType, req.Protocol
	resp.MemberAssignment = b.encode(m.assigned, m.classic.version())
	return nil
}

// version is that of the member's own words.
func (s *classicSide) version() int16 {
	if len(s.protocols) == 0 {
		return 0
	}
	sub, _ := readSubscription(s.protocols[0].metadata)
	return min(max(sub.Version, 0), 3)
}

func (b *consumer) encode(s set, version int16) []byte {
	parts := b.g.x.named(s)
	a := kmsg.NewConsumerMemberAssignment()
	a.Version = version
	for _, name := range sortedKeys(parts) {
		t := kmsg.NewConsumerMemberAssignmentTopic()
		t.Topic, t.Partitions = name, parts[name]
		a.Topics = append(a.Topics, t)
	}
	return a.AppendTo(nil)
}

// heartbeatClassic is Heartbeat to a consumer group. The member is asked to
// rejoin when it lags, has to let go of something, or can have what it waits
// for.
func (b *consumer) heartbeatClassic(req *kmsg.HeartbeatRequest) *kerr.Error {
	m, err := b.speaker(req.MemberID, req.InstanceID)
	switch {
	case err != nil:
		return err
	case req.Generation != m.epoch:
		return kerr.IllegalGeneration
	}
	b.renew(m)
	if m.epoch == b.epoch && m.progress != unrevoked && !b.canHaveMore(m) {
		return nil
	}
	if !m.classic.deadline.Pending() {
		b.await(m)
	}
	return kerr.RebalanceInProgress
}

// canHaveMore reports whether all that the member waits for is free now.
func (b *consumer) canHaveMore(m *subscriber) bool {
	if m.progress != unreleased {
		return false
	}
	_, _, _, missing := b.compare(m)
	return !missing
}

// leaveClassic is LeaveGroup to a consumer group. An admin may remove a member
// by it whatever the member speaks, a static one by its instance alone.
func (b *consumer) leaveClassic(id string, instance *string) *kerr.Error {
	m := b.members[id]
	if instance != nil {
		m = b.static[*instance]
	}
	switch {
	case m == nil:
		return kerr.UnknownMemberID
	case id != "" && m.id != id:
		return kerr.FencedInstanceID
	}
	b.remove(m)
	return nil
}
