// The JSON of special types, read.

package schema

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// onlyField reads a type that is as its one field is.
func (d *decoder) onlyField(md protoreflect.MessageDescriptor) (wire []byte, ok bool, err error) {
	fd := md.Fields().ByNumber(1)
	if fd == nil || d.peek() == '{' && !fd.IsMap() {
		return nil, false, nil
	}
	wire, err = d.values(fd)
	return wire, true, err
}

// anyValue reads a google.protobuf.Value by the look of what is next.
func (d *decoder) anyValue(md protoreflect.MessageDescriptor) (wire []byte, ok bool, err error) {
	name := protoreflect.Name("number_value")
	switch c := d.peek(); c {
	case '{':
		name = "struct_value"
	case '[':
		name = "list_value"
	case '"':
		name = "string_value"
	case 't', 'f':
		name = "bool_value"
	case 'n':
		name = "null_value"
	}
	fd := md.Fields().ByName(name)
	if fd == nil || fd.IsList() || fd.IsMap() {
		return nil, false, nil
	}
	value, err := d.value(fd)
	return appendTagged(nil, fd, value), true, err
}

// any reads an Any.
func (d *decoder) any(protoreflect.MessageDescriptor) (wire []byte, ok bool, err error) {
	if d.peek() != '{' {
		return nil, true, d.errorf("an object with %q is wanted here", anyType)
	}
	url, has := d.find(anyType)
	if !has {
		wire, err := d.empty()
		return wire, true, err
	}
	value, err := d.inside(url)
	if err != nil {
		return nil, true, err
	}
	if url != "" {
		wire = protowire.AppendString(protowire.AppendTag(wire, anyURL, protowire.BytesType), url)
	}
	if len(value) > 0 {
		wire = protowire.AppendBytes(protowire.AppendTag(wire, anyValue, protowire.BytesType), value)
	}
	return wire, true, nil
}

// empty reads an object without content.
func (d *decoder) empty() ([]byte, error) {
	return nil, d.object(func(key string) error {
		return d.errorf("%.60q needs %q beside it, which says its type", key, anyType)
	})
}

// find returns the string of that key in the object that is next, "" if the
// value is none, and stays before the object.
func (d *decoder) find(wanted string) (text string, ok bool) {
	at := d.at
	defer func() { d.at = at }()
	_ = d.object(func(key string) error {
		ok = ok || key == wanted
		if key == wanted && d.peek() == '"' {
			text = d.text()
			return nil
		}
		d.skip()
		return nil
	})
	return text, ok
}

// inside reads what an Any holds.
func (d *decoder) inside(url string) ([]byte, error) {
	if _, raw := d.find(anyBytes); raw {
		return d.only(anyBytes, d.bytes)
	}
	md := d.set.Message(url)
	switch {
	case md == nil:
		return d.only("", func() ([]byte, error) {
			return nil, d.errorf("the type %.60q is not in the schema: give its bytes as %q, in base64", url, anyBytes)
		})
	case special(md) != nil:
		return d.only(anyContent, func() ([]byte, error) { return d.message(md) })
	}
	return d.fields(md, anyType)
}

// bytes reads a string of base64.
func (d *decoder) bytes() ([]byte, error) {
	if d.peek() != '"' {
		return nil, d.errorf("bytes are wanted here, in base64 and quotes")
	}
	return d.base64(d.text())
}

// only reads an object that holds a type, and a value under one key.
func (d *decoder) only(wanted string, read func() ([]byte, error)) (value []byte, err error) {
	err = d.object(func(key string) (err error) {
		switch {
		case key == anyType:
			d.skip()
		case key == wanted || wanted == "":
			value, err = read()
		default:
			err = d.errorf("beside %q there is only %q, not %.60q", anyType, wanted, key)
		}
		return err
	})
	return value, err
}
