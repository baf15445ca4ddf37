// The files that a recording needs, and no others.

package schema

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Used returns a serialized google.protobuf.FileDescriptorSet of the files
// that define these methods and messages (full names or type URLs; an
// extension's name will do as well), and of what they import: imports first,
// always in the same order, without source comments. It is nil if none is known.
func (s *Set) Used(methods, messages []string) []byte {
	var wanted []protoreflect.FileDescriptor
	for _, name := range sorted(methods) {
		if m := s.Method(name); m != nil {
			wanted = append(wanted, m.ParentFile())
		}
	}
	for _, name := range sorted(messages) {
		if d, err := s.FindDescriptorByName(afterSlash(name)); err == nil {
			wanted = append(wanted, d.ParentFile())
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	return serialized(wanted)
}

func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// serialized returns files, and what they import before them, without comments.
func serialized(wanted []protoreflect.FileDescriptor) []byte {
	fds := new(descriptorpb.FileDescriptorSet)
	seen := map[string]bool{}
	var add func(fd protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if fd == nil || fd.IsPlaceholder() || seen[fd.Path()] {
			return
		}
		seen[fd.Path()] = true
		file := protodesc.ToFileDescriptorProto(fd)
		file.SourceCodeInfo = nil
		for _, f := range mended(fd, file) {
			add(f)
		}
		fds.File = append(fds.File, file)
	}
	for _, fd := range wanted {
		add(fd)
	}
	b, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(fds)
	if err != nil {
		return nil
	}
	return b
}
