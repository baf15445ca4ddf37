// Random programs are recorded, and replayed in other schedules.

package cause_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/cause"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A take is a recording of a program, with what really caused its events.
type take struct {
	calls  []*tape.Call        // by the program's own numbers
	causes map[tape.Ref][]fact // by call and index of the event
}

// record runs a program against the server in a random schedule.
func record(p *program, d *dice) *take {
	r := &take{calls: make([]*tape.Call, p.calls), causes: map[tape.Ref][]fact{}}
	s := &server{facts: map[int][]fact{}, members: map[int][]int{}, out: map[int][]due{}}
	under := make([][]outward, p.calls) // by call: sent, not yet with the server
	order := 0
	c := newClient(p, func(o outward) {
		if o.new {
			order++
			r.calls[o.call] = newCall(o, order)
		}
		order++
		r.calls[o.call].Events = append(r.calls[o.call].Events,
			tape.Event{Kind: o.kind, Order: order, Message: []byte(o.text)})
		under[o.call] = append(under[o.call], o)
	})
	for {
		ready, call := c.ready(), d.below(p.calls+1)
		switch {
		case call < p.calls && len(under[call]) > 0 && d.below(2) == 0:
			s.take(under[call][0])
			under[call] = under[call][1:]
		case call < p.calls && len(s.out[call]) > 0:
			next := s.out[call][0]
			s.out[call] = s.out[call][1:]
			order++
			next.event.Order = order
			rec := r.calls[call]
			r.causes[tape.Ref{Call: call, Nth: len(rec.Events)}] = next.facts
			rec.Events = append(rec.Events, next.event)
			c.take(call, &next.event)
		case len(ready) > 0:
			c.advance(ready[d.below(len(ready))])
		case c.done():
			return r
		}
	}
}

func newCall(o outward, order int) *tape.Call {
	switch o.what {
	case put:
		return &tape.Call{Method: "/s.S/" + o.method, Shape: tape.Unary, Order: order}
	case get:
		return &tape.Call{Method: "/s.S/Get", Shape: tape.Unary, Order: order}
	}
	return &tape.Call{Method: "/s.S/Join", Shape: tape.Bidi, Order: order}
}

// A replayed run answers a program from a take.
type replayed struct {
	*take
	board    *cause.Board
	client   *client
	happened map[tape.Ref]bool
	given    []int // by call: how many events are behind it
	acted    []int // by call: how many client events of these
}

// replay runs the program against its take, each goroutine with a weight of
// its own, so that some are starved. It returns what went wrong.
func replay(p *program, r *take, d *dice) error {
	tp := &tape.Tape{}
	for _, c := range r.calls {
		tp.Add(c)
	}
	run := &replayed{
		take: r, board: cause.NewBoard(tp), happened: map[tape.Ref]bool{},
		given: make([]int, p.calls), acted: make([]int, p.calls),
	}
	run.client = newClient(p, func(o outward) {
		ref := tape.Ref{Call: o.call, Nth: o.nth}
		run.board.Mark(ref)
		run.happened[ref] = true
	})
	slow, eager := d.below(len(p.goroutines)), d.below(3)
	for !run.client.done() {
		ready, due := run.client.ready(), run.due()
		if len(ready) > 1 {
			ready = slices.DeleteFunc(ready, func(g int) bool { return g == slow })
		}
		switch {
		case len(due) > 0 && (len(ready) == 0 || d.below(3) >= eager):
			if err := run.give(due[d.below(len(due))]); err != nil {
				return err
			}
		case len(ready) > 0:
			run.client.advance(ready[d.below(len(ready))])
		default:
			return fmt.Errorf("all wait: goroutines stand at %v, calls at %v", run.client.at, run.given)
		}
	}
	return nil
}

