// Imports that say something else than what a file refers to.

package schema

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Generated code may import a file by another path than the one by which the
// file registers itself: that depends on where the compiler was called. Go
// does not mind, since its types refer to one another. etcd's rpc.proto, which
// imports etcd/api/mvccpb/kv.proto and means kv.proto, is such a file. Without
// the program these imports lead nowhere, so they are put right.

// mended returns a file whose imports are the files that it refers to, and
// those files.
func mended(fd protoreflect.FileDescriptor, file *descriptorpb.FileDescriptorProto) []protoreflect.FileDescriptor {
	var imported []protoreflect.FileDescriptor
	whole := true
	for i := range fd.Imports().Len() {
		if f := fd.Imports().Get(i).FileDescriptor; f.IsPlaceholder() {
			whole = false
		} else {
			imported = append(imported, f)
		}
	}
	if whole {
		return imported
	}
	all := append(imported, referred(fd)...)
	var paths []string
	var public []int32
	for i := range fd.Imports().Len() {
		f := fd.Imports().Get(i)
		if f.IsPlaceholder() {
			continue // whatever it should have been, what is known of it is referred to
		}
		if f.IsPublic {
			public = append(public, int32(len(paths)))
		}
		paths = append(paths, f.Path())
	}
	for _, f := range all {
		if f.Path() != fd.Path() && !slices.Contains(paths, f.Path()) {
			paths = append(paths, f.Path())
		}
	}
	file.Dependency, file.PublicDependency, file.WeakDependency = paths, public, nil
	return all
}

// referred returns the files of the types to which a file refers, in the order of
// its references. Types that are not known have none.
func referred(fd protoreflect.FileDescriptor) (files []protoreflect.FileDescriptor) {
	add := func(d protoreflect.Descriptor) {
		if !d.IsPlaceholder() && !slices.Contains(files, d.ParentFile()) {
			files = append(files, d.ParentFile())
		}
	}
	field := func(f protoreflect.FieldDescriptor) {
		if m := f.Message(); m != nil {
			add(m)
		}
		if e := f.Enum(); e != nil {
			add(e)
		}
		if f.IsExtension() {
			add(f.ContainingMessage())
		}
	}
	eachField(fd.Extensions(), fd.Messages(), field)
	for i := range fd.Services().Len() {
		for j := range fd.Services().Get(i).Methods().Len() {
			m := fd.Services().Get(i).Methods().Get(j)
			add(m.Input())
			add(m.Output())
		}
	}
	return files
}

// eachField visits extensions and the fields of messages, at any depth.
func eachField(
	xds protoreflect.ExtensionDescriptors, mds protoreflect.MessageDescriptors,
	visit func(protoreflect.FieldDescriptor),
) {
	for i := range xds.Len() {
		visit(xds.Get(i))
	}
	for i := range mds.Len() {
		for j := range mds.Get(i).Fields().Len() {
			visit(mds.Get(i).Fields().Get(j))
		}
		eachField(mds.Get(i).Extensions(), mds.Get(i).Messages(), visit)
	}
}

// mend returns a file that imports whatever it refers to that has been built,
// or is linked in; the file itself, if that is so.
func (b *builder) mend(file *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
	if !slices.ContainsFunc(file.GetDependency(), b.lacks) {
		return file
	}
	var more []string
	for _, name := range references(file) {
		d, err := b.FindDescriptorByName(name)
		if err != nil {
			continue
		}
		path := d.ParentFile().Path()
		if path != file.GetName() && !slices.Contains(file.GetDependency(), path) && !slices.Contains(more, path) {
			more = append(more, path)
		}
	}
	if len(more) == 0 {
		return file
	}
	file = proto.CloneOf(file)
	file.Dependency = append(file.Dependency, more...)
	return file
}

// lacks tells whether there is no file of a path.
func (b *builder) lacks(path string) bool {
	_, err := b.FindFileByPath(path)
	return err != nil
}

// references returns the full names to which a file refers.
func references(file *descriptorpb.FileDescriptorProto) (names []protoreflect.FullName) {
	add := func(name string) {
		if len(name) > 1 && name[0] == '.' {
			names = append(names, protoreflect.FullName(name[1:]))
		}
	}
	fields := func(fields []*descriptorpb.FieldDescriptorProto) {
		for _, f := range fields {
			add(f.GetTypeName())
			add(f.GetExtendee())
		}
	}
	var messages func([]*descriptorpb.DescriptorProto)
	messages = func(list []*descriptorpb.DescriptorProto) {
		for _, m := range list {
			fields(m.GetField())
			fields(m.GetExtension())
			messages(m.GetNestedType())
		}
	}
	fields(file.GetExtension())
	messages(file.GetMessageType())
	for _, s := range file.GetService() {
		for _, m := range s.GetMethod() {
			add(m.GetInputType())
			add(m.GetOutputType())
		}
	}
	return names
}
