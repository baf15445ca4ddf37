// The deck: what of a recording is used up, and how much is claimed.

package match

// A Deck is one replay of an index: it knows which calls are used up. It is
// for one goroutine at a time.
//
// A live call that is not decided yet claims one of the calls under the node
// where it stands, without saying which. That can be granted as long as no
// node has more claims on what is under it than it has free calls: what can
// be claimed are subtrees, which are apart or within each other, so Hall's
// condition (Hall, 1935) comes down to a count for each node. So whatever is
// chosen for one never leaves another with nothing.
type Deck struct {
	ix      *Index
	used    []uint64 // a bit for each call
	pages   [][]tally
	accords map[int32]accord
	open    list   // undecided, in no order
	bound   list   // decided and under way
	parts   []Left // decided, over, and not made wholly
	stamps  int
	told    []int32 // by call: how many of its client's events were marked
}

// A tally is what a deck knows of a node.
type tally struct {
	used   int32 // calls under it
	claims int32 // of undecided live calls at it or under it
	head   int32 // no call before it is free, or no child; 0: the first may be. Of a leaf, a call plus 1
}

const pageSize = 64

// Deck starts a replay.
func (ix *Index) Deck() *Deck {
	return &Deck{
		ix: ix, used: make([]uint64, len(ix.byClient)), pages: make([][]tally, len(ix.nodes)/pageSize+1),
		accords: map[int32]accord{}, told: make([]int32, ix.tape.Len()),
	}
}

// at returns a node's tally, for change.
func (d *Deck) at(v int32) *tally {
	page := &d.pages[v/pageSize]
	if *page == nil {
		*page = make([]tally, pageSize)
	}
	return &(*page)[v%pageSize]
}

// peek returns a node's tally, for reading.
func (d *Deck) peek(v int32) tally {
	if page := d.pages[v/pageSize]; page != nil {
		return page[v%pageSize]
	}
	return tally{}
}

// free returns how many calls under v are not used.
func (d *Deck) free(v int32) int32 { return d.ix.nodes[v].count - d.peek(v).used }

// room tells whether one more live call may claim a call under v.
func (d *Deck) room(v int32) bool {
	c := d.peek(v)
	return c.claims < d.ix.nodes[v].count-c.used
}

func (d *Deck) isUsed(call int32) bool { return d.used[call/64]>>(call%64)&1 != 0 }

// claim adds n to the claims at v and above it.
func (d *Deck) claim(v, n int32) {
	for ; v != 0; v = d.ix.nodes[v].parent {
		d.at(v).claims += n
	}
}

// take uses up a call at a leaf.
func (d *Deck) take(call, leaf int32) {
	d.used[call/64] |= 1 << (call % 64)
	for v := leaf; v != 0; v = d.ix.nodes[v].parent {
		d.at(v).used++
	}
}

// giveBack makes a call free that take used up.
func (d *Deck) giveBack(call, leaf int32) {
	d.used[call/64] &^= 1 << (call % 64)
	for v := leaf; v != 0; v = d.ix.nodes[v].parent {
		t := d.at(v)
		t.used, t.head = t.used-1, 0
	}
}

// firstFree returns the first free call in a leaf's queue, -1 if none is.
func (d *Deck) firstFree(leaf int32) int32 {
	n, t := &d.ix.nodes[leaf], d.at(leaf)
	call := n.first
	if t.head > 0 {
		call = t.head - 1
	}
	call = d.freeFrom(call)
	if call >= 0 {
		t.head = call + 1
	}
	return call
}

// freeFrom returns the first free call in a queue from one of its calls on,
// -1 if none is.
func (d *Deck) freeFrom(call int32) int32 {
	for call >= 0 && d.isUsed(call) {
		call = d.ix.next[call]
	}
	return call
}

// firstChild returns the first child of v that has free calls, or 0.
func (d *Deck) firstChild(v int32) int32 {
	t := d.at(v)
	if t.head == 0 {
		t.head = d.ix.nodes[v].child
	}
	for t.head != 0 && d.free(t.head) == 0 {
		t.head = d.ix.nodes[t.head].after
	}
	return t.head
}

// narrow returns the lowest node under which all free calls under v lie.
func (d *Deck) narrow(v int32) int32 {
	for d.ix.nodes[v].child != 0 {
		w := d.firstChild(v)
		if w == 0 || d.free(w) != d.free(v) {
			break
		}
		v = w
	}
	return v
}

// A list holds live calls.
type list struct{ first *Talk }

func (l *list) add(t *Talk) {
	t.before, t.after = nil, l.first
	if l.first != nil {
		l.first.before = t
	}
	l.first = t
}

func (l *list) remove(t *Talk) {
	if t.before != nil {
		t.before.after = t.after
	} else {
		l.first = t.after
	}
	if t.after != nil {
		t.after.before = t.before
	}
}
