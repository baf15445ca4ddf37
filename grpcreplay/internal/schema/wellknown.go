// The types of google.protobuf that have a JSON of their own.

package schema

import (
	"encoding/base64"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A form is the JSON of a special type.
type form struct {
	// write writes the message; false, and nothing, if it has to be shown by
	// its fields.
	write func(e *encoder, md protoreflect.MessageDescriptor, wire []byte, depth int) bool
	// read reads it; false, and nothing, if it is shown by its fields.
	read func(d *decoder, md protoreflect.MessageDescriptor) (wire []byte, ok bool, err error)
}

// special returns the form of a type, nil if it has none.
func special(md protoreflect.MessageDescriptor) *form {
	name, ok := strings.CutPrefix(string(md.FullName()), "google.protobuf.")
	if !ok {
		return nil
	}
	switch name {
	case "Any":
		return &form{(*encoder).any, (*decoder).any}
	case "Timestamp":
		return inWords(func() proto.Message { return new(timestamppb.Timestamp) })
	case "Duration":
		return inWords(func() proto.Message { return new(durationpb.Duration) })
	case "FieldMask":
		return inWords(func() proto.Message { return new(fieldmaskpb.FieldMask) })
	case "Struct":
		return &form{(*encoder).onlyField, (*decoder).onlyField}
	case "ListValue":
		return &form{(*encoder).onlyField, (*decoder).onlyField}
	case "Value":
		return &form{(*encoder).anyValue, (*decoder).anyValue}
	case "DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value",
		"BoolValue", "StringValue", "BytesValue":
		return &form{(*encoder).onlyField, (*decoder).onlyField}
	case "Empty":
		return &form{
			write: func(*encoder, protoreflect.MessageDescriptor, []byte, int) bool { return false },
			read:  func(*decoder, protoreflect.MessageDescriptor) ([]byte, bool, error) { return nil, false, nil },
		}
	}
	return nil
}

// inWords is the form of types that are one string, as protojson has it.
func inWords(message func() proto.Message) *form {
	write := func(e *encoder, _ protoreflect.MessageDescriptor, wire []byte, _ int) bool {
		m := message()
		if proto.Unmarshal(wire, m) != nil {
			return false
		}
		b, err := protojson.Marshal(m)
		if err != nil {
			return false
		}
		e.dst = append(e.dst, b...)
		return true
	}
	read := func(d *decoder, _ protoreflect.MessageDescriptor) ([]byte, bool, error) {
		if d.peek() != '"' {
			return nil, false, nil
		}
		m := message()
		if err := protojson.Unmarshal(d.token(), m); err != nil {
			return nil, false, d.errorf("it is no %s: %.60s", m.ProtoReflect().Descriptor().Name(), err)
		}
		b, err := proto.Marshal(m)
		return b, true, err
	}
	return &form{write, read}
}

// onlyField writes a type that is as its one field is: wrappers, lists, structs.
func (e *encoder) onlyField(md protoreflect.MessageDescriptor, wire []byte, depth int) bool {
	fd := md.Fields().ByNumber(1)
	records, ok := split(wire)
	if !ok || fd == nil {
		return false
	}
	var own []record
	for _, r := range records {
		if r.number == 1 {
			own = append(own, r)
		}
	}
	values, mark := valuesOf(fd, own), len(e.dst)
	var err error
	switch {
	case fd.IsMap():
		err = e.entries(fd, values, depth)
	case fd.IsList():
		e.dst = append(e.dst, '[')
		for i := 0; i < len(values) && err == nil; i++ {
			e.comma()
			err = e.value(fd, values[i], depth)
		}
		e.dst = append(e.dst, ']')
	case len(values) == 0:
		err = e.value(fd, record{typ: wireType(fd.Kind())}, depth)
	default:
		err = e.value(fd, values[len(values)-1], depth)
	}
	if err != nil {
		e.dst = e.dst[:mark]
	}
	return err == nil
}

// anyValue writes a google.protobuf.Value: null, too, if it has no kind.
func (e *encoder) anyValue(md protoreflect.MessageDescriptor, wire []byte, depth int) bool {
	records, ok := split(wire)
	if !ok {
		return false
	}
	for _, r := range records {
		fd := md.Fields().ByNumber(r.number)
		if fd == nil || r.typ != wireType(fd.Kind()) {
			continue
		}
		mark := len(e.dst)
		if err := e.value(fd, r, depth); err != nil {
			e.dst = e.dst[:mark]
			return false
		}
		return true
	}
	e.dst = append(e.dst, "null"...)
	return true
}

// any writes an Any: its type and the fields of what it holds, or "value" if
// that has a JSON of its own; or its bytes, if that cannot be.
func (e *encoder) any(_ protoreflect.MessageDescriptor, wire []byte, depth int) bool {
	if _, ok := split(wire); !ok {
		return false
	}
	url, value := anyParts(wire)
	e.dst = append(e.dst, '{')
	if len(url) > 0 || len(value) > 0 {
		e.key(anyType)
		e.dst = appendQuoted(e.dst, string(url))
	}
	if !e.inside(e.set.Message(string(url)), value, depth) && len(value) > 0 {
		e.key(anyBytes)
		e.dst = appendQuoted(e.dst, base64.StdEncoding.EncodeToString(value))
	}
	e.dst = append(e.dst, '}')
	return true
}

// The names in an Any's JSON: of its type, of what it holds if that has a JSON
// of its own, of its bytes if they are not known.
const anyType, anyContent, anyBytes = "@type", "value", "@value"

// inside writes what an Any holds; false, and nothing, if it cannot.
func (e *encoder) inside(md protoreflect.MessageDescriptor, value []byte, depth int) bool {
	if md == nil {
		return false
	}
	mark, err := len(e.dst), error(nil)
	if special(md) != nil {
		e.key(anyContent)
		err = e.message(md, value, depth+1)
	} else if err = tooDeep(depth); err == nil {
		err = e.fields(md, value, depth+1)
	}
	if err != nil {
		e.dst = e.dst[:mark]
	}
	return err == nil
}
