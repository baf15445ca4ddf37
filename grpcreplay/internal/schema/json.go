// Wire bytes to JSON.

package schema

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxJSONDepth bounds how deep the messages nest that are shown as JSON.
const maxJSONDepth = 2000

// JSON returns a message as one line of JSON, by the mapping of protocol
// buffers (protobuf.dev/programming-guides/json), always the same for equal
// messages: fields in the order of their declaration, by their names in the
// .proto file, as in paths; maps by key; a space after each colon and comma.
//
// What that mapping cannot show is shown by another that [Set.Wire] reads too:
// an Any of an unknown type has its bytes in "@value", and a time, duration or
// mask out of range its fields. Fields that are unknown are not shown.
//
// It is exact if Wire gives back the same bytes.
func (s *Set) JSON(md protoreflect.MessageDescriptor, wire []byte) (json []byte, exact bool, err error) {
	if known(md) == nil {
		return nil, false, fmt.Errorf("the message's type is unknown")
	}
	e := encoder{set: s}
	if err := e.message(md, s.Canon(md, nil).Append(nil, wire), 0); err != nil {
		return nil, false, err
	}
	back, err := s.Wire(md, e.dst)
	return e.dst, err == nil && bytes.Equal(back, wire), nil
}

// An encoder writes the JSON of messages in canonical form.
type encoder struct {
	set *Set
	dst []byte
}

// message writes a message in the JSON of its type.
func (e *encoder) message(md protoreflect.MessageDescriptor, wire []byte, depth int) error {
	if err := tooDeep(depth); err != nil {
		return err
	}
	if form := special(md); form != nil && form.write(e, md, wire, depth) {
		return nil
	}
	e.dst = append(e.dst, '{')
	if err := e.fields(md, wire, depth); err != nil {
		return err
	}
	e.dst = append(e.dst, '}')
	return nil
}

func tooDeep(depth int) error {
	if depth > maxJSONDepth {
		return fmt.Errorf("messages nest more than %d deep", maxJSONDepth)
	}
	return nil
}

// fields writes a message's fields, without braces.
func (e *encoder) fields(md protoreflect.MessageDescriptor, wire []byte, depth int) error {
	records, ok := split(wire)
	if !ok {
		return fmt.Errorf("%s: the bytes are no message: they are cut short or garbled", md.FullName())
	}
	byNumber := make(map[protowire.Number][]record, len(records))
	for _, r := range records {
		byNumber[r.number] = append(byNumber[r.number], r)
	}
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if err := e.field(fd, byNumber[fd.Number()], depth); err != nil {
			return err
		}
	}
	if md.ExtensionRanges().Len() == 0 {
		return nil
	}
	for _, xd := range e.set.extensions(md.FullName()) {
		if err := e.field(xd, byNumber[xd.Number()], depth); err != nil {
			return err
		}
	}
	return nil
}

// field writes a field's name and value, if it has one.
func (e *encoder) field(fd protoreflect.FieldDescriptor, records []record, depth int) error {
	values := valuesOf(fd, records)
	if len(values) == 0 {
		return nil
	}
	e.key(fd.TextName())
	switch {
	case fd.IsMap():
		return e.entries(fd, values, depth)
	case fd.IsList():
		e.dst = append(e.dst, '[')
		for _, v := range values {
			e.comma()
			if err := e.value(fd, v, depth); err != nil {
				return err
			}
		}
		e.dst = append(e.dst, ']')
		return nil
	default:
		return e.value(fd, values[len(values)-1], depth)
	}
}

// valuesOf returns those of the records that are the field's, packed ones apart.
func valuesOf(fd protoreflect.FieldDescriptor, records []record) (values []record) {
	typ := wireType(fd.Kind())
	for _, r := range records {
		switch {
		case r.typ == typ:
			values = append(values, r)
		case r.typ == protowire.BytesType && fd.IsList():
			values = append(values, unpack(typ, r.value)...)
		}
	}
	return values
}

