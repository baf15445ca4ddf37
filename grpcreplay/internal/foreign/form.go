// Which form a file has, and reading any of them.

package foreign

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A Form is a form of file that another tool writes.
type Form string

// The forms that are read.
const (
	RPCReplay     Form = "rpcreplay"
	RPCReplayText Form = "rpcreplay text"
	BinaryLog     Form = "binary log"
	GRPCTools     Form = "grpc-tools"
)

// The first nine bytes of rpcreplay's forms.
const (
	binaryMagic = "RPCReplay"
	textMagic   = "RPCReTxt1"
)

// Sniff tells the form of a file from its beginning; a few hundred bytes are
// enough. The binary log has no mark of its own: it is told by its first
// entry.
func Sniff(b []byte) (Form, bool) {
	switch {
	case bytes.HasPrefix(b, []byte(binaryMagic)):
		return RPCReplay, true
	case bytes.HasPrefix(b, []byte(textMagic)):
		return RPCReplayText, true
	case looksLikeDump(b):
		return GRPCTools, true
	case looksLikeLog(b):
		return BinaryLog, true
	}
	return "", false
}

// looksLikeDump tells whether b begins as a line of grpc-dump: an object that
// names its service first.
func looksLikeDump(b []byte) bool {
	b, object := bytes.CutPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{"))
	return object && bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte(`"service"`))
}

// looksLikeLog tells whether b begins as a binary log: a length, and within it
// the fields of an entry, of which the call's number or its time come first.
func looksLikeLog(b []byte) bool {
	if len(b) < 8 || (b[4] != 0x0a && b[4] != 0x10) {
		return false
	}
	size := binary.BigEndian.Uint32(b)
	b = b[4:]
	b = b[:min(len(b), int(min(size, 1<<30)))]
	whole := 0
	for ; len(b) > 0; whole++ {
		num, typ, n := protowire.ConsumeField(b)
		if n < 0 {
			break
		}
		if known, ok := logTypes[num]; !ok || known != typ {
			return false
		}
		b = b[n:]
	}
	return whole > 0
}

// Read reads a file of any form that Sniff knows. Types that the program knows
// are asked for the shape of calls, the text form of rpcreplay cannot be read
// without them, and those that occur go onto the tape; program may be nil.
// Wrong bytes are a *tape.FormatError.
func Read(b []byte, program *schema.Set, limits tape.Limits) (*tape.Tape, error) {
	limits = limits.Or()
	start := place{}
	if int64(len(b)) > limits.File {
		return nil, start.fault("the file has %d bytes, more than the %d allowed: raise Limits.File",
			len(b), limits.File)
	}
	form, ok := Sniff(b)
	if !ok {
		return nil, start.fault("this is no recording of rpcreplay, grpcreplay, gRPC's binary log or grpc-tools")
	}
	switch form {
	case RPCReplay:
		return readReplay(b, program, limits)
	case RPCReplayText:
		return readText(b, program, limits)
	case BinaryLog:
		return readLog(b, program, limits)
	}
	return readDump(b, program, limits)
}

// A place is where in a file something stands: a line of text or an offset.
type place struct {
	line   int
	offset int64
}

func (p place) fault(format string, args ...any) error {
	return &tape.FormatError{Line: p.line, Offset: p.offset, Msg: fmt.Sprintf(format, args...)}
}

// record returns the record at b[at:], of which order gives the length before
// it, and where the next one begins.
func record(b []byte, at int, order binary.ByteOrder, limit int64) (rec []byte, next int, err error) {
	here, rest := place{offset: int64(at)}, b[at:]
	if len(rest) < 4 {
		return nil, 0, here.fault("the file is cut within a record's length: %d of 4 bytes are there", len(rest))
	}
	size := int64(order.Uint32(rest))
	rest = rest[4:]
	if size > limit {
		return nil, 0, here.fault("a record says it has %d bytes, more than the %d allowed: "+
			"the file is damaged, or raise Limits.Message", size, limit)
	}
	if size > int64(len(rest)) {
		return nil, 0, here.fault("the file is cut within a record: %d of its %d bytes are there", len(rest), size)
	}
	return rest[:size:size], at + 4 + int(size), nil
}

// shapeOf returns the shape of a method as the schema has it, else otherwise.
func shapeOf(program *schema.Set, method string, otherwise tape.Shape) tape.Shape {
	if md := program.Method(method); md != nil {
		return tape.ShapeOf(md.IsStreamingClient(), md.IsStreamingServer())
	}
	return otherwise
}
