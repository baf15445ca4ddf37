// Snappy, as one block or in the framing of xerial's snappy-java.

package batch

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/klauspost/compress/snappy"
)

// xerial is what the framing of snappy-java begins with, before its version
// and the oldest version that can read it. The Java clients write it; others
// write a single block.
var xerial = []byte("\x82SNAPPY\x00")

const (
	xerialHeader = 16
	xerialBlock  = 32 << 10 // snappy-java's default
)

var errSnappy = errors.New("batch: malformed snappy")

func unsnap(src []byte, bound int) ([]byte, error) {
	if !bytes.HasPrefix(src, xerial) {
		return appendUnsnapped(nil, src, bound)
	}
	if len(src) < xerialHeader {
		return nil, errSnappy
	}
	var out []byte
	for src = src[xerialHeader:]; len(src) > 0; {
		if len(src) < 4 {
			return nil, errSnappy
		}
		n := binary.BigEndian.Uint32(src)
		src = src[4:]
		if uint64(n) > uint64(len(src)) {
			return nil, errSnappy
		}
		var err error
		if out, err = appendUnsnapped(out, src[:n], bound); err != nil {
			return nil, err
		}
		src = src[n:]
	}
	return out, nil
}

// appendUnsnapped appends a block, which says first how large it becomes. No
// snappy block grows more than 22-fold, so one that says so lies.
func appendUnsnapped(dst, block []byte, bound int) ([]byte, error) {
	n, err := snappy.DecodedLen(block)
	if err != nil {
		return nil, err
	}
	if n > bound-len(dst) || n > 64*len(block) {
		return nil, errBomb
	}
	plain, err := snappy.Decode(nil, block)
	if dst == nil {
		return plain, err
	}
	return append(dst, plain...), err
}

// snap writes the framing, which every client reads, in blocks of the size
// that snappy-java writes.
func snap(dst, src []byte) []byte {
	dst = append(dst, xerial...)
	dst = binary.BigEndian.AppendUint32(dst, 1)
	dst = binary.BigEndian.AppendUint32(dst, 1)
	for len(src) > 0 {
		n := min(len(src), xerialBlock)
		block := snappy.Encode(nil, src[:n])
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(block)))
		dst = append(dst, block...)
		src = src[n:]
	}
	return dst
}
