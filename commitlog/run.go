// The goroutine that drives the core.

package commitlog

import (
	"cmp"
	"context"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/rehearse-go/rehearse/commitlog/internal/peer"
)

// loop drives the core until the node is to end.
func (n *Node) loop(ctx context.Context) {
	ticks, stop := n.config.Tick(n.config.Heartbeat)
	defer stop()
	n.greet()
	for {
		n.flush()
		produced := n.produced
		if n.core.produce.bytes > n.config.MaxWaiting {
			produced = nil // producers wait
		}
		select {
		case <-ticks:
			n.careful(n.tick)
		case r := <-n.received:
			n.careful(func() { n.takeAll(r) })
		case p := <-produced:
			n.acceptAll(p)
		case d := <-n.stored:
			n.careful(func() { n.takeStored(d) })
		case f := <-n.calls:
			n.careful(func() { f(n.core) })
		case f := <-n.fetched:
			n.careful(func() { n.takeFetched(f) })
		case <-ctx.Done():
			return
		case <-n.stopped:
			return
		}
	}
}

// greet tells the others that this node is back, so that a leader that has
// lost it sends at once what it missed. It is what a node says anyway that has
// heard a sign of life; Raft takes one too many as it takes one too late.
func (n *Node) greet() {
	k := n.core
	id, term := k.id, k.term
	for _, m := range sortedMembers(k.ledger.Config) {
		if m.ID != id {
			k.out.send = append(k.out.send, &raftpb.Message{
				Type: raftpb.MsgHeartbeatResp.Enum(), To: &m.ID, From: &id, Term: &term,
			})
		}
	}
}

// careful does something to the core, which stands still from then on if Raft
// says that its log is broken.
func (n *Node) careful(f func()) {
	defer func() {
		if err := ofRaft(recover(), n.core.storage); err != nil {
			n.core.fail(Latched{err})
		}
	}()
	f()
}

// ofRaft returns why Raft has panicked, if the log is to blame; it panics if
// something else is.
func ofRaft(panicked any, s *storage) error {
	why, _ := panicked.(error)
	switch _, isBroken := why.(broken); {
	case panicked == nil:
		return nil
	case s.failed != nil && (isBroken || why == s.failed):
		return s.failed // it could not be read, and that is all
	case isBroken:
		return why
	}
	panic(panicked)
}

// flush lets the core work and does what it wants done.
func (n *Node) flush() {
	k := n.core
	if k.failed == nil {
		n.careful(func() {
			k.settle()
			k.ask()
			k.hurry()
			k.propose(n.config.Now())
			k.settle()
		})
	}
	out := k.out
	k.out = outbox{}
	for _, m := range out.send {
		n.send(m)
	}
	if len(out.jobs) > 0 && k.failed == nil {
		n.disk.add(out.jobs)
	}
	n.publish()
	n.events.add(out.events)
	k.produce.tell()
}

// send sends a message to another node.
func (n *Node) send(m *raftpb.Message) {
	if m.GetType() == raftpb.MsgSnap {
		n.core.offered(m.GetTo(), n.config.Election)
	}
	n.links.Send(m.GetTo(), m)
}

// publish shows what has changed.
func (n *Node) publish() {
	now, old := n.core.status(), n.view.look().Status
	now.Name = n.config.Name
	now.Cluster = n.hello().Cluster
	now.Leader.Gen = old.Leader.Gen
	if now.Leader != old.Leader {
		now.Leader.Gen++
	}
	now.Members = old.Members
	if n.core.newMembers || now.Leader.Gen != old.Leader.Gen {
		n.core.newMembers = false
		now.Members = n.core.members()
		n.addresses(old.Members, now.Members)
	}
	cuts := n.core.cuts
	n.core.cuts = nil
	if len(cuts) > 0 || changed(old, now) {
		n.view.show(now, cuts)
	}
}

// changed compares what may differ between two pictures of one node.
func changed(a, b Status) bool {
	same := a.Role == b.Role && a.Leader == b.Leader && a.Term == b.Term && a.Committed == b.Committed &&
		a.Applied == b.Applied && a.Durable == b.Durable && a.Low == b.Low && a.Next == b.Next &&
		a.Cluster == b.Cluster && a.ID == b.ID && a.Failed == b.Failed && len(a.Members) == len(b.Members)
	for i := range min(len(a.Members), len(b.Members)) {
		same = same && a.Members[i] == b.Members[i]
	}
	return !same
}

// addresses tells the links where the members are. Who was removed is soon
// forgotten: first it is to hear that it was.
func (n *Node) addresses(old, now []Member) {
	here := map[uint64]bool{}
	for _, m := range now {
		here[m.ID] = true
		delete(n.parting, m.ID)
		if m.ID != n.core.id {
			n.links.Peer(m.ID, m.Addr)
		}
	}
	for _, m := range old {
		if !here[m.ID] && m.ID != n.core.id {
			n.parting[m.ID] = n.config.Election
		}
	}
}

// part forgets those who have been gone for an election's time.
func (n *Node) part() {
	for id := range n.parting {
		if n.parting[id]--; n.parting[id] <= 0 {
			delete(n.parting, id)
			n.links.Forget(id)
		}
	}
}

func (n *Node) tick() {
	k := n.core
	if k.failed != nil {
		return
	}
	n.disk.retry()
	k.moveOn()
	n.part()
	k.raft.Tick()
	k.tickReads(n.config.Election)
	n.tickOffers()
	k.promote()
	n.retain()
}

// acceptAll takes in the batches that are here, as long as there is room.
func (n *Node) acceptAll(p *proposal) {
	n.accept(p)
	for range len(n.produced) {
		if n.core.produce.bytes > n.config.MaxWaiting {
			return
		}
		n.accept(<-n.produced)
	}
}

// accept takes a batch in, or refuses it.
func (n *Node) accept(p *proposal) {
	if err := cmp.Or(n.core.failed, n.core.noRoom); err != nil {
		p.answer(Pos{}, err)
		return
	}
	n.core.produce.add(p)
}

// takeAll takes the messages that are here.
func (n *Node) takeAll(r received) {
	n.take(r)
	for range len(n.received) {
		n.take(<-n.received)
	}
}

// take hands a message from another node to the core.
func (n *Node) take(r received) {
	k := n.core
	if k.failed != nil {
		return
	}
	m := r.m
	if m.GetType() == raftpb.MsgUnreachable && r.from == (peer.Hello{}) {
		k.raft.ReportUnreachable(m.GetFrom())
		return
	}
	if raft.IsLocalMsg(m.GetType()) || m.GetTo() != k.id || k.heedless(m) {
		return
	}
	if err := n.adopt(r.from.Cluster); err != nil {
		k.fail(Latched{err})
		return
	}
	if _, member := k.ledger.Config.Members[m.GetFrom()]; !member && r.from.Addr != "" {
		n.links.Peer(m.GetFrom(), r.from.Addr) // a leader this node does not know from its log yet
	}
	if m.GetType() == raftpb.MsgSnap {
		n.fetch(r.from, m)
		return
	}
	k.step(m)
}

// takeStored hears what the disk has done.
func (n *Node) takeStored(d done) {
	k := n.core
	if d.err != nil {
		k.fail(Latched{d.err})
		return
	}
	k.stored(d)
	switch {
	case d.full != nil:
		k.full(d.full)
	case d.room:
		k.roomAgain()
	}
}
