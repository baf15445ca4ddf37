// Replacing parts of bytes, copied once and only if anything is replaced.

package redact

// An edit is bytes of which parts give way to others.
type edit struct {
	src     []byte
	changes []change // from left to right
	grown   int      // by how much they make it longer
}

// A change puts other bytes in the place of src[from:to].
type change struct {
	from, to int
	with     []byte
}

// put replaces src[from:to]. It returns by how many bytes that is longer.
func (e *edit) put(from, to int, with []byte) (delta int) {
	delta = len(with) - (to - from)
	e.changes = append(e.changes, change{from, to, with})
	e.grown += delta
	return delta
}

// reserve keeps the place of a change that is known only after later ones.
func (e *edit) reserve() (place int) {
	e.changes = append(e.changes, change{})
	return len(e.changes) - 1
}

// fill makes the change for which a place was reserved.
func (e *edit) fill(place, from, to int, with []byte) (delta int) {
	delta = len(with) - (to - from)
	e.changes[place] = change{from, to, with}
	e.grown += delta
	return delta
}

// result returns the bytes, and whether anything was replaced.
func (e *edit) result() (b []byte, changed bool) {
	if len(e.changes) == 0 {
		return e.src, false
	}
	b = make([]byte, 0, len(e.src)+e.grown)
	done := 0
	for _, c := range e.changes {
		b = append(append(b, e.src[done:c.from]...), c.with...)
		done = c.to
	}
	return append(b, e.src[done:]...), true
}
