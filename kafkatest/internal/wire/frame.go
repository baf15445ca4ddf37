// Frames: a length, and that many bytes.

package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// firstRead is how many bytes of a frame are made room for before any of them
// came: whoever announces more must send it to have memory spent on it.
const firstRead = 1 << 20

// A SizeError says that a frame announced a length that no request has.
type SizeError struct {
	Size  int32
	Limit int32
}

// Error says how long the frame claimed to be, and what those bytes are
// likelier to have been.
func (e *SizeError) Error() string {
	what := guess(e.Size)
	if e.Size < 0 {
		return fmt.Sprintf("a frame of %d bytes%s", e.Size, what)
	}
	return fmt.Sprintf("a frame of %d bytes, more than the %d allowed%s", e.Size, e.Limit, what)
}

// guess tells what those four bytes are likelier to have been.
func guess(size int32) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(size))
	switch s := string(b[:]); {
	case s == "GET " || s == "POST" || s == "HEAD" || s == "PUT " || s == "PRI " || s == "OPTI" || s == "CONN":
		return ": this looks like HTTP"
	case b[0] == 0x16 && b[1] == 3:
		return ": this looks like TLS on a listener without it"
	}
	return ""
}

// ReadFrame reads one frame and returns its payload, which is the caller's to
// keep. The length is checked against limit before memory is spent on it. At
// the end of the stream between two frames the error is io.EOF.
func ReadFrame(r *bufio.Reader, limit int32) ([]byte, error) {
	frame, _, err := new(Budget).ReadFrame(r, limit)
	return frame, err
}

// ReadFrame is the function ReadFrame, within the budget. It returns how much
// of it the frame takes, which is to be given back with Return; if there is not
// enough left, the error is ErrBudget.
func (b *Budget) ReadFrame(r *bufio.Reader, limit int32) (frame []byte, taken int64, err error) {
	head, err := r.Peek(4)
	if err != nil {
		if err == io.EOF && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, 0, err
	}
	size := int32(binary.BigEndian.Uint32(head))
	if size < 0 || size > limit {
		return nil, 0, &SizeError{size, limit}
	}
	_, _ = r.Discard(4)
	if frame, taken, err = b.readBody(r, int(size)); err != nil {
		b.Return(taken)
		return nil, 0, err
	}
	return frame, taken, nil
}

// spares are frames that were given back.
var spares sync.Pool

// worthSparing is how large a frame must be to be given back.
const worthSparing = 64 << 10

// Spare gives a frame back, for others to be read into. Nothing of it may be
// in use any more.
func Spare(frame []byte) {
	if cap(frame) >= worthSparing {
		spares.Put(&frame)
	}
}

// begin returns memory for a frame of size bytes to begin with.
func begin(size int) []byte {
	if size >= worthSparing {
		if spare, ok := spares.Get().(*[]byte); ok && cap(*spare) >= size {
			return (*spare)[:size]
		}
	}
	return make([]byte, min(size, firstRead))
}

func (b *Budget) readBody(r io.Reader, size int) (frame []byte, taken int64, err error) {
	frame = begin(size)
	for have := 0; ; {
		if _, err := io.ReadFull(r, frame[have:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, taken, err
		}
		if have = len(frame); have == size {
			return frame, taken, nil
		}
		n := min(size, 2*have)
		if !b.take(int64(n - have)) {
			return nil, taken, ErrBudget
		}
		taken += int64(n - have)
		larger := make([]byte, n)
		copy(larger, frame)
		frame = larger
	}
}

// HasFrame reports whether r holds a whole frame already, so that reading one
// would not wait. A length that ReadFrame refuses counts as one.
func HasFrame(r *bufio.Reader) bool {
	have := r.Buffered()
	if have < 4 {
		return false
	}
	head, _ := r.Peek(4)
	size := int64(int32(binary.BigEndian.Uint32(head)))
	return size < 0 || int64(have) >= 4+size
}

// beginFrame leaves room for a length; endFrame fills it in.
func beginFrame(dst []byte) []byte { return append(dst, 0, 0, 0, 0) }

func endFrame(dst []byte, start int) []byte {
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}
