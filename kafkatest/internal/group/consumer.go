// The consumer body (KIP-848): members to whom the broker assigns.

package group

import (
	"maps"
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
)

// The states of a consumer group that a classic one has not.
const (
	stateAssigning   = "Assigning"
	stateReconciling = "Reconciling"
)

// leftForNow is the epoch of a static member that will be back, and what it
// says when it goes; leftForGood is what others say.
const (
	leftForNow  = -2
	leftForGood = -1
)

// A consumer is a group to which the broker assigns. Every change of who is in
// it or what they want raises its epoch; a target is computed for the epoch;
// each member moves towards its part of the target by itself, with its
// heartbeats. Its invariants:
//
//  1. a partition is in owners exactly if one member has it assigned or has
//     still to let it go, and names that member;
//  2. targetEpoch is never above epoch, and a member's never above targetEpoch;
//  3. every member has a session on the agenda.
type consumer struct {
	g           *group
	epoch       int32
	targetEpoch int32
	members     map[string]*subscriber
	static      map[string]*subscriber // by instance id
	owners      map[partition]string   // by member id
	view        map[string]Topic       // the topics that members want, as last looked at
	looked      uint64                 // how often topics had changed by then
}

// A subscriber is a member of a consumer group.
type subscriber struct {
	id, clientID, host string
	instance, rack     *string
	epoch, previous    int32
	rebalance          time.Duration
	names              []string // sorted
	regex              string
	matched            []string // by regex, sorted
	looked             uint64   // how often topics had changed by then
	assignor           string
	progress           progress
	assigned           set
	revoking           set // not assigned any more, and not let go yet
	target             set
	session            *call.Entry
	revocation         *call.Entry  // till when it must have let go
	classic            *classicSide // nil if it speaks KIP-848
}

// A progress is how far a member is on its way to the target.
type progress int

const (
	stable     progress = iota // there, or not on its way yet
	unrevoked                  // has to let go of partitions first
	unreleased                 // waits for partitions that others have
)

func newConsumer(g *group) *consumer {
	return &consumer{
		g:       g,
		members: make(map[string]*subscriber),
		static:  make(map[string]*subscriber),
		owners:  make(map[partition]string),
		looked:  g.x.changes,
	}
}

func (b *consumer) kind() Kind           { return Consumer }
func (b *consumer) protocolType() string { return consumerProtocol }
func (b *consumer) size() int            { return len(b.members) }
func (b *consumer) blank() bool          { return false }

func (b *consumer) state() string {
	switch {
	case len(b.members) == 0:
		return stateEmpty
	case b.epoch > b.targetEpoch:
		return stateAssigning
	}
	for _, m := range b.members {
		if m.progress != stable || m.epoch != b.targetEpoch {
			return stateReconciling
		}
	}
	return stateStable
}

// sorted returns the members by id.
func (b *consumer) sorted() []*subscriber {
	all := make([]*subscriber, 0, len(b.members))
	for _, id := range sortedKeys(b.members) {
		all = append(all, b.members[id])
	}
	return all
}

// hasRoom reports whether one more member may join.
func (b *consumer) hasRoom() bool {
	return int64(len(b.members)) < b.g.x.number("group.consumer.max.size", 1<<31-1)
}

func (b *consumer) add(id string, instance *string) *subscriber {
	m := &subscriber{id: id, instance: instance}
	b.members[id] = m
	if instance != nil {
		b.static[*instance] = m
	}
	return m
}

// remove takes a member out; what it had is free.
func (b *consumer) remove(m *subscriber) {
	b.own(m, nil, nil)
	m.session.Stop()
	m.revocation.Stop()
	m.classic.stop()
	delete(b.members, m.id)
	if m.instance != nil && b.static[*m.instance] == m {
		delete(b.static, *m.instance)
	}
	b.epoch++
	if len(b.members) == 0 {
		b.g.emptiedNow()
	}
}

// fence removes a member that was silent or slow for too long.
func (b *consumer) fence(m *subscriber) {
	b.remove(m)
	b.settle()
}

// rename gives the member's place to a client with another id.
func (b *consumer) rename(m *subscriber, id string) {
	delete(b.members, m.id)
	b.members[id] = m
	m.id = id
	b.own(m, m.assigned, m.revoking)
}

