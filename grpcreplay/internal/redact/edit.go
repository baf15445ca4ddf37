// Replacing parts of bytes, copied only if anything is replaced.

package redact

// An edit is bytes of which parts give way to others, from left to right.
type edit struct {
	src, out []byte
	done     int // what of src is in out
}

// put replaces src[from:to].
func (e *edit) put(from, to int, with []byte) {
	if e.out == nil {
		e.out = make([]byte, 0, len(e.src)+len(with)+16)
	}
	e.out = append(append(e.out, e.src[e.done:from]...), with...)
	e.done = to
}

// result returns the bytes, and whether anything was replaced.
func (e *edit) result() (b []byte, changed bool) {
	if e.out == nil {
		return e.src, false
	}
	return append(e.out, e.src[e.done:]...), true
}
