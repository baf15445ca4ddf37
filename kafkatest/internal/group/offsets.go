// Committed offsets: kept by the group, pending in transactions, aged out.

package group

import (
	"maps"
	"time"
)

// An Offset is what was committed for a partition. It is not held against the
// log: Kafka does not either.
type Offset struct {
	Offset      int64
	LeaderEpoch int32 // -1 if the client named none
	Metadata    string
	At          time.Time // when it was committed
	Expires     time.Time // zero: by offsets.retention.minutes

	turn int64 // the how-manieth commit of its group it came with
}

// set takes the offset over.
func (g *group) set(topic string, partition int32, o Offset) {
	if g.offsets == nil {
		g.offsets = make(map[string]map[int32]Offset)
	}
	if g.offsets[topic] == nil {
		g.offsets[topic] = make(map[int32]Offset)
	}
	g.offsets[topic][partition] = o
}

func (g *group) unset(topic string, partition int32) {
	delete(g.offsets[topic], partition)
	if len(g.offsets[topic]) == 0 {
		delete(g.offsets, topic)
	}
}

// forget drops what was committed for the partition, be it in a transaction
// that is open.
func (g *group) forget(topic string, partition int32) {
	g.unset(topic, partition)
	for _, topics := range g.pending {
		delete(topics[topic], partition)
	}
}

func (g *group) forgetTopics(gone map[string]bool) {
	for _, topics := range g.pending {
		maps.DeleteFunc(topics, func(topic string, _ map[int32]Offset) bool { return gone[topic] })
	}
	before := len(g.offsets)
	maps.DeleteFunc(g.offsets, func(topic string, _ map[int32]Offset) bool { return gone[topic] })
	if len(g.offsets) < before {
		g.scheduleExpiry()
	}
}

// hold keeps an offset until the producer's transaction ends.
func (g *group) hold(producer int64, topic string, partition int32, o Offset) {
	if g.pending == nil {
		g.pending = make(map[int64]map[string]map[int32]Offset)
	}
	if g.pending[producer] == nil {
		g.pending[producer] = make(map[string]map[int32]Offset)
	}
	if g.pending[producer][topic] == nil {
		g.pending[producer][topic] = make(map[int32]Offset)
	}
	g.pending[producer][topic][partition] = o
}

// unstable reports whether an open transaction holds an offset of the
// partition (KIP-447).
func (g *group) unstable(topic string, partition int32) bool {
	for _, topics := range g.pending {
		if _, held := topics[topic][partition]; held {
			return true
		}
	}
	return false
}

// EndTxn ends the producer's transaction as far as the group is concerned:
// what it committed counts, or never was. The group need not be part of it.
func (x *Coordinator) EndTxn(name string, producer int64, commit bool) {
	if g := x.groups[name]; g != nil && g.pending[producer] != nil {
		g.endTxn(producer, commit)
		x.drop(g)
	}
}

func (g *group) endTxn(producer int64, commit bool) {
	held := g.pending[producer]
	delete(g.pending, producer)
	for topic, parts := range held {
		for p, o := range parts {
			if commit && o.turn >= g.offsets[topic][p].turn { // else there was a later commit
				g.set(topic, p, o)
			}
		}
	}
	g.scheduleExpiry()
}

// emptyLinger is how long a group without members and offsets stays: Kafka
// looks for them each offsets.retention.check.interval.ms.
const emptyLinger = 10 * time.Minute

// scheduleExpiry puts the next look at the group's age on the agenda. A group
// with members and without offsets does not age.
func (g *group) scheduleExpiry() {
	g.expiry.Stop()
	at, ok := g.nextExpiry()
	if !ok {
		return
	}
	g.expiry = g.x.agenda.At(at, "group expiry", g.name, g.expire)
}

// ensureExpiry is scheduleExpiry for a commit, which makes nothing due sooner
// than it was, unless the client said so.
func (g *group) ensureExpiry() {
	if !g.expiry.Pending() {
		g.scheduleExpiry()
	}
}

func (g *group) nextExpiry() (at time.Time, ok bool) {
	if len(g.offsets) == 0 && g.body.size() == 0 && len(g.pending) == 0 {
		return g.x.agenda.Now().Add(g.x.millis("offsets.retention.check.interval.ms", emptyLinger)), true
	}
	for topic, parts := range g.offsets {
		for p, o := range parts {
			if due := g.due(topic, p, o); !ok || due.Before(at) {
				at, ok = due, true
			}
		}
	}
	return at, ok
}

// due returns when the offset may go (KIP-211): a while after the group's last
// member left; of a group that never had members, after the commit; and of a
// topic that no member consumes any more, after the commit too. While members
// consume the topic, or an open transaction has an offset of the partition, that
// is looked at anew after the whole while.
func (g *group) due(topic string, partition int32, o Offset) time.Time {
	from, held := o.At, g.unstable(topic, partition)
	switch {
	case held:
		from = g.x.agenda.Now()
	case !o.Expires.IsZero():
		return o.Expires
	case g.body.size() > 0 && (g.body.protocolType() != consumerProtocol || g.body.subscribes(topic)):
		from = g.x.agenda.Now()
	case g.body.size() == 0 && g.emptied.After(from):
		from = g.emptied
	}
	return from.Add(time.Duration(g.x.number("offsets.retention.minutes", 7*24*60)) * time.Minute)
}

// expire drops the offsets that are due, and the group with the last of them.
func (g *group) expire() {
	now := g.x.agenda.Now()
	for topic, parts := range g.offsets {
		for p, o := range parts {
			if !g.due(topic, p, o).After(now) {
				g.unset(topic, p)
			}
		}
	}
	if len(g.offsets) == 0 && g.body.size() == 0 && len(g.pending) == 0 {
		g.x.remove(g)
		return
	}
	g.scheduleExpiry()
}
