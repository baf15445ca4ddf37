// An immutable sequence: the state of the queue's and the log's models.

package linear

import (
	"fmt"
	"strings"
)

// A Seq is an immutable sequence of values, for the states of models. Append
// and Rest take constant space and time and leave the Seq as it was; At takes
// logarithmic time. The zero Seq is empty.
type Seq struct {
	last  *cell
	first int    // how many were taken off the front
	gone  uint64 // the sum of those
}

// A cell holds a value and the way to those before it: one, and by jump far
// more than one, so that any is reached in logarithmic time (Myers, "An
// applicative random-access stack", 1983).
type cell struct {
	value      string
	n          int // how many there are up to this one
	prev, jump *cell
	sum        uint64 // a polynomial of the values' hashes
}

const base = 0x9E3779B97F4A7C15 // odd, so that no power of it is 0

// hashString is FNV-1a of 64 bits.
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

func (c *cell) size() int {
	if c == nil {
		return 0
	}
	return c.n
}

func (c *cell) total() uint64 {
	if c == nil {
		return 0
	}
	return c.sum
}

// Len returns how many values there are.
func (s Seq) Len() int { return s.last.size() - s.first }

// Append returns the Seq with value behind the last.
func (s Seq) Append(value string) Seq {
	p := s.last
	c := &cell{value: value, n: p.size() + 1, prev: p, jump: p, sum: p.total()*base + hashString(value)}
	if p != nil && p.n-p.jump.size() == p.jump.size()-p.jump.before().size() {
		c.jump = p.jump.before()
	}
	s.last = c
	return s
}

// before returns where the cell jumps to.
func (c *cell) before() *cell {
	if c == nil {
		return nil
	}
	return c.jump
}

// At returns the i-th value from 0. It panics if there is none.
func (s Seq) At(i int) string {
	if i < 0 || i >= s.Len() {
		panic(fmt.Sprintf("linear: value %d of a sequence of %d", i, s.Len()))
	}
	return s.cell(s.first + i + 1).value
}

// cell returns the n-th cell from 1 of all that were ever appended.
func (s Seq) cell(n int) *cell {
	c := s.last
	for c.n > n {
		if c.jump.size() >= n {
			c = c.jump
		} else {
			c = c.prev
		}
	}
	return c
}

// Rest returns the Seq without its first value. It panics if there is none.
func (s Seq) Rest() Seq {
	s.gone = s.gone*base + hashString(s.At(0))
	s.first++
	return s
}

// Equal reports whether both hold the same values.
func (s Seq) Equal(o Seq) bool {
	if s.Len() != o.Len() || s.Hash() != o.Hash() {
		return false
	}
	a, b := s.last, o.last
	for range s.Len() {
		if a == b {
			return true
		}
		if a.value != b.value {
			return false
		}
		a, b = a.prev, b.prev
	}
	return true
}

// Hash returns the same for equal Seqs.
func (s Seq) Hash() uint64 {
	power, square := uint64(1), uint64(base)
	for n := s.Len(); n > 0; n >>= 1 {
		if n&1 == 1 {
			power *= square
		}
		square *= square
	}
	return s.last.total() - s.gone*power
}

// shown is how many values String shows.
const shown = 8

// String returns the last values, and how many there are.
func (s Seq) String() string {
	var b strings.Builder
	n := s.Len()
	fmt.Fprintf(&b, "%d [", n)
	if n > shown {
		b.WriteString("... ")
	}
	for i := max(0, n-shown); i < n; i++ {
		fmt.Fprintf(&b, "%.30q ", s.At(i))
	}
	return strings.TrimRight(b.String(), " ") + "]"
}
