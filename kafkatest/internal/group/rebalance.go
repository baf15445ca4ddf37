// The rebalance of a classic group: from one generation to the next.

package group

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// rebalance begins one, or goes on with the one that is under way if nobody
// is missing.
func (b *classic) rebalance() {
	if b.now == statePreparing {
		b.completeIfAllJoined()
		return
	}
	b.prepare()
}

// prepare waits for the members to join. The first generation of an empty
// group waits a while for more members than its first (KIP-134); others wait
// until all are there, or the slowest has had its time.
func (b *classic) prepare() {
	if b.now == stateCompleting {
		b.failSyncs(kerr.RebalanceInProgress)
	}
	b.deadline.Stop()
	b.initial = b.now == stateEmpty
	for _, m := range b.order {
		m.unsynced = false
	}
	b.now = statePreparing
	if b.initial {
		delay := b.initialDelay()
		b.awaitNewcomers(delay, max(b.rebalanceTimeout()-delay, 0))
		return
	}
	b.awaitMembers(b.rebalanceTimeout())
	b.completeIfAllJoined()
}

func (b *classic) awaitMembers(d time.Duration) {
	b.deadline = b.g.x.agenda.After(d, "group join deadline", b.g.name, b.completeJoin)
}

// initialDelay is Kafka's group.initial.rebalance.delay.ms, which is three
// seconds there and none here: a test has no use for the wait.
func (b *classic) initialDelay() time.Duration {
	return b.g.x.millis("group.initial.rebalance.delay.ms", 0)
}

// awaitNewcomers waits on as long as members keep coming, but no longer than
// the rebalance timeout in all.
func (b *classic) awaitNewcomers(delay, left time.Duration) {
	if delay <= 0 {
		b.completeJoin()
		return
	}
	b.newcomers = false
	b.deadline = b.g.x.agenda.After(delay, "group join deadline", b.g.name, func() {
		if b.newcomers && left > 0 {
			next := min(b.initialDelay(), left)
			b.awaitNewcomers(next, left-next)
			return
		}
		b.completeJoin()
	})
}

func (b *classic) completeIfAllJoined() {
	if b.now == statePreparing && !b.initial && len(b.promised) == 0 && b.joined() == len(b.order) {
		b.completeJoin()
	}
}

// leastWait is how long a group of absent static members is left alone, though
// they said that they need no time at all: it must not take all of ours.
const leastWait = time.Second

// completeJoin begins the next generation with those who joined. A static
// member keeps its place although it did not (KIP-345).
func (b *classic) completeJoin() {
	b.deadline.Stop()
	for _, m := range slices.Clone(b.order) {
		if m.joining == nil && m.instance == nil {
			b.remove(m)
		}
	}
	if len(b.order) > 0 && !b.leadJoined() {
		b.awaitMembers(max(b.rebalanceTimeout(), leastWait))
		return
	}
	b.generation++
	b.initial = false
	if len(b.order) == 0 {
		b.protocol = ""
		b.now = stateEmpty
		b.g.emptiedNow()
		return
	}
	b.protocol = b.elect()
	b.now = stateCompleting
	b.awaitSyncs()
	for _, m := range b.order {
		b.tell(m)
	}
}

// leadJoined sees to it that the leader is a member that joined; false if none
// did.
func (b *classic) leadJoined() bool {
	if m := b.members[b.leader]; m != nil && m.joining != nil {
		return true
	}
	i := slices.IndexFunc(b.order, func(m *member) bool { return m.joining != nil })
	if i < 0 {
		return false
	}
	b.leader = b.order[i].id
	return true
}

// tell answers the member's JoinGroup with the new generation.
func (b *classic) tell(m *member) {
	m.unsynced = true
	m.isNew = false
	b.renew(m)
	if m.joining == nil {
		return
	}
	b.answerJoin(m, m.joining.resp)
	m.joining.parked.Answer(m.joining.resp)
	m.joining = nil
}

// awaitSyncs gives the members the rebalance timeout to fetch their part; who
// does not is no member any more (KAFKA-13214).
func (b *classic) awaitSyncs() {
	b.deadline = b.g.x.agenda.After(b.rebalanceTimeout(), "group sync deadline", b.g.name, func() {
		for _, m := range slices.Clone(b.order) {
			if m.unsynced {
				b.remove(m)
			}
		}
		b.rebalance()
	})
}

// failSyncs answers those who wait for the leader's word with an error.
func (b *classic) failSyncs(err *kerr.Error) {
	for _, m := range b.order {
		m.assignment = nil
		if m.syncing != nil {
			m.syncing.refuse(err)
			m.syncing = nil
			b.renew(m)
		}
	}
}

// moved sends on who waits, and gives everybody a session to come back in.
func (b *classic) moved() {
	for _, id := range sortedKeys(b.promised) {
		b.promised[id].Stop()
		delete(b.promised, id)
	}
	for _, m := range slices.Clone(b.order) {
		m.joining.refuse(kerr.NotCoordinator)
		m.syncing.refuse(kerr.NotCoordinator)
		m.joining, m.syncing = nil, nil
		b.renew(m)
	}
	b.completeIfAllJoined()
}
