// The model: what a right system would answer.

package linear

import "fmt"

// A Model tells what a right system, one operation at a time, would do. S is
// its state. A Model's functions are pure: they change neither state nor
// operation, and return a new state instead.
type Model[S, In, Out any] struct {
	// Name is what a failure calls the model.
	Name string

	// Key returns which of many independent objects an operation is for, such
	// as the key of a map. Each is judged on its own, which saves a great
	// deal. Operations that are not ok are none of the model's business. If
	// nil, there is one object.
	Key func(In) (key string, ok bool)

	// Pure tells that an operation changes nothing, such as a read. If its
	// end is unknown it can be left out, which saves a great deal. If nil,
	// none is pure.
	Pure func(In) bool

	// Start is the state before the first operation.
	Start S

	// Step returns the state after an operation, and whether a right system
	// in state s may answer out. If out is nil nobody knows the answer, and
	// any is right. It must be set.
	Step func(s S, in In, out *Out) (S, bool)

	// Equal compares two states; if nil, == does.
	Equal func(a, b S) bool

	// Hash returns the same for equal states. If nil, states are compared
	// more often.
	Hash func(S) uint64

	// Show returns a state as one line for people; if nil, fmt.Sprint does.
	Show func(S) string
}

// complete returns the model with its defaults filled in.
func (m Model[S, In, Out]) complete() Model[S, In, Out] {
	if m.Step == nil {
		panic("linear: the model " + m.Name + " has no Step")
	}
	if m.Key == nil {
		m.Key = func(In) (string, bool) { return "", true }
	}
	if m.Pure == nil {
		m.Pure = func(In) bool { return false }
	}
	if m.Equal == nil {
		m.Equal = func(a, b S) bool { return any(a) == any(b) }
	}
	if m.Show == nil {
		m.Show = func(s S) string { return fmt.Sprint(s) }
	}
	return m
}
