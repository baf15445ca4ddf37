// The canonical form of messages that are not in it yet.

package schema

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// Append appends the canonical form of a message to dst. Bytes that are no
// message are appended as they are, and so are such within a message, and
// messages that nest 10,000 deep. To a message in canonical form it costs one
// scan and one copy.
func (c *Canon) Append(dst, wire []byte) []byte {
	if len(wire) > math.MaxUint32 || c.root.ordered(wire, 0) {
		return append(dst, wire...)
	}
	w := writers.Get().(*writer)
	dst = w.message(dst, c.root, wire, 0)
	if cap(w.spans) < maxKept {
		writers.Put(w)
	}
	return dst
}

// writers keeps writers for the next message, unless one has grown over maxKept.
var writers = sync.Pool{New: func() any { return new(writer) }}

const maxKept = 1 << 14

// A writer writes messages in canonical form. Its spans are a stack: those of
// a message lie above those of the message it is in.
type writer struct{ spans []span }

// A span is a field on the wire, by its place in the message, and that of its
// value. The tag holds number and type; 0 marks a field to leave out.
type span struct{ tag, begin, from, to, end uint32 }

func (s span) number() protowire.Number { return protowire.Number(s.tag >> 3) }
func (s span) typ() protowire.Type      { return protowire.Type(s.tag & 7) }

// A group of spans are the fields of one number in a message.
type group struct {
	plan   *plan
	number protowire.Number
	wire   []byte
	spans  []span
	depth  int
}

func (w *writer) message(dst []byte, p *plan, wire []byte, depth int) []byte {
	base := len(w.spans)
	defer func() { w.spans = w.spans[:base] }()
	if depth > maxDepth || !w.scan(wire) {
		return append(dst, wire...)
	}
	spans := w.spans[base:]
	if p.oneofs > 0 {
		p.dropLosers(spans)
	}
	byNumber := func(a, b span) int { return cmp.Compare(a.tag>>3, b.tag>>3) }
	if !slices.IsSortedFunc(spans, byNumber) {
		slices.SortStableFunc(spans, byNumber)
	}
	for len(spans) > 0 {
		n := 1
		for n < len(spans) && spans[n].tag>>3 == spans[0].tag>>3 {
			n++
		}
		if spans[0].tag != 0 {
			dst = w.field(dst, &group{p, spans[0].number(), wire, spans[:n], depth})
		}
		spans = spans[n:]
	}
	return dst
}

// scan pushes the fields of a message.
func (w *writer) scan(wire []byte) bool {
	for at := 0; at < len(wire); {
		r, n := consume(wire[at:])
		if n < 0 {
			return false
		}
		s := span{begin: uint32(at), from: uint32(at + r.at), end: uint32(at + n)}
		s.tag, s.to = uint32(protowire.EncodeTag(r.number, r.typ)), s.from+uint32(len(r.value))
		w.spans = append(w.spans, s)
		at += n
	}
	return true
}

// dropLosers marks the fields of each oneof that a later member puts out.
func (p *plan) dropLosers(spans []span) {
	type winner struct {
		number protowire.Number
		closed bool
	}
	winners := make([]winner, p.oneofs)
	for i := len(spans) - 1; i >= 0; i-- {
		f := p.field(spans[i].number())
		if f == nil || f.oneof == 0 || f.typ != spans[i].typ() || f.oneof > len(winners) {
			continue
		}
		win := &winners[f.oneof-1]
		if win.number == 0 {
			win.number = spans[i].number()
		}
		win.closed = win.closed || win.number != spans[i].number()
		if win.closed {
			spans[i].tag = 0
		}
	}
}

// field appends the fields of one number.
func (w *writer) field(dst []byte, g *group) []byte {
	f := g.plan.field(g.number)
	switch {
	case f == nil || f.class == opaque:
		f = nil
	case f.class == ignored:
		return dst
	case f.class == mapped:
		dst = w.entries(dst, f, g)
	case g.plan.isAny && g.number == anyValue:
		dst = w.inside(dst, f, g)
	case f.class == message && f.list:
		for i := range g.spans {
			if g.spans[i].typ() == f.typ {
				dst = w.within(dst, f, g, g.value(i))
			}
		}
	case f.class == message:
		dst = w.merged(dst, f, g)
	case f.packed:
		dst = g.packed(dst, f)
	case f.list:
		dst = g.unpacked(dst, f)
	default:
		dst = g.single(dst, f)
	}
	for i := range g.spans {
		if f == nil || !f.takes(g.spans[i].typ(), g.value(i)) {
			dst = g.verbatim(dst, i)
		}
	}
	return dst
}

