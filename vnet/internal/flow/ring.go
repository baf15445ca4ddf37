// A ring of bytes that grows up to what is asked of it and shrinks when told.

package flow

import "sync"

const (
	smallest = 512      // first allocation
	pooled   = 64 << 10 // a buffer at least this large goes back to the pool
	largest  = 256 << 10
)

// buffers keeps large rings between uses, so that a connection which carried
// much and fell silent holds no memory. Byte arrays belong to no bubble.
var buffers = sync.Pool{New: func() any { return new([largest]byte) }}

// ring is a queue of bytes. The zero value is empty.
type ring struct {
	buf  []byte // its length is a power of two
	head int    // index of the oldest byte
	len  int
}

// push appends b, growing as needed.
func (r *ring) push(b []byte) {
	if len(r.buf)-r.len < len(b) {
		r.grow(r.len + len(b))
	}
	at := (r.head + r.len) & (len(r.buf) - 1)
	n := copy(r.buf[at:], b)
	copy(r.buf, b[n:])
	r.len += len(b)
}

// front returns up to n of the oldest bytes that lie together, without
// taking them.
func (r *ring) front(n int) []byte {
	n = min(n, r.len, len(r.buf)-r.head)
	return r.buf[r.head : r.head+n]
}

// drop takes away the n oldest bytes.
func (r *ring) drop(n int) {
	r.len -= n
	if r.len == 0 {
		r.head = 0
		return
	}
	r.head = (r.head + n) & (len(r.buf) - 1)
}

// copyTo copies the bytes from offset on into b and returns how many.
func (r *ring) copyTo(b []byte, offset int) int {
	b = b[:min(len(b), r.len-offset)]
	if len(b) == 0 {
		return 0
	}
	at := (r.head + offset) & (len(r.buf) - 1)
	n := copy(b, r.buf[at:])
	copy(b[n:], r.buf)
	return len(b)
}

func (r *ring) grow(need int) {
	size := max(smallest, len(r.buf))
	for size < need {
		size *= 2
	}
	next := alloc(size)
	r.copyTo(next[:r.len], 0)
	r.free()
	r.buf, r.head = next, 0
}

// free gives the buffer away; the ring must be empty or copied.
func (r *ring) free() {
	if len(r.buf) == largest {
		buffers.Put((*[largest]byte)(r.buf))
	}
	r.buf, r.head = nil, 0
}

func alloc(size int) []byte {
	if size >= pooled && size <= largest {
		return buffers.Get().(*[largest]byte)[:]
	}
	return make([]byte, size)
}
