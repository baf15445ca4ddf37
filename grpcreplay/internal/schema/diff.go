// How two messages differ.

package schema

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A Difference is one place where two messages differ.
type Difference struct {
	Path      string // such as items[2].price; by field numbers where names are unknown: 2.1
	Want, Got string // short JSON; "" if absent
}

// maxDifferences bounds how many are told.
const maxDifferences = 20

// Diff tells how got differs from want, fields in the order of their
// declaration and then unknown ones by number, at most 20 places. It tells
// none if and only if their canonical forms are the same. md may be nil.
func (s *Set) Diff(md protoreflect.MessageDescriptor, want, got []byte, ignore Paths) []Difference {
	c := s.Canon(md, ignore)
	want, got = c.Append(nil, want), c.Append(nil, got)
	if bytes.Equal(want, got) {
		return nil
	}
	d := differ{set: s}
	d.message(md, "", pair{want, got})
	if len(d.found) == 0 {
		d.add("", s.Sketch(want), s.Sketch(got))
	}
	return d.found
}

// A differ compares messages in canonical form.
type differ struct {
	set   *Set
	found []Difference
	depth int
}

// A pair is two messages.
type pair struct{ want, got []byte }

func (d *differ) full() bool { return len(d.found) >= maxDifferences }

func (d *differ) add(path, want, got string) {
	if !d.full() {
		d.found = append(d.found, Difference{path, want, got})
	}
}

// message compares two messages that stand at path.
func (d *differ) message(md protoreflect.MessageDescriptor, path string, p pair) {
	if bytes.Equal(p.want, p.got) {
		return
	}
	want, okWant := split(p.want)
	got, okGot := split(p.got)
	if d.depth++; !okWant || !okGot || d.depth > maxJSONDepth {
		d.add(path, string(appendBytesSketch(nil, p.want)), string(appendBytesSketch(nil, p.got)))
	} else if md == nil || !isAny(md) || !d.any(path, p) {
		d.fields(md, path, byField(want, got))
	}
	d.depth--
}

// any compares two Anys of one known type by what they hold.
func (d *differ) any(path string, p pair) bool {
	urlWant, want := anyParts(p.want)
	urlGot, got := anyParts(p.got)
	md := d.set.Message(string(urlWant))
	if md == nil || !bytes.Equal(urlWant, urlGot) {
		return false
	}
	d.message(md, path, pair{want, got})
	return true
}

// Sides are the fields of two messages, of one number.
type sides struct{ want, got []record }

func byField(want, got []record) map[protowire.Number]*sides {
	all := map[protowire.Number]*sides{}
	of := func(n protowire.Number) *sides {
		if all[n] == nil {
			all[n] = new(sides)
		}
		return all[n]
	}
	for _, r := range want {
		of(r.number).want = append(of(r.number).want, r)
	}
	for _, r := range got {
		of(r.number).got = append(of(r.number).got, r)
	}
	return all
}

// fields compares fields: known ones, and then what is unknown.
func (d *differ) fields(md protoreflect.MessageDescriptor, path string, all map[protowire.Number]*sides) {
	if md != nil {
		for i := range md.Fields().Len() {
			d.known(md.Fields().Get(i), path, all)
		}
		if md.ExtensionRanges().Len() > 0 {
			for _, xd := range d.set.extensions(md.FullName()) {
				d.known(xd, path, all)
			}
		}
	}
	numbers := make([]protowire.Number, 0, len(all))
	for n := range all {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		d.unknown(join(path, fmt.Sprint(n)), all[n])
	}
}

// known compares a field that the type has, and leaves of it what is unknown.
func (d *differ) known(fd protoreflect.FieldDescriptor, path string, all map[protowire.Number]*sides) {
	s := all[fd.Number()]
	if s == nil || d.full() {
		return
	}
	path = join(path, fd.TextName())
	own := &sides{valuesOf(fd, s.want), valuesOf(fd, s.got)}
	misfits := func(r record) bool { return fits(fd, r.typ) }
	s.want, s.got = slices.DeleteFunc(s.want, misfits), slices.DeleteFunc(s.got, misfits)
	switch {
	case fd.IsMap():
		d.entries(fd, path, own)
	case fd.IsList():
		for i := range max(len(own.want), len(own.got)) {
			d.value(fd, fmt.Sprintf("%s[%d]", path, i), own.at(i))
		}
	default:
		d.value(fd, path, own.at(0))
	}
}

