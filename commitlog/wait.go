// Waiting for things to happen, instead of sleeping until they have.

package commitlog

import (
	"context"
	"iter"
	"slices"
)

// Status returns what the node knows of itself now.
func (n *Node) Status() Status { return n.view.look().Status }

// WaitCommitted returns when a quorum has the entry at index on disk, as far
// as this node knows. If the entry is replaced by another leader's meanwhile,
// it returns a [Superseded].
func (n *Node) WaitCommitted(ctx context.Context, index uint64) error {
	return n.Wait(ctx, Committed, index, 0)
}

// WaitDurable returns when the entry at index is on this node's disk, else as
// WaitCommitted.
func (n *Node) WaitDurable(ctx context.Context, index uint64) error {
	return n.Wait(ctx, Durable, index, 0)
}

// WaitApplied returns when the entry at index can be read here, else as
// WaitCommitted.
func (n *Node) WaitApplied(ctx context.Context, index uint64) error {
	return n.Wait(ctx, Applied, index, 0)
}

// Wait returns when the entry at index has come to a stage. With a term other
// than 0 it returns a [Superseded] if the entry there is of a later one, or is
// committed and of another.
func (n *Node) Wait(ctx context.Context, stage Stage, index, term uint64) error {
	since := uint64(0)
	if cuts := n.view.look().cuts; len(cuts) > 0 {
		since = cuts[len(cuts)-1].number
	}
	for {
		seen, err := n.reached(ctx, stage, index, func(c cut) error {
			if c.number > since && c.replaces(index, term) {
				return Superseded{index, term, c.term}
			}
			return nil
		})
		if err != nil || term == 0 {
			return err
		}
		is, final, err := n.termAt(ctx, index)
		switch {
		case err != nil:
			return err
		case is == term || is == 0:
			return nil
		case is > term || final:
			return Superseded{index, term, is}
		}
		// What stands there is older, and will be replaced.
		err = n.view.await(ctx, func(p picture) (bool, error) { return p.changed != seen.changed, nil })
		if err != nil {
			return err
		}
	}
}

// reached returns when whatever stands at index has come to a stage, unless
// something is wrong with one of the cuts.
func (n *Node) reached(ctx context.Context, s Stage, index uint64, wrong func(cut) error) (seen picture, err error) {
	err = n.view.await(ctx, func(p picture) (bool, error) {
		seen = p
		for _, c := range p.cuts {
			if err := wrong(c); err != nil {
				return false, err
			}
		}
		return [...]uint64{p.Committed, p.Durable, p.Applied}[s] >= index, nil
	})
	return seen, err
}

// termAt returns the term of the entry that stands at index, though perhaps
// not on the disk yet, or 0 if that is not known any more. It is final if the
// entry is committed.
func (n *Node) termAt(ctx context.Context, index uint64) (term uint64, final bool, err error) {
	err = n.call(ctx, func(k *core) {
		if m, ok := k.ledger.Mark(index); ok {
			term = m.Term
		} else {
			term, _ = k.log.Term(index) // 0 if retention has removed it
		}
		final = index <= k.ledger.Committed().Index
	})
	return term, final, err
}

// WaitOffset returns when the record with this offset can be read here.
func (n *Node) WaitOffset(ctx context.Context, offset uint64) error {
	return n.view.await(ctx, func(p picture) (bool, error) { return p.Next > offset, nil })
}

// WatchLeader yields who leads: first the present leader, then each change,
// until ctx ends or the node is shut down. A slow reader misses leaders that
// were followed by others meanwhile, never the last one.
func (n *Node) WatchLeader(ctx context.Context) iter.Seq[Leader] {
	return func(yield func(Leader) bool) {
		seen, first := uint64(0), true
		for {
			var now Leader
			err := n.view.awaitUnless(ctx, func(p picture) (bool, error) {
				now = p.Leader
				return first || now.Gen != seen, nil
			}, func(p picture) error { return p.dead })
			if err != nil || !yield(now) {
				return
			}
			seen, first = now.Gen, false
		}
	}
}

// WaitLeader returns who leads, as soon as it is somebody not named in except.
func (n *Node) WaitLeader(ctx context.Context, except ...string) (found Leader, err error) {
	err = n.view.await(ctx, func(p picture) (bool, error) {
		found = p.Leader
		return found.ID != "" && !slices.Contains(except, found.ID), nil
	})
	if err != nil {
		return Leader{}, err
	}
	return found, nil
}

// WaitMembers returns when the configuration, as this node knows it, is as ok
// says.
func (n *Node) WaitMembers(ctx context.Context, ok func([]Member) bool) error {
	return n.view.await(ctx, func(p picture) (bool, error) { return ok(p.Members), nil })
}
