// What each event of a server may have waited for.

package cause

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// look is how many calls of a method are looked at for an event. Only who
// passes over very many of them meets it: a read among thousands of its kind.
const look = 1024

// Presume fills After of every server event, anew, from the Order fields. The
// Ref.Call it uses is the place in calls. A call whose Order, or that of one
// of its events, is unknown or falls takes no part, and is left as it is.
//
// An event may have waited for what the clients of other calls did in its
// window, which begins where that of the server's event before it in its call
// ended, and at first as plan.findWindows says. Of these events it names the
// last of each call, since that implies the earlier ones. Left out are:
//
//   - for a unary call, the calls of its own method that ran beside it, which
//     are parallel reads far more often than anything else;
//   - calls with one request that ask the same as this one does;
//   - conversations that began alike, when its own client sent after theirs:
//     they go on side by side, each with its own answers;
//   - earlier calls of a method that runs in turn, when the last few stand
//     already, and in a crowd whatever is above the quota (see plan.go).
//
// Message and status of a unary call are one answer and have one clause. A
// status that the client caused itself, by Cancel, has none.
func Presume(calls []*tape.Call) {
	moments := timeline(calls)
	p := newPresumption(newPlan(calls, moments))
	for _, m := range moments {
		switch {
		case m.kind.FromClient():
			p.act(m)
		case fromServer(m.kind):
			e := &calls[m.call].Events[m.event]
			e.After = nil
			if !p.settled(m) {
				e.After = p.causes(m)
			}
			p.since[m.call] = m.order
		}
	}
}

// A presumption is the state of the second pass over a recording.
type presumption struct {
	*plan
	acts    []act   // by call
	talking *recent // calls by their latest act that tells something, a list for each method
	active  *recent // methods, likewise, one list
	scratch []tape.Ref
}

// An act is how far a call's client has come.
type act struct {
	nth       int32 // how many events it has had
	named     int32 // the last of them that tells something
	order     int   // and its Order
	closed    bool  // it has half-closed
	cancelled bool
}

func newPresumption(p *plan) *presumption {
	return &presumption{
		plan: p, acts: make([]act, len(p.calls)),
		talking: newRecent(len(p.inTurn), len(p.calls)), active: newRecent(1, len(p.inTurn)),
	}
}

// act takes in what a client did.
func (p *presumption) act(m moment) {
	a := &p.acts[m.call]
	a.nth++
	if m.tells {
		a.named, a.order = a.nth, m.order
		a.closed = a.closed || m.kind == tape.CloseSend
		a.cancelled = a.cancelled || m.kind == tape.Cancel
		method := p.methods[m.call]
		p.talking.use(method, m.call)
		p.active.use(0, method)
	}
}

// settled tells whether a server's event needs no clause of its own.
func (p *presumption) settled(m moment) bool {
	if m.kind != tape.End {
		return false
	}
	before := m.event > 0 && p.calls[m.call].Events[m.event-1].Kind == tape.Recv
	return p.acts[m.call].cancelled || p.unary[m.call] && before
}

// causes returns what a server's event may have waited for.
func (p *presumption) causes(m moment) []tape.Ref {
	p.scratch = p.scratch[:0]
	for method := p.active.heads[0]; method != none; method = p.active.next[method] {
		latest := p.talking.heads[method]
		if p.acts[latest].order <= p.since[m.call] || len(p.scratch) >= p.quota {
			break
		}
		if !p.beside(m.call, method) {
			p.gather(m, method)
		}
	}
	if len(p.scratch) == 0 {
		return nil
	}
	refs := slices.Clone(p.scratch)
	slices.SortFunc(refs, func(a, b tape.Ref) int { return cmp.Compare(a.Call, b.Call) })
	return refs
}

// beside tells whether all calls of a method that acted in a call's window are
// of its own kind and ran beside it, so that it waits for none of them.
func (p *presumption) beside(call, method int32) bool {
	return p.unary[call] && p.methods[call] == method && p.since[call] >= p.calls[call].Order
}

// gather adds the latest acts of a method's calls within the window.
func (p *presumption) gather(m moment, method int32) {
	room := min(p.quota/2, p.quota-len(p.scratch))
	if p.inTurn[method] {
		room = min(room, few)
	}
	d := p.talking.heads[method]
	for n := 0; n < look && room > 0 && d != none && p.acts[d].order > p.since[m.call]; n++ {
		if p.matters(m, d) {
			p.scratch = append(p.scratch, tape.Ref{Call: int(d), Nth: int(p.acts[d].named)})
			room--
		}
		d = p.talking.next[d]
	}
}

// matters tells whether what call d's client did last may be a cause of m.
func (p *presumption) matters(m moment, d int32) bool {
	c := p.calls[m.call]
	switch {
	case d == m.call || p.acts[d].order >= m.order:
		return false
	case p.asks[d] == p.asks[m.call] && (p.unary[d] || c.Shape.OneRequest()):
		return false
	case p.unary[m.call] && p.methods[d] == p.methods[m.call]:
		return p.lastOrder(d) < c.Order
	case p.acts[m.call].order > p.acts[d].order && p.methods[d] == p.methods[m.call] && !p.acts[m.call].closed:
		return !alike(c, p.calls[d])
	}
	return true
}

// alike tells whether two calls of a method began with the same message and
// are conversations.
func alike(a, b *tape.Call) bool {
	x, y := opening(a), opening(b)
	return x != nil && y != nil && bytes.Equal(x.Message, y.Message) && conversation(a) && conversation(b)
}

// conversation tells whether the client sent twice or more, and every message
// of the server until the half-close answered one of its own: none came
// without another sent since the one before.
func conversation(c *tape.Call) bool {
	sent, answered, closed := 0, 0, false
	for i := range c.Events {
		switch c.Events[i].Kind {
		case tape.Send:
			sent++
		case tape.CloseSend:
			closed = true
		case tape.Recv:
			if answered == sent && !closed {
				return false
			}
			answered = sent
		}
	}
	return sent > 1
}

// opening returns the first message of a call's client, or nil.
func opening(c *tape.Call) *tape.Event {
	for i := range c.Events {
		if c.Events[i].Kind == tape.Send {
			return &c.Events[i]
		}
	}
	return nil
}

// lastOrder returns when a call was over, or what is known of it.
func (p *presumption) lastOrder(d int32) int {
	c := p.calls[d]
	if c.Ended() == nil {
		return int(^uint(0) >> 1)
	}
	return c.Events[len(c.Events)-1].Order
}