// unpack returns the numbers of a packed list; none if it is not one.
func unpack(typ protowire.Type, b []byte) (values []record) {
	if typ == protowire.BytesType || typ == protowire.StartGroupType {
		return nil
	}
	for len(b) > 0 {
		n := protowire.ConsumeFieldValue(1, typ, b)
		if n < 0 {
			return nil
		}
		values = append(values, record{typ: typ, value: b[:n]})
		b = b[n:]
	}
	return values
}

// key writes a name, with a comma before it unless it is the first.
func (e *encoder) key(name string) {
	e.comma()
	e.dst = appendQuoted(e.dst, name)
	e.dst = append(e.dst, ": "...)
}

// comma writes a comma unless an object or list has just begun.
func (e *encoder) comma() {
	if last := e.dst[len(e.dst)-1]; last != '{' && last != '[' {
		e.dst = append(e.dst, ", "...)
	}
}

// entries writes a map.
func (e *encoder) entries(fd protoreflect.FieldDescriptor, values []record, depth int) error {
	f := fieldPlan{key: newFieldPlan(fd.MapKey()), value: newFieldPlan(fd.MapValue())}
	e.dst = append(e.dst, '{')
	for _, r := range values {
		key, value, ok := f.entry(r.value)
		if !ok {
			return fmt.Errorf("%s: an entry of the map is no message", fd.FullName())
		}
		e.comma()
		e.dst = appendQuoted(e.dst, keyText(fd.MapKey(), key))
		e.dst = append(e.dst, ": "...)
		if err := e.value(fd.MapValue(), record{typ: f.value.typ, value: value}, depth); err != nil {
			return err
		}
	}
	e.dst = append(e.dst, '}')
	return nil
}

// keyText returns a map's key as it stands in JSON, without quotes.
func keyText(fd protoreflect.FieldDescriptor, key []byte) string {
	if fd.Kind() == protoreflect.StringKind {
		return string(key)
	}
	r := record{typ: wireType(fd.Kind()), value: key}
	return string(bytes.Trim(appendScalar(nil, fd, &r), `"`))
}

// value writes one value of a field.
func (e *encoder) value(fd protoreflect.FieldDescriptor, r record, depth int) error {
	if fd.Message() != nil {
		return e.message(fd.Message(), r.value, depth+1)
	}
	e.dst = appendScalar(e.dst, fd, &r)
	return nil
}

// appendScalar appends a value that is no message.
func appendScalar(dst []byte, fd protoreflect.FieldDescriptor, r *record) []byte {
	v := r.uint()
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, v != 0)
	case protoreflect.EnumKind:
		return appendEnum(dst, fd.Enum(), protoreflect.EnumNumber(int32(v)))
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
		return strconv.AppendInt(dst, int64(int32(v)), 10)
	case protoreflect.Sint32Kind:
		return strconv.AppendInt(dst, protowire.DecodeZigZag(v&0xffffffff), 10)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return strconv.AppendUint(dst, v&0xffffffff, 10)
	case protoreflect.Int64Kind, protoreflect.Sfixed64Kind:
		return appendQuoted(dst, strconv.FormatInt(int64(v), 10))
	case protoreflect.Sint64Kind:
		return appendQuoted(dst, strconv.FormatInt(protowire.DecodeZigZag(v), 10))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return appendQuoted(dst, strconv.FormatUint(v, 10))
	case protoreflect.FloatKind:
		return appendFloat(dst, v, 32)
	case protoreflect.DoubleKind:
		return appendFloat(dst, v, 64)
	case protoreflect.BytesKind:
		return appendQuoted(dst, base64.StdEncoding.EncodeToString(r.value))
	default:
		return appendQuoted(dst, string(r.value))
	}
}

func appendEnum(dst []byte, ed protoreflect.EnumDescriptor, n protoreflect.EnumNumber) []byte {
	if ed.FullName() == nullValue && n == 0 {
		return append(dst, "null"...)
	}
	if vd := ed.Values().ByNumber(n); vd != nil {
		return appendQuoted(dst, string(vd.Name()))
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

const nullValue = "google.protobuf.NullValue"
