// Conditions composed at random, against a plain model of what they mean.

package rule_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A grown condition: the real one, a model of it that counts in plain ints
// and asks everything in the documented order, and how it reads.
type grown struct {
	real  when
	model func(x int) bool
	text  string
}

// grow makes a random condition no deeper than depth.
func grow(rng *rand.Rand, depth int) grown {
	if depth == 0 {
		return leaf(rng.IntN(3))
	}
	w := grow(rng, depth-1)
	switch rng.IntN(3) {
	case 0:
		return pair(w, grow(rng, depth-1), rng.IntN(2) == 0)
	case 1:
		return grown{w.real.Not(), func(x int) bool { return !w.model(x) }, "not(" + w.text + ")"}
	default:
		return count(w, rng.IntN(4), 1+rng.IntN(4), rng.IntN(3))
	}
}

func leaf(kind int) grown {
	switch kind {
	case 0:
		return grown{nil, func(int) bool { return true }, "all"}
	case 1:
		return grown{even, even, "even"}
	default:
		return grown{low, low, "low"}
	}
}

func pair(a, b grown, and bool) grown {
	if and {
		return grown{a.real.And(b.real), func(x int) bool {
			if !a.model(x) {
				return false
			}
			return b.model(x)
		}, "and(" + a.text + "," + b.text + ")"}
	}
	return grown{a.real.Or(b.real), func(x int) bool {
		if a.model(x) {
			return true
		}
		return b.model(x)
	}, "or(" + a.text + "," + b.text + ")"}
}

func count(w grown, kind, n, more int) grown {
	var real when
	var holds func(k int) bool
	switch kind {
	case 0:
		real, holds = w.real.Nth(n), func(k int) bool { return k == n }
	case 1:
		real, holds = w.real.After(n), func(k int) bool { return k > n }
	case 2:
		real, holds = w.real.Every(n), func(k int) bool { return k%n == 0 }
	default:
		real, holds = w.real.Between(n, n+more), func(k int) bool { return n <= k && k <= n+more }
	}
	seen := 0
	model := func(x int) bool {
		if !w.model(x) {
			return false
		}
		seen++
		return holds(seen)
	}
	return grown{real, model, fmt.Sprintf("count%d(%s,%d,%d)", kind, w.text, n, more)}
}

func TestComposedConditionsMeanWhatTheirPartsMean(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := grow(rng, 1+rng.IntN(4))
		for i := range 60 {
			x := rng.IntN(10)
			if got, want := w.real.Holds(x), w.model(x); got != want {
				t.Fatalf("seed %d: %s, exchange %d (%d): holds %v, want %v", seed, w.text, i, x, got, want)
			}
		}
	}
}
