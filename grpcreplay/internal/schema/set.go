// Sets of descriptors, and how they stand behind one another.

package schema

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A Set is an immutable set of descriptors. The nil Set knows nothing.
type Set struct{}

// Linked returns the set of all that is linked into the program.
func Linked() *Set { return &Set{} }

// Parse reads a serialized google.protobuf.FileDescriptorSet. What its files
// import and do not hold is taken from the program, if it is there.
func Parse(b []byte) (*Set, error) { return &Set{}, nil }

// FromFiles is Parse for a set that is already decoded.
func FromFiles(fds *descriptorpb.FileDescriptorSet) (*Set, error) { return &Set{}, nil }

// Or returns a set that looks in s first and then in fallback. Either may be nil.
func (s *Set) Or(fallback *Set) *Set { return s }

// Method returns the method called "/pkg.Service/Method", or nil.
func (s *Set) Method(name string) protoreflect.MethodDescriptor { return nil }

// Input returns the type of a method's requests, or nil.
func (s *Set) Input(method string) protoreflect.MessageDescriptor { return nil }

// Output returns the type of a method's responses, or nil.
func (s *Set) Output(method string) protoreflect.MessageDescriptor { return nil }

// Message returns the message type of that full name or type URL, or nil.
func (s *Set) Message(name string) protoreflect.MessageDescriptor { return nil }

// Services returns the full names of all services, sorted.
func (s *Set) Services() []protoreflect.FullName { return nil }

// FindFileByPath makes Set a protodesc.Resolver, with FindDescriptorByName.
func (s *Set) FindFileByPath(path string) (protoreflect.FileDescriptor, error) { return nil, nil }

// FindDescriptorByName makes Set a protodesc.Resolver, with FindFileByPath.
func (s *Set) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	return nil, nil
}

// FindMessageByName makes Set a resolver of message types.
func (s *Set) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	return nil, nil
}

// FindMessageByURL makes Set a resolver of message types.
func (s *Set) FindMessageByURL(url string) (protoreflect.MessageType, error) { return nil, nil }

// FindExtensionByName makes Set a resolver of extensions.
func (s *Set) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return nil, nil
}

// FindExtensionByNumber makes Set a resolver of extensions.
func (s *Set) FindExtensionByNumber(
	message protoreflect.FullName, number protoreflect.FieldNumber,
) (protoreflect.ExtensionType, error) {
	return nil, nil
}

// RangeExtensionsByMessage visits the extensions of a message by number, until visit returns false.
func (s *Set) RangeExtensionsByMessage(
	message protoreflect.FullName, visit func(protoreflect.ExtensionType) bool,
) {
}

// Used returns a serialized google.protobuf.FileDescriptorSet of the files
// that define these methods and messages (full names or type URLs), and of
// what they import: imports first, always in the same order, without source
// comments. It is nil if none is known.
func (s *Set) Used(methods, messages []string) []byte { return nil }

// JSON returns a message as one line of JSON. See the package for its form.
func (s *Set) JSON(md protoreflect.MessageDescriptor, wire []byte) (json []byte, exact bool, err error) {
	return nil, false, nil
}

// Wire turns JSON to wire bytes, always the same.
func (s *Set) Wire(md protoreflect.MessageDescriptor, json []byte) ([]byte, error) { return nil, nil }

// A Canon brings messages of one type to canonical form.
type Canon struct{}

// Canon returns the canonical form of md's messages, without the fields that
// ignore names. md may be nil. Paths limited to a method count for any: see Paths.For.
func (s *Set) Canon(md protoreflect.MessageDescriptor, ignore Paths) *Canon { return &Canon{} }

// Append appends the canonical form of wire to dst.
func (c *Canon) Append(dst, wire []byte) []byte { return append(dst, wire...) }

// A Path names fields: see ParsePath.
type Path struct{ text string }

// Paths are several.
type Paths []Path

// ParsePath reads a path.
func ParsePath(s string) (Path, error) { return Path{s}, nil }

// ParsePaths reads paths.
func ParsePaths(texts []string) (Paths, error) { return nil, nil }

// For returns those of the paths that hold for a method ("/pkg.Service/Method").
func (p Paths) For(method string) Paths { return p }

// String returns the path as ParsePath reads it.
func (p Path) String() string { return p.text }

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
