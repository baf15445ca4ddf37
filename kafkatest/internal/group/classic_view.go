// What a classic group looks like from outside, and who may commit to it.

package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxEmbedded bounds what is decoded of the bytes that consumers exchange
// through the broker: a count within them may claim much more memory.
const maxEmbedded = 1 << 20

// commitError is Kafka's rule: anybody may commit to a group without members,
// a member may while its generation is whole.
func (b *classic) commitError(by committer) *kerr.Error {
	if by.generation < 0 && len(b.order) == 0 || by.txn && by.anonymous() {
		return nil
	}
	_, err := b.check(by.member, by.instance)
	switch {
	case err != nil:
		return err
	case by.generation != b.generation:
		return kerr.IllegalGeneration
	case !by.txn && b.now == stateCompleting:
		return kerr.RebalanceInProgress
	}
	return nil
}

func (b *classic) fetchError(*string, int32) *kerr.Error { return nil }

// subscribes reads the subscriptions that consumers hand in for their leader.
// Of members whose words cannot be read everything is assumed, as in Kafka.
func (b *classic) subscribes(topic string) bool {
	if b.kindOf != consumerProtocol || len(b.order) == 0 {
		return false
	}
	for _, m := range b.order {
		sub, ok := readSubscription(m.metadata(b.protocol))
		if !ok {
			return true
		}
		for _, name := range sub.Topics {
			if name == topic {
				return true
			}
		}
	}
	return false
}

func readSubscription(b []byte) (sub kmsg.ConsumerMemberMetadata, ok bool) {
	if len(b) > maxEmbedded {
		return sub, false
	}
	return sub, sub.ReadFrom(b) == nil
}

func readAssignment(b []byte) (Partitions, bool) {
	var a kmsg.ConsumerMemberAssignment
	if len(b) > maxEmbedded || a.ReadFrom(b) != nil {
		return nil, false
	}
	parts := make(Partitions, len(a.Topics))
	for _, t := range a.Topics {
		parts[t.Topic] = append(parts[t.Topic], t.Partitions...)
	}
	return parts, true
}

// assigned returns what each member was assigned, of those that consume.
func (b *classic) assigned() map[string]Partitions {
	all := make(map[string]Partitions, len(b.order))
	for _, m := range b.order {
		parts, ok := readAssignment(m.assignment)
		if b.kindOf == consumerProtocol && ok {
			all[m.id] = parts
			continue
		}
		all[m.id] = Partitions{}
	}
	return all
}

func (b *classic) show(s *Snapshot) {
	s.Epoch, s.Protocol, s.Leader = b.generation, b.protocol, b.leader
	assigned := b.assigned()
	for _, m := range b.order {
		shown := Member{
			ID: m.id, Instance: text(m.instance), ClientID: m.clientID, Host: m.host,
			Epoch: b.generation, Assigned: assigned[m.id], Kind: Classic,
			Waiting: m.joining != nil || m.syncing != nil,
		}
		if sub, ok := readSubscription(m.metadata(b.subscribedBy(m))); ok && b.kindOf == consumerProtocol {
			shown.Topics = sub.Topics
		}
		s.Members = append(s.Members, shown)
	}
}

// subscribedBy names the protocol whose metadata tell what the member wants:
// the chosen one, or its first as long as none is.
func (b *classic) subscribedBy(m *member) string {
	if b.protocol == "" && len(m.protocols) > 0 {
		return m.protocols[0].name
	}
	return b.protocol
}

// describe is the group in DescribeGroups. What its members say is shown only
// while it is stable; what they were assigned, until they lose it.
func (b *classic) describe(d *kmsg.DescribeGroupsResponseGroup) {
	d.State, d.ProtocolType = b.now, b.kindOf
	if b.now == stateStable {
		d.Protocol = b.protocol
	}
	for _, m := range b.order {
		told := kmsg.NewDescribeGroupsResponseGroupMember()
		told.MemberID, told.InstanceID = m.id, m.instance
		told.ClientID, told.ClientHost = m.clientID, "/"+m.host
		told.ProtocolMetadata, told.MemberAssignment = []byte{}, m.assignment
		if b.now == stateStable {
			told.ProtocolMetadata = m.metadata(b.protocol)
		}
		d.Members = append(d.Members, told)
	}
}
