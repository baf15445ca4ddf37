// Whether a message is in canonical form already, at the cost of one scan.

package schema

import "google.golang.org/protobuf/encoding/protowire"

// ordered tells whether b is in canonical form. It may say no to a message
// that is: to one with maps of several entries, for instance.
func (p *plan) ordered(b []byte, depth int) bool {
	if depth > maxDepth {
		return false
	}
	whole, last, seen := b, protowire.Number(0), uint64(0)
	for len(b) > 0 {
		tag, n := uint64(b[0]), 1
		if tag >= 0x80 {
			if tag, n = minimal(b); n < 0 {
				return false
			}
		}
		number, typ := protowire.DecodeTag(tag)
		f := p.field(number)
		if number < last || number == last && f != nil && (!f.list || f.packed) || !number.IsValid() {
			return false
		}
		last = number
		b = b[n:]
		n = p.orderedValue(f, protowire.Type(typ), b, number)
		if n < 0 {
			return false
		}
		if f != nil && f.class == message && !p.orderedWithin(f, b[:n], depth) {
			return false
		}
		if f != nil && f.oneof > 0 && !once(&seen, f.oneof) {
			return false
		}
		b = b[n:]
	}
	return !p.isAny || p.orderedAny(whole, depth)
}

// once marks a oneof as seen; false if it was, or is one too many to mark.
func once(seen *uint64, oneof int) bool {
	bit := uint64(1) << oneof
	if bit == 0 || *seen&bit != 0 {
		return false
	}
	*seen |= bit
	return true
}

// minimal reads a varint; less than 0 if it takes more bytes than it needs.
func minimal(b []byte) (v uint64, n int) {
	v, n = protowire.ConsumeVarint(b)
	if n > 1 && b[n-1] == 0 {
		return 0, -1
	}
	return v, n
}

// orderedValue returns how long the value is that b begins with; less than 0
// if it is not in canonical form. It does not look into messages.
func (p *plan) orderedValue(f *fieldPlan, typ protowire.Type, b []byte, number protowire.Number) int {
	if f == nil || f.class == opaque {
		return protowire.ConsumeFieldValue(number, typ, b)
	}
	switch {
	case f.packed && typ == protowire.BytesType:
		return f.orderedPacked(b)
	case f.packed || typ != f.typ || f.class == ignored || f.class == mapped:
		return -1
	}
	switch f.class {
	case varint:
		v, n := minimal(b)
		if v != f.normal(v) || v == 0 && f.implicit && !f.list {
			return -1
		}
		return n
	case fixed:
		n := protowire.ConsumeFieldValue(number, typ, b)
		if f.implicit && !f.list && n > 0 && allZero(b[:n]) {
			return -1
		}
		return n
	case content:
		size, n := length(b)
		if size == 0 && f.implicit && !f.list {
			return -1
		}
		return n
	}
	if typ == protowire.StartGroupType {
		return -1
	}
	_, n := length(b)
	return n
}

// length returns the length that b begins with, and how long it is with what
// it counts; less than 0 if it takes more bytes than it needs, or b is cut.
func length(b []byte) (size, n int) {
	if len(b) > 0 && b[0] < 0x80 && int(b[0]) < len(b) {
		return int(b[0]), 1 + int(b[0])
	}
	v, n := minimal(b)
	if n < 0 || v > uint64(len(b)-n) {
		return 0, -1
	}
	return int(v), n + int(v)
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// orderedWithin looks at a message that is the value b, its length first.
func (p *plan) orderedWithin(f *fieldPlan, b []byte, depth int) bool {
	size, _ := length(b)
	return p.within(f).ordered(b[len(b)-size:], depth+1)
}

func (f *fieldPlan) orderedPacked(b []byte) int {
	size, n := length(b)
	if n < 0 || size == 0 {
		return -1
	}
	values := b[n-size : n]
	for len(values) > 0 {
		m := f.orderedNumber(values)
		if m < 0 {
			return -1
		}
		values = values[m:]
	}
	return n
}

// orderedNumber returns the size of a number in a packed list.
func (f *fieldPlan) orderedNumber(b []byte) int {
	if f.class == fixed {
		return protowire.ConsumeFieldValue(1, f.typ, b)
	}
	v, n := minimal(b)
	if n > 0 && v != f.normal(v) {
		return -1
	}
	return n
}

// orderedAny looks at what is in an Any whose fields are in order.
func (p *plan) orderedAny(b []byte, depth int) bool {
	url, value := anyParts(b)
	if within := p.inside(url); within != nil {
		return within.ordered(value, depth+1)
	}
	return true
}

// anyParts returns the URL and the value of an Any; of each, the last.
func anyParts(b []byte) (url, value []byte) {
	for len(b) > 0 {
		r, n := consume(b)
		if n < 0 {
			return url, value
		}
		switch {
		case r.typ != protowire.BytesType:
		case r.number == anyURL:
			url = r.value
		case r.number == anyValue:
			value = r.value
		}
		b = b[n:]
	}
	return url, value
}

// The fields of google.protobuf.Any.
const anyURL, anyValue = 1, 2
