// Going over the fields of a packed message.

package tape

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// next reads one field off the front of a packed message: its number, what it
// holds, which is a number n or bytes v, and what is behind it. The field 0
// stands for none: the message ended, or is none. Both types of field that
// occur begin with a varint, the number itself or how many bytes follow. The
// results are many and plain so that they stay in registers: loading a tape
// takes as long as scanning it.
func next(b []byte) (field protowire.Number, n uint64, v, rest []byte) {
	if len(b) == 0 {
		return 0, 0, nil, nil
	}
	tag, n, size := twoVarints(b)
	if size < 0 {
		return 0, 0, nil, b
	}
	rest = b[size:]
	switch protowire.Type(tag & 7) {
	case protowire.VarintType:
		return protowire.Number(tag >> 3), n, nil, rest
	case protowire.BytesType:
		if n <= uint64(len(rest)) {
			return protowire.Number(tag >> 3), 0, rest[:n:n], rest[n:]
		}
	}
	return 0, 0, nil, b
}

// twoVarints reads a tag and the varint behind it, of which most take one
// byte. The size is negative if they are none.
func twoVarints(b []byte) (tag, n uint64, size int) {
	if len(b) < 2 || b[0] >= 0x80 || b[0] < 1<<3 {
		return twoLongVarints(b)
	}
	if b[1] < 0x80 {
		return uint64(b[0]), uint64(b[1]), 2
	}
	if n, size = protowire.ConsumeVarint(b[1:]); size < 0 {
		return 0, 0, size
	}
	return uint64(b[0]), n, 1 + size
}

func twoLongVarints(b []byte) (tag, n uint64, size int) {
	number, typ, size := protowire.ConsumeTag(b)
	if size < 0 {
		return 0, 0, size
	}
	n, more := protowire.ConsumeVarint(b[size:])
	if more < 0 {
		return 0, 0, more
	}
	return protowire.EncodeTag(number, typ), n, size + more
}

// ended tells whether next found no more field because nothing was left, and
// errs if what is left is none.
func ended(rest []byte) error {
	if len(rest) == 0 {
		return nil
	}
	number, typ, _ := protowire.ConsumeTag(rest)
	if number > 0 && typ != protowire.VarintType && typ != protowire.BytesType {
		return fmt.Errorf("field %d has type %d, which does not occur here", number, typ)
	}
	return errors.New("it is cut short or garbled")
}

// wellFormed tells whether b is a packed message of any fields.
func wellFormed(b []byte) error {
	field, _, _, b := next(b)
	for field != 0 {
		field, _, _, b = next(b)
	}
	return ended(b)
}
