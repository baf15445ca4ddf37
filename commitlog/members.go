// Who belongs to the cluster: joining, leaving, handing over.

package commitlog

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog/internal/ledger"
)

// Join makes a node a member: a learner first, which gets the log and has no
// vote, then a voter once it has caught up, unless m.Learner says that it
// stays one; a voter becomes one by it. A member of that name with another ID
// is replaced, in one joint change: its disk is gone, and its vote with it.
// Only the leader can do it; it returns when the node is in the configuration,
// and at once if it is there already. It fails, and nothing is changed, if m
// lacks something, if its ID is another member's, or if nobody would be left
// to vote. If leadership is lost meanwhile, the outcome is [Uncertain]: ask
// again.
func (n *Node) Join(ctx context.Context, m Member) error {
	switch {
	case m.Name == "" || m.Addr == "" || m.ID == 0:
		return fmt.Errorf("commitlog: a member needs a name, an address and an ID: %+v", m)
	case len(m.Name) > maxMemberText || len(m.Addr) > maxMemberText:
		return fmt.Errorf("commitlog: a member's name and address have at most %d bytes each, not %d and %d",
			maxMemberText, len(m.Name), len(m.Addr))
	case m.ID > math.MaxInt64:
		return fmt.Errorf("commitlog: member %s has the ID %d, which no node gives itself", m.Name, m.ID)
	}
	wanted := ledger.Member{ID: m.ID, Name: m.Name, Addr: m.Addr, Stays: m.Learner}
	return n.change(ctx,
		func(c ledger.Config) (*raftpb.ConfChangeV2, error) { return joining(c, wanted) },
		func(all []Member) bool { return holds(all, m) })
}

const (
	maxMemberText = 1 << 10
	maxMembers    = 256 // all of them are in each checkpoint, and whoever leads sends to each
)

// joining is what makes the wanted node a member, or nil if it is one.
func joining(c ledger.Config, wanted ledger.Member) (*raftpb.ConfChangeV2, error) {
	change := &raftpb.ConfChangeV2{Context: ledger.AppendMembers(nil, wanted)}
	is, known := c.Members[wanted.ID]
	demoted := wanted.Stays && ledger.Votes(c.State, wanted.ID)
	switch {
	case known && is == wanted && !demoted:
		return nil, nil
	case known && is.Name != wanted.Name:
		return nil, fmt.Errorf("commitlog: the ID of %s is that of member %s", wanted.Name, is.Name)
	case known && !demoted:
		change.Changes = append(change.Changes, single(raftpb.ConfChangeUpdateNode, wanted.ID))
		return change, nil
	case !known && len(c.Members) >= maxMembers:
		return nil, fmt.Errorf("commitlog: there are %d members; %s is one too many", len(c.Members), wanted.Name)
	}
	for _, old := range sortedMembers(c) {
		if old.Name == wanted.Name && old.ID != wanted.ID {
			change.Changes = append(change.Changes, single(raftpb.ConfChangeRemoveNode, old.ID))
		}
	}
	change.Changes = append(change.Changes, single(raftpb.ConfChangeAddLearnerNode, wanted.ID))
	return change, nil
}

func single(t raftpb.ConfChangeType, id uint64) *raftpb.ConfChangeSingle {
	return &raftpb.ConfChangeSingle{Type: &t, NodeId: &id}
}

// holds says whether the members are as Join wants m: one that is to have a
// vote gets it later.
func holds(all []Member, m Member) bool {
	return slices.ContainsFunc(all, func(is Member) bool {
		return is.ID == m.ID && is.Addr == m.Addr && (is.Learner || !m.Learner)
	})
}

// Remove takes the member of that name out of the configuration; if there is
// none, that is as well. Only the leader can do it; a leader that removes
// itself steps down. It returns when the member is gone. It fails if nobody
// would be left to vote. If leadership is lost meanwhile, the outcome is
// [Uncertain]: ask again.
func (n *Node) Remove(ctx context.Context, name string) error {
	named := func(m Member) bool { return m.Name == name }
	return n.change(ctx,
		func(c ledger.Config) (*raftpb.ConfChangeV2, error) { return removing(c, name), nil },
		func(all []Member) bool { return !slices.ContainsFunc(all, named) })
}

