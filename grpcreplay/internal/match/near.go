// Which recorded calls resemble one that nothing answers.

package match

import (
	"cmp"
	"slices"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A Near is a recorded call that resembles a live one.
type Near struct {
	Call   int      // its place on the tape
	Method string   // its method; if it is another than asked for, only the name resembles
	Used   bool     // a live call has it already
	Same   int      // how many of the client's messages agree, from the first on
	Keys   []string // the keys whose values must be equal and are not

	like float64 // how much of the first message that does not agree is equal, from 0 to 1
	rank int     // how many pairs of metadata differ
}

// most is how many calls Nearest returns.
const most = 3

// Nearest returns up to three calls that resemble a live one, best first, used
// or not: those of its method, by the keys that must be equal, by how many
// messages agree, by how much of the next is equal, by whether they are free,
// by metadata, by recorded order. If there are none, it returns the first
// calls of methods with names like the method's.
func (d *Deck) Nearest(method string, ps []tape.Pair, sent [][]byte, closed bool) []Near {
	ix := d.ix
	id, known := ix.methods[method]
	if !known {
		return ix.namesakes(method)
	}
	s := search{deck: d, pairs: ps, sent: sent, closed: closed}
	s.ranks, _ = ix.ranks.of(ps)
	for _, msg := range sent {
		class, known := ix.messages.find(id, msg)
		if !known {
			class = -1
		}
		s.classes = append(s.classes, class)
	}
	for group, of := range ix.methodOf {
		if v := ix.under(0, groups+word.of(int32(group))); of == id && v != 0 {
			ix.eachLeaf(v, s.add)
		}
	}
	for i := range s.best {
		s.best[i].Method = method
	}
	return s.best
}

// A search goes over leaves and keeps the best.
type search struct {
	deck    *Deck
	pairs   []tape.Pair
	ranks   []uint64
	sent    [][]byte
	classes []int32
	closed  bool
	best    []Near
	outline tape.Outline
}

// add considers the calls of a leaf, which are alike.
func (s *search) add(leaf int32) {
	ix := s.deck.ix
	n := Near{Call: int(s.deck.firstFree(leaf)), rank: ix.ranks.distance(s.ranks, ix.rankOf(leaf))}
	if n.Call < 0 {
		n.Call, n.Used = int(ix.nodes[leaf].first), true
	}
	s.outline.Fill(ix.tape.Packed(n.Call))
	for _, key := range ix.must {
		if !slices.Equal(tape.Values(s.pairs, key), s.values(key)) {
			n.Keys = append(n.Keys, key)
		}
	}
	for n.Same < len(s.classes) && s.classes[n.Same] >= 0 &&
		ix.edgeAt(leaf, int32(n.Same)+1) == message.of(s.classes[n.Same]) {
		n.Same++
	}
	n.like = s.likeness(n.Same)
	at, _ := slices.BinarySearchFunc(s.best, n, order)
	if at < most {
		s.best = slices.Insert(s.best, at, n)
		s.best = s.best[:min(len(s.best), most)]
	}
}

// values returns a key's values in the outline.
func (s *search) values(key string) (values []string) {
	for _, p := range s.outline.Pairs {
		if string(p.Key) == key {
			values = append(values, string(p.Value))
		}
	}
	return values
}

// likeness compares the first message that does not agree with what stands in
// its place.
func (s *search) likeness(same int) float64 {
	n := 0
	for _, a := range s.outline.Events {
		if a.Kind != tape.Send {
			continue
		}
		if n == same && n < len(s.sent) {
			return like(s.sent[n], a.Message)
		}
		n++
	}
	switch {
	case n != same || len(s.sent) != same:
		return 0
	case s.closed:
		return 1
	}
	return 0.5
}

// order is negative if a is nearer than b.
func order(a, b Near) int {
	return cmp.Or(
		cmp.Compare(len(a.Keys), len(b.Keys)), cmp.Compare(b.Same, a.Same), cmp.Compare(b.like, a.like),
		cmp.Compare(number(a.Used), number(b.Used)), cmp.Compare(a.rank, b.rank), cmp.Compare(a.Call, b.Call),
	)
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// like returns what part of the longer of two texts is equal at their
// beginnings and ends.
func like[T string | []byte](a, b T) float64 {
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(a) == 0 {
		return 1
	}
	n := 0
	for n < len(b) && a[n] == b[n] {
		n++
	}
	from := n
	for n < len(b) && a[len(a)-1-n+from] == b[len(b)-1-n+from] {
		n++
	}
	return float64(n) / float64(len(a))
}

// namesakes returns the first calls of methods whose names are like a name.
func (ix *Index) namesakes(name string) []Near {
	var near []Near
	for id, other := range ix.messages.names {
		if alike := like(name, other); alike >= 0.5 {
			near = append(near, Near{Call: int(ix.firstOf(int32(id))), Method: other, like: alike})
		}
	}
	slices.SortFunc(near, order)
	return near[:min(len(near), most)]
}

// firstOf returns the first call of a method.
func (ix *Index) firstOf(method int32) int32 {
	call := int32(-1)
	for group, of := range ix.methodOf {
		first := ix.nodes[ix.under(0, groups+word.of(int32(group)))].first
		if of == method && (call < 0 || first < call) {
			call = first
		}
	}
	return call
}

// eachLeaf visits the leaves under v.
func (x *trie) eachLeaf(v int32, visit func(leaf int32)) {
	for stack := []int32{v}; len(stack) > 0; {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if x.nodes[top].child == 0 {
			visit(top)
			continue
		}
		for w := x.nodes[top].child; w != 0; w = x.nodes[w].after {
			stack = append(stack, w)
		}
	}
}
