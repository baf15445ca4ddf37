// Walks over the fields of a message.

package schema

import "google.golang.org/protobuf/reflect/protoreflect"

// A Difference is one place where two messages differ.
type Difference struct {
	Path      string // such as items[2].price; by field numbers where names are unknown: 2.1
	Want, Got string // short JSON; "" if absent
}

// Diff tells how got differs from want, in the order of fields, at most 20 places.
func (s *Set) Diff(md protoreflect.MessageDescriptor, want, got []byte, ignore Paths) []Difference {
	return nil
}

// Sketch shows bytes of an unknown type in one line, by what they look like.
func (s *Set) Sketch(wire []byte) string { return "" }

// A Field is a field on the wire that a walk has come to.
type Field struct {
	Desc   protoreflect.FieldDescriptor // nil if unknown
	Number protoreflect.FieldNumber
	Value  []byte // of a message, string or bytes its content without length; else as on the wire
}

// Path returns where the field is: items[2].price, labels["k"], or by number.
func (f *Field) Path() string { return "" }

// Name returns the field's name; of a map's value its key; of an unknown field its number.
func (f *Field) Name() string { return "" }

// A Visit is told of fields. If replace, the field's value becomes
// replacement; if that is nil, the field is left out.
type Visit func(f *Field) (replacement []byte, replace bool)

// A Watch walks messages and stops only at fields that are wanted.
type Watch struct{}

// Watch returns a walk over wanted fields. It is asked once per field of a
// type; with nil it says whether unknown fields are wanted.
func (s *Set) Watch(wanted func(fd protoreflect.FieldDescriptor) bool) *Watch { return &Watch{} }

// Walk visits wanted fields of a message, and returns it with what was
// replaced: wire itself, if nothing was. md may be nil.
func (w *Watch) Walk(md protoreflect.MessageDescriptor, wire []byte, visit Visit) []byte { return wire }

// Wants tells whether a message of that type can hold a wanted field.
func (w *Watch) Wants(md protoreflect.MessageDescriptor) bool { return true }
