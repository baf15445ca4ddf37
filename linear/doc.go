// What the package is for, and a use of it.

// Package linear says whether a history is linearizable: whether each
// operation can have taken effect at one moment between its call and its
// return, such that every answer is right.
//
// Models of a register, a queue and a log are here; [Model] is for others.
//
//	var h linear.RegisterHistory
//	op := h.Call("c1", linear.Write("x", "1"))
//	if err := client.Put("x", "1"); err == nil {
//		op.Return(linear.RegisterResult{})
//	}
//	op = h.Call("c2", linear.Read("x"))
//	if value, err := client.Get("x"); err == nil {
//		op.Return(linear.RegisterResult{Value: value})
//	}
//	linear.Require(t, &h, linear.Register())
//
// An operation that nobody knows the end of may have happened at any time from
// its call on, or not at all; a failed one is left out.
//
// # Limits
//
// The question is hard: the search, which is that of
// github.com/anishathalye/porcupine, can take time and memory exponential in
// the number of operations under way at once. [Limits] bound both. A search
// that comes to a limit is [Undecided], and Undecided is not a pass: Require
// fails the test, and [Result.Err] is not nil. What helps is a model with a
// key, fewer clients, shorter histories, and fewer operations of unknown end.
//
// In a testing/synctest bubble time does not pass while something is computed,
// so there Limits.Time is never reached. Steps and Memory are counted, not
// measured: they hold everywhere, and come out alike on every machine.
package linear
