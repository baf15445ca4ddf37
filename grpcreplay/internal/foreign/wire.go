// Protocol buffers' wire format, taken apart without types.

package foreign

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A field is one field of a message: a number or bytes.
type field struct {
	number protowire.Number
	typ    protowire.Type
	n      uint64
	b      []byte
}

var errWire = errors.New("its bytes are no protocol buffers message")

// fields calls visit for each field of a message that is a number or bytes,
// and passes over those of other types.
func fields(b []byte, visit func(field) error) error {
	for len(b) > 0 {
		num, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return errWire
		}
		b = b[size:]
		f := field{number: num, typ: typ}
		switch typ {
		case protowire.VarintType:
			f.n, size = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			f.b, size = protowire.ConsumeBytes(b)
		default:
			size = protowire.ConsumeFieldValue(num, typ, b)
		}
		if size < 0 {
			return errWire
		}
		b = b[size:]
		if typ != protowire.VarintType && typ != protowire.BytesType {
			continue
		}
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// is tells whether a field is the one of that number and type. Like every
// reader of protocol buffers, ours takes a field of another type for unknown.
func (f field) is(number protowire.Number, typ protowire.Type) bool {
	return f.number == number && f.typ == typ
}

const (
	varint = protowire.VarintType
	nested = protowire.BytesType
)

// parseAny takes a google.protobuf.Any apart.
func parseAny(b []byte) (a tape.Any, err error) {
	err = fields(b, func(f field) error {
		switch {
		case f.is(1, nested):
			a.Type = string(f.b)
		case f.is(2, nested):
			a.Value = f.b
		}
		return nil
	})
	return a, err
}

// parseStatus takes a google.rpc.Status apart.
func parseStatus(b []byte) (s tape.Status, err error) {
	err = fields(b, func(f field) error {
		switch {
		case f.is(1, varint):
			s.Code = uint32(f.n)
		case f.is(2, nested):
			s.Message = string(f.b)
		case f.is(3, nested):
			detail, err := parseAny(f.b)
			s.Details = append(s.Details, detail)
			return err
		}
		return nil
	})
	return s, err
}
