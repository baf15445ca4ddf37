// Lists of numbers, maps and Anys in canonical form.

package schema

import (
	"bytes"
	"cmp"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// unpacked appends a list, each value with a tag.
func (g *group) unpacked(dst []byte, f *fieldPlan) []byte {
	for i := range g.spans {
		value := g.value(i)
		switch {
		case f.class == content && g.spans[i].typ() == f.typ:
			dst = protowire.AppendTag(dst, g.number, f.typ)
			dst = protowire.AppendBytes(dst, value)
		case f.class != content && f.takes(g.spans[i].typ(), value):
			dst = f.each(dst, value, g.number)
		}
	}
	return dst
}

// packed appends a list as one field, nothing if it is empty.
func (g *group) packed(dst []byte, f *fieldPlan) []byte {
	begin := len(dst)
	dst = appendAround(dst, g.number, g.size(), func(dst []byte) []byte {
		for i := range g.spans {
			if f.takes(g.spans[i].typ(), g.value(i)) {
				dst = f.each(dst, g.value(i), 0)
			}
		}
		return dst
	})
	if dst[len(dst)-1] == 0 && len(dst) == begin+protowire.SizeTag(g.number)+1 {
		return dst[:begin]
	}
	return dst
}

// each appends the numbers that lie in b one after another, with a tag before
// each unless tag is 0.
func (f *fieldPlan) each(dst, b []byte, tag protowire.Number) []byte {
	for len(b) > 0 {
		n := protowire.ConsumeFieldValue(1, f.typ, b)
		if n < 0 {
			return dst
		}
		if tag != 0 {
			dst = protowire.AppendTag(dst, tag, f.typ)
		}
		dst = f.number(dst, b[:n])
		b = b[n:]
	}
	return dst
}

// inside appends the value of an Any, in the canonical form of its own type.
func (w *writer) inside(dst []byte, f *fieldPlan, g *group) []byte {
	url, value := anyParts(g.wire)
	within := g.plan.inside(url)
	if within == nil {
		return g.single(dst, f)
	}
	begin := len(dst)
	dst = appendAround(dst, anyValue, len(value), func(dst []byte) []byte {
		return w.message(dst, within, value, g.depth+1)
	})
	if dst[len(dst)-1] == 0 && len(dst) == begin+2 {
		return dst[:begin]
	}
	return dst
}

// An entry of a map, by its key and where it stands.
type entry struct {
	number   uint64
	text     []byte
	from, to int
}

func byKey(a, b entry) int {
	return cmp.Or(cmp.Compare(a.number, b.number), bytes.Compare(a.text, b.text))
}

// rising tells whether entries ascend by key, each key once.
func rising(all []entry) bool {
	for i := 1; i < len(all); i++ {
		if byKey(all[i-1], all[i]) >= 0 {
			return false
		}
	}
	return true
}

// entries appends a map: its entries by key, of those with one key the last.
func (w *writer) entries(dst []byte, f *fieldPlan, g *group) []byte {
	begin, all := len(dst), make([]entry, 0, len(g.spans))
	for i := range g.spans {
		key, value, ok := f.entry(g.value(i))
		if !ok || g.spans[i].typ() != f.typ {
			continue
		}
		e := f.key.entryOf(key)
		e.from = len(dst)
		dst = appendAround(dst, g.number, len(g.value(i)), func(dst []byte) []byte {
			return w.entry(f.key.tagged(dst, 1, key), f, g, value)
		})
		e.to = len(dst)
		all = append(all, e)
	}
	if rising(all) {
		return dst
	}
	slices.SortStableFunc(all, byKey)
	written := bytes.Clone(dst[begin:])
	dst = dst[:begin]
	for i, e := range all {
		if i+1 == len(all) || byKey(e, all[i+1]) != 0 {
			dst = append(dst, written[e.from-begin:e.to-begin]...)
		}
	}
	return dst
}

// entry appends the value of an entry.
func (w *writer) entry(dst []byte, f *fieldPlan, g *group, value []byte) []byte {
	switch f.value.class {
	case ignored:
		return dst
	case message:
		return w.within(dst, f.value, &group{plan: g.plan, number: 2, depth: g.depth + 1}, value)
	default:
		return f.value.tagged(dst, 2, value)
	}
}

// tagged appends a single value, zero if there is none.
func (f *fieldPlan) tagged(dst []byte, number protowire.Number, value []byte) []byte {
	dst = protowire.AppendTag(dst, number, f.typ)
	switch {
	case f.class == content:
		return protowire.AppendBytes(dst, value)
	case value != nil:
		return f.number(dst, value)
	case f.typ == protowire.Fixed32Type:
		return protowire.AppendFixed32(dst, 0)
	case f.typ == protowire.Fixed64Type:
		return protowire.AppendFixed64(dst, 0)
	default:
		return protowire.AppendVarint(dst, 0)
	}
}

// entryOf returns an entry with its key.
func (f *fieldPlan) entryOf(key []byte) entry {
	if f.class == content {
		return entry{text: key}
	}
	r := record{typ: f.typ, value: key}
	return entry{number: f.rank(r.uint())}
}

// rank returns a number that is to others as the keys are, also if they are signed.
func (f *fieldPlan) rank(v uint64) uint64 {
	const sign = 1 << 63
	switch f.kind {
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Sfixed64Kind:
		return f.normal(v) ^ sign
	case protoreflect.Sfixed32Kind:
		return uint64(int64(int32(v))) ^ sign
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return uint64(protowire.DecodeZigZag(f.normal(v))) ^ sign
	default:
		return f.normal(v)
	}
}

// entry returns the key and the value in an entry of a map, nil if absent; of
// several the last, of a message all its parts.
func (f *fieldPlan) entry(b []byte) (key, value []byte, ok bool) {
	merged := false
	for len(b) > 0 {
		r, n := consume(b)
		if n < 0 {
			return nil, nil, false
		}
		switch {
		case r.number == 1 && r.typ == f.key.typ:
			key = r.value
		case r.number == 2 && r.typ == f.value.typ && f.value.md != nil && value != nil:
			if !merged {
				value, merged = slices.Clip(value), true
			}
			value = append(value, r.value...)
		case r.number == 2 && r.typ == f.value.typ:
			value = r.value
		}
		b = b[n:]
	}
	return key, value, true
}
