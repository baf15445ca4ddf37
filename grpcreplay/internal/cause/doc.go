// What this package knows about order.

// Package cause says in which order calls stand on a tape, and what a
// server's event waited for.
//
// [Arrange] orders the calls of a recording so that two recordings of one
// program differ as little as can be. [Presume] then notes for each event of
// a server which events of other calls' clients it may have waited for: its
// After clauses. [Agree] keeps of them what another recording has too. On
// replay a [Board] knows which of them have happened.
//
// What is presumed rests on two invariants.
//
//  1. A clause points backwards in Event.Order. The recorder notes what a
//     client does before it is handed on and what a server does after it has
//     come, so a cause precedes its effect; and a program that is the same
//     can always go on, because of what it has not done yet the earliest
//     waits for nothing.
//  2. A cause is never left out for brevity alone. What is left out is implied
//     by what is named, is part of a crowd (see the quota in plan.go), or is
//     excluded by a rule that stands in presume.go.
//
// What is not promised: a client's event that came before the call began, or
// before the last call with the same request began, is no candidate. Nor does
// anything here know goroutines: calls of a method that never ran beside one
// another are taken to be those of one goroutine once there are more than a
// few of them.
package cause
