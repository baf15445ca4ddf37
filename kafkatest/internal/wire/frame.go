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
	head, err := r.Peek(4)
	if err != nil {
		if err == io.EOF && len(head) > 0 {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, err
	}
	size := int32(binary.BigEndian.Uint32(head))
	if size < 0 || size > limit {
		return nil, &SizeError{size, limit}
	}
	_, _ = r.Discard(4)
	return readBody(r, int(size))
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

func readBody(r io.Reader, size int) ([]byte, error) {
	frame := begin(size)
	for have := 0; ; {
		if _, err := io.ReadFull(r, frame[have:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if have = len(frame); have == size {
			return frame, nil
		}
		larger := make([]byte, min(size, 2*have))
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
