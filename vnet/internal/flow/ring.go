// A ring of bytes that grows up to what is asked of it and gives memory back.

package flow

import "sync"

// Rings have these sizes: powers of two from smallest to kept, then those of
// the pools, then powers of two again. A connection that speaks in small
// messages keeps its ring; what is larger goes back to its pool when empty, so
// that a connection which carried much and fell silent holds little.
const (
	smallest = 64
	kept     = 256
	size1K   = 1 << 10
	size8K   = 8 << 10
	size64K  = 64 << 10
	size256K = 256 << 10
)

// Arrays of bytes belong to no bubble, so that all may share these.
var (
	pool1K   = sync.Pool{New: func() any { return new([size1K]byte) }}
	pool8K   = sync.Pool{New: func() any { return new([size8K]byte) }}
	pool64K  = sync.Pool{New: func() any { return new([size64K]byte) }}
	pool256K = sync.Pool{New: func() any { return new([size256K]byte) }}
)

// alloc returns a buffer of at least size bytes, whose length is a power of two.
func alloc(size int) []byte {
	switch {
	case size <= kept || size > size256K:
		n := smallest
		for n < size {
			n *= 2
		}
		return make([]byte, n)
	case size <= size1K:
		return pool1K.Get().(*[size1K]byte)[:]
	case size <= size8K:
		return pool8K.Get().(*[size8K]byte)[:]
	case size <= size64K:
		return pool64K.Get().(*[size64K]byte)[:]
	}
	return pool256K.Get().(*[size256K]byte)[:]
}

// release gives a buffer back to the pool it came from, if it came from one.
func release(buf []byte) {
	switch len(buf) {
	case size1K:
		pool1K.Put((*[size1K]byte)(buf))
	case size8K:
		pool8K.Put((*[size8K]byte)(buf))
	case size64K:
		pool64K.Put((*[size64K]byte)(buf))
	case size256K:
		pool256K.Put((*[size256K]byte)(buf))
	}
}

// ring is a queue of bytes. The zero value is empty.
type ring struct {
	buf  []byte // its length is a power of two, or 0
	head int    // index of the oldest byte; 0 when there is none
	len  int
}

// push appends b, growing as needed.
func (r *ring) push(b []byte) {
	if len(r.buf)-r.len < len(b) {
		r.grow(r.len + len(b))
	}
	at := (r.head + r.len) & (len(r.buf) - 1)
	if n := copy(r.buf[at:], b); n < len(b) {
		copy(r.buf, b[n:])
	}
	r.len += len(b)
}

// drop takes away the n oldest bytes.
func (r *ring) drop(n int) {
	r.len -= n
	if r.len == 0 {
		r.head = 0 // the next bytes find a cache that is warm
		return
	}
	r.head = (r.head + n) & (len(r.buf) - 1)
}

// truncate keeps the n oldest bytes.
func (r *ring) truncate(n int) {
	r.len = n
	r.drop(0)
}

// copyTo copies the oldest bytes into b and returns how many.
func (r *ring) copyTo(b []byte) int {
	b = b[:min(len(b), r.len)]
	if n := copy(b, r.buf[r.head:]); n < len(b) {
		copy(b[n:], r.buf)
	}
	return len(b)
}

// grow makes room for need bytes in all.
func (r *ring) grow(need int) {
	next := alloc(max(need, 2*len(r.buf)))
	r.copyTo(next)
	release(r.buf)
	r.buf, r.head = next, 0
}

// rest gives the buffer back if the ring is empty and the buffer large.
func (r *ring) rest() {
	if r.len == 0 && len(r.buf) > kept {
		release(r.buf)
		r.buf, r.head = nil, 0
	}
}

// Buffer returns a buffer of 64 KiB for copying through; Done gives it back.
func Buffer() []byte { return alloc(size64K) }

// Done gives back what Buffer returned, whole.
func Done(b []byte) { release(b) }
