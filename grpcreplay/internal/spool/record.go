// A record of a side file, and whether a file's end is torn or garbled.

package spool

import (
	"encoding/binary"
)

// record reads the record at the front of b, if it is whole.
func record(b []byte) (kind uint64, payload []byte, whole bool) {
	kind, length, ok := parseHeader(b)
	if !ok || length > uint64(len(b)-recordHeader) {
		return 0, nil, false
	}
	payload = b[recordHeader:][:length:length]
	return kind, payload, sum(payload) == binary.LittleEndian.Uint32(b[12:])
}

// parseHeader reads the header at the front of b, if there is one.
func parseHeader(b []byte) (kind, length uint64, ok bool) {
	if len(b) < recordHeader || sum(b[:8]) != binary.LittleEndian.Uint32(b[8:]) {
		return 0, 0, false
	}
	n := binary.LittleEndian.Uint64(b)
	return n & 0xff, n >> 8, true
}

// checkTail looks at b, which begins with a record that is not whole, at the
// given offset of the file. It errs unless this was the last one.
func checkTail(b []byte, at int64) error {
	behind := uint64(1)
	if _, length, ok := parseHeader(b); ok {
		behind = recordHeader + length
	}
	if behind >= uint64(len(b)) || !hasRecord(b[behind:]) {
		return nil
	}
	return faultAt(at, "a record is garbled, and whole ones follow: the file was damaged after it was written; "+
		"cut it off here to keep what is before")
}

// hasRecord tells whether a whole record lies anywhere in b. If so many of
// what look like headers do that checking their payloads would take more than
// a few passes over b, it says yes: that is no accident.
func hasRecord(b []byte) bool {
	budget := 4 * uint64(len(b))
	for ; len(b) >= recordHeader; b = b[1:] {
		if b[0] == 0 || b[0] >= recordsEnd {
			continue
		}
		_, length, ok := parseHeader(b)
		if !ok || length > uint64(len(b)-recordHeader) {
			continue
		}
		if _, _, whole := record(b); whole || length > budget {
			return true
		}
		budget -= length
	}
	return false
}
