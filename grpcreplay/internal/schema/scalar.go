// Single values in JSON to wire bytes.

package schema

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// value reads one value of a field and returns it without tag and length.
func (d *decoder) value(fd protoreflect.FieldDescriptor) ([]byte, error) {
	if fd.Message() != nil {
		return d.message(fd.Message())
	}
	switch c := d.peek(); {
	case c == '{' || c == '[':
		return nil, d.errorf("a single value is wanted here, not %c", c)
	case c == '"' && fd.Kind() == protoreflect.BoolKind:
		return nil, d.errorf("true or false is wanted here, without quotes")
	case c == '"':
		return d.scalar(fd, d.text())
	case fd.Kind() == protoreflect.StringKind || fd.Kind() == protoreflect.BytesKind:
		return nil, d.errorf("a string is wanted here, in quotes, not %.20s", d.token())
	}
	return d.scalar(fd, string(d.token()))
}

// scalar returns the value that text stands for.
func (d *decoder) scalar(fd protoreflect.FieldDescriptor, text string) (wire []byte, err error) {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return []byte(text), nil
	case protoreflect.BytesKind:
		return d.base64(text)
	case protoreflect.BoolKind:
		if text != "true" && text != "false" {
			return nil, d.errorf("true or false is wanted here, not %.20q", text)
		}
		return protowire.AppendVarint(nil, protowire.EncodeBool(text == "true")), nil
	case protoreflect.EnumKind:
		return d.enum(fd.Enum(), text)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return d.float(fd.Kind(), text)
	default:
		return d.integer(fd.Kind(), text)
	}
}

// base64 takes both alphabets, with padding or without.
func (d *decoder) base64(text string) ([]byte, error) {
	standard := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	b, err := base64.RawStdEncoding.DecodeString(standard)
	if err != nil {
		return nil, d.errorf("bytes are wanted here in base64: %s", err)
	}
	return b, nil
}

func (d *decoder) enum(ed protoreflect.EnumDescriptor, text string) ([]byte, error) {
	if ed.FullName() == nullValue && text == "null" {
		return protowire.AppendVarint(nil, 0), nil
	}
	if vd := ed.Values().ByName(protoreflect.Name(text)); vd != nil {
		return protowire.AppendVarint(nil, uint64(int64(vd.Number()))), nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return nil, d.errorf("%s has no value %.60q", ed.FullName(), text)
	}
	return protowire.AppendVarint(nil, uint64(n)), nil
}

func (d *decoder) float(kind protoreflect.Kind, text string) ([]byte, error) {
	size := 64
	if kind == protoreflect.FloatKind {
		size = 32
	}
	f, err := strconv.ParseFloat(text, size)
	if err != nil {
		return nil, d.errorf("%.40q is no number of %d bits", text, size)
	}
	if size == 32 {
		return protowire.AppendFixed32(nil, math.Float32bits(float32(f))), nil
	}
	return protowire.AppendFixed64(nil, math.Float64bits(f)), nil
}

// integer reads an integer of any kind.
func (d *decoder) integer(kind protoreflect.Kind, text string) ([]byte, error) {
	bits, signed := 64, true
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		bits = 32
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		bits, signed = 32, false
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		signed = false
	}
	text = wholeNumber(text)
	var n uint64
	var err error
	if signed {
		var i int64
		i, err = strconv.ParseInt(text, 10, bits)
		n = uint64(i)
	} else {
		n, err = strconv.ParseUint(text, 10, bits)
	}
	if err != nil {
		return nil, d.errorf("%.40q is no %s", text, kind)
	}
	return appendInteger(kind, n), nil
}

// wholeNumber writes a number like 1.0 or 1e3 as an integer, if it is one.
func wholeNumber(text string) string {
	if !strings.ContainsAny(text, ".eE") {
		return text
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return text
}

func appendInteger(kind protoreflect.Kind, n uint64) []byte {
	switch kind {
	case protoreflect.Sfixed32Kind, protoreflect.Fixed32Kind:
		return protowire.AppendFixed32(nil, uint32(n))
	case protoreflect.Sfixed64Kind, protoreflect.Fixed64Kind:
		return protowire.AppendFixed64(nil, n)
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return protowire.AppendVarint(nil, protowire.EncodeZigZag(int64(n)))
	default:
		return protowire.AppendVarint(nil, n)
	}
}
