// JSON to wire bytes.

package schema

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Wire turns JSON to wire bytes, always the same for the same JSON: fields in
// the order in which Go's library marshals them, which is extensions, fields
// by number, and the members of oneofs. An error says in which field and, of
// several, in which line it was met. Fields go by their name in the .proto
// file or in JSON.
func (s *Set) Wire(md protoreflect.MessageDescriptor, text []byte) ([]byte, error) {
	if known(md) == nil {
		return nil, errors.New("the message's type is unknown: give its bytes instead")
	}
	d := &decoder{set: s, b: text}
	var raw json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		if at, ok := err.(*json.SyntaxError); ok {
			d.at = int(at.Offset)
		}
		return nil, d.errorf("it is no JSON: %s", err)
	}
	if !utf8.Valid(text) {
		return nil, d.errorf("it is not in UTF-8")
	}
	return d.message(md)
}

// message reads a message in the JSON of its type.
func (d *decoder) message(md protoreflect.MessageDescriptor) ([]byte, error) {
	d.depth++
	defer func() { d.depth-- }()
	if d.depth > maxJSONDepth+1 {
		return nil, d.errorf("messages nest more than %d deep", maxJSONDepth)
	}
	if form := special(md); form != nil {
		wire, ok, err := form.read(d, md)
		if ok || err != nil {
			return wire, err
		}
	}
	return d.fields(md, "")
}

// fields reads an object of a message's fields, besides the one called except.
func (d *decoder) fields(md protoreflect.MessageDescriptor, except string) ([]byte, error) {
	var m parts
	err := d.object(func(key string) error {
		if key == except && except != "" {
			d.skip()
			return nil
		}
		fd := d.named(md, key)
		if fd == nil {
			return d.errorf("%s has no field %.60q", md.FullName(), key)
		}
		return in(d.field(&m, fd), "."+key)
	})
	return m.wire(), err
}

// named returns the field or extension that goes by that name.
func (d *decoder) named(md protoreflect.MessageDescriptor, key string) protoreflect.FieldDescriptor {
	if fd := md.Fields().ByTextName(key); fd != nil {
		return fd
	}
	if fd := md.Fields().ByJSONName(key); fd != nil {
		return fd
	}
	if len(key) < 2 || key[0] != '[' || key[len(key)-1] != ']' {
		return nil
	}
	xd := d.set.extension(protoreflect.FullName(key[1 : len(key)-1]))
	if xd == nil || xd.ContainingMessage().FullName() != md.FullName() {
		return nil
	}
	return xd
}

// Parts are the fields of a message in the order in which they were read.
type parts []part

type part struct {
	fd   protoreflect.FieldDescriptor
	wire []byte
}

// field reads a field's value.
func (d *decoder) field(m *parts, fd protoreflect.FieldDescriptor) error {
	for _, other := range *m {
		if other.fd.Number() == fd.Number() {
			return d.errorf("the field is there twice")
		}
		if of := realOneof(fd); of != nil && of == realOneof(other.fd) && !d.null(fd) {
			return d.errorf("the oneof %s has %s already", of.Name(), other.fd.Name())
		}
	}
	if d.null(fd) {
		d.token()
		return nil
	}
	wire, err := d.values(fd)
	*m = append(*m, part{fd, wire})
	return err
}

// null tells whether the next value is null, which stands for no value but
// with the types that have it as one.
func (d *decoder) null(fd protoreflect.FieldDescriptor) bool {
	if d.peek() != 'n' {
		return false
	}
	if fd.Message() != nil && !fd.IsMap() && !fd.IsList() {
		return fd.Message().FullName() != "google.protobuf.Value"
	}
	return fd.Enum() == nil || fd.Enum().FullName() != nullValue || fd.IsList()
}

// realOneof returns the oneof that a field is in, nil if none that was written.
func realOneof(fd protoreflect.FieldDescriptor) protoreflect.OneofDescriptor {
	if of := fd.ContainingOneof(); of != nil && !of.IsSynthetic() {
		return of
	}
	return nil
}

// wire returns the fields as marshalled.
func (m parts) wire() []byte {
	slices.SortStableFunc(m, func(a, b part) int {
		return cmp.Or(cmp.Compare(turn(a.fd), turn(b.fd)), cmp.Compare(a.fd.Number(), b.fd.Number()))
	})
	b := []byte{}
	for _, p := range m {
		b = append(b, p.wire...)
	}
	return b
}

// turn returns when a field is marshalled by Go's library: extensions first,
// oneofs last and by their order.
func turn(fd protoreflect.FieldDescriptor) int {
	switch of := realOneof(fd); {
	case fd.IsExtension():
		return 0
	case of == nil:
		return 1
	default:
		return 2 + of.Index()
	}
}

// values reads the values of a field and returns them with their tags.
func (d *decoder) values(fd protoreflect.FieldDescriptor) (wire []byte, err error) {
	switch {
	case fd.IsMap():
		return d.entries(fd)
	case !fd.IsList():
		value, err := d.value(fd)
		if err == nil && !fd.HasPresence() && isZero(fd, value) {
			return nil, nil
		}
		return appendTagged(nil, fd, value), err
	case fd.IsPacked():
		err = d.list(func() error {
			value, err := d.value(fd)
			wire = append(wire, value...)
			return err
		})
		if len(wire) == 0 {
			return nil, err
		}
		return protowire.AppendBytes(protowire.AppendTag(nil, fd.Number(), protowire.BytesType), wire), err
	default:
		err = d.list(func() error {
			value, err := d.value(fd)
			wire = appendTagged(wire, fd, value)
			return err
		})
		return wire, err
	}
}

func isZero(fd protoreflect.FieldDescriptor, value []byte) bool {
	return newFieldPlan(fd).isZero(value)
}

// appendTagged appends a value with its tag, and its length if it has one.
func appendTagged(dst []byte, fd protoreflect.FieldDescriptor, value []byte) []byte {
	typ := wireType(fd.Kind())
	dst = protowire.AppendTag(dst, fd.Number(), typ)
	switch typ {
	case protowire.BytesType:
		return protowire.AppendBytes(dst, value)
	case protowire.StartGroupType:
		return protowire.AppendTag(append(dst, value...), fd.Number(), protowire.EndGroupType)
	default:
		return append(dst, value...)
	}
}

// entries reads a map.
func (d *decoder) entries(fd protoreflect.FieldDescriptor) (wire []byte, err error) {
	type item struct {
		entry
		wire []byte
	}
	var all []item
	keyPlan := newFieldPlan(fd.MapKey())
	err = d.object(func(text string) error {
		key, err := d.scalar(fd.MapKey(), text)
		if err != nil {
			return in(err, "["+text+"]")
		}
		value, err := d.value(fd.MapValue())
		wire := appendTagged(appendTagged(nil, fd.MapKey(), key), fd.MapValue(), value)
		all = append(all, item{keyPlan.entryOf(key), wire})
		return in(err, "["+text+"]")
	})
	slices.SortStableFunc(all, func(a, b item) int { return byKey(a.entry, b.entry) })
	for i := range all {
		if i > 0 && byKey(all[i-1].entry, all[i].entry) == 0 {
			return nil, d.errorf("a key is there twice")
		}
		wire = appendTagged(wire, fd, all[i].wire)
	}
	return wire, err
}
