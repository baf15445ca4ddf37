// Conditions: for which exchanges a rule decides, and for which of those.

package rule

import (
	"fmt"
	"sync/atomic"
)

// A When is a condition on one exchange. A nil When holds for every exchange;
// ask a condition that may be nil through Holds.
type When[X any] func(X) bool

// Holds reports whether w holds for x. It is w(x), but true if w is nil.
func (w When[X]) Holds(x X) bool { return w == nil || w(x) }

// And holds when w and v both hold. It asks v only when w holds.
func (w When[X]) And(v When[X]) When[X] {
	return func(x X) bool { return w.Holds(x) && v.Holds(x) }
}

// Or holds when w or v holds. It asks v only when w does not hold.
func (w When[X]) Or(v When[X]) When[X] {
	return func(x X) bool { return w.Holds(x) || v.Holds(x) }
}

// Not holds when w does not.
func (w When[X]) Not() When[X] {
	return func(x X) bool { return !w.Holds(x) }
}

// Nth holds once: the n-th time that w holds, counting from 1. It panics if n
// is less than 1.
func (w When[X]) Nth(n int) When[X] {
	atLeast("Nth", n, 1)
	return w.counted(func(k uint64) bool { return k == uint64(n) })
}

// First holds once: the first time that w holds. It is Nth(1).
func (w When[X]) First() When[X] { return w.Nth(1) }

// After holds every time that w holds past the n-th: After(2) lets two go by.
// It panics if n is negative.
func (w When[X]) After(n int) When[X] {
	atLeast("After", n, 0)
	return w.counted(func(k uint64) bool { return k > uint64(n) })
}

// Every holds each n-th time that w holds: Every(3) the third, sixth, ninth.
// It panics if n is less than 1.
func (w When[X]) Every(n int) When[X] {
	atLeast("Every", n, 1)
	return w.counted(func(k uint64) bool { return k%uint64(n) == 0 })
}

// Between holds from the a-th to the b-th time that w holds, both included
// and counting from 1. It panics if a is less than 1 or b less than a.
func (w When[X]) Between(a, b int) When[X] {
	atLeast("Between", a, 1)
	if b < a {
		panic(fmt.Sprintf("rule: Between(%d, %d): the second must not be less than the first", a, b))
	}
	return w.counted(func(k uint64) bool { return uint64(a) <= k && k <= uint64(b) })
}

// Chance holds for a share p of the times that w holds: 0 for none, 1 for
// all. The k-th draw is a function of seed and k and nothing else, so that
// the same seed chooses the same times in every run, whatever else is drawn.
// Conditions that shall not choose alike need seeds of their own. Chance
// panics unless 0 <= p <= 1.
func (w When[X]) Chance(p float64, seed uint64) When[X] {
	if !(0 <= p && p <= 1) {
		panic(fmt.Sprintf("rule: Chance(%v, %#x): a chance lies between 0 and 1", p, seed))
	}
	return w.counted(func(k uint64) bool { return draw(seed, k) < p })
}

// counted holds for those k for which pick holds, k being the how-manieth
// time that w holds, from 1.
func (w When[X]) counted(pick func(k uint64) bool) When[X] {
	var seen atomic.Uint64
	return func(x X) bool { return w.Holds(x) && pick(seen.Add(1)) }
}

func atLeast(name string, n, least int) {
	if n < least {
		panic(fmt.Sprintf("rule: %s(%d): the count must be at least %d", name, n, least))
	}
}
