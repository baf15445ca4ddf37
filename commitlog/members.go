// Who belongs to the cluster: joining, leaving, handing over.

package commitlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"github.com/rehearse-go/rehearse/commitlog/internal/ledger"
)

// Join makes a node a member: a learner first, which gets the log and has no
// vote, then a voter once it has caught up, unless m.Learner says that it
// stays one. A member of that name with another ID is replaced, in one joint
// change: its disk is gone, and its vote with it. Only the leader can do it;
// it returns when the learner is in the configuration.
func (n *Node) Join(ctx context.Context, m Member) error {
	if m.Name == "" || m.Addr == "" || m.ID == 0 {
		return fmt.Errorf("commitlog: a member needs a name, an address and an ID: %+v", m)
	}
	wanted := ledger.Member{ID: m.ID, Name: m.Name, Addr: m.Addr, Stays: m.Learner}
	err := n.change(ctx, func(c ledger.Config) *raftpb.ConfChangeV2 { return joining(c, wanted) })
	if err != nil {
		return err
	}
	return n.WaitMembers(ctx, func(all []Member) bool { return holds(all, m.ID, m.Addr) })
}

// joining is what makes the wanted node a member, or nil if it is one.
func joining(c ledger.Config, wanted ledger.Member) *raftpb.ConfChangeV2 {
	change := &raftpb.ConfChangeV2{Context: ledger.AppendMembers(nil, wanted)}
	if is, ok := c.Members[wanted.ID]; ok {
		if is == wanted {
			return nil
		}
		change.Changes = append(change.Changes, single(raftpb.ConfChangeUpdateNode, wanted.ID))
		return change
	}
	for _, old := range sortedMembers(c) {
		if old.Name == wanted.Name {
			change.Changes = append(change.Changes, single(raftpb.ConfChangeRemoveNode, old.ID))
		}
	}
	change.Changes = append(change.Changes, single(raftpb.ConfChangeAddLearnerNode, wanted.ID))
	return change
}

func single(t raftpb.ConfChangeType, id uint64) *raftpb.ConfChangeSingle {
	return &raftpb.ConfChangeSingle{Type: &t, NodeId: &id}
}

func holds(all []Member, id uint64, addr string) bool {
	for _, m := range all {
		if m.ID == id && m.Addr == addr {
			return true
		}
	}
	return false
}

// Remove takes the member of that name out of the configuration. Only the
// leader can do it; a leader that removes itself steps down. It returns when
// the member is gone.
func (n *Node) Remove(ctx context.Context, name string) error {
	err := n.change(ctx, func(c ledger.Config) *raftpb.ConfChangeV2 {
		change := &raftpb.ConfChangeV2{}
		for _, m := range sortedMembers(c) {
			if m.Name == name {
				change.Changes = append(change.Changes, single(raftpb.ConfChangeRemoveNode, m.ID))
			}
		}
		if len(change.Changes) == 0 {
			return nil
		}
		return change
	})
	if err != nil {
		return err
	}
	return n.WaitMembers(ctx, func(all []Member) bool {
		for _, m := range all {
			if m.Name == name {
				return false
			}
		}
		return true
	})
}

// errChanging says that a change is under way; the next one waits for it.
var errChanging = errors.New("commitlog: another change of the configuration is under way")

// change proposes a change of the configuration; nil is none. It waits for the
// change before.
func (n *Node) change(ctx context.Context, make func(ledger.Config) *raftpb.ConfChangeV2) error {
	for {
		var err error
		seen := n.view.look()
		if asked := n.call(ctx, func(k *core) { err = k.change(make) }); asked != nil {
			return asked
		}
		if !errors.Is(err, errChanging) {
			return err
		}
		select {
		case <-seen.changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", err, ctx.Err())
		}
	}
}

func (k *core) change(make func(ledger.Config) *raftpb.ConfChangeV2) error {
	if k.failed != nil {
		return k.failed
	}
	if !k.ready {
		return NotLeader{k.leading()}
	}
	change := make(k.ledger.Config)
	if change == nil {
		return nil
	}
	if k.ledger.Changing() {
		return errChanging
	}
	err := k.raft.ProposeConfChange(change)
	if errors.Is(err, raft.ErrProposalDropped) {
		return errChanging
	}
	return err
}

// promote makes a learner that has caught up a voter, one at a time.
func (k *core) promote() {
	if !k.ready || len(k.ledger.Config.State.GetLearners()) == 0 || k.ledger.Changing() {
		return
	}
	var found uint64
	k.raft.WithProgress(func(id uint64, _ raft.ProgressType, p tracker.Progress) {
		m := k.ledger.Config.Members[id]
		caughtUp := p.IsLearner && p.RecentActive && p.State == tracker.StateReplicate && p.Match+promoteSlack >= k.commit
		if caughtUp && !m.Stays && (found == 0 || id < found) {
			found = id
		}
	})
	if found == 0 {
		return
	}
	// It is tried again at the next tick if Raft drops it.
	_ = k.raft.ProposeConfChange(&raftpb.ConfChangeV2{
		Changes: []*raftpb.ConfChangeSingle{single(raftpb.ConfChangeAddNode, found)},
	})
}

// promoteSlack is by how many entries a learner may be behind to become a
// voter: it will have them before the change is committed.
const promoteSlack = 64

// Transfer hands leadership to the member of that name, and returns when it
// leads. Only the leader can do it. If it fails, the leader goes on.
func (n *Node) Transfer(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, n.patience())
	defer cancel()
	var err error
	asked := n.call(ctx, func(k *core) { err = k.transfer(name) })
	if err = errors.Join(asked, err); err != nil {
		return err
	}
	err = n.view.await(ctx, func(p picture) (bool, error) { return p.Leader.ID == name, nil })
	if err != nil {
		return fmt.Errorf("commitlog: handing over to %s: %w", name, err)
	}
	return nil
}

// patience is how long Raft tries to hand over, and some more.
func (n *Node) patience() time.Duration {
	return time.Duration(2*n.config.Election) * n.config.Heartbeat
}

func (k *core) transfer(name string) error {
	if k.role != raft.StateLeader {
		return NotLeader{k.leading()}
	}
	for _, m := range sortedMembers(k.ledger.Config) {
		if m.Name == name && ledger.Votes(k.ledger.Config.State, m.ID) {
			k.raft.TransferLeader(m.ID)
			return nil
		}
	}
	return fmt.Errorf("commitlog: there is no voter named %q to hand over to", name)
}

// HandOver lets another node lead, if this one does and another can, and
// returns when it does. A node that ends soon does its clients a favour by it.
func (n *Node) HandOver(ctx context.Context) {
	var to string
	err := n.call(ctx, func(k *core) {
		if k.role == raft.StateLeader && k.failed == nil {
			to = k.name(k.successor())
		}
	})
	if err != nil || to == "" {
		return
	}
	// Whoever waits for it waits no longer than patience, and the node ends anyway.
	_ = n.Transfer(ctx, to)
}

// successor is the voter that has most of the log, or 0 if there is none.
func (k *core) successor() (best uint64) {
	var most uint64
	k.raft.WithProgress(func(id uint64, _ raft.ProgressType, p tracker.Progress) {
		if id == k.id || p.IsLearner || !p.RecentActive {
			return
		}
		if best == 0 || p.Match > most || p.Match == most && id < best {
			best, most = id, p.Match
		}
	})
	return best
}
