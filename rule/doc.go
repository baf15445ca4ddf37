// What the package is for, and how its parts go together.

// Package rule lets a test decide what happens next.
//
// A [Rule] sees one exchange (a segment on a network, a request to a broker,
// a call) and either decides it or passes. A [List] asks its rules in the
// order in which they were added; the first decision wins, and an exchange
// that every rule passes goes on as if there were no rules.
//
// A [When] is a condition on an exchange. Conditions compose (And, Or, Not)
// and count (Nth, First, After, Every, Between, Chance); [Then] makes a
// condition and a verdict into a rule.
//
// # Counting
//
// A counting condition counts the exchanges for which the condition it was
// made from holds, from 1, and only when it is asked. Two consequences:
//
//   - And and Or ask their second condition only when the first leaves the
//     answer open, so a.And(b.Nth(2)) counts those b among the a, and
//     a.And(b).Nth(2) the same, but b.Nth(2).And(a) counts every b.
//   - A rule behind one that decides is not asked, and does not count.
//
// Each call of a counting method starts a count of its own. Counts are safe
// for concurrent use; when several goroutines ask at once, how many are
// chosen is certain, and which ones depends on who came first.
//
// # What is not promised
//
// Nothing here is timed or ordered beyond the order of adding: there are no
// priorities. A rule that blocks, blocks whoever asked.
package rule
