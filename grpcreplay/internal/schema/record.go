// Fields on the wire, one after another.

package schema

import "google.golang.org/protobuf/encoding/protowire"

// maxDepth bounds how deep messages nest before what is within is opaque.
const maxDepth = 10_000

// groupDepth is how much of maxDepth a group takes: to find its end, all that
// is within must be read, at each level again.
const groupDepth = 100

// A record is one field on the wire.
type record struct {
	number protowire.Number
	typ    protowire.Type
	value  []byte // of bytes without the length, of a group without the end
	raw    []byte // from tag to end
	at     int    // where in raw value begins
}

// depth returns what descending into the record takes of maxDepth.
func (r *record) depth() int {
	if r.typ == protowire.StartGroupType {
		return groupDepth
	}
	return 1
}

// consume returns the first field of b, and how many bytes it takes; less
// than 0 if b does not begin with one.
func consume(b []byte) (r record, n int) {
	number, typ, tag := protowire.ConsumeTag(b)
	if tag < 0 {
		return r, tag
	}
	switch typ {
	case protowire.BytesType:
		r.value, n = protowire.ConsumeBytes(b[tag:])
		r.at = n - len(r.value)
	case protowire.StartGroupType:
		r.value, n = protowire.ConsumeGroup(number, b[tag:])
	default:
		n = protowire.ConsumeFieldValue(number, typ, b[tag:])
		if n >= 0 {
			r.value = b[tag : tag+n]
		}
	}
	if n < 0 {
		return r, n
	}
	r.number, r.typ, r.raw, r.at = number, typ, b[:tag+n], r.at+tag
	return r, tag + n
}

// split returns the fields of a message, or false if b is none.
func split(b []byte) (records []record, ok bool) {
	for len(b) > 0 {
		r, n := consume(b)
		if n < 0 {
			return nil, false
		}
		records = append(records, r)
		b = b[n:]
	}
	return records, true
}

// uint returns the value of a record that is a varint or fixed.
func (r *record) uint() (v uint64) {
	switch r.typ {
	case protowire.VarintType:
		v, _ = protowire.ConsumeVarint(r.value)
	case protowire.Fixed32Type:
		v32, _ := protowire.ConsumeFixed32(r.value)
		v = uint64(v32)
	case protowire.Fixed64Type:
		v, _ = protowire.ConsumeFixed64(r.value)
	}
	return v
}

// appendAround appends a field of bytes whose content fill appends. The length
// is expected to take as many bytes as that of hint bytes; if not, the content
// is moved.
func appendAround(dst []byte, number protowire.Number, hint int, fill func([]byte) []byte) []byte {
	dst = protowire.AppendTag(dst, number, protowire.BytesType)
	at, room := len(dst), protowire.SizeVarint(uint64(hint))
	dst = append(dst, make([]byte, room)...)
	return closeLength(fill(dst), at, room)
}

// closeLength writes the length of what stands in dst after at and the room
// that was left for it.
func closeLength(dst []byte, at, room int) []byte {
	size := len(dst) - at - room
	if need := protowire.SizeVarint(uint64(size)); need != room {
		dst = append(dst, make([]byte, max(0, need-room))...)
		copy(dst[at+need:], dst[at+room:at+room+size])
		dst = dst[:at+need+size]
	}
	protowire.AppendVarint(dst[:at], uint64(size))
	return dst
}
