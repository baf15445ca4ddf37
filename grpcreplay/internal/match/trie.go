// The tree of conversations.

package match

// An edge is a step of a conversation, as a number: its kind in the two low
// bits, what it carries above. A call's path is these edges:
//
//	group, what the client did, [open, [done or lapsed]], pairs
//
// The group stands for the method and the values of the keys that must be
// equal. A call whose client never half-closed goes on with open, and if its
// server ended it nevertheless, with done, if its time was over, with lapsed:
// so the calls that a late half-close fits lie under one node, and those that a
// late message fits under one or two below it. The last edge stands for the metadata that ranks. No path begins
// another, so a call always lies at a leaf.
type edge int32

const (
	word edge = iota // one of those below, or a group
	message
	pairs
	kinds = 3 // the bits of the kind
)

const (
	closed edge = word | iota<<2 // the client half-closed
	open                         // it never did
	done                         // and the server ended the call
	lapsed                       // and the call's time was over
	groups                       // the first group
)

// of returns the edge of a kind that carries n.
func (kind edge) of(n int32) edge { return edge(n)<<2 | kind }

// soft tells whether nothing that a client does leads over the edge but what
// it may do at any time.
func (e edge) soft() bool { return e&kinds == pairs || e.late() }

// late tells whether a message that comes behind the edge is too late to tell
// anything.
func (e edge) late() bool { return e == done || e == lapsed }

// A node is a stretch of edges and those calls whose paths go over it. Node 0
// is the root; as a reference it stands for none. A leaf has no children, and
// its calls wait in a queue, in recorded order: from first over Index.next to
// last.
type node struct {
	parent, before, after int32 // before and after are its siblings, in the order of their first calls
	child, last           int32 // of a leaf, last is a call
	first                 int32 // the first call
	count                 int32 // of calls
	label, size           int32 // its edges, within Index.edges
	base                  int32 // how many edges lead to it
	hard                  bool  // what a client may do yet tells its children apart
}

// A trie is the tree, in flat arrays.
type trie struct {
	nodes []node
	edges []edge
	next  []int32 // of each call the one behind it in its leaf's queue; -1: none
	found table   // nodes by their parent and first edge
}

func newTrie(calls int) trie {
	x := trie{
		nodes: make([]node, 1, calls+2), edges: make([]edge, 0, 4*calls), next: make([]int32, calls),
		found: newTable(calls),
	}
	for i := range x.next {
		x.next[i] = -1
	}
	return x
}

// mix is the finaliser of MurmurHash3 (Appleby, 2011).
func mix(z uint64) uint64 {
	z = (z ^ z>>33) * 0xff51afd7ed558ccd
	z = (z ^ z>>33) * 0xc4ceb9fe1a85ec53
	return z ^ z>>33
}

// hashOf returns the hash under which a node is found.
func (x *trie) hashOf(v int32) uint32 {
	n := &x.nodes[v]
	return hashUnder(n.parent, x.edges[n.label])
}

func hashUnder(v int32, e edge) uint32 { return uint32(mix(uint64(v)<<32 | uint64(uint32(e)))) }

// under returns the child of v over e, or 0.
func (x *trie) under(v int32, e edge) int32 {
	h := hashUnder(v, e)
	for w, at := x.found.next(h, h); w != 0; w, at = x.found.next(h, at) {
		if n := &x.nodes[w]; n.parent == v && x.edges[n.label] == e {
			return w
		}
	}
	return 0
}

// path returns the edges of a node.
func (x *trie) path(v int32) []edge {
	n := &x.nodes[v]
	return x.edges[n.label : n.label+n.size]
}

// edgeAt returns the edge at a depth of the way to v and through it; behind
// its end, pairs.
func (x *trie) edgeAt(v, depth int32) edge {
	for x.nodes[v].base > depth {
		v = x.nodes[v].parent
	}
	if n := &x.nodes[v]; depth < n.base+n.size {
		return x.edges[n.label+depth-n.base]
	}
	return pairs
}

// holder returns the node on the way to v in which the depth's last edge lies.
func (x *trie) holder(v, depth int32) int32 {
	for v != 0 && x.nodes[v].base >= depth {
		v = x.nodes[v].parent
	}
	return v
}

// within tells whether v is w or under it.
func (x *trie) within(v, w int32) bool {
	for v != 0 && v != w && x.nodes[v].base > x.nodes[w].base {
		v = x.nodes[v].parent
	}
	return v == w
}

// rankOf returns the number of the metadata of a leaf's calls.
func (x *trie) rankOf(leaf int32) int32 {
	n := &x.nodes[leaf]
	return int32(x.edges[n.label+n.size-1] >> 2)
}

// insert adds a call, the last so far.
func (x *trie) insert(call int32, path []edge) {
	v := int32(0)
	for {
		x.nodes[v].count++
		w := x.under(v, path[0])
		if w == 0 {
			x.add(v, call, path)
			return
		}
		n := common(x.path(w), path)
		if n < x.nodes[w].size {
			w = x.split(w, n)
		}
		path = path[n:]
		if len(path) == 0 {
			leaf := &x.nodes[w]
			leaf.count++
			x.next[leaf.last], leaf.last = call, call
			return
		}
		v = w
	}
}

func common(a, b []edge) int32 {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return int32(n)
}

// add puts a leaf under v.
func (x *trie) add(v, call int32, path []edge) {
	p, w := &x.nodes[v], int32(len(x.nodes))
	leaf := node{
		parent: v, before: p.last, first: call, last: call, count: 1,
		label: int32(len(x.edges)), size: int32(len(path)), base: p.base + p.size,
	}
	if p.child == 0 {
		p.child = w
	} else {
		x.nodes[p.last].after = w
	}
	p.last, p.hard = w, p.hard || !path[0].soft()
	x.edges = append(x.edges, path...)
	x.nodes = append(x.nodes, leaf)
	x.found.put(w, x.hashOf)
}

// split puts a node of the first n edges of w above w, and returns it.
func (x *trie) split(w, n int32) int32 {
	u, upper := int32(len(x.nodes)), x.nodes[w]
	x.found.replace(x.hashOf(w), w, u)
	upper.size, upper.child, upper.last = n, w, w
	upper.hard = !x.edges[upper.label+n].soft()
	x.nodes = append(x.nodes, upper)
	x.relink(w, u)
	lower := &x.nodes[w]
	lower.parent, lower.before, lower.after = u, 0, 0
	lower.label, lower.size, lower.base = lower.label+n, lower.size-n, lower.base+n
	x.found.put(w, x.hashOf)
	return u
}

// relink makes u stand among the children where w stands.
func (x *trie) relink(w, u int32) {
	n := &x.nodes[w]
	p := &x.nodes[n.parent]
	if n.before == 0 {
		p.child = u
	} else {
		x.nodes[n.before].after = u
	}
	if n.after == 0 {
		p.last = u
	} else {
		x.nodes[n.after].before = u
	}
}
