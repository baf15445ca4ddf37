// Checking a history: key by key, then up to the first answer that cannot be.

package linear

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/rehearse-go/rehearse/history"
)

// Check says whether the history so far is linearizable as the model has it.
// Operations that are not ended are unknown. It can be called in a
// testing/synctest bubble, and starts nothing that outlives it.
//
// A violation of one key is a violation, whatever is undecided of others. A
// violation is narrowed down to the first answer that cannot be, by searches
// that may take as much again as Limits allow.
func Check[S, In, Out any](h *history.History[In, Out], m Model[S, In, Out], l Limits) Result {
	l = l.complete()
	m = m.complete()
	result := Result{Verdict: Linearizable, Model: m.Name}
	if n := h.Dropped(); n > 0 {
		result.Verdict, result.Why = Undecided, fmt.Sprintf("the history dropped %d operations: raise its Limit", n)
		return result
	}
	parts, returned := partition(h.Ops(), m)
	if returned == 0 {
		result.Verdict, result.Why = Undecided, "nothing to check: no operation returned"
		return result
	}
	b := newBudget(l)
	for _, key := range slices.Sorted(maps.Keys(parts)) {
		s := search[S, In, Out]{model: m, limits: l, ops: parts[key]}
		result.Ops += len(s.ops)
		result.Keys++
		s.judge(key, b, &result)
		if result.Verdict == Violation {
			break
		}
	}
	result.Steps = b.steps
	return result
}

// partition returns the operations that matter by key, and how many returned.
func partition[S, In, Out any](ops []history.Op[In, Out], m Model[S, In, Out]) (
	parts map[string][]history.Op[In, Out], returned int,
) {
	parts = map[string][]history.Op[In, Out]{}
	for _, op := range ops {
		key, ok := m.Key(op.In)
		switch {
		case !ok, op.Outcome == history.Failed, op.Outcome == history.Unknown && m.Pure(op.In):
			continue
		case op.Outcome == history.Returned:
			returned++
		}
		parts[key] = append(parts[key], op)
	}
	return parts, returned
}

// A search is for an order of one key's operations.
type search[S, In, Out any] struct {
	model  Model[S, In, Out]
	limits Limits
	ops    []history.Op[In, Out] // in the order of the calls
}

// judge writes what the search comes to into the result.
func (s *search[S, In, Out]) judge(key string, b *budget, result *Result) {
	if n := len(s.ops); n > s.limits.Ops {
		result.undecided(key, fmt.Sprintf("%d operations of one key, more than the %d that are searched: "+
			"give the model a Key, make the history shorter, or raise Limits.Ops", n, s.limits.Ops))
		return
	}
	verdict := s.run(s.ops, b)
	switch verdict {
	case Undecided:
		result.undecided(key, b.spent)
	case Violation:
		s.violated(key, result)
	}
}

func (r *Result) undecided(key, why string) {
	if r.Verdict == Linearizable {
		r.Verdict, r.Key, r.Why = Undecided, key, why
	}
}

// violated narrows a violation down and describes it.
func (s *search[S, In, Out]) violated(key string, result *Result) {
	ops := s.narrow()
	last := slices.MaxFunc(ops, func(a, b history.Op[In, Out]) int { return a.Returned - b.Returned })
	result.Verdict, result.Key, result.Why = Violation, key, ""
	result.Op = last.ID
	result.Around = around(ops, last)
	result.picture = func(w io.Writer) error { return s.draw(w, ops) }
}

// narrow returns the operations up to the first answer that cannot be. Any
// beginning of a linearizable history is linearizable, so it is found by
// halving; a beginning that is undecided ends the halving early.
func (s *search[S, In, Out]) narrow() []history.Op[In, Out] {
	var returns []int
	for _, op := range s.ops {
		if op.Returned > 0 {
			returns = append(returns, op.Returned)
		}
	}
	slices.Sort(returns)
	b := newBudget(s.limits)
	low, high := 0, len(returns)-1 // the violation is at high, or before it
	for low < high {
		middle := low + (high-low)/2
		switch s.run(s.upTo(returns[middle]), b) {
		case Violation:
			high = middle
		case Linearizable:
			low = middle + 1
		default:
			low = high
		}
	}
	return s.upTo(returns[high])
}

// upTo returns the history as it was known at a position: later calls are not
// there, and of what was under way nobody knows the answer.
func (s *search[S, In, Out]) upTo(position int) (ops []history.Op[In, Out]) {
	for _, op := range s.ops {
		open := op.Returned > position || op.Outcome == history.Unknown
		if op.Called > position || open && s.model.Pure(op.In) {
			continue
		}
		if open {
			op = history.Op[In, Out]{ID: op.ID, Client: op.Client, In: op.In, Called: op.Called, Event: op.Event}
		}
		ops = append(ops, op)
	}
	return ops
}

// How many operations Around holds at most.
const (
	shownReturned = 10
	shownOpen     = 6
)

// around returns what returned last, last before all, and what was under way
// then, in the order of the calls.
func around[In, Out any](ops []history.Op[In, Out], last history.Op[In, Out]) (lines []string) {
	var returned, open []history.Op[In, Out]
	for _, op := range ops {
		if op.Returned > 0 {
			returned = append(returned, op)
		} else {
			open = append(open, op)
		}
	}
	slices.SortFunc(returned, func(a, b history.Op[In, Out]) int { return a.Returned - b.Returned })
	near := slices.Concat(
		returned[max(0, len(returned)-shownReturned):],
		open[max(0, len(open)-shownOpen):])
	slices.SortFunc(near, func(a, b history.Op[In, Out]) int { return a.Called - b.Called })
	if n := len(ops) - len(near); n > 0 {
		lines = append(lines, fmt.Sprintf("  (%d more)", n))
	}
	for _, op := range near {
		mark := "  "
		if op.ID == last.ID {
			mark = "> "
		}
		lines = append(lines, mark+op.String())
	}
	return lines
}
