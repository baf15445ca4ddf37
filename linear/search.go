// The search itself, by porcupine, within a budget that is counted.

package linear

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/rehearse-go/rehearse/history"
)

// A budget counts what searches take. Porcupine's own limit is a timer, which
// never fires in a synctest bubble, and does not bound memory.
type budget struct {
	limits Limits
	start  time.Time
	steps  int
	memory int
	spent  string // the limit that was reached, and what helps; empty before
}

func newBudget(l Limits) *budget { return &budget{limits: l, start: time.Now()} }

const advice = ": give the model a Key, use fewer clients or a shorter history, or have fewer operations end unknown"

// step takes one step, and tells whether there was one left.
func (b *budget) step() bool {
	if b.spent != "" {
		return false
	}
	b.steps++
	switch {
	case b.steps > b.limits.Steps:
		b.spent = fmt.Sprintf("after %d steps%s, or raise Limits.Steps", b.limits.Steps, advice)
	case b.memory > b.limits.Memory:
		b.spent = fmt.Sprintf("after %d MiB of states%s, or raise Limits.Memory", b.limits.Memory>>20, advice)
	case b.steps%256 == 0 && time.Since(b.start) > b.limits.Time:
		b.spent = fmt.Sprintf("after %v%s, or raise Limits.Time", b.limits.Time, advice)
	}
	return b.spent == ""
}

// run searches for an order of the operations. When the budget is spent, no
// step is possible any more, which ends porcupine's search at once, and what
// it says then counts for nothing.
func (s *search[S, In, Out]) run(ops []history.Op[In, Out], b *budget) Verdict {
	if b.spent != "" {
		return Undecided
	}
	linearizable := porcupine.CheckOperations(s.counted(len(ops), b), operations(ops))
	switch {
	case linearizable:
		return Linearizable
	case b.spent != "":
		return Undecided
	default:
		return Violation
	}
}

// free is the model in porcupine's terms. The input is the operation.
func (s *search[S, In, Out]) free() porcupine.Model {
	m := s.model
	p := porcupine.Model{
		Init: func() any { return m.Start },
		Step: func(state, input, _ any) (bool, any) {
			op := input.(*history.Op[In, Out])
			out := &op.Out
			if op.Outcome != history.Returned {
				out = nil
			}
			next, ok := m.Step(state.(S), op.In, out)
			return ok, next
		},
		Equal:             func(a, b any) bool { return m.Equal(a.(S), b.(S)) },
		DescribeOperation: func(input, _ any) string { return input.(*history.Op[In, Out]).String() },
		DescribeState:     func(state any) string { return m.Show(state.(S)) },
	}
	if m.Hash != nil {
		p.Hash = func(state any) uint64 { return m.Hash(state.(S)) }
	}
	return p
}

// counted is the model with the budget in it. Porcupine keeps, for each step
// that leads to a new state, that state and a bit for each operation.
func (s *search[S, In, Out]) counted(ops int, b *budget) porcupine.Model {
	const perState = 160 // beside the bits: entries of a map and two slices, and the state
	kept := ops/8 + perState
	p := s.free()
	step, equal := p.Step, p.Equal
	p.Step = func(state, input, output any) (bool, any) {
		if !b.step() {
			return false, state
		}
		ok, next := step(state, input, output)
		if ok {
			b.memory += kept
		}
		return ok, next
	}
	p.Equal = func(x, y any) bool {
		same := equal(x, y)
		if same {
			b.memory -= kept // seen before, and not kept again
		}
		return same
	}
	return p
}

// operations returns the operations in porcupine's terms. What has no return
// returns after everything else, which says the same as that it may never
// happen: any answer is right then.
func operations[In, Out any](ops []history.Op[In, Out]) []porcupine.Operation {
	end := 0
	for _, op := range ops {
		end = max(end, op.Called, op.Returned)
	}
	rows, next := map[string]int{}, 0
	list := make([]porcupine.Operation, len(ops))
	for i := range ops {
		op := &ops[i]
		row, ok := rows[op.Client]
		if !ok {
			row = next
			next++
		}
		rows[op.Client] = row
		returned := op.Returned
		if op.Outcome == history.Unknown {
			returned = end + 1
			delete(rows, op.Client) // what the client did next is drawn beneath
		}
		list[i] = porcupine.Operation{ClientId: row, Input: op, Call: int64(op.Called), Return: int64(returned)}
	}
	return list
}
