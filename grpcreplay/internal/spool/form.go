// What both forms begin with.

package spool

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// What files of the two forms begin with. The NUL tells tools that this is no
// text; the line ends tell us if one took it for text nevertheless.
const (
	MagicSide  = "rehearse side\x00\r\n"
	MagicWhole = "rehearse tape\x00\r\n"
)

// version is the version of both forms that is written. It comes after the
// magic, in 4 bytes; all numbers of fixed size are in little-endian order.
const version = 1

const magicLen = len(MagicSide)

// A Form is one of the binary forms of a recording.
type Form uint8

// The forms: of a recording under way, and of one that is complete.
const (
	Side Form = iota + 1
	Whole
)

// String returns what people call the form.
func (f Form) String() string {
	switch f {
	case Side:
		return "side file"
	case Whole:
		return "binary recording"
	}
	return fmt.Sprintf("form %d", uint8(f))
}

// Sniff tells which form a file has that begins with b, of which 16 bytes are
// enough.
func Sniff(b []byte) (Form, bool) {
	if len(b) < magicLen {
		return 0, false
	}
	switch string(b[:magicLen]) {
	case MagicSide:
		return Side, true
	case MagicWhole:
		return Whole, true
	}
	return 0, false
}

// checkVersion checks the version behind the magic of a file.
func checkVersion(b []byte, f Form) error {
	v := binary.LittleEndian.Uint32(b[magicLen:])
	if v == 0 || v > version {
		return faultAt(int64(magicLen), "it is a %v of version %d, and this program reads versions 1 to %d: "+
			"take a newer one, or record again", f, v, version)
	}
	return nil
}

// checkSize checks the size of a file.
func checkSize(size uint64, limits tape.Limits) error {
	if size > uint64(max(limits.File, 0)) || size > math.MaxInt {
		return faultAt(0, "it has %d bytes, more than the limit of %d; raise the limit of files if that is meant",
			size, limits.File)
	}
	return nil
}

func faultAt(offset int64, format string, args ...any) error {
	return &tape.FormatError{Offset: offset, Msg: fmt.Sprintf(format, args...)}
}

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }
