// Batches: frames on their way out, gathered into as few writes as can be.

package peer

import (
	"encoding/binary"
	"hash/crc32"
	"net"
)

const (
	flushAt = 1 << 20 // a batch is written when it has so many bytes
	keepAt  = 4 << 20 // memory beyond it is not kept for the next batch
)

// A batch is frames that are written together. Small pieces are copied into
// bytes; a large one stays where it is, and a cut says where it belongs.
type batch struct {
	bytes []byte
	cuts  []cut
	large int // bytes in cuts

	// aside is from what size on a piece is not copied. Memory is copied faster
	// than a vector of small pieces is walked.
	aside int
	parts net.Buffers

	start, startCuts, startLarge int // where the frame under way began
}

// A cut is a piece that follows bytes[:at].
type cut struct {
	at   int
	data []byte
}

// newBatch returns a batch for conn. Only the system's own connections write
// vectors; others, TLS above all, write each piece by itself.
func newBatch(conn net.Conn) *batch {
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		return &batch{aside: 8 << 10}
	}
	return &batch{aside: 64 << 10}
}

// size is how many bytes the batch has.
func (b *batch) size() int { return len(b.bytes) + b.large }

// begin begins a frame.
func (b *batch) begin(kind byte) {
	b.start, b.startCuts, b.startLarge = len(b.bytes), len(b.cuts), b.large
	b.bytes = append(b.bytes, 0, 0, 0, 0, kind, 0, 0, 0, 0)
}

func (b *batch) uint(v uint64) { b.bytes = binary.AppendUvarint(b.bytes, v) }

// data adds to the frame what must not change until the batch is written.
func (b *batch) data(p []byte) {
	if len(p) < b.aside {
		b.bytes = append(b.bytes, p...)
		return
	}
	b.cuts = append(b.cuts, cut{len(b.bytes), p})
	b.large += len(p)
}

// text adds a string and its length.
func (b *batch) text(s string) {
	b.uint(uint64(len(s)))
	b.bytes = append(b.bytes, s...)
}

// end completes the frame. If its body has more than limit bytes, the frame is
// taken back and the error an Oversized.
func (b *batch) end(limit int) error {
	body := b.size() - b.start - b.startLarge - headSize
	if body > limit {
		clear(b.cuts[b.startCuts:])
		b.bytes, b.cuts, b.large = b.bytes[:b.start], b.cuts[:b.startCuts], b.startLarge
		return Oversized{What: "frame", Bytes: body, Limit: limit}
	}
	h := b.bytes[b.start : b.start+headSize]
	binary.LittleEndian.PutUint32(h, uint32(body))
	sum, at := crc32.Update(0, castagnoli, h[:5]), b.start+headSize
	for _, c := range b.cuts[b.startCuts:] {
		sum = crc32.Update(sum, castagnoli, b.bytes[at:c.at])
		sum, at = crc32.Update(sum, castagnoli, c.data), c.at
	}
	sum = crc32.Update(sum, castagnoli, b.bytes[at:])
	binary.LittleEndian.PutUint32(h[5:], sum)
	return nil
}

// flush writes all frames and empties the batch, also if that fails.
func (b *batch) flush(conn net.Conn) error {
	defer b.reset()
	if len(b.cuts) == 0 {
		if len(b.bytes) == 0 {
			return nil
		}
		_, err := conn.Write(b.bytes)
		return err
	}
	at, parts := 0, b.parts[:0]
	for _, c := range b.cuts {
		if c.at > at {
			parts = append(parts, b.bytes[at:c.at])
		}
		parts, at = append(parts, c.data), c.at
	}
	if at < len(b.bytes) {
		parts = append(parts, b.bytes[at:])
	}
	b.parts = parts
	_, err := parts.WriteTo(conn) // it forgets what it has written
	return err
}

// reset empties the batch and lets go of what is not its own.
func (b *batch) reset() {
	clear(b.cuts)
	clear(b.parts[:cap(b.parts)])
	b.bytes, b.cuts, b.large = b.bytes[:0], b.cuts[:0], 0
	if cap(b.bytes) > keepAt {
		b.bytes = nil
	}
}
