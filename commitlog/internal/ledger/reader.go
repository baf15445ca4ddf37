// Reading what was written: numbers, lengths, texts.

package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A reader reads numbers and texts; after the first error it reads zeros.
type reader struct {
	rest []byte
	err  error
}

var errShort = errors.New("it ends too early")

func (r *reader) number() uint64 {
	if r.err != nil {
		return 0
	}
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.err = errShort
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) signed() int64 {
	if r.err != nil {
		return 0
	}
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.err = errShort
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// count reads how many of what follow.
func (r *reader) count(what string, limit int) int {
	n := r.number()
	if r.err == nil && n > uint64(limit) {
		r.err = fmt.Errorf("%d %s; at most %d are possible", n, what, limit)
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// bytes reads a length and as many bytes.
func (r *reader) bytes() []byte {
	n := r.number()
	if r.err != nil {
		return nil
	}
	if n > uint64(len(r.rest)) {
		r.err = errShort
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func appendBytes(dst []byte, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}
