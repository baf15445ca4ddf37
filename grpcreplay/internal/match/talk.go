// A live call: what its client does.

package match

import "github.com/rehearse-go/rehearse/grpcreplay/internal/tape"

// A Talk is one live call. Of several recorded calls that begin alike it is
// undecided which one answers it, as long as they do the same.
type Talk struct {
	deck          *Deck
	before, after *Talk // in a list of the deck
	pairs         []tape.Pair
	method        int32
	gone          bool // nothing fits it any more, or it is over

	// Where it stands in the tree: so many edges deep, the last of them in
	// node. Once it is decided, leaf says the way, and node nothing.
	node, depth  int32
	stamp        int // when it came to node
	sent, halves int // what its client did
	taken        int // how many of the server's events were delivered
	call, leaf   int32
	recorded     *tape.Call // the call, once decided
	at           cursor     // the server's next event in it
	common       int        // how many were delivered before that
	cut, ended   bool       // its client ended it, as the recorded one did; its server ended it

	seen   *tape.Call // the call that was looked at last
	seenAs int32
	lead   lead
	marked []progress // of the calls that it was presumed to be
}

// Open begins a live call. The pairs are its metadata, in lower case, and not
// to be changed while it lasts.
func (d *Deck) Open(method string, ps []tape.Pair) *Talk {
	t := &Talk{deck: d, pairs: ps, call: -1, seenAs: -1}
	var group int32
	var known bool
	t.method, group, known = d.ix.group(method, ps)
	if !known || !t.goes(groups+word.of(group)) {
		t.gone = true
		return t
	}
	d.open.add(t)
	return t
}

// Fits tells whether a recorded call that is free goes on as the client did.
func (t *Talk) Fits() bool { return !t.gone }

// Send says that the client sent a message. It is false if no recorded call
// that is free goes on like this; the talk is over then, and has given back
// what it had no answer of. Where the recorded server ended the call before
// its client half-closed, or its time was over, a message that comes after
// everything recorded is let pass: in truth it would be lost on its way. Over
// tells beforehand.
func (t *Talk) Send(msg []byte) bool {
	if t.gone {
		return false
	}
	class, known := t.deck.ix.messages.find(t.method, msg)
	for again := true; again; again = t.reconsider() {
		switch {
		case known && t.tooLate(class) && t.late():
			return true
		case known && t.goes(message.of(class)):
			t.sent++
			return true
		case t.late():
			return true
		}
	}
	t.mismatch()
	return false
}

// CloseSend says that the client half-closed. It is false as Send is. Where
// the recorded client never half-closed, it is let pass after everything else
// that the client did.
func (t *Talk) CloseSend() bool {
	if t.gone {
		return false
	}
	t.halves++
	if t.deck.ix.lenient || t.last().late() {
		return true
	}
	for again := true; again; again = t.reconsider() {
		if t.goes(closed) || t.goes(open) {
			return true
		}
	}
	t.mismatch()
	return false
}

// last returns the edge that led to where the talk stands.
func (t *Talk) last() edge { return t.deck.ix.edgeAt(t.where(), t.depth-1) }

// where returns a node whose way leads through where the talk stands.
func (t *Talk) where() int32 {
	if t.call >= 0 {
		return t.leaf
	}
	return t.node
}

// goes moves over an edge, if that is possible.
func (t *Talk) goes(e edge) bool {
	d := t.deck
	if t.call >= 0 {
		if d.ix.edgeAt(t.leaf, t.depth) != e {
			return false
		}
		t.depth++
		return true
	}
	if n := &d.ix.nodes[t.node]; t.depth < n.base+n.size {
		if d.ix.edges[n.label+t.depth-n.base] != e {
			return false
		}
		t.depth++
		return true
	}
	w := d.ix.under(t.node, e)
	if w == 0 || !d.room(w) {
		return false
	}
	d.at(w).claims++
	t.arrive(w, t.depth+1)
	return true
}

// arrive stands the talk at a node.
func (t *Talk) arrive(node, depth int32) {
	t.deck.stamps++
	t.node, t.depth, t.stamp = node, depth, t.deck.stamps
}

