// The package's documentation.

// Package shrink makes a list that fails smaller while it still fails: first
// by leaving elements out, then by putting simpler ones in their place. It
// knows nothing of what the elements are, and it draws nothing: the same
// answers lead to the same list.
//
//	fewest, tried := shrink.List(faults, 200, func(some []Fault) bool {
//		return runFails(some)
//	})
//	simplest, more := shrink.Values(fewest, 200-tried, Fault.Simpler, runFails)
//
// The idea of removing ever smaller parts is Zeller and Hildebrandt's delta
// debugging, "Simplifying and Isolating Failure-Inducing Input" (2002).
package shrink
