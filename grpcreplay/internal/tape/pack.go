// The packed form of a call: protocol buffers' wire format, written.

package tape

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The packed form is these messages, in the wire format of protocol buffers.
// Fields that hold nothing are left out; unknown ones are passed over, so
// that later versions may add to them.
//
//	message Call {
//	  uint64 number = 1;       string method = 2;      Shape shape = 3;
//	  string codec = 4;        string authority = 5;   repeated Pair pairs = 6;
//	  uint64 timeout_ns = 7;   uint64 start_ns = 8;    uint64 order = 9;
//	  repeated Event events = 10;                      repeated string comments = 11;
//	}
//	message Event {
//	  Kind kind = 1;           uint64 at_ns = 2;       uint64 order = 3;
//	  bytes message = 4;       repeated Pair pairs = 5;
//	  Status status = 6;       repeated Ref after = 7;
//	}
//	message Pair { bytes key = 1; bytes value = 2; }
//	message Status { uint32 code = 1; string message = 2; repeated Any details = 3; bool plain = 4;
//	  bool refused = 5; }
//	message Any { string type = 1; bytes value = 2; }
//	message Ref { uint64 call = 1; uint64 nth = 2; }
const (
	callNumber, callMethod, callShape, callCodec, callAuthority, callPairs       = 1, 2, 3, 4, 5, 6
	callTimeout, callStart, callOrder, callEvents, callComments                  = 7, 8, 9, 10, 11
	eventKind, eventAt, eventOrder, eventMessage, eventPairs, eventStatus, after = 1, 2, 3, 4, 5, 6, 7
	pairKey, pairValue                                                           = 1, 2
	statusCode, statusMessage, statusDetails, statusPlain, statusRefused         = 1, 2, 3, 4, 5
	anyType, anyValue                                                            = 1, 2
	refCall, refNth                                                              = 1, 2
)

// AppendCall appends a call's packed form to b.
func AppendCall(b []byte, c *Call) []byte {
	b = appendNumber(b, callNumber, uint64(c.Number))
	b = appendString(b, callMethod, c.Method)
	b = appendNumber(b, callShape, uint64(c.Shape))
	b = appendString(b, callCodec, c.Codec)
	b = appendString(b, callAuthority, c.Authority)
	b = appendPairs(b, callPairs, c.Pairs)
	b = appendTime(b, callTimeout, c.Timeout)
	b = appendTime(b, callStart, c.Start)
	b = appendNumber(b, callOrder, uint64(c.Order))
	for i := range c.Events {
		e := &c.Events[i]
		b = appendNested(b, callEvents, sizeHint(e), func(b []byte) []byte { return AppendEvent(b, e) })
	}
	for _, line := range c.Comments {
		b = protowire.AppendTag(b, callComments, protowire.BytesType)
		b = protowire.AppendString(b, line)
	}
	return b
}

// AppendEvent appends an event's packed form to b.
func AppendEvent(b []byte, e *Event) []byte {
	b = appendNumber(b, eventKind, uint64(e.Kind))
	b = appendTime(b, eventAt, e.At)
	b = appendNumber(b, eventOrder, uint64(e.Order))
	if len(e.Message) > 0 {
		b = protowire.AppendTag(b, eventMessage, protowire.BytesType)
		b = protowire.AppendBytes(b, e.Message)
	}
	b = appendPairs(b, eventPairs, e.Pairs)
	if e.Kind == End {
		b = appendNested(b, eventStatus, 0, func(b []byte) []byte { return appendStatus(b, &e.Status) })
	}
	for _, r := range e.After {
		b = appendNested(b, after, 0, func(b []byte) []byte {
			return appendNumber(appendNumber(b, refCall, uint64(r.Call)), refNth, uint64(r.Nth))
		})
	}
	return b
}

func appendStatus(b []byte, s *Status) []byte {
	b = appendNumber(b, statusCode, uint64(s.Code))
	b = appendString(b, statusMessage, s.Message)
	for _, d := range s.Details {
		b = appendNested(b, statusDetails, len(d.Value), func(b []byte) []byte {
			b = appendString(b, anyType, d.Type)
			b = protowire.AppendTag(b, anyValue, protowire.BytesType)
			return protowire.AppendBytes(b, d.Value)
		})
	}
	b = appendNumber(b, statusPlain, protowire.EncodeBool(s.Plain))
	return appendNumber(b, statusRefused, protowire.EncodeBool(s.Refused))
}

func appendPairs(b []byte, field protowire.Number, pairs []Pair) []byte {
	for _, p := range pairs {
		b = appendNested(b, field, 0, func(b []byte) []byte {
			return appendString(appendString(b, pairKey, p.Key), pairValue, p.Value)
		})
	}
	return b
}

// appendNested appends a nested message that fill appends. It leaves room for
// the length of about hint bytes and moves what was written if that was wrong.
func appendNested(b []byte, field protowire.Number, hint int, fill func([]byte) []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	at, room := len(b), protowire.SizeVarint(uint64(hint))
	b = append(b, make([]byte, room)...)
	b = fill(b)
	size := len(b) - at - room
	if need := protowire.SizeVarint(uint64(size)); need != room {
		b = append(b, make([]byte, max(0, need-room))...)
		copy(b[at+need:], b[at+room:at+room+size])
		b = b[:at+need+size]
	}
	protowire.AppendVarint(b[:at], uint64(size))
	return b
}

// sizeHint is about how many bytes an event takes.
func sizeHint(e *Event) int { return len(e.Message) + 16 }

func appendNumber(b []byte, field protowire.Number, n uint64) []byte {
	if n == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func appendTime(b []byte, field protowire.Number, d time.Duration) []byte {
	return appendNumber(b, field, uint64(max(d, 0)))
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}