// due lists the calls whose next server event may be given to the client.
func (r *replayed) due() (calls []int) {
	for i, c := range r.calls {
		for r.given[i] < len(c.Events) && c.Events[r.given[i]].Kind.FromClient() &&
			r.acted[i] < r.client.sends[i] {
			r.given[i]++
			r.acted[i]++
		}
		if n := r.given[i]; n < len(c.Events) && !c.Events[n].Kind.FromClient() &&
			r.board.Missing(c.Events[n].After) == nil {
			calls = append(calls, i)
		}
	}
	return calls
}

func (r *replayed) give(call int) error {
	at := tape.Ref{Call: call, Nth: r.given[call]}
	e := &r.calls[call].Events[at.Nth]
	for _, f := range r.causes[at] {
		if f.by.Call != call && !r.happened[f.by] && r.promised(at, f.by) {
			return fmt.Errorf("call %d has %q before call %d's event %d, which caused it; it waited for %v",
				call, e.Message, f.by.Call, f.by.Nth, e.After)
		}
	}
	r.given[call]++
	r.client.take(call, e)
	return nil
}

// promised tells whether a cause is one that a clause is promised for: it
// lies in the window, and few later calls of its method, if that ran in turn,
// do too.
func (r *replayed) promised(at, by tape.Ref) bool {
	c, d := r.calls[at.Call], r.calls[by.Call]
	happened := actOrder(d, by.Nth)
	later := 0
	for _, x := range r.calls {
		if x.Method == d.Method && x.Order > d.Order && x.Order < c.Events[at.Nth].Order {
			later++
		}
	}
	return happened > r.windowOf(c) && (later < 4 || !r.inTurn(d.Method))
}

// windowOf returns when the causes of what a call first brings may begin.
func (r *replayed) windowOf(c *tape.Call) int {
	var last *tape.Call
	for _, x := range r.calls {
		if x.Method == c.Method && string(x.Events[0].Message) == string(c.Events[0].Message) &&
			endOrder(x) < c.Order && (last == nil || endOrder(x) > endOrder(last)) {
			last = x
		}
	}
	if c.Method == "/s.S/Get" && last != nil && answer(last) != answer(c) {
		return last.Order
	}
	return c.Order
}

func (r *replayed) inTurn(method string) bool {
	for _, x := range r.calls {
		for _, y := range r.calls {
			if x != y && x.Method == method && y.Method == method && x.Order < y.Order && y.Order < endOrder(x) {
				return false
			}
		}
	}
	return true
}

func endOrder(c *tape.Call) int { return c.Events[len(c.Events)-1].Order }

func answer(c *tape.Call) string { return string(c.Events[len(c.Events)-2].Message) }

func actOrder(c *tape.Call, nth int) int {
	for _, e := range c.Events {
		if e.Kind.FromClient() {
			if nth--; nth == 0 {
				return e.Order
			}
		}
	}
	panic("no such event")
}

func TestAnyScheduleOfAProgramEndsAndKeepsCausesBeforeEffects(t *testing.T) {
	seeds := 3000
	if testing.Short() {
		seeds = 300
	}
	for seed := range seeds {
		d := dice(seed)
		p := newProgram(&d)
		if p.calls == 0 {
			continue
		}
		r := record(p, &d)
		cause.Presume(r.calls)
		checkBackwards(t, r.calls)
		for n := range 10 {
			if err := replay(p, r, &d); err != nil {
				t.Fatalf("seed %d, replay %d: %v", seed, n, err)
			}
		}
	}
}

// checkBackwards checks that clauses name events that came before.
func checkBackwards(t *testing.T, calls []*tape.Call) {
	t.Helper()
	for i, c := range calls {
		for j := range c.Events {
			if e := &c.Events[j]; !backwards(calls, i, e) {
				t.Fatalf("a %v of call %d with order %d waits for %v", e.Kind, i, e.Order, e.After)
			}
		}
	}
}

func backwards(calls []*tape.Call, call int, e *tape.Event) bool {
	return !slices.ContainsFunc(e.After, func(r tape.Ref) bool {
		return e.Kind.FromClient() || r.Call == call || actOrder(calls[r.Call], r.Nth) >= e.Order
	})
}
