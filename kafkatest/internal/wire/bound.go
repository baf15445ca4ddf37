// Bounds on what decoding a request may cost.

package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxBody is the longest body of a request other than Produce, in bytes:
// 4 MiB. Decoded, the shortest elements take up to a hundred times their
// length, so what a stranger sends must be bounded well below what memory
// there is. No client's own requests come near it.
const maxBody = 4 << 20

// maxProduced is how many topics and partitions one Produce request may have,
// taken together. Produce alone is as long as the frame limit allows, for its
// records; what stands round them is not.
const maxProduced = 100_000

// bounded says why the body of a request is too costly to be decoded; nil if
// it is not.
func bounded(h Header, rest []byte, flexible bool) error {
	if h.Key == int16(kmsg.Produce) {
		return boundedProduce(h.Version, rest, flexible)
	}
	if len(rest) > maxBody {
		return fmt.Errorf("the body of %s has %d bytes; %d are allowed", h.Name(), len(rest), maxBody)
	}
	return nil
}

// boundedProduce counts the topics and partitions of a Produce request without
// making any. A body that ends early is left to the decoder to refuse.
func boundedProduce(version int16, rest []byte, flexible bool) error {
	w := walk{rest: rest, flexible: flexible}
	if version >= 3 {
		w.skip(w.length(2)) // the transactional id
	}
	w.skip(2 + 4) // acks and timeout
	seen := 0
	for topics := w.count(); topics > 0 && !w.over; topics-- {
		if version >= 13 {
			w.skip(16)
		} else {
			w.skip(w.length(2))
		}
		partitions := w.count()
		if seen += 1 + partitions; topics > maxProduced || seen > maxProduced {
			return fmt.Errorf("a Produce request with more than %d topics and partitions", maxProduced)
		}
		for ; partitions > 0 && !w.over; partitions-- {
			w.skip(4)
			w.skip(w.length(4))
			w.tags()
		}
		w.tags()
	}
	return nil
}

// A walk passes over a body field by field.
type walk struct {
	rest     []byte
	flexible bool
	over     bool // the body ended early
}

func (w *walk) skip(n int) {
	if n > len(w.rest) {
		w.rest, w.over = nil, true
		return
	}
	w.rest = w.rest[max(n, 0):]
}

// number reads an unsigned number of that many bytes.
func (w *walk) number(size int) (n uint64) {
	if len(w.rest) < size {
		w.over = true
		return 0
	}
	for _, b := range w.rest[:size] {
		n = n<<8 | uint64(b)
	}
	w.rest = w.rest[size:]
	return n
}

func (w *walk) uvarint() uint64 {
	n, size := binary.Uvarint(w.rest)
	if size <= 0 {
		w.over = true
		return 0
	}
	w.rest = w.rest[size:]
	return n
}

// length reads the length of a string or of bytes, which takes size bytes
// where it is not compact; 0 for null.
func (w *walk) length(size int) int {
	var n int64
	switch {
	case w.flexible:
		n = int64(w.uvarint()) - 1
	case size == 2:
		n = int64(int16(w.number(2)))
	default:
		n = int64(int32(w.number(4)))
	}
	if n > int64(len(w.rest)) {
		w.over = true
		return 0
	}
	return int(max(n, 0))
}

// count reads the length of an array; what has fewer bytes left is over.
func (w *walk) count() int { return w.length(4) }

func (w *walk) tags() {
	if !w.flexible {
		return
	}
	for n := w.uvarint(); n > 0 && !w.over; n-- {
		w.uvarint()
		size := w.uvarint()
		if size > uint64(len(w.rest)) {
			w.over = true
			return
		}
		w.skip(int(size))
	}
}
