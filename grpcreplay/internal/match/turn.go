// A live call: what its server does next.

package match

import (
	"iter"
	"math"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// Next returns what the server does next. An event is Ready when the client
// has done everything that stands before it in the recorded call; on a
// lenient tape, when it has sent its first message. When several calls fit, an
// event that they agree on is Ready without a decision. Calls that no client
// can tell apart any more are decided between at once: by metadata, then by
// recorded order. Otherwise the state is Undecided; with rested, which says
// that the program waits, one that does not wait for the client is decided for.
func (t *Talk) Next(rested bool) Turn {
	if t.gone {
		return Turn{State: Silent}
	}
	if t.call >= 0 {
		return t.turn()
	}
	d := t.deck
	v := d.narrow(t.node)
	if !d.ix.nodes[v].hard || d.ix.lenient && t.halves > 0 {
		turn := t.settle(t.choose(v, nil))
		if turn.State != Client || d.free(v) == 1 {
			return turn
		}
	}
	return t.weigh(v, rested)
}

// mostRivals bounds what Rivals costs: beyond it an answer may stall that need not.
const mostRivals = 4096

// Rivals goes over the calls that a talk may yet have while it is undecided,
// each with what its server does next: in recorded order, the first of them.
func (t *Talk) Rivals() iter.Seq[Turn] {
	return func(yield func(Turn) bool) {
		if t.gone || t.call >= 0 {
			return
		}
		w := t.deck.walk(t.deck.narrow(t.node))
		w.feasible = true
		for range mostRivals {
			call, _ := w.next()
			if call < 0 || !yield(t.foresee(call)) {
				return
			}
		}
	}
}

// Take says that what Next returned was delivered. Nothing else may have been
// said in between.
func (t *Talk) Take() {
	if t.gone {
		return
	}
	t.taken++
	if t.call < 0 {
		return
	}
	t.at = t.at.next(t.recorded)
	if t.at.at < len(t.recorded.Events) && t.recorded.Events[t.at.at].Kind == tape.End {
		t.at.at, t.ended = len(t.recorded.Events), true
		return
	}
	t.at = t.at.skip(t.recorded, 1)
}

// turn returns the turn of the decided call.
func (t *Talk) turn() Turn {
	if t.ended {
		return Turn{State: Silent, Call: int(t.call), Index: -1}
	}
	t.at = t.at.next(t.recorded)
	return t.turnOf(t.call, t.recorded, t.at)
}

// turnOf returns the turn of a call whose next event is at a cursor.
func (t *Talk) turnOf(call int32, c *tape.Call, at cursor) Turn {
	turn := Turn{State: Client, Call: int(call), Index: -1}
	reached := t.reached(t.deck.ix.place(c, at))
	if at.at == len(c.Events) || c.Events[at.at].Kind == tape.Cancel {
		if reached {
			turn.State = Silent
			turn.Index, turn.Event = endBehind(c, at.at)
		}
		return turn
	}
	if reached {
		turn.State, turn.Index, turn.Event = Ready, at.at, &c.Events[at.at]
	}
	return turn
}

// endBehind returns the end that the recorded client saw when it had ended
// the call itself.
func endBehind(c *tape.Call, at int) (int, *tape.Event) {
	for i := at; i < len(c.Events); i++ {
		if c.Events[i].Kind == tape.End {
			return i, &c.Events[i]
		}
	}
	return -1, nil
}

// place returns how many client's events must come before the event at a
// cursor.
func (ix *Index) place(c *tape.Call, at cursor) int {
	if !ix.lenient {
		return at.client
	}
	for i := range c.Events {
		if c.Events[i].Kind == tape.Send {
			return 1
		}
	}
	return 0
}

// reached tells whether the client did as many things.
func (t *Talk) reached(place int) bool { return int(t.depth)-1 >= place }

// settle decides for a call, unless it waits for the client.
func (t *Talk) settle(call, leaf int32) Turn {
	c := t.look(call)
	turn := t.turnOf(call, c, cursor{}.skip(c, t.taken).next(c))
	if turn.State == Client {
		return Turn{State: Client, Index: -1}
	}
	t.bind(call, leaf)
	return t.turn()
}

// weigh returns the turn of a talk whose candidates, the free calls under v,
// go on in different ways.
func (t *Talk) weigh(v int32, rested bool) Turn {
	a := t.deck.accord(v)
	switch {
	case t.taken < a.events:
		return t.agreed()
	case t.taken == a.events && !t.reached(a.place):
		return Turn{State: Client, Index: -1}
	case t.unanimous(v):
		return t.agreed()
	}
	if call, leaf := t.only(v); call >= 0 {
		return t.settle(call, leaf)
	}
	if !rested {
		return Turn{State: Undecided, Index: -1}
	}
	if call, leaf := t.choose(v, t.ready); call >= 0 {
		return t.settle(call, leaf)
	}
	return Turn{State: Client, Index: -1}
}

// agreed returns the turn of a talk whose candidates agree.
func (t *Talk) agreed() Turn {
	call := t.leading()
	turn := t.foresee(call)
	if turn.State == Silent {
		return Turn{State: Client, Index: -1}
	}
	return turn
}

// foresee returns the turn if the call were decided for.
func (t *Talk) foresee(call int32) Turn {
	c := t.look(call)
	return t.turnOf(call, c, cursor{}.skip(c, t.taken).next(c))
}

func (t *Talk) ready(call, leaf int32) bool { return t.foresee(call).State == Ready }

// unanimous tells whether all free calls under v do the same next.
func (t *Talk) unanimous(v int32) bool {
	w := t.deck.walk(v)
	call, _ := w.next()
	first := t.foresee(call)
	for call, _ = w.next(); call >= 0; call, _ = w.next() {
		turn := t.foresee(call)
		if (turn.State == Ready) != (first.State == Ready) {
			return false
		}
		if first.State == Ready && !same(first.Event, turn.Event) {
			return false
		}
	}
	return true
}

// only returns the one call under v that leaves enough to other talks; -1 if
// there are several.
func (t *Talk) only(v int32) (call, leaf int32) {
	w := t.deck.walk(v)
	w.feasible = true
	call, leaf = w.next()
	if second, _ := w.next(); second >= 0 {
		return -1, 0
	}
	return call, leaf
}

// A lead is the call that a talk presumably is: if n undecided ones came to
// its node before it, the one behind the first n there.
type lead struct {
	call  int32
	stamp int
}

// leading returns the talk's lead.
func (t *Talk) leading() int32 {
	d := t.deck
	if t.lead.stamp == t.stamp && !d.isUsed(t.lead.call) {
		return t.lead.call
	}
	earlier := 0
	for other := d.open.first; other != nil; other = other.after {
		if other.node == t.node && other.stamp < t.stamp {
			earlier++
		}
	}
	w := d.walk(t.node)
	w.feasible = true
	call, _ := w.next()
	for next := call; earlier > 0 && next >= 0; earlier-- {
		if next, _ = w.next(); next >= 0 {
			call = next
		}
	}
	t.lead = lead{call, t.stamp}
	return call
}

// An accord is what all calls under a node have in common, used or not: how
// many events of the server, and how much of the client comes before the one
// behind them in any of the calls.
type accord struct{ events, place int }

// accord returns what is common under v. It is worked out once for a deck.
func (d *Deck) accord(v int32) accord {
	a, known := d.accords[v]
	if known {
		return a
	}
	first := d.ix.tape.Call(int(d.ix.nodes[v].first))
	a.events = math.MaxInt
	d.ix.eachUnder(v, func(call int32) bool {
		a.events = d.ix.alike(first, d.ix.tape.Call(int(call)), a.events)
		return a.events > 0
	})
	a.place = math.MaxInt
	d.ix.eachUnder(v, func(call int32) bool {
		c := d.ix.tape.Call(int(call))
		at := cursor{}.skip(c, a.events).next(c)
		if at.at < len(c.Events) && c.Events[at.at].Kind != tape.Cancel {
			a.place = min(a.place, d.ix.place(c, at))
		}
		return a.place > 0
	})
	d.accords[v] = a
	return a
}

// alike returns how many of the server's events two calls have in common, at
// the same places; at most so many.
func (ix *Index) alike(a, b *tape.Call, most int) int {
	n, atA, atB := 0, cursor{}.next(a), cursor{}.next(b)
	for n < most && atA.at < len(a.Events) && atB.at < len(b.Events) {
		x, y := &a.Events[atA.at], &b.Events[atB.at]
		if x.Kind == tape.Cancel || !same(x, y) || ix.place(a, atA) != ix.place(b, atB) {
			break
		}
		n, atA, atB = n+1, atA.skip(a, 1).next(a), atB.skip(b, 1).next(b)
	}
	return n
}

// eachUnder visits the calls under v, until it is told to stop.
func (x *trie) eachUnder(v int32, visit func(call int32) bool) {
	for stack := []int32{v}; len(stack) > 0; {
		n := &x.nodes[stack[len(stack)-1]]
		stack = stack[:len(stack)-1]
		for w := n.child; w != 0; w = x.nodes[w].after {
			stack = append(stack, w)
		}
		for call := n.first; n.child == 0 && call >= 0; call = x.next[call] {
			if !visit(call) {
				return
			}
		}
	}
}
