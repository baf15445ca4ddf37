// From a classic group to a consumer group and back, while it consumes.

package group

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// mayMigrate reports whether group.consumer.migration.policy allows the way.
func (x *Coordinator) mayMigrate(way string) bool {
	switch policy := strings.ToLower(x.cluster.Setting("group.consumer.migration.policy")); policy {
	case "", "bidirectional":
		return true
	default:
		return policy == way
	}
}

// upgrade makes the classic group a consumer group, so that a member of the
// new kind can join. One without members becomes one whatever the policy.
func (b *classic) upgrade() (*consumer, *kerr.Error) {
	c := newConsumer(b.g)
	if len(b.order) > 0 {
		c.epoch, c.targetEpoch = b.generation, b.generation
		if why := b.obstacle(); why != "" {
			return nil, because(kerr.GroupIDNotFound, why)
		}
	}
	b.retire()
	for _, m := range b.order {
		c.adopt(b, m)
	}
	b.g.body = c
	c.refresh()
	return c, nil
}

// obstacle says why the classic group cannot become a consumer group; "" if it
// can.
func (b *classic) obstacle() string {
	refusal := "Cannot upgrade classic group " + b.g.name + " to consumer group because "
	switch {
	case b.kindOf != consumerProtocol:
		return "Group " + b.g.name + " is not a consumer group."
	case !b.g.x.mayMigrate("upgrade"):
		return refusal + "the online upgrade is disabled."
	case int64(len(b.order)) > b.g.x.number("group.consumer.max.size", 1<<31-1):
		return refusal + "the group size is too big."
	}
	for _, m := range b.order {
		_, subscribed := readSubscription(m.metadata(b.subscribedBy(m)))
		_, assigned := readAssignment(m.assignment)
		if !subscribed || len(m.assignment) > 0 && !assigned {
			return refusal + "its members do not speak the consumer protocol."
		}
	}
	return ""
}

// retire takes what the group has off the agenda. Who waits is asked to rejoin.
func (b *classic) retire() {
	b.deadline.Stop()
	for _, id := range sortedKeys(b.promised) {
		b.promised[id].Stop()
	}
	for _, m := range b.order {
		m.joining.refuse(kerr.RebalanceInProgress)
		m.syncing.refuse(kerr.RebalanceInProgress)
		m.expiry.Stop()
	}
}

// adopt takes over a member of a classic group with what it has.
func (b *consumer) adopt(from *classic, old *member) {
	sub, _ := readSubscription(old.metadata(from.subscribedBy(old)))
	parts, _ := readAssignment(old.assignment)
	m := b.add(old.id, old.instance)
	m.clientID, m.host, m.rack, m.rebalance = old.clientID, old.host, sub.Rack, old.rebalance
	m.epoch, m.previous = b.epoch, b.epoch
	m.classic = &classicSide{session: old.session, protocols: old.protocols}
	m.subscribe(sub.Topics)
	has := b.g.x.unnamed(parts)
	for p := range has {
		if b.owners[p] != "" { // its leader gave it away twice
			delete(has, p)
		}
	}
	b.own(m, has, nil)
	m.target = has
	b.renew(m)
}

// settle makes the consumer group a classic one when only classic members are
// left in it.
func (b *consumer) settle() {
	if len(b.members) == 0 || !b.g.x.mayMigrate("downgrade") {
		return
	}
	for _, m := range b.members {
		if m.classic == nil {
			return
		}
	}
	b.downgrade()
}

// downgrade makes the group a classic one in which all have to rejoin.
func (b *consumer) downgrade() {
	c := newClassic(b.g)
	c.now, c.kindOf, c.generation = stateStable, consumerProtocol, b.epoch
	for _, m := range b.sorted() {
		m.session.Stop()
		m.revocation.Stop()
		m.classic.stop()
		old := &member{
			id: m.id, instance: m.instance, clientID: m.clientID, host: m.host,
			session: m.classic.session, rebalance: m.rebalance, protocols: m.classic.protocols,
			assignment: b.encode(m.target, m.classic.version()),
		}
		c.add(old)
		c.renew(old)
	}
	c.protocol = c.elect()
	b.g.body = c
	c.prepare()
}