// Call returns the place on the tape of the call that answers, once that is
// decided.
func (t *Talk) Call() (int, bool) { return int(t.call), t.call >= 0 }

// look unpacks a call.
func (t *Talk) look(call int32) *tape.Call {
	if t.seenAs != call {
		t.seenAs, t.seen = call, t.deck.ix.tape.Call(int(call))
	}
	return t.seen
}

// Over tells whether the server has ended the call, whether or not its client
// has come to know: whatever call answers, its server ended it before the
// client half-closed, and the client has done all that it did before that. A
// message would be lost on its way.
func (t *Talk) Over() bool {
	if t.gone {
		return false
	}
	ix, v := t.deck.ix, t.where()
	if t.call < 0 {
		v = t.deck.narrow(t.node)
	}
	return t.last() == done || ix.edgeAt(v, t.depth) == open && ix.edgeAt(v, t.depth+1) == done
}

// bind decides for a call.
func (t *Talk) bind(call, leaf int32) {
	d := t.deck
	d.claim(t.node, -1)
	d.open.remove(t)
	d.take(call, leaf)
	d.bound.add(t)
	t.call, t.leaf, t.common = call, leaf, t.taken
	t.recorded = t.look(call)
	t.at = cursor{}.skip(t.recorded, t.taken)
}

// reconsider undoes bind, if nothing was delivered of the call since: then
// another one may yet answer. The call comes free again, unless a talk that
// is undecided had events delivered that this call might not agree with.
func (t *Talk) reconsider() bool {
	if t.call < 0 || t.taken > t.common || t.disputed() {
		return false
	}
	d := t.deck
	d.giveBack(t.call, t.leaf)
	d.bound.remove(t)
	d.open.add(t)
	node := d.ix.holder(t.leaf, t.depth)
	t.call, t.recorded = -1, nil
	d.claim(node, 1)
	t.arrive(node, t.depth)
	return true
}

// disputed tells whether the call could come to be a candidate of a talk that
// had events of other candidates.
func (t *Talk) disputed() bool {
	for other := t.deck.open.first; other != nil; other = other.after {
		if other.taken > 0 && t.deck.ix.within(t.leaf, other.node) {
			return true
		}
	}
	return false
}

// mismatch ends a talk that nothing fits.
func (t *Talk) mismatch() {
	t.reconsider()
	t.leave()
}

// leave ends a talk with what it has.
func (t *Talk) leave() {
	d := t.deck
	t.gone = true
	if t.call < 0 {
		d.claim(t.node, -1)
		d.open.remove(t)
		return
	}
	d.bound.remove(t)
	if l := t.left(); !l.whole() && !(t.cut && (l.Seen == l.Sent || d.ix.overtime[t.call])) {
		d.parts = append(d.parts, l)
	}
}

// End says that the live call is over: its status was delivered, or its
// client ended it. What was answered stays used. A talk that had no answer
// gives its place back; but if a recorded client did the same as its own and
// then ended the call, or nothing more was recorded of it, that one is used up,
// and else one whose time was over, which may be sooner than it was.
func (t *Talk) End() {
	if t.gone {
		return
	}
	if t.call >= 0 && !t.deck.ix.endedByClient(t.call) {
		t.reconsider()
	}
	if t.call < 0 {
		call, leaf := t.choose(t.node, t.gaveUp)
		if call < 0 && len(t.deck.ix.overtime) > 0 {
			call, leaf = t.choose(t.node, func(call, _ int32) bool { return t.deck.ix.overtime[call] })
		}
		if call >= 0 {
			t.bind(call, leaf)
		}
	}
	if t.call >= 0 {
		t.cut = t.deck.ix.endedByClient(t.call)
	}
	t.leave()
}

// gaveUp tells whether a call's client did what the live one did, and then
// ended it, or nothing more was recorded.
func (t *Talk) gaveUp(call, leaf int32) bool {
	if next := t.deck.ix.edgeAt(leaf, t.depth); next != open && !next.soft() {
		return false
	}
	return t.deck.ix.endedByClient(call) || t.foresee(call).State == Silent
}