func removing(c ledger.Config, name string) *raftpb.ConfChangeV2 {
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
}

// errChanging says that a change is under way; the next one waits for it.
var errChanging = errors.New("commitlog: another change of the configuration is under way")

// A plan makes a change of a configuration; nil if there is nothing to change.
type plan = func(ledger.Config) (*raftpb.ConfChangeV2, error)

// change proposes what the plan says, once the change before is made, and
// returns when the members are as done says.
func (n *Node) change(ctx context.Context, p plan, done func([]Member) bool) error {
	for {
		var term uint64
		var err error
		seen := n.view.look()
		if asked := n.call(ctx, func(k *core) { term, err = k.term, k.change(p) }); asked != nil {
			return asked
		}
		if err == nil {
			return n.changed(ctx, term, done)
		}
		if !errors.Is(err, errChanging) {
			return err
		}
		again := time.NewTimer(n.patience()) // Raft may refuse for a while, and nothing tells when it does no more
		select {
		case <-seen.changed:
		case <-again.C:
		case <-ctx.Done():
		}
		again.Stop()
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", err, ctx.Err())
		}
	}
}

// changed returns when the members are as done says, or when that may never be.
func (n *Node) changed(ctx context.Context, term uint64, done func([]Member) bool) error {
	return n.view.await(ctx, func(p picture) (bool, error) {
		if !done(p.Members) && (p.Term != term || p.Role != Leading) {
			return false, fmt.Errorf("commitlog: the members were being changed: %w",
				Uncertain{Pos{Term: term}, p.Leader, errNoLonger})
		}
		return done(p.Members), nil
	})
}

func (k *core) change(p plan) error {
	if k.failed != nil {
		return k.failed
	}
	if !k.ready {
		return NotLeader{k.leading()}
	}
	change, err := p(k.ledger.Config)
	if change == nil || err != nil {
		return err
	}
	if k.ledger.Changing() {
		return errChanging
	}
	if err := k.possible(change); err != nil {
		return err
	}
	err = k.raft.ProposeConfChange(change)
	if errors.Is(err, raft.ErrProposalDropped) {
		return errChanging
	}
	return err
}

// possible tries a change out: one that cannot be applied must not come into
// the log, where every node would fail at it for good.
func (k *core) possible(change *raftpb.ConfChangeV2) error {
	data, err := proto.Marshal(change)
	if err != nil {
		return fmt.Errorf("commitlog: a change of the members: %w", err)
	}
	now := k.ledger.Config
	_, err = now.Apply(ledger.Change{Index: now.Index + 1, Type: raftpb.EntryConfChangeV2, Data: data})
	if err != nil {
		return fmt.Errorf("commitlog: the members cannot be changed so: %w", err)
	}
	return nil
}

// promote makes a learner that has caught up a voter, one at a time, once no
// other change is under way.
func (k *core) promote() {
	if k.ready && k.ledger.Joint() {
		// Raft leaves it by itself, unless it was handing leadership over then.
		_ = k.raft.ProposeConfChange(&raftpb.ConfChangeV2{})
		return
	}
	if !k.ready || len(k.ledger.Config.State.GetLearners()) == 0 || k.ledger.Changing() {
		return
	}
	var found uint64
	k.raft.WithProgress(func(id uint64, _ raft.ProgressType, p tracker.Progress) {
		m := k.ledger.Config.Members[id]
		answers := p.RecentActive && p.State == tracker.StateReplicate
		caughtUp := p.IsLearner && answers && p.Match+promoteSlack >= k.commit
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

// moveOn hands leadership to a voter that has on disk what this node has no
// room for. Each time it moves to one that has more, so it comes to rest.
func (k *core) moveOn() {
	if k.noRoom == nil || k.role != raft.StateLeader {
		return
	}
	to := k.successor()
	k.raft.WithProgress(func(id uint64, _ raft.ProgressType, p tracker.Progress) {
		if id == to && p.Match <= k.durable {
			to = raft.None
		}
	})
	if to != raft.None {
		k.raft.TransferLeader(to)
	}
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
