// What two recordings of one program agree on.

package cause

import (
	"slices"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// Agree keeps in a, a recording, the After clauses that b, another recording
// of the same program, bears out, and removes the others. b bears a clause
// out if there the client's event came before the server's: by Order if it is
// known, else by the clauses of b itself.
//
// Calls that ask the same are the same call, in their order; of the others
// the first of a method in a is the first of it in b, and so on. A clause of
// or about a call that b does not have goes.
func Agree(a, b []*tape.Call) {
	w := &witness{calls: b, partners: pair(a, b), acts: make([][]int, len(b))}
	for i, c := range a {
		w.turnTo(w.partners[i])
		for j := range c.Events {
			e := &c.Events[j]
			if e.Kind.FromClient() {
				continue
			}
			known := w.advance(e.Kind)
			e.After = slices.DeleteFunc(e.After, func(r tape.Ref) bool { return !known || !w.bears(r) })
			if len(e.After) == 0 {
				e.After = nil
			}
		}
	}
}

// A witness is the other recording, read in one of its calls up to an event.
type witness struct {
	calls    []*tape.Call
	partners []int   // its places of the first recording's calls
	acts     [][]int // by call, once asked for: the Orders of the client's events

	events []tape.Event      // of the call
	at     int               // the event's index
	next   [tape.End + 1]int // by kind: where to look for the next event of it
	read   int               // how many events named covers
	named  map[int]int       // by call: the last of its client's events in a clause so far
}

// turnTo begins with another call; none is one without events.
func (w *witness) turnTo(call int) {
	w.events, w.at, w.next, w.read, w.named = nil, 0, [tape.End + 1]int{}, 0, map[int]int{}
	if call != none {
		w.events = w.calls[call].Events
	}
}

// advance goes to the next event of a kind and tells whether there is one.
func (w *witness) advance(k tape.Kind) bool {
	if k > tape.End {
		return false
	}
	for i := w.next[k]; i < len(w.events); i++ {
		if w.events[i].Kind == k {
			w.at, w.next[k] = i, i+1
			w.take()
			return true
		}
	}
	w.next[k] = len(w.events)
	return false
}

// take takes in the clauses up to the event.
func (w *witness) take() {
	for ; w.read <= w.at; w.read++ {
		for _, r := range w.events[w.read].After {
			w.named[r.Call] = max(w.named[r.Call], r.Nth)
		}
	}
}

// bears tells whether here too r, of the first recording, came before.
func (w *witness) bears(r tape.Ref) bool {
	if r.Call < 0 || r.Call >= len(w.partners) || w.partners[r.Call] == none {
		return false
	}
	there := w.partners[r.Call]
	if w.acts[there] == nil {
		w.acts[there] = actOrders(w.calls[there])
	}
	acts := w.acts[there]
	if r.Nth < 1 || r.Nth > len(acts) {
		return false
	}
	if order := w.events[w.at].Order; order > 0 && acts[r.Nth-1] > 0 {
		return acts[r.Nth-1] < order
	}
	return w.named[there] >= r.Nth
}

// actOrders returns the Orders of what a call's client did.
func actOrders(c *tape.Call) []int {
	orders := make([]int, 0, 2)
	for i := range c.Events {
		if c.Events[i].Kind.FromClient() {
			orders = append(orders, c.Events[i].Order)
		}
	}
	return orders
}

// pair returns for each call of a the place of the same call in b, or none.
func pair(a, b []*tape.Call) []int {
	partners, d := make([]int, len(a)), newDigester()
	for i := range partners {
		partners[i] = none
	}
	taken := make([]bool, len(b))
	pairBy(partners, taken, keys(a, d.request), keys(b, d.request))
	method := func(c *tape.Call) string { return c.Method }
	pairBy(partners, taken, keys(a, method), keys(b, method))
	return partners
}

func keys[K any](calls []*tape.Call, key func(*tape.Call) K) []K {
	all := make([]K, len(calls))
	for i, c := range calls {
		all[i] = key(c)
	}
	return all
}

// pairBy pairs what has no partner yet with the first of the same key in b.
func pairBy[K comparable](partners []int, taken []bool, a, b []K) {
	free := map[K][]int{}
	for j, k := range b {
		if !taken[j] {
			free[k] = append(free[k], j)
		}
	}
	for i, k := range a {
		if queue := free[k]; partners[i] == none && len(queue) > 0 {
			partners[i], free[k], taken[queue[0]] = queue[0], queue[1:], true
		}
	}
}