// takes tells whether a value on the wire is one of the field; else it is unknown.
func (f *fieldPlan) takes(typ protowire.Type, value []byte) bool {
	if f.class == mapped {
		_, _, ok := f.entry(value)
		return typ == f.typ && ok
	}
	return typ == f.typ || typ == protowire.BytesType && f.packable() && f.arePacked(value)
}

func (f *fieldPlan) packable() bool { return f.list && (f.class == varint || f.class == fixed) }

// arePacked tells whether b holds packed numbers of the field.
func (f *fieldPlan) arePacked(b []byte) bool {
	for len(b) > 0 {
		n := protowire.ConsumeFieldValue(1, f.typ, b)
		if n < 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

func (g *group) value(i int) []byte { return g.wire[g.spans[i].from:g.spans[i].to] }

// verbatim appends a field whose meaning is unknown.
func (g *group) verbatim(dst []byte, i int) []byte {
	return append(dst, g.wire[g.spans[i].begin:g.spans[i].end]...)
}

// number appends one number as marshalling writes it.
func (f *fieldPlan) number(dst, value []byte) []byte {
	if f.class != varint {
		return append(dst, value...)
	}
	v, _ := protowire.ConsumeVarint(value)
	return protowire.AppendVarint(dst, f.normal(v))
}

// single appends the last value of a field that is no list.
func (g *group) single(dst []byte, f *fieldPlan) []byte {
	last := g.last(f.typ)
	if last < 0 {
		return dst
	}
	value := g.value(last)
	if f.implicit && f.isZero(value) {
		return dst
	}
	dst = protowire.AppendTag(dst, g.number, f.typ)
	if f.class == content {
		return protowire.AppendBytes(dst, value)
	}
	return f.number(dst, value)
}

func (f *fieldPlan) isZero(value []byte) bool {
	if f.class == varint {
		v, _ := protowire.ConsumeVarint(value)
		return f.normal(v) == 0
	}
	return allZero(value) && (f.class == fixed || len(value) == 0)
}

// last returns the index of the last value of that type, or -1.
func (g *group) last(typ protowire.Type) int {
	for i := len(g.spans) - 1; i >= 0; i-- {
		if g.spans[i].typ() == typ {
			return i
		}
	}
	return -1
}

// size returns the bytes that all values take.
func (g *group) size() (n int) {
	for i := range g.spans {
		n += len(g.value(i))
	}
	return n
}

// merged appends a message that is no list, of all its parts.
func (w *writer) merged(dst []byte, f *fieldPlan, g *group) []byte {
	last := g.last(f.typ)
	if last < 0 {
		return dst
	}
	parts, whole := 0, g.value(last)
	for i := range g.spans {
		if g.spans[i].typ() == f.typ {
			parts++
		}
	}
	if parts == 1 {
		return w.within(dst, f, g, whole)
	}
	whole = make([]byte, 0, g.size())
	for i := range g.spans {
		if g.spans[i].typ() == f.typ {
			whole = append(whole, g.value(i)...)
		}
	}
	return w.within(dst, f, g, whole)
}

// within appends a field that holds a message.
func (w *writer) within(dst []byte, f *fieldPlan, g *group, value []byte) []byte {
	p := g.plan.within(f)
	if f.typ == protowire.StartGroupType {
		dst = protowire.AppendTag(dst, g.number, protowire.StartGroupType)
		dst = w.message(dst, p, value, g.depth+groupDepth)
		return protowire.AppendTag(dst, g.number, protowire.EndGroupType)
	}
	dst = protowire.AppendTag(dst, g.number, protowire.BytesType)
	at, room := len(dst), protowire.SizeVarint(uint64(len(value)))
	dst = append(dst, make([]byte, room)...)
	return closeLength(w.message(dst, p, value, g.depth+1), at, room)
}
