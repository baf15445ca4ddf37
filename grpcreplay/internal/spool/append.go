// Appending to a side file.

package spool

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// The kinds of records. Those that a reader does not know it passes over.
const (
	recordHead    = iota + 1 // a packed tape.Head
	recordStart              // the call's id as a varint, the packed call
	recordEvent              // the call's id as a varint, the packed event
	recordSchema             // a serialized FileDescriptorSet
	recordInitial            // the program's own bytes
	recordsEnd
)

// A record is a header of 16 bytes and its payload. The header holds the kind
// in its first byte, the payload's length in the 7 next, the CRC-32C of these
// 8, and that of the payload. So a header is known to be one before its length
// is believed, and a record of zeros is none.
const recordHeader = 16

// AppendHead appends the beginning of a side file to b: its magic and version,
// and what the recording says of itself as far as it is known.
func AppendHead(b []byte, h tape.Head) []byte {
	b = binary.LittleEndian.AppendUint32(append(b, MagicSide...), version)
	b, at := open(b)
	return closed(tape.AppendHead(b, h), at, recordHead)
}

// AppendStart appends that a call began: all of it but its events. Each call
// has an id of its own.
func AppendStart(b []byte, id uint64, c *tape.Call) []byte {
	bare := *c
	bare.Events = nil
	b, at := open(b)
	return closed(tape.AppendCall(protowire.AppendVarint(b, id), &bare), at, recordStart)
}

// AppendEvent appends an event of a call that was appended before.
func AppendEvent(b []byte, id uint64, e *tape.Event) []byte {
	b, at := open(b)
	return closed(tape.AppendEvent(protowire.AppendVarint(b, id), e), at, recordEvent)
}

// AppendSchema appends a serialized google.protobuf.FileDescriptorSet. What
// several calls append is taken as one set, so that each has only to hold
// the files that are new.
func AppendSchema(b, fds []byte) []byte {
	b, at := open(b)
	return closed(append(b, fds...), at, recordSchema)
}

// AppendInitial appends the program's own bytes; the last ones count.
func AppendInitial(b, initial []byte) []byte {
	b, at := open(b)
	return closed(append(b, initial...), at, recordInitial)
}

// open leaves room for a record's header and returns where that is.
func open(b []byte) (opened []byte, at int) {
	var room [recordHeader]byte
	return append(b, room[:]...), len(b)
}

// closed fills in the header of the record that takes the rest of b.
func closed(b []byte, at int, kind uint64) []byte {
	header, payload := b[at:at+recordHeader], b[at+recordHeader:]
	binary.LittleEndian.PutUint64(header, uint64(len(payload))<<8|kind)
	binary.LittleEndian.PutUint32(header[8:], sum(header[:8]))
	binary.LittleEndian.PutUint32(header[12:], sum(payload))
	return b
}
