// How long an answer waits for what it had waited for when it was recorded.

package grpcreplay

import (
	"cmp"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/cause"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

const (
	// patient is by how much of a power of two the patience shrinks each time
	// that it was in vain, and hasty how often it does.
	patient, hasty = 3, 3
	// courteous is how often an answer whose patience is over lets an earlier
	// one go first, which may be all that it waited for.
	courteous = 16
	// soon divides Grace where the client of no call that fits acted before
	// its server did.
	soon = 16
)

// A temper is how patient a player still is. Whoever waited in vain for what
// its like did not wait for either waits less the next time: what comes at all
// comes as fast as the program runs.
type temper struct {
	stalls map[[2]string]int // by the method that waits, and that of the call it waits for
	rests  map[string]int    // by method: how often nothing told which call it was
}

// A hold is what keeps an event back.
type hold struct {
	undecided bool       // anything that happens may matter
	any       []tape.Ref // what may lift it: one of each call that the event may be of
	order     int        // the event's, on the tape
	at        time.Duration
	call      int
	cleared   int // of the call: the events before this one wait for nothing any more
	of        int // the call that cleared is about, plus 1
	readAs    int // the call that was read last
	read      *tape.Call
}

// lifted tells whether it is worth another try.
func (h *hold) lifted(b *cause.Board) bool {
	if h.undecided {
		return true
	}
	for _, r := range h.any {
		if b.Has(r) {
			return true
		}
	}
	return false
}

// before tells whether an event was recorded before another one.
func (h *hold) before(other *hold) bool {
	return cmp.Or(cmp.Compare(h.order, other.order), cmp.Compare(h.at, other.at), cmp.Compare(h.call, other.call)) < 0
}

// missing returns what an event still waits for. While it is undecided which
// of several calls it is of, it is held up only as long as it would be in each
// of them: nobody knows which client is whose. The caller holds mu.
func (x *part) missing(turn match.Turn) []tape.Ref {
	if !x.player.causal {
		return nil
	}
	missing := x.owing(turn)
	if len(missing) == 0 {
		return nil
	}
	x.hold.any = append(x.hold.any[:0], missing[0])
	for rival := range x.talk.Rivals() {
		if rival.Call == turn.Call || rival.State != match.Ready {
			continue
		}
		owed := x.owing(rival)
		if len(owed) == 0 {
			return nil
		}
		x.hold.any = append(x.hold.any, owed[0])
	}
	return missing
}

// owing returns what a call's events up to the turn's wait for. An earlier one
// may have come while it was undecided whether it is of this call.
func (x *part) owing(turn match.Turn) []tape.Ref {
	p, first := x.player, 0
	decided := x.hold.of == turn.Call+1
	if decided {
		first = x.hold.cleared
	}
	if first == turn.Index {
		return p.board.Missing(turn.Event.After)
	}
	c := x.hold.recorded(p.rec.tape, turn.Call)
	for i := first; i <= turn.Index; i++ {
		if missing := p.board.Missing(c.Events[i].After); len(missing) > 0 {
			return missing
		}
	}
	if call, ok := x.talk.Call(); ok && call == turn.Call {
		x.hold.of, x.hold.cleared = turn.Call+1, turn.Index
	}
	return nil
}

// holds keeps an event back that misses something, unless that took too long.
// Of several it is the one recorded first that goes, since what the others
// miss may follow from it. The caller holds mu.
func (x *part) holds(w *wait, turn match.Turn, missing []tape.Ref) bool {
	p := x.player
	x.hold.undecided, x.hold.order, x.hold.at, x.hold.call = false, turn.Event.Order, turn.Event.At, turn.Call
	pair := [2]string{x.method, p.rec.tape.Call(missing[0].Call).Method}
	if w.over[forCauses] && !(w.yields < courteous && x.others()) {
		if p.temper.stalls == nil {
			p.temper.stalls = map[[2]string]int{}
		}
		p.temper.stalls[pair]++
		w.over[forCauses] = false
		return false
	}
	if w.over[forCauses] {
		w.over[forCauses] = false
		w.yields++
	}
	w.grace(forCauses, x.patience(w)>>(patient*min(p.temper.stalls[pair], hasty)))
	p.waiting[x] = struct{}{}
	x.listen()
	return true
}

// others tells whether an event recorded earlier is held back too.
func (x *part) others() bool {
	for other := range x.player.waiting {
		if other != x && !other.hold.undecided && other.hold.before(&x.hold) {
			return true
		}
	}
	return false
}

// undecided waits for what tells which call it is. The caller holds mu.
func (x *part) undecided(w *wait) {
	p := x.player
	x.hold.undecided = true
	d := x.patience(w)
	if x.serversTurn() {
		d = d / soon >> min(p.temper.rests[x.method], 2*hasty)
	}
	if w.timer == nil || w.why != forRest {
		if p.temper.rests == nil {
			p.temper.rests = map[string]int{}
		}
		p.temper.rests[x.method]++
	}
	w.grace(forRest, d)
	p.waiting[x] = struct{}{}
}

// serversTurn tells whether in no call that fits the client went on before its
// server did.
func (x *part) serversTurn() bool {
	for rival := range x.talk.Rivals() {
		if rival.State != match.Ready {
			return false
		}
	}
	return true
}

// patience is how long an answer waits for what other calls do: not so long
// that its client's time runs out over it, however often it lets others go
// first.
func (x *part) patience(w *wait) time.Duration {
	grace := x.player.config.Grace
	deadline, ok := x.ctx.Deadline()
	if !ok {
		return grace
	}
	if w.limit.IsZero() {
		w.limit = time.Now().Add(time.Until(deadline) / 2)
	}
	return min(grace, max(0, time.Until(w.limit)))
}

// recorded returns a recorded call, which a stream asks for at each of its events.
func (h *hold) recorded(t *tape.Tape, call int) *tape.Call {
	if h.read == nil || h.readAs != call {
		h.readAs, h.read = call, t.Call(call)
	}
	return h.read
}
