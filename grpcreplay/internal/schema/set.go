// Sets of descriptors, and how they stand behind one another.

package schema

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A Set is an immutable set of descriptors. The nil Set knows nothing.
type Set struct {
	layers []*layer // asked in order
	rules  sync.Map // text of paths -> *rules: the plans of canonical forms
}

// A layer is the descriptors of one source.
type layer struct {
	files      *protoregistry.Files
	extensions map[protoreflect.FullName][]protoreflect.ExtensionDescriptor // by number; nil if linked
}

var linked = &layer{files: protoregistry.GlobalFiles}

// Linked returns the set of all that is linked into the program.
func Linked() *Set { return &Set{layers: []*layer{linked}} }

// Parse reads a serialized google.protobuf.FileDescriptorSet. What its files
// import and do not hold is taken from the program, if it is there; types that
// are in neither have no fields that are known.
func Parse(b []byte) (*Set, error) {
	fds := new(descriptorpb.FileDescriptorSet)
	if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(b, fds); err != nil {
		return nil, fmt.Errorf("the schema is no google.protobuf.FileDescriptorSet: %w", err)
	}
	return FromFiles(fds)
}

// FromFiles is Parse for a set that is already decoded. Of two files of one
// path, the first counts.
func FromFiles(fds *descriptorpb.FileDescriptorSet) (*Set, error) {
	b := builder{
		waiting: map[string]*descriptorpb.FileDescriptorProto{},
		built:   new(protoregistry.Files),
	}
	for _, file := range fds.GetFile() {
		if _, twice := b.waiting[file.GetName()]; !twice {
			b.waiting[file.GetName()] = file
		}
	}
	for _, file := range fds.GetFile() {
		if err := b.build(file.GetName(), 0); err != nil {
			return nil, err
		}
	}
	return &Set{layers: []*layer{{b.built, extensionsOf(b.built)}}}, nil
}

// A builder builds files, imports first.
type builder struct {
	waiting map[string]*descriptorpb.FileDescriptorProto // nil once begun
	built   *protoregistry.Files
}

// maxImports bounds how deep imports nest.
const maxImports = 1000

func (b *builder) build(path string, depth int) error {
	file := b.waiting[path]
	if file == nil {
		return nil
	}
	if depth > maxImports {
		return fmt.Errorf("the schema's imports nest more than %d deep, at %q", maxImports, path)
	}
	b.waiting[path] = nil
	for _, imported := range file.GetDependency() {
		if err := b.build(imported, depth+1); err != nil {
			return err
		}
	}
	fd, err := newFile(b.mend(file), b)
	if err == nil {
		err = b.built.RegisterFile(fd)
	}
	if err != nil {
		return fmt.Errorf("the schema's file %q is not valid: %w", path, err)
	}
	return nil
}

// newFile is protodesc's New. That checks what it is given, but not with
// hostile files in mind, so that what it trips over is an error here.
func newFile(file *descriptorpb.FileDescriptorProto, imports protodesc.Resolver) (
	fd protoreflect.FileDescriptor, err error,
) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("its descriptors contradict themselves: %v", r)
		}
	}()
	return protodesc.FileOptions{AllowUnresolvable: true}.New(file, imports)
}

// FindFileByPath finds what files import: within the set, else in the program.
func (b *builder) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if fd, err := b.built.FindFileByPath(path); err == nil {
		return fd, nil
	}
	return protoregistry.GlobalFiles.FindFileByPath(path)
}

// FindDescriptorByName finds what files refer to: within the set, else in the program.
func (b *builder) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if d, err := b.built.FindDescriptorByName(name); err == nil {
		return d, nil
	}
	return protoregistry.GlobalFiles.FindDescriptorByName(name)
}

// extensionsOf collects the extensions that files declare, at any depth.
func extensionsOf(files *protoregistry.Files) map[protoreflect.FullName][]protoreflect.ExtensionDescriptor {
	found := map[protoreflect.FullName][]protoreflect.ExtensionDescriptor{}
	var collect func(protoreflect.ExtensionDescriptors, protoreflect.MessageDescriptors)
	collect = func(xds protoreflect.ExtensionDescriptors, mds protoreflect.MessageDescriptors) {
		for i := range xds.Len() {
			of := xds.Get(i).ContainingMessage().FullName()
			found[of] = append(found[of], xds.Get(i))
		}
		for i := range mds.Len() {
			collect(mds.Get(i).Extensions(), mds.Get(i).Messages())
		}
	}
	files.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		collect(fd.Extensions(), fd.Messages())
		return true
	})
	for _, xds := range found {
		slices.SortFunc(xds, byNumberAndName)
	}
	return found
}

func byNumberAndName(a, b protoreflect.ExtensionDescriptor) int {
	return cmp.Or(cmp.Compare(a.Number(), b.Number()), cmp.Compare(a.FullName(), b.FullName()))
}

// Or returns a set that looks in s first and then in fallback. Either may be nil.
func (s *Set) Or(fallback *Set) *Set {
	switch {
	case s == nil:
		return fallback
	case fallback == nil:
		return s
	}
	both := &Set{layers: slices.Clone(s.layers)}
	for _, l := range fallback.layers {
		if !slices.Contains(both.layers, l) {
			both.layers = append(both.layers, l)
		}
	}
	return both
}

// each visits the set's layers.
func (s *Set) each(visit func(*layer) bool) {
	if s == nil {
		return
	}
	for _, l := range s.layers {
		if !visit(l) {
			return
		}
	}
}
