// The tape itself, its calls packed.

package tape

import (
	"fmt"
	"iter"
	"math"
)

// A Tape is a recording. Fill it with Add, then only read it.
type Tape struct {
	Head   Head
	Schema []byte // a serialized google.protobuf.FileDescriptorSet of the types that occur; nil if unknown

	packed []byte
	ends   []uint64 // ends[i] is where the ith call ends in packed
}

// Len returns the number of calls.
func (t *Tape) Len() int { return len(t.ends) }

// Add puts a call at the tape's end.
func (t *Tape) Add(c *Call) {
	t.packed = AppendCall(t.packed, c)
	t.ends = append(t.ends, uint64(len(t.packed)))
}

// AddPacked puts a call at the tape's end that AppendCall packed. It errs on
// bytes that are none.
func (t *Tape) AddPacked(b []byte) error {
	if err := CheckCall(b); err != nil {
		return err
	}
	t.packed = append(t.packed, b...)
	t.ends = append(t.ends, uint64(len(t.packed)))
	return nil
}

// Adopt makes the tape hold the calls that lie in b one after another, each
// ending at one of ends. The tape keeps both. It errs on bytes that are none,
// by a FormatError with an offset in b, and on what Check errs on.
func (t *Tape) Adopt(b []byte, ends []uint64) error {
	return t.AdoptWithin(b, ends, Limits{Message: math.MaxInt64})
}

// AdoptWithin is Adopt within limits.
func (t *Tape) AdoptWithin(b []byte, ends []uint64, limits Limits) error {
	limits = limits.Or()
	from := uint64(0)
	for i, end := range ends {
		if end < from || end > uint64(len(b)) {
			return &FormatError{Offset: int64(from),
				Msg: fmt.Sprintf("call %d ends at %d of %d, after it began at %d", i+1, end, len(b), from)}
		}
		if err := checkAt(b[from:end], len(ends), limits); err != nil {
			return &FormatError{Offset: int64(from), Msg: fmt.Sprintf("call %d: %v", i+1, err)}
		}
		from = end
	}
	t.packed, t.ends = b, ends
	return nil
}

// Bytes returns how many bytes the tape takes in memory.
func (t *Tape) Bytes() int64 {
	return int64(len(t.Head.Initial)) + int64(cap(t.Schema)) + int64(cap(t.packed)) + 8*int64(cap(t.ends))
}

// Packed returns the ith call as AppendCall packs it. It is not to be changed.
func (t *Tape) Packed(i int) []byte {
	from := uint64(0)
	if i > 0 {
		from = t.ends[i-1]
	}
	return t.packed[from:t.ends[i]:t.ends[i]]
}

// Call unpacks the ith call, from 0. Its messages are part of the tape and
// not to be changed.
func (t *Tape) Call(i int) *Call {
	c, err := ParseCall(t.Packed(i))
	if err != nil {
		panic("tape: a call that was checked does not unpack: " + err.Error())
	}
	return c
}

// Calls yields the calls in their order.
func (t *Tape) Calls() iter.Seq2[int, *Call] {
	return func(yield func(int, *Call) bool) {
		for i := range t.ends {
			if !yield(i, t.Call(i)) {
				return
			}
		}
	}
}

// Without returns a tape without the calls that skip names, and without what
// waits for them.
func (t *Tape) Without(skip func(call int) bool) *Tape {
	place := make([]int, t.Len())
	kept := 0
	for i := range place {
		place[i] = -1
		if !skip(i) {
			place[i] = kept
			kept++
		}
	}
	out := &Tape{Head: t.Head, Schema: t.Schema}
	for i, c := range t.Calls() {
		if place[i] >= 0 {
			c.replace(place)
			out.Add(c)
		}
	}
	return out
}

// replace makes what the call's events wait for name calls by their new
// place; what has none, -1, is waited for no more.
func (c *Call) replace(place []int) {
	for i := range c.Events {
		var after []Ref
		for _, r := range c.Events[i].After {
			if place[r.Call] >= 0 {
				after = append(after, Ref{place[r.Call], r.Nth})
			}
		}
		c.Events[i].After = after
	}
}
