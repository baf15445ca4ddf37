// The LZ4 frames of message format 0, whose header checksum is wrong.

package batch

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Clients that write format 0 compute the checksum of an LZ4 frame's header
// from the frame's beginning, and not from the descriptor, and expect the
// same of what they read (KAFKA-3160). Format 1 put it right.

var lz4Magic = []byte{0x04, 0x22, 0x4d, 0x18}

// headerChecksumAt returns where in an LZ4 frame the checksum of the header
// is; false if it is no such frame.
func headerChecksumAt(frame []byte) (int, bool) {
	if len(frame) < 7 || !bytes.HasPrefix(frame, lz4Magic) {
		return 0, false
	}
	at := 6
	if frame[4]&0x08 != 0 { // has its content's size
		at += 8
	}
	return at, at < len(frame)
}

// mendFrame returns the frame with the right checksum in its header, if it
// had the wrong one of format 0.
func mendFrame(frame []byte) []byte {
	at, ok := headerChecksumAt(frame)
	if !ok || frame[at] != headerChecksum(frame[:at]) {
		return frame
	}
	right := headerChecksum(frame[len(lz4Magic):at])
	if right == frame[at] {
		return frame
	}
	mended := bytes.Clone(frame)
	mended[at] = right
	return mended
}

// breakFrame puts the checksum into the header that clients of format 0
// expect.
func breakFrame(frame []byte) {
	if at, ok := headerChecksumAt(frame); ok {
		frame[at] = headerChecksum(frame[:at])
	}
}

func headerChecksum(header []byte) byte { return byte(xxh32(header) >> 8) }

// xxh32 is xxHash32 with seed 0 of less than 16 bytes.
func xxh32(p []byte) uint32 {
	const (
		prime1 = 2654435761
		prime2 = 2246822519
		prime3 = 3266489917
		prime4 = 668265263
		prime5 = 374761393
	)
	h := uint32(prime5) + uint32(len(p))
	for ; len(p) >= 4; p = p[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(p)*prime3, 17) * prime4
	}
	for _, b := range p {
		h = bits.RotateLeft32(h+uint32(b)*prime5, 11) * prime1
	}
	h = (h ^ h>>15) * prime2
	h = (h ^ h>>13) * prime3
	return h ^ h>>16
}
