// What tests may see of the ring.

package flow

// Capacity returns how many bytes of memory f holds.
func (f *Flow) Capacity() int { return len(f.ring.buf) }
