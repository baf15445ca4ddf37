// Walks over the fields of a message, which may replace them.

package schema

import (
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A Visit is told of fields. If replace, the field's value becomes
// replacement, which is of the same kind of value: of a message, string or
// bytes the content. If replacement is nil, the field is left out.
type Visit func(f *Field) (replacement []byte, replace bool)

// A Watch walks messages and stops only at fields that are wanted. Of types
// that cannot hold any, it reads nothing.
type Watch struct {
	set     *Set
	wanted  func(protoreflect.FieldDescriptor) bool
	unknown bool
	types   sync.Map // protoreflect.MessageDescriptor -> *watched
}

// A watched type is what is known of it beforehand.
type watched struct {
	md     protoreflect.MessageDescriptor
	below  bool // it, or what it can hold, may have a wanted field
	isAny  bool
	fields map[protowire.Number]watchedField
}

type watchedField struct {
	desc   protoreflect.FieldDescriptor
	wanted bool
}

// Watch returns a walk over the fields for which wanted holds. It is asked
// once for each field of a type; with nil it says whether unknown fields are
// wanted. It must be safe for concurrent use if the Watch is used so.
func (s *Set) Watch(wanted func(fd protoreflect.FieldDescriptor) bool) *Watch {
	return &Watch{set: s, wanted: wanted, unknown: wanted(nil)}
}

// Wants tells whether a message of that type, which may be nil, can hold a
// wanted field. An Any can if anything can.
func (w *Watch) Wants(md protoreflect.MessageDescriptor) bool { return w.of(md).below }

// of returns what is known of a type.
func (w *Watch) of(md protoreflect.MessageDescriptor) *watched {
	if md == nil {
		return &watched{below: w.unknown}
	}
	if t, ok := w.types.Load(md); ok {
		return t.(*watched)
	}
	t := &watched{md: md, isAny: isAny(md), fields: map[protowire.Number]watchedField{}}
	w.eachField(md, func(fd protoreflect.FieldDescriptor) {
		t.fields[fd.Number()] = watchedField{fd, w.wanted(fd)}
	})
	t.below = w.unknown || w.reaches(md, map[protoreflect.FullName]bool{})
	kept, _ := w.types.LoadOrStore(md, t)
	return kept.(*watched)
}

// eachField visits the fields of a type, and its extensions.
func (w *Watch) eachField(md protoreflect.MessageDescriptor, visit func(protoreflect.FieldDescriptor)) {
	if md.ExtensionRanges().Len() > 0 {
		for _, xd := range w.set.extensions(md.FullName()) {
			visit(xd)
		}
	}
	for i := range md.Fields().Len() {
		visit(md.Fields().Get(i))
	}
}

// reaches tells whether a wanted field, or an Any, is in a type or below it.
func (w *Watch) reaches(md protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) (found bool) {
	if seen[md.FullName()] {
		return false
	}
	seen[md.FullName()] = true
	if isAny(md) {
		return true
	}
	w.eachField(md, func(fd protoreflect.FieldDescriptor) {
		found = found || w.wanted(fd) || fd.Message() != nil && w.reaches(fd.Message(), seen)
	})
	return found
}

// Walk visits the wanted fields of a message, in the order of the wire, and
// returns the message with what was replaced: wire itself, if nothing was. A
// message field is visited before the fields in it, and these are if it was
// not replaced. The entries of a map are visited as messages, and then their
// keys and values; packed numbers as one field; a field of another wire type
// than its own as unknown. An Any of a known type is walked within. md may be
// nil; bytes that are no message, and what nests 10,000 deep, are passed over.
func (w *Watch) Walk(md protoreflect.MessageDescriptor, wire []byte, visit Visit) []byte {
	return w.walk(&level{of: w.of(md), visit: visit}, wire)
}

// A level is a message that a walk is in.
type level struct {
	of    *watched
	up    *Field // the field it is in; nil at the root
	depth int
	visit Visit
	url   []byte // of an Any
}

func (w *Watch) walk(l *level, wire []byte) []byte {
	if !l.of.below || l.depth > maxDepth {
		return wire
	}
	if l.of.isAny {
		l.url, _ = anyParts(wire)
	}
	var out []byte
	changed := false
	for at := 0; at < len(wire); {
		r, n := consume(wire[at:])
		if n < 0 {
			return wire
		}
		value, same := w.field(l, &r, wire[:at])
		if !same && !changed {
			out, changed = append(make([]byte, 0, len(wire)), wire[:at]...), true
		}
		switch {
		case changed && same:
			out = append(out, r.raw...)
		case changed && value != nil:
			out = appendRecord(out, &r, value)
		}
		at += n
	}
	if changed {
		return out
	}
	return wire
}

// field visits a field and what is in it. It returns its value, and whether
// that is the same.
func (w *Watch) field(l *level, r *record, before []byte) (value []byte, same bool) {
	wf, ok := l.of.fields[r.number]
	if !ok || !fits(wf.desc, r.typ) {
		wf = watchedField{nil, w.unknown}
	}
	if wf.desc == nil && !wf.wanted {
		return nil, true
	}
	f := &Field{Desc: wf.desc, Number: r.number, Type: r.typ, Value: r.value, up: l.up, before: before}
	if wf.wanted {
		if value, replace := l.visit(f); replace {
			return value, false
		}
	}
	within := &level{up: f, depth: l.depth + r.depth(), visit: l.visit}
	switch {
	case wf.desc == nil:
		return nil, true
	case wf.desc.Message() != nil:
		within.of = w.of(wf.desc.Message())
	case l.of.isAny && r.number == anyValue:
		within.of, within.up = w.inside(string(l.url)), l.up
	}
	if within.of == nil {
		return nil, true
	}
	value = w.walk(within, r.value)
	return value, len(value) == len(r.value) && (len(value) == 0 || &value[0] == &r.value[0])
}

// inside returns the type of what an Any holds, nil if unknown.
func (w *Watch) inside(url string) *watched {
	if md := w.set.Message(url); md != nil {
		return w.of(md)
	}
	return nil
}

// fits tells whether a field may stand on the wire as that type.
func fits(fd protoreflect.FieldDescriptor, typ protowire.Type) bool {
	own := wireType(fd.Kind())
	return typ == own || typ == protowire.BytesType && fd.IsList() && own != protowire.StartGroupType
}

// appendRecord appends a field with another value.
func appendRecord(dst []byte, r *record, value []byte) []byte {
	dst = protowire.AppendTag(dst, r.number, r.typ)
	switch r.typ {
	case protowire.BytesType:
		return protowire.AppendBytes(dst, value)
	case protowire.StartGroupType:
		return protowire.AppendTag(append(dst, value...), r.number, protowire.EndGroupType)
	default:
		return append(dst, value...)
	}
}

// Walk is a [Watch] of every field, once.
func (s *Set) Walk(md protoreflect.MessageDescriptor, wire []byte, visit Visit) []byte {
	every := func(protoreflect.FieldDescriptor) bool { return true }
	return s.Watch(every).Walk(md, wire, visit)
}
