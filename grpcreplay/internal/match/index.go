// The index: a tape made ready for matching.

package match

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// An Index is a tape made ready for matching. It is immutable: any number of
// replays may share it.
type Index struct {
	tape    *tape.Tape
	must    []string // the keys whose values must be equal
	lenient bool
	waits   bool // an event waits for one of another call

	trie
	messages messages
	ranks    ranks
	methods  map[string]int32
	groups   map[string]int32 // by method and the values of must
	methodOf []int32          // of a group
	byClient []uint64         // a bit for each call that its client ended
	overtime map[int32]bool   // those of them that ended because their time was over
}

// New indexes a tape. Calls of 4 GiB and more are not on offer.
func New(t *tape.Tape, o Options) *Index {
	ix := &Index{
		tape: t, must: o.Metadata, lenient: t.Head.Lenient,
		trie: newTrie(t.Len()), messages: newMessages(t, o.Canon), ranks: newRanks(o),
		methods: map[string]int32{}, groups: map[string]int32{}, byClient: make([]uint64, (t.Len()+63)/64),
		overtime: map[int32]bool{},
	}
	b := building{Index: ix}
	for i := range t.Len() {
		if packed := t.Packed(i); (o.Skip == nil || !o.Skip(i)) && len(packed) <= math.MaxUint32 {
			b.outline.Fill(packed)
			ix.waits = ix.waits || b.outline.Waits
			b.insert(int32(i), b.path(i))
		}
	}
	ix.clip()
	return ix
}

// Waits tells whether any event waits for one of another call.
func (ix *Index) Waits() bool { return ix.waits }

// clip gives back room that growing left.
func (ix *Index) clip() {
	ix.nodes, ix.edges = slices.Concat(ix.nodes), slices.Concat(ix.edges)
	ix.found.fit(ix.hashOf)
	ix.messages.clip()
	ix.ranks.room = nil
}

// building is an index while calls are put in, and the room that takes.
type building struct {
	*Index
	outline tape.Outline
	edges   []edge
	key     []byte
}

// path returns the edges of the ith call, whose outline is filled.
func (b *building) path(i int) []edge {
	o := &b.outline
	method, group := b.group()
	b.edges = append(b.edges[:0], groups+word.of(group))
	sent, half, ended := false, false, tape.Kind(0)
	behind := 0 // events behind the end
	for n, a := range o.Events {
		switch {
		case a.Kind == tape.Send:
			b.edges = append(b.edges, message.of(b.messages.add(method, i, a)))
			sent = true
		case a.Kind == tape.CloseSend && !b.lenient:
			b.edges = append(b.edges, closed)
			half = true
		case a.Kind == tape.Cancel || a.Kind == tape.End:
			ended = a.Kind
		}
		if ended != 0 {
			behind = len(o.Events) - n - 1
			break
		}
	}
	if ended == tape.Cancel {
		b.byClient[i/64] |= 1 << (i % 64)
		if ranOut(b.tape.Call(i)) {
			b.overtime[int32(i)] = true
		}
	}
	switch {
	case b.lenient && behind > 0 && ended == tape.End: // else nobody knows whether it had half-closed
		b.edges = append(b.edges, open, done)
	case half || b.lenient:
	case sent && o.Shape.OneRequest(): // that it half-closed then goes without saying
		b.edges = append(b.edges, closed)
	case ended == tape.End:
		b.edges = append(b.edges, open, done)
	case b.overtime[int32(i)]:
		b.edges = append(b.edges, open, lapsed)
	default:
		b.edges = append(b.edges, open)
	}
	return append(b.edges, pairs.of(b.ranks.add(o.Pairs)))
}

// group returns the numbers of the call's method and of its group.
func (b *building) group() (method, group int32) {
	method, known := b.methods[string(b.outline.Method)]
	if !known {
		method = int32(len(b.methods))
		name := string(b.outline.Method)
		b.methods[name], b.messages.names = method, append(b.messages.names, name)
	}
	if known && len(b.must) == 0 { // groups are numbered as methods are
		return method, method
	}
	b.key = binary.AppendUvarint(b.key[:0], uint64(method))
	for _, must := range b.must {
		for _, p := range b.outline.Pairs {
			if string(p.Key) == must {
				b.key = appendValue(b.key, p.Value)
			}
		}
		b.key = append(b.key, 0)
	}
	group, known = b.groups[string(b.key)]
	if !known {
		group = int32(len(b.groups))
		b.groups[string(b.key)], b.methodOf = group, append(b.methodOf, method)
	}
	return method, group
}

func appendValue[T string | []byte](key []byte, value T) []byte {
	return append(binary.AppendUvarint(key, uint64(len(value))+1), value...)
}

// group returns the numbers of a live call's method and group, if recorded
// calls are in it.
func (ix *Index) group(name string, ps []tape.Pair) (method, group int32, known bool) {
	method, known = ix.methods[name]
	if !known || len(ix.must) == 0 {
		return method, method, known
	}
	key := binary.AppendUvarint(make([]byte, 0, 64), uint64(method))
	for _, must := range ix.must {
		for _, p := range ps {
			if p.Key == must {
				key = appendValue(key, p.Value)
			}
		}
		key = append(key, 0)
	}
	group, known = ix.groups[string(key)]
	return method, group, known
}

// endedByClient tells whether the recorded client ended the call itself.
func (ix *Index) endedByClient(call int32) bool { return ix.byClient[call/64]>>(call%64)&1 != 0 }
