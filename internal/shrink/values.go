// Lists with simpler elements.

package shrink

import "slices"

// Values returns a list as long as list that still fails, with simpler
// elements in it, and how many lists it tried. The function simpler returns
// what may stand in an element's place, the simplest first, and nothing for an
// element that is as simple as can be. The first that still fails is taken and
// asked in its turn. Values goes over the list until nothing simpler fails or
// budget lists were tried, so simpler must not lead in circles.
//
// As with [List], list is taken to fail and is not changed, and the slice that
// fails is given is its own to keep.
func Values[E any](list []E, budget int, simpler func(E) []E, fails func([]E) bool) (simplest []E, tried int) {
	v := values[E]{list: slices.Clone(list), budget: budget, simpler: simpler, fails: fails}
	for again := true; again; {
		again = false
		for i := range v.list {
			for v.replace(i) {
				again = true
			}
		}
	}
	return v.list, v.tried
}

// values tries simpler elements in one list.
type values[E any] struct {
	list    []E
	budget  int
	tried   int
	simpler func(E) []E
	fails   func([]E) bool
}

// replace puts the first simpler element in the place of element i with which
// the list still fails, and tells whether there was one.
func (v *values[E]) replace(i int) bool {
	for _, e := range v.simpler(v.list[i]) {
		if v.tried >= v.budget {
			return false
		}
		v.tried++
		with := slices.Clone(v.list)
		with[i] = e
		if v.fails(slices.Clone(with)) {
			v.list = with
			return true
		}
	}
	return false
}
