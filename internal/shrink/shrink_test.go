// Shrinking held to find what is known to be the smallest.

package shrink_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/internal/shrink"
)

// numbers returns 0 to n-1.
func numbers(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// needs fails with lists that hold all of these.
func needs(these ...int) func([]int) bool {
	return func(list []int) bool {
		for _, n := range these {
			if !slices.Contains(list, n) {
				return false
			}
		}
		return true
	}
}

func TestOnlyWhatTheFailureNeedsIsLeft(t *testing.T) {
	for _, c := range []struct {
		name  string
		n     int
		need  []int
		tries int // at most
	}{
		{"nothing", 100, nil, 1},
		{"the first", 100, []int{0}, 20},
		{"the last", 100, []int{99}, 20},
		{"two far apart", 100, []int{3, 97}, 40},
		{"neighbours", 64, []int{31, 32}, 40},
		{"five of a thousand", 1000, []int{1, 250, 500, 501, 999}, 120},
		{"all of them", 7, []int{0, 1, 2, 3, 4, 5, 6}, 20},
		{"one of one", 1, []int{0}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, tried := shrink.List(numbers(c.n), 10_000, needs(c.need...))
			if !slices.Equal(got, c.need) {
				t.Errorf("left %v, want %v", got, c.need)
			}
			if tried > c.tries {
				t.Errorf("tried %d lists, want at most %d", tried, c.tries)
			}
		})
	}
}

func TestAnEmptyListIsNotTried(t *testing.T) {
	got, tried := shrink.List([]int{}, 10, func([]int) bool { return true })
	if len(got) != 0 || tried != 0 {
		t.Errorf("left %v after %d tries", got, tried)
	}
}

func TestNoListIsTriedTwice(t *testing.T) {
	seen := map[string]bool{}
	shrink.List([]byte("abcdefghijklmnop"), 10_000, func(list []byte) bool {
		if seen[string(list)] {
			t.Errorf("%q is tried again", list)
		}
		seen[string(list)] = true
		return strings.Count(string(list), "")%2 == 0 && strings.Contains(string(list), "h")
	})
}

func TestTheBudgetIsKept(t *testing.T) {
	for budget := range 30 {
		calls := 0
		got, tried := shrink.List(numbers(50), budget, func(list []int) bool {
			calls++
			return needs(7, 40)(list)
		})
		if calls != tried || tried > budget {
			t.Errorf("budget %d: %d calls, %d told", budget, calls, tried)
		}
		if !needs(7, 40)(got) {
			t.Errorf("budget %d: %v does not fail", budget, got)
		}
	}
}

func TestNoSingleElementCanBeSpared(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		known := map[string]bool{} // a failure without any rule
		whole := string([]byte("abcdefghijklmno")[:1+r.IntN(15)])
		fails := func(list []byte) bool {
			s := string(list)
			if _, found := known[s]; !found {
				known[s] = s == whole || r.IntN(3) == 0
			}
			return known[s]
		}
		got, _ := shrink.List([]byte(whole), 100_000, fails)
		for i := range got {
			if fails(slices.Concat(got[:i], got[i+1:])) {
				t.Fatalf("seed %d: %q fails without its element %d", seed, got, i)
			}
		}
		if len(got) > 0 && !fails(got) {
			t.Fatalf("seed %d: %q does not fail", seed, got)
		}
	}
}

func TestTheCallersListIsNotChanged(t *testing.T) {
	list := numbers(20)
	meddle := func(part []int) bool {
		failed := needs(4, 11)(part)
		for i := range part {
			part[i] = -1
		}
		return failed
	}
	got, _ := shrink.List(list, 1000, meddle)
	simpler := func(n int) []int { return numbers(max(n, 0)) }
	shrink.Values(list, 1000, simpler, meddle)
	if !slices.Equal(list, numbers(20)) {
		t.Errorf("the caller's list became %v", list)
	}
	if !slices.Equal(got, []int{4, 11}) {
		t.Errorf("left %v", got)
	}
}

func TestElementsBecomeAsSimpleAsTheFailureAllows(t *testing.T) {
	halves := func(n int) []int {
		if n == 0 {
			return nil
		}
		return []int{0, n / 2, n - 1}
	}
	fails := func(list []int) bool { return list[0] >= 10 && list[1]+list[2] > 100 }
	got, tried := shrink.Values([]int{1000, 1000, 1000}, 1000, halves, fails)
	if got[0] != 10 || got[1]+got[2] != 101 {
		t.Errorf("left %v after %d tries", got, tried)
	}
	if tried > 200 {
		t.Errorf("tried %d lists", tried)
	}
}

func TestAnEarlierElementIsTriedAgainAfterALaterOne(t *testing.T) {
	less := func(n int) []int {
		if n == 0 {
			return nil
		}
		return []int{n - 1}
	}
	fails := func(list []int) bool { return list[0] >= list[1] }
	got, _ := shrink.Values([]int{3, 3}, 1000, less, fails)
	if !slices.Equal(got, []int{0, 0}) {
		t.Errorf("left %v", got)
	}
}

func TestTheBudgetOfValuesIsKept(t *testing.T) {
	calls := 0
	_, tried := shrink.Values([]int{5}, 17, func(n int) []int { return []int{n} }, func([]int) bool {
		calls++
		return true
	})
	if calls != 17 || tried != 17 {
		t.Errorf("%d calls, %d told, want 17", calls, tried)
	}
}
