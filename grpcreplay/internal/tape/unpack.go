// The packed form of a call, read and checked.

package tape

import (
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// A field is one field of a packed message: a number or bytes.
type field struct {
	number protowire.Number
	n      uint64
	b      []byte
}

var errCut = errors.New("it is cut short or garbled")

// fields calls visit for each field of a packed message.
func fields(b []byte, visit func(field) error) error {
	for len(b) > 0 {
		num, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return errCut
		}
		b = b[size:]
		f := field{number: num}
		switch typ {
		case protowire.VarintType:
			f.n, size = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			f.b, size = protowire.ConsumeBytes(b)
		default:
			return fmt.Errorf("field %d has type %d, which does not occur here", num, typ)
		}
		if size < 0 {
			return errCut
		}
		b = b[size:]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// CheckCall tells whether b is a packed call, at no cost of memory.
func CheckCall(b []byte) error {
	method := false
	err := fields(b, func(f field) error {
		switch f.number {
		case callMethod:
			method = len(f.b) > 0
		case callShape:
			return bound("a shape", f.n, uint64(Bidi))
		case callNumber, callTimeout, callStart, callOrder:
			return bound("a number", f.n, math.MaxInt64)
		case callPairs:
			return fields(f.b, ignore)
		case callEvents:
			return checkEvent(f.b)
		}
		return nil
	})
	if err == nil && !method {
		return errors.New("a call has no method")
	}
	return err
}

func checkEvent(b []byte) error {
	kind := uint64(0)
	err := fields(b, func(f field) error {
		switch f.number {
		case eventKind:
			kind = f.n
		case eventAt, eventOrder:
			return bound("a number", f.n, math.MaxInt64)
		case eventPairs:
			return fields(f.b, ignore)
		case eventStatus:
			return fields(f.b, checkStatus)
		case after:
			return fields(f.b, func(f field) error { return bound("a reference", f.n, math.MaxInt32) })
		}
		return nil
	})
	if err != nil {
		return err
	}
	if kind == 0 || kind > uint64(End) {
		return fmt.Errorf("an event is of kind %d: this version knows 1 to %d", kind, End)
	}
	return nil
}

func checkStatus(f field) error {
	switch f.number {
	case statusCode:
		return bound("a status code", f.n, math.MaxUint32)
	case statusDetails:
		return fields(f.b, ignore)
	}
	return nil
}

func ignore(field) error { return nil }

func bound(what string, n, most uint64) error {
	if n > most {
		return fmt.Errorf("%s is %d, more than %d", what, n, most)
	}
	return nil
}

// ParseCall unpacks a call. Messages in it are part of b.
func ParseCall(b []byte) (*Call, error) {
	if err := CheckCall(b); err != nil {
		return nil, err
	}
	c := &Call{Events: make([]Event, 0, 5)}
	fields(b, func(f field) error {
		switch f.number {
		case callNumber:
			c.Number = int(f.n)
		case callMethod:
			c.Method = string(f.b)
		case callShape:
			c.Shape = Shape(f.n)
		case callCodec:
			c.Codec = string(f.b)
		case callAuthority:
			c.Authority = string(f.b)
		case callPairs:
			c.Pairs = append(c.Pairs, parsePair(f.b))
		case callTimeout:
			c.Timeout = time.Duration(f.n)
		case callStart:
			c.Start = time.Duration(f.n)
		case callOrder:
			c.Order = int(f.n)
		case callEvents:
			c.Events = append(c.Events, Event{})
			parseEvent(f.b, &c.Events[len(c.Events)-1])
		case callComments:
			c.Comments = append(c.Comments, string(f.b))
		}
		return nil
	})
	return c, nil
}

// ParseEvent unpacks an event. Its message is part of b.
func ParseEvent(b []byte) (e Event, err error) {
	if err := checkEvent(b); err != nil {
		return e, err
	}
	parseEvent(b, &e)
	return e, nil
}

func parseEvent(b []byte, e *Event) {
	fields(b, func(f field) error {
		switch f.number {
		case eventKind:
			e.Kind = Kind(f.n)
		case eventAt:
			e.At = time.Duration(f.n)
		case eventOrder:
			e.Order = int(f.n)
		case eventMessage:
			e.Message = f.b
		case eventPairs:
			e.Pairs = append(e.Pairs, parsePair(f.b))
		case eventStatus:
			parseStatus(f.b, &e.Status)
		case after:
			e.After = append(e.After, parseRef(f.b))
		}
		return nil
	})
}

func parseStatus(b []byte, s *Status) {
	fields(b, func(f field) error {
		switch f.number {
		case statusCode:
			s.Code = uint32(f.n)
		case statusMessage:
			s.Message = string(f.b)
		case statusDetails:
			key, value := parseTwo(f.b)
			s.Details = append(s.Details, Any{Type: string(key), Value: value})
		case statusPlain:
			s.Plain = f.n != 0
		}
		return nil
	})
}

func parsePair(b []byte) Pair {
	key, value := parseTwo(b)
	return Pair{Key: string(key), Value: string(value)}
}

func parseTwo(b []byte) (first, second []byte) {
	fields(b, func(f field) error {
		switch f.number {
		case 1:
			first = f.b
		case 2:
			second = f.b
		}
		return nil
	})
	return first, second
}

func parseRef(b []byte) (r Ref) {
	fields(b, func(f field) error {
		switch f.number {
		case refCall:
			r.Call = int(f.n)
		case refNth:
			r.Nth = int(f.n)
		}
		return nil
	})
	return r
}

// ClientEvents visits what the client of a packed call did, in order, without
// unpacking the rest. Messages are part of b. It stops when visit returns
// false.
func ClientEvents(b []byte, visit func(kind Kind, message []byte) bool) {
	fields(b, func(f field) error {
		if f.number != callEvents {
			return nil
		}
		var kind Kind
		var message []byte
		fields(f.b, func(f field) error {
			switch f.number {
			case eventKind:
				kind = Kind(f.n)
			case eventMessage:
				message = f.b
			}
			return nil
		})
		if kind.FromClient() && !visit(kind, message) {
			return errCut
		}
		return nil
	})
}
