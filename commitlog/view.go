// What a node shows of itself: one picture, replaced whenever something changes.

package commitlog

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"go.etcd.io/raft/v3"

	"github.com/rehearse-go/rehearse/commitlog/internal/ledger"
)

// A view is a Status and who waits for the next one.
type view struct {
	mu      sync.Mutex
	now     Status
	cuts    []cut
	changed chan struct{} // closed when there is another picture
	dead    error         // why there will be none
}

// A cut says that entries were replaced.
type cut struct {
	number      uint64
	index, last uint64 // the first and the last that were
	term        uint64 // of what stands there now
}

// replaces says whether the entry of that index and term was among them. If
// its term is not known, 0, whatever was replaced there is taken for it.
func (c cut) replaces(index, term uint64) bool {
	if term == 0 {
		return c.index <= index && index <= c.last
	}
	return c.index <= index && term < c.term
}

const keptCuts = 64

func newView() *view { return &view{changed: make(chan struct{})} }

// show replaces the picture.
func (v *view) show(s Status, cuts []cut) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = s
	for _, c := range cuts {
		c.number = 1
		if n := len(v.cuts); n > 0 {
			c.number = v.cuts[n-1].number + 1
		}
		v.cuts = append(v.cuts, c)
	}
	v.cuts = v.cuts[max(0, len(v.cuts)-keptCuts):] // in place: pictures hold them still
	close(v.changed)
	v.changed = make(chan struct{})
}

// end says that nothing will change any more: a node that has ended leads
// nobody and takes nothing.
func (v *view) end(why error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.dead == nil {
		v.dead = why
		v.now.Role, v.now.Leader.ID, v.now.Leader.Addr = Follower, "", ""
		v.now.Failed = cmp.Or(v.now.Failed, why)
		close(v.changed)
	}
}

// A picture is a view at one moment.
type picture struct {
	Status
	cuts    []cut
	changed <-chan struct{}
	dead    error
}

func (v *view) look() picture {
	v.mu.Lock()
	defer v.mu.Unlock()
	return picture{v.now, v.cuts, v.changed, v.dead}
}

// await returns once ok says so or fails, looking at every change. On a node
// that has latched nothing is worth waiting for.
func (v *view) await(ctx context.Context, ok func(picture) (bool, error)) error {
	return v.awaitUnless(ctx, ok, func(p picture) error {
		if errors.As(p.Failed, new(Latched)) {
			return p.Failed
		}
		return p.dead
	})
}

// awaitUnless is await with an end of its own.
func (v *view) awaitUnless(ctx context.Context, ok func(picture) (bool, error), end func(picture) error) error {
	for {
		p := v.look()
		if done, err := ok(p); done || err != nil {
			return err
		}
		if err := end(p); err != nil {
			return err
		}
		select {
		case <-p.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// status is the core's part of a Status.
func (k *core) status() Status {
	s := Status{
		ID: k.id, Role: k.roleNow(), Leader: k.leading(), Term: k.term,
		Committed: k.commit, Applied: k.applied.Index, Durable: k.durable,
		Low: k.low, Next: k.applied.Offset + uint64(k.applied.Count), Failed: k.failed,
	}
	if s.Failed == nil {
		s.Failed = k.noRoom
	}
	if k.put { // what is committed cannot be told from what was there before
		s.Committed = s.Applied
	}
	if k.failed != nil { // it hears nobody any more
		s.Role, s.Leader = Follower, Leader{Term: k.term}
	}
	return s
}

func (k *core) roleNow() Role {
	switch k.role {
	case raft.StateLeader:
		if k.ready {
			return Leading
		}
		return Candidate
	case raft.StateCandidate, raft.StatePreCandidate:
		return Candidate
	}
	if ledger.Holds(k.ledger.Config.State, k.id) && !ledger.Votes(k.ledger.Config.State, k.id) {
		return Learning
	}
	return Follower
}

// members tells the configuration, in the order of names.
func (k *core) members() []Member {
	var told []Member
	for _, m := range sortedMembers(k.ledger.Config) {
		told = append(told, Member{
			Name: m.Name, Addr: m.Addr, ID: m.ID,
			Learner: !ledger.Votes(k.ledger.Config.State, m.ID), Leader: m.ID == k.leader && k.leading().ID != "",
		})
	}
	return told
}

func sortedMembers(c ledger.Config) []ledger.Member {
	return slices.SortedFunc(maps.Values(c.Members), func(a, b ledger.Member) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}
