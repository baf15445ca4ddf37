// Going over the free calls under a node, in recorded order.

package match

import "slices"

// A walk goes over the free calls under a node in recorded order, without
// looking at more of the tree than it must: what it has not entered yet waits
// in a heap, by its first call.
type walk struct {
	deck     *Deck
	top      int32
	feasible bool // only calls that leave enough to other live calls, for one that stands at top
	heads    bool // only the first of each leaf
	heap     []place
}

// A place is a call at which a node is to be entered, or, if it is entered
// already, at which its queue goes on.
type place struct {
	call, node int32
	entered    bool
}

func (d *Deck) walk(top int32) *walk {
	return &walk{deck: d, top: top, heap: []place{{d.ix.nodes[top].first, top, false}}}
}

// next returns the next call and its leaf; -1 if there is none.
func (w *walk) next() (call, leaf int32) {
	d, ix := w.deck, w.deck.ix
	for len(w.heap) > 0 {
		p := w.pop()
		switch {
		case !p.entered:
			w.enter(p)
		case !d.isUsed(p.call):
			if next := ix.next[p.call]; next >= 0 && !w.heads {
				w.push(place{next, p.node, true})
			}
			return p.call, p.node
		default:
			if next := d.freeFrom(p.call); next >= 0 {
				w.push(place{next, p.node, true})
			}
		}
	}
	return -1, 0
}

// enter puts what is under a node into the heap, and its next sibling.
func (w *walk) enter(p place) {
	d, n := w.deck, &w.deck.ix.nodes[p.node]
	if p.node != w.top && n.after != 0 {
		w.push(place{d.ix.nodes[n.after].first, n.after, false})
	}
	if d.free(p.node) == 0 || w.feasible && p.node != w.top && !d.room(p.node) {
		return
	}
	if n.child == 0 {
		w.push(place{d.firstFree(p.node), p.node, true})
		return
	}
	if child := d.firstChild(p.node); child != 0 {
		w.push(place{d.ix.nodes[child].first, child, false})
	}
}

func (w *walk) push(p place) {
	w.heap = append(w.heap, p)
	for i := len(w.heap) - 1; i > 0 && w.heap[i].call < w.heap[(i-1)/2].call; i = (i - 1) / 2 {
		w.heap[i], w.heap[(i-1)/2] = w.heap[(i-1)/2], w.heap[i]
	}
}

func (w *walk) pop() place {
	top, last := w.heap[0], len(w.heap)-1
	w.heap[0], w.heap = w.heap[last], w.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if w.heap[child].call < w.heap[least].call {
				least = child
			}
		}
		if least == i {
			return top
		}
		w.heap[i], w.heap[least] = w.heap[least], w.heap[i]
		i = least
	}
}

// mostRanks is how many different sets of metadata are compared for one live
// call; those behind them do not come into question.
const mostRanks = 64

// choose returns the call under v that a live call is to have, and its leaf:
// of those that accept takes, if it is given, the one whose metadata is most
// like its own, and of those the first. It is -1 if there is none. The live
// call must stand at v or above it on a way without branches.
func (t *Talk) choose(v int32, accept func(call, leaf int32) bool) (call, leaf int32) {
	d := t.deck
	if accept == nil {
		if call, leaf = t.sure(v); call >= 0 {
			return call, leaf
		}
	}
	hashes, id := d.ix.ranks.of(t.pairs)
	w := d.walk(v)
	w.feasible, w.heads = true, accept == nil
	seen, nearest := make([]int32, 0, 8), 0
	call = -1
	for c, at := w.next(); c >= 0 && len(seen) < mostRanks; c, at = w.next() {
		set := d.ix.rankOf(at)
		if slices.Contains(seen, set) || accept != nil && !accept(c, at) {
			continue
		}
		seen = append(seen, set)
		if apart := d.ix.ranks.distance(hashes, set); call < 0 || apart < nearest {
			call, leaf, nearest = c, at, apart
		}
		if set == id {
			break
		}
	}
	return call, leaf
}

// sure returns the call that ranks first under v if that is told without
// comparing: it is the only leaf, or one with equal metadata; else -1.
func (t *Talk) sure(v int32) (call, leaf int32) {
	ix := t.deck.ix
	if ix.nodes[v].child == 0 {
		return t.deck.firstFree(v), v
	}
	if ix.nodes[v].hard || ix.under(v, done) != 0 || ix.under(v, lapsed) != 0 {
		return -1, 0
	}
	_, id := ix.ranks.of(t.pairs)
	if id < 0 {
		return -1, 0
	}
	if leaf = ix.under(v, pairs.of(id)); leaf == 0 {
		return -1, 0
	}
	return t.deck.firstFree(leaf), leaf
}
