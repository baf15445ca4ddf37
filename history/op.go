// One operation: who asked what, and what became of it.

package history

import "fmt"

// An Outcome is how an operation ended.
type Outcome string

// The outcomes. The zero Outcome is Unknown.
const (
	Unknown  Outcome = ""       // it may have happened, or may happen yet
	Returned Outcome = "ok"     // it happened and was answered
	Failed   Outcome = "failed" // it did not happen and never will
)

// String returns "ok", "failed" or "unknown".
func (o Outcome) String() string {
	if o == Unknown {
		return "unknown"
	}
	return string(o)
}

// An Op is one operation. In and Out are as the test gave them, not copied.
type Op[In, Out any] struct {
	ID      int    // from 1, in the order of the calls
	Client  string // who asked: a session whose operations follow one another
	In      In
	Out     Out // if Outcome is Returned
	Outcome Outcome
	Err     string // if Outcome is Failed

	// Called and Returned are positions in the one order of all calls and
	// ends, from 1. An operation came before another if it returned before
	// the other was called. Returned is 0 while the Outcome is Unknown.
	Called, Returned int

	// Event is the Seq of the call's event in the history's Journal, which
	// tells the time; 0 without a Journal, and after [History.Load].
	Event int
}

// String returns the operation as one line for people:
// `#3 c1: produce "a" = offset 7 [5,9]`.
func (o Op[In, Out]) String() string {
	asked := fmt.Sprintf("#%d %s: %v", o.ID, o.Client, o.In)
	switch o.Outcome {
	case Returned:
		return fmt.Sprintf("%s = %v [%d,%d]", asked, o.Out, o.Called, o.Returned)
	case Failed:
		return fmt.Sprintf("%s failed: %s [%d,%d]", asked, o.Err, o.Called, o.Returned)
	default:
		return fmt.Sprintf("%s = ? [%d,-]", asked, o.Called)
	}
}
