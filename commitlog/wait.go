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
// than 0 it returns a [Superseded] if the entry there is of another.
func (n *Node) Wait(ctx context.Context, stage Stage, index, term uint64) error {
	since := uint64(0)
	if cuts := n.view.look().cuts; len(cuts) > 0 {
		since = cuts[len(cuts)-1].number
	}
	err := n.view.await(ctx, func(p picture) (bool, error) {
		for _, c := range p.cuts {
			if c.number > since && c.index <= index {
				return false, Superseded{index, term, c.term}
			}
		}
		return [...]uint64{p.Committed, p.Durable, p.Applied}[stage] >= index, nil
	})
	if err != nil || term == 0 {
		return err
	}
	if is, err := n.log.Term(index); err == nil && is != term {
		return Superseded{index, term, is}
	}
	return nil
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
