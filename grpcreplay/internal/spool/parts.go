// The parts of the whole form, put together to a tape.

package spool

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// parts is what the fields of a body hold, and where it stands in the file.
type parts struct {
	head, schema, calls, lengths []byte
	headAt, callsAt, lengthsAt   int
	count                        uint64 // of calls, as the trailer says
}

// parse reads the fields of a body. Those that it does not know it passes
// over; of one that occurs twice the last counts.
func (p *parts) parse(body []byte) error {
	for at := 0; at < len(body); {
		number, v, size := consumeField(body[at:])
		if size < 0 {
			return faultAt(int64(wholeHeader+at), "a field is cut short or garbled: whoever wrote it made a mistake")
		}
		at += size
		from := wholeHeader + at - len(v)
		switch number {
		case fieldHead:
			p.head, p.headAt = v, from
		case fieldSchema:
			p.schema = v
		case fieldCalls:
			p.calls, p.callsAt = v, from
		case fieldLengths:
			p.lengths, p.lengthsAt = v, from
		}
	}
	return nil
}

// consumeField reads the field at the front of b. It returns nil for what is
// not bytes, and a negative size if it is none.
func consumeField(b []byte) (number protowire.Number, v []byte, size int) {
	number, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return 0, nil, n
	}
	if typ == protowire.BytesType {
		v, size = protowire.ConsumeBytes(b[n:])
	} else {
		number, size = 0, protowire.ConsumeFieldValue(number, typ, b[n:])
	}
	if size < 0 {
		return 0, nil, size
	}
	return number, v[:len(v):len(v)], n + size
}

// tape puts the parts together.
func (p *parts) tape(limits tape.Limits) (*tape.Tape, error) {
	head, err := tape.ParseHead(p.head)
	if err != nil {
		return nil, faultAt(int64(p.headAt), "its head: %v", err)
	}
	ends, err := p.ends()
	if err != nil {
		return nil, err
	}
	t := &tape.Tape{Head: head, Schema: p.schema}
	err = t.AdoptWithin(p.calls, ends, limits)
	if fault := (*tape.FormatError)(nil); errors.As(err, &fault) {
		fault.Offset += int64(p.callsAt)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// ends adds up the lengths of the calls. Each takes a byte of the file or
// more, so that there is no counting beyond it.
func (p *parts) ends() ([]uint64, error) {
	if p.count > uint64(len(p.lengths)) {
		return nil, faultAt(int64(p.lengthsAt), "it says that it holds %d calls, with %d bytes for their lengths: "+
			"whoever wrote it made a mistake", p.count, len(p.lengths))
	}
	ends := make([]uint64, 0, p.count)
	end, all := uint64(0), uint64(len(p.calls))
	for rest := p.lengths; len(rest) > 0; {
		n, size := protowire.ConsumeVarint(rest)
		if size < 0 || n > all-end {
			at := p.lengthsAt + len(p.lengths) - len(rest)
			return nil, faultAt(int64(at), "the length of call %d is garbled or more than is left: "+
				"whoever wrote it made a mistake", len(ends)+1)
		}
		rest, end = rest[size:], end+n
		ends = append(ends, end)
	}
	if uint64(len(ends)) != p.count || end != all {
		return nil, faultAt(int64(p.lengthsAt), "it holds the lengths of %d calls, %d bytes in all, and %d calls "+
			"of %d: whoever wrote it made a mistake", len(ends), end, p.count, all)
	}
	return ends, nil
}
