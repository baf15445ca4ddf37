// A field that a walk has come to, and where it is.

package schema

import (
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A Field is a field on the wire that a walk has come to. It is valid until
// the visit returns.
type Field struct {
	Desc   protoreflect.FieldDescriptor // nil if unknown
	Number protoreflect.FieldNumber
	Type   protowire.Type
	Value  []byte // of a message, string or bytes the content, without length; else as on the wire

	up     *Field // the message's field that it is in; nil at the root
	before []byte // what is before it in the message
}

// Path returns where the field is: items[2].price, labels["k"] or, if it is
// unknown, its number.
func (f *Field) Path() string {
	path := ""
	if f.up != nil {
		path = f.up.Path()
	}
	switch {
	case f.Desc == nil:
		return join(path, strconv.Itoa(int(f.Number)))
	case f.inEntry():
		return path
	case f.Desc.IsMap():
		return join(path, f.Desc.TextName()) + entryPart(f.Desc, f.key())
	case f.Desc.IsList():
		return join(path, f.Desc.TextName()) + fmt.Sprintf("[%d]", f.index())
	default:
		return join(path, f.Desc.TextName())
	}
}

// join returns the path of a field within path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// entryPart returns how a path goes to a map's entry.
func entryPart(fd protoreflect.FieldDescriptor, key []byte) string {
	text := keyText(fd.MapKey(), key)
	if fd.MapKey().Kind() == protoreflect.StringKind {
		text = string(appendQuoted(nil, text))
	}
	return "[" + text + "]"
}

// Name returns the field's name; of a value in a map its key; of an unknown
// field its number.
func (f *Field) Name() string {
	switch {
	case f.Desc == nil:
		return strconv.Itoa(int(f.Number))
	case f.inEntry() && f.Number == 2 && f.up != nil:
		return keyText(f.Desc.ContainingMessage().Fields().ByNumber(1), f.up.key())
	default:
		return f.Desc.TextName()
	}
}

// inEntry tells whether it is the key or the value of a map.
func (f *Field) inEntry() bool {
	md := f.Desc.ContainingMessage()
	return md != nil && md.IsMapEntry()
}

// key returns the key in an entry of a map.
func (f *Field) key() []byte {
	plan := fieldPlan{key: newFieldPlan(f.Desc.MapKey()), value: newFieldPlan(f.Desc.MapValue())}
	key, _, _ := plan.entry(f.Value)
	return key
}

// index returns how many of the same list are before it.
func (f *Field) index() (index int) {
	for b := f.before; len(b) > 0; {
		r, n := consume(b)
		if n < 0 {
			return index
		}
		switch {
		case r.number != f.Number:
		case r.typ == wireType(f.Desc.Kind()):
			index++
		case r.typ == protowire.BytesType:
			index += len(unpack(wireType(f.Desc.Kind()), r.value))
		}
		b = b[n:]
	}
	return index
}
