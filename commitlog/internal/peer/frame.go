// Frames: what is read from a connection, and how it is checked.

package peer

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"time"
)

// A frame is nine bytes of head, then its body:
//
//	4  length of the body, little-endian
//	1  kind
//	4  CRC32C of the five bytes before and of the body, little-endian
//
// TCP's own checksum lets one flipped bit in some ten thousand pass, and an
// entry that was damaged on its way would be damaged on every disk.
const headSize = 9

// The kinds of frames.
const (
	helloFrame   = 1 // who is there: the first in each direction
	refusedFrame = 2 // instead of a hello: why not
	messageFrame = 3 // a raft message as protobuf
	appFrame     = 4 // a MsgApp in a form of its own
	requestFrame = 5 // what stream is wanted
	chunkFrame   = 6 // a piece of it
	endFrame     = 7 // its end, with the number of its bytes
	failedFrame  = 8 // its end, with the reason it is not whole
	pingFrame    = 9 // among messages: is anybody reading?
	pongFrame    = 10
)

const (
	maxText    = 1 << 10 // of a reason
	maxChunk   = 1 << 20 // of a stream
	maxRequest = 1 << 20
	readAhead  = 64 << 10
	growAbove  = 4 << 20 // bodies above it get their memory as their bytes arrive
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A reader takes frames from a connection.
type reader struct {
	conn    net.Conn
	buf     *bufio.Reader
	idle    time.Duration // if not 0, the longest time without a byte
	scratch []byte
}

func newReader(conn net.Conn, ahead int) *reader {
	r := &reader{conn: conn}
	r.buf = bufio.NewReaderSize(bytesOf{r}, ahead)
	return r
}

// bytesOf is what a reader reads from: its connection, which falls silent for
// no longer than idle.
type bytesOf struct{ r *reader }

func (b bytesOf) Read(p []byte) (int, error) {
	if b.r.idle > 0 {
		if err := b.r.conn.SetReadDeadline(time.Now().Add(b.r.idle)); err != nil {
			return 0, err
		}
	}
	return b.r.conn.Read(p)
}

// A head is a frame's head, and what it says of the body.
type head struct {
	kind  byte
	bytes int
	sum   uint32 // of head and body
	begun uint32 // of the head
}

// head reads the next frame's head. It returns io.EOF only if the other side
// has ended the connection between two frames.
func (r *reader) head(limit int) (head, error) {
	b, err := r.buf.Peek(headSize)
	if err == io.EOF && len(b) > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return head{}, err
	}
	n := binary.LittleEndian.Uint32(b)
	h := head{kind: b[4], bytes: int(n), sum: binary.LittleEndian.Uint32(b[5:])}
	if int64(n) > int64(limit) {
		return head{}, Oversized{What: "frame", Bytes: int(n), Limit: limit}
	}
	h.begun = crc32.Update(0, castagnoli, b[:5])
	_, err = r.buf.Discard(headSize)
	return h, err
}

// fresh reads a body into memory of its own.
func (r *reader) fresh(h head) ([]byte, error) { return r.into(nil, h) }

// reused reads a body into memory that the next call uses again.
func (r *reader) reused(h head) ([]byte, error) {
	b, err := r.into(r.scratch[:0], h)
	r.scratch = b
	if cap(b) > maxChunk {
		r.scratch = nil
	}
	return b, err
}

// into reads a body into b and checks it.
func (r *reader) into(b []byte, h head) ([]byte, error) {
	for len(b) < h.bytes {
		// A length is a claim. Beyond some megabytes, memory follows bytes.
		begin, end := len(b), min(h.bytes, max(growAbove, 2*len(b)))
		if cap(b) >= end {
			b = b[:end]
		} else {
			b = append(make([]byte, 0, end), b...)[:end]
		}
		if _, err := io.ReadFull(r.buf, b[begin:]); err != nil {
			return b, whole(err)
		}
	}
	if sum := crc32.Update(h.begun, castagnoli, b); sum != h.sum {
		return b, Malformed{What: "frame", Why: fmt.Sprintf("kind %d, %d bytes: its checksum is %08x, not %08x",
			h.kind, h.bytes, sum, h.sum)}
	}
	return b, nil
}

// whole is err as it is inside a frame, where no end is expected.
func whole(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// frame reads a whole frame of at most limit bytes into reused memory.
func (r *reader) frame(limit int) (kind byte, body []byte, err error) {
	h, err := r.head(limit)
	if err != nil {
		return 0, nil, err
	}
	body, err = r.reused(h)
	return h.kind, body, err
}
