// The rule, and the rule made from a condition and a verdict.

package rule

// A Rule sees one exchange and decides it, or passes by returning false; the
// verdict of a rule that passes is not looked at. A rule is called without
// any lock held, may be called from several goroutines at once, and may add
// rules to the list that asks it and remove them, itself included.
type Rule[X, V any] func(X) (verdict V, decided bool)

// Then returns the rule that decides v for every exchange for which w holds
// and passes the others. A nil w holds for every exchange.
func Then[X, V any](w When[X], v V) Rule[X, V] {
	return func(x X) (V, bool) {
		if w.Holds(x) {
			return v, true
		}
		var none V
		return none, false
	}
}