// own changes what the member has and has to let go of.
func (b *consumer) own(m *subscriber, assigned, revoking set) {
	for _, s := range []set{m.assigned, m.revoking} {
		for p := range s {
			delete(b.owners, p)
		}
	}
	for _, s := range []set{assigned, revoking} {
		for p := range s {
			b.owners[p] = m.id
		}
	}
	m.assigned, m.revoking = assigned, revoking
}

// renew gives the member a whole session from now.
func (b *consumer) renew(m *subscriber) {
	d := b.g.x.groupMillis(b.g.name, "consumer.session.timeout.ms", 45*time.Second)
	if m.classic != nil {
		d = m.classic.session
	}
	m.session.Stop()
	m.session = b.g.x.agenda.After(d, "group session", b.g.name+"/"+m.id, func() { b.fence(m) })
}

// awaitRevocation gives the member its rebalance timeout to let go.
func (b *consumer) awaitRevocation(m *subscriber) {
	m.revocation.Stop()
	m.revocation = b.g.x.agenda.After(m.rebalance, "group revocation", b.g.name+"/"+m.id, func() { b.fence(m) })
}

// refresh looks at the topics that members want, and reports whether they are
// others than before.
func (b *consumer) refresh() bool {
	b.looked = b.g.x.changes
	view := make(map[string]Topic)
	for _, m := range b.members {
		for _, name := range m.topics() {
			if t, ok := b.g.x.cluster.Topic(name); ok {
				view[name] = t
			}
		}
	}
	if maps.Equal(view, b.view) {
		return false
	}
	b.view = view
	return true
}

// topics returns the names of what the member wants, by name and by regex.
func (m *subscriber) topics() []string {
	if len(m.matched) == 0 {
		return m.names
	}
	all := slices.Concat(m.names, m.matched)
	slices.Sort(all)
	return slices.Compact(all)
}

func (m *subscriber) wants(topic string) bool {
	_, named := slices.BinarySearch(m.names, topic)
	_, matched := slices.BinarySearch(m.matched, topic)
	return named || matched
}

func (b *consumer) subscribes(topic string) bool {
	for _, m := range b.members {
		if m.wants(topic) {
			return true
		}
	}
	return false
}

// commitError is Kafka's rule: anybody may commit to a group without members,
// a member with the epoch that it has. A member that speaks KIP-848 needs the
// version that knows STALE_MEMBER_EPOCH.
func (b *consumer) commitError(by committer) *kerr.Error {
	if by.generation < 0 && len(b.members) == 0 || by.txn && by.anonymous() {
		return nil
	}
	m := b.members[by.member]
	switch {
	case m == nil:
		return kerr.UnknownMemberID
	case !by.txn && m.classic == nil && by.version < 9:
		return kerr.UnsupportedVersion
	case by.generation == m.epoch:
		return nil
	case by.txn || m.classic != nil:
		return kerr.IllegalGeneration
	}
	return kerr.StaleMemberEpoch
}

func (b *consumer) fetchError(member *string, epoch int32) *kerr.Error {
	if member == nil && epoch < 0 {
		return nil
	}
	m := b.members[text(member)]
	switch {
	case m == nil:
		return kerr.UnknownMemberID
	case epoch != m.epoch && m.classic != nil:
		return kerr.IllegalGeneration
	case epoch != m.epoch:
		return kerr.StaleMemberEpoch
	}
	return nil
}

// committed does nothing: only heartbeats keep a session.
func (b *consumer) committed(string) {}

// moved gives everybody a session to find the new coordinator.
func (b *consumer) moved() {
	for _, m := range b.sorted() {
		b.renew(m)
	}
}

func (b *consumer) show(s *Snapshot) {
	s.Epoch, s.Protocol = b.epoch, b.assignor()
	for _, m := range b.sorted() {
		kind := Consumer
		if m.classic != nil {
			kind = Classic
		}
		s.Members = append(s.Members, Member{
			ID: m.id, Instance: text(m.instance), ClientID: m.clientID, Host: m.host,
			Kind: kind, Epoch: m.epoch, Topics: m.topics(), Regex: m.regex,
			Assigned: b.g.x.named(m.assigned), Revoking: b.g.x.named(m.revoking),
		})
	}
}