// at returns the ith of both, none if there is none.
func (s *sides) at(i int) *sides {
	one := func(r []record) []record {
		if i < len(r) {
			return r[i : i+1]
		}
		return nil
	}
	return &sides{one(s.want), one(s.got)}
}

// value compares one value of a field, absent where s has none.
func (d *differ) value(fd protoreflect.FieldDescriptor, path string, s *sides) {
	both := len(s.want) > 0 && len(s.got) > 0
	switch {
	case both && bytes.Equal(s.want[0].value, s.got[0].value):
	case both && fd.Message() != nil && d.byFields(fd.Message()):
		d.message(fd.Message(), path, pair{s.want[0].value, s.got[0].value})
	default:
		d.add(path, d.short(fd, s.want), d.short(fd, s.got))
	}
}

// byFields tells whether a type is better told by its fields than as a whole.
func (d *differ) byFields(md protoreflect.MessageDescriptor) bool {
	return special(md) == nil || isAny(md) || md.FullName() == "google.protobuf.Struct"
}

// short returns a value as JSON, cut if it is long; "" if there is none.
func (d *differ) short(fd protoreflect.FieldDescriptor, values []record) string {
	if len(values) == 0 {
		return ""
	}
	e := encoder{set: d.set, dst: []byte{'['}}
	if err := e.value(fd, values[0], 0); err != nil {
		return d.set.Sketch(values[0].value)
	}
	return cutShort(string(e.dst[1:]))
}

func cutShort(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// entries compares maps key by key.
func (d *differ) entries(fd protoreflect.FieldDescriptor, path string, s *sides) {
	plan := fieldPlan{key: newFieldPlan(fd.MapKey()), value: newFieldPlan(fd.MapValue())}
	for i, j := 0, 0; (i < len(s.want) || j < len(s.got)) && !d.full(); {
		want, got := plan.entryAt(s.want, i), plan.entryAt(s.got, j)
		order := byKey(want.entry, got.entry)
		key, both := want.key, &sides{}
		switch {
		case i == len(s.want) || j < len(s.got) && order > 0:
			key, both.got = got.key, got.value
			j++
		case j == len(s.got) || order < 0:
			both.want = want.value
			i++
		default:
			both.want, both.got = want.value, got.value
			i, j = i+1, j+1
		}
		d.value(fd.MapValue(), path+entryPart(fd, key), both)
	}
}

// An entryValue is an entry of a map, apart.
type entryValue struct {
	entry
	key   []byte
	value []record
}

func (f *fieldPlan) entryAt(records []record, i int) (v entryValue) {
	if i >= len(records) {
		return v
	}
	key, value, _ := f.entry(records[i].value)
	v.entry, v.key = f.key.entryOf(key), key
	v.value = []record{{typ: f.value.typ, value: value}}
	return v
}

// unknown compares fields whose meaning is unknown.
func (d *differ) unknown(path string, s *sides) {
	for i := range max(len(s.want), len(s.got)) {
		at, one := path, s.at(i)
		if i > 0 {
			at = fmt.Sprintf("%s[%d]", path, i)
		}
		switch {
		case d.full():
			return
		case len(one.want) > 0 && len(one.got) > 0 && bytes.Equal(one.want[0].raw, one.got[0].raw):
		case one.looksLikeMessages():
			d.message(nil, at, pair{one.want[0].value, one.got[0].value})
		default:
			d.add(at, sketchOf(one.want), sketchOf(one.got))
		}
	}
}

// looksLikeMessages tells whether both may be messages.
func (s *sides) looksLikeMessages() bool {
	for _, r := range [][]record{s.want, s.got} {
		if len(r) == 0 || r[0].typ != protowire.BytesType && r[0].typ != protowire.StartGroupType {
			return false
		}
		if v := r[0].value; len(v) == 0 || looksLikeText(v) || !looksLikeMessage(v) {
			return false
		}
	}
	return s.want[0].typ == s.got[0].typ
}

func sketchOf(r []record) string {
	if len(r) == 0 {
		return ""
	}
	return string(appendRecordSketch(nil, &r[0], 1))
}
