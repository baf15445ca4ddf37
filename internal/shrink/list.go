// Lists with elements left out.

package shrink

import (
	"encoding/binary"
	"slices"
)

// List returns a list that still fails, made of elements of list in their
// order, and how many lists it tried. It removes halves, then quarters and so
// on down to single elements, and goes over these until no single one can be
// spared or budget lists were tried. The empty list is tried first: what fails
// without any element is no fault of theirs. No list is tried twice.
//
// That list itself fails is taken for granted; it is returned when nothing
// smaller fails. What is returned instead has failed, at least once: where the
// answer depends on chance, that is all there is to say of it. The slice that
// fails is given is its own to keep, and list is not changed.
func List[E any](list []E, budget int, fails func([]E) bool) (smallest []E, tried int) {
	s := subsets[E]{list: list, budget: budget, fails: fails, known: map[string]bool{}}
	all := make([]int, len(list))
	for i := range all {
		all[i] = i
	}
	if len(list) == 0 || s.stillFails(nil) {
		return nil, s.tried
	}
	return s.pick(s.shrink(all)), s.tried
}

// subsets tries parts of one list. A part is its elements' indexes, rising.
type subsets[E any] struct {
	list   []E
	budget int
	tried  int
	fails  func([]E) bool
	known  map[string]bool // what fails said of a part
}

// shrink returns the smallest part of kept that it finds to fail.
func (s *subsets[E]) shrink(kept []int) []int {
	for size := (len(kept) + 1) / 2; size > 0; {
		before := len(kept)
		kept = s.removeEach(kept, size)
		switch {
		case size > 1:
			size = min(size/2, max(len(kept)/2, 1))
		case len(kept) == before:
			return kept
		}
	}
	return kept
}

// removeEach removes, one after the other, the runs of size elements without
// which kept still fails.
func (s *subsets[E]) removeEach(kept []int, size int) []int {
	for at := 0; at < len(kept); {
		end := min(at+size, len(kept))
		without := slices.Concat(kept[:at], kept[end:])
		if s.stillFails(without) {
			kept = without
		} else {
			at = end
		}
	}
	return kept
}

// stillFails tells whether part fails, and does not ask twice. When the budget
// is spent, nothing that is not known does.
func (s *subsets[E]) stillFails(part []int) bool {
	key := make([]byte, 0, 2*len(part))
	for _, i := range part {
		key = binary.AppendUvarint(key, uint64(i))
	}
	if failed, found := s.known[string(key)]; found {
		return failed
	}
	if s.tried >= s.budget {
		return false
	}
	s.tried++
	failed := s.fails(s.pick(part))
	s.known[string(key)] = failed
	return failed
}

// pick returns the elements of a part.
func (s *subsets[E]) pick(part []int) []E {
	picked := make([]E, len(part))
	for at, i := range part {
		picked[at] = s.list[i]
	}
	return picked
}
