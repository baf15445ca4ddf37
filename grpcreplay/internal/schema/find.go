// What a set finds: by name, by URL, by number.

package schema

import (
	"cmp"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Method returns the method called "/pkg.Service/Method", or nil.
func (s *Set) Method(name string) protoreflect.MethodDescriptor {
	service, method, ok := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	if !ok {
		return nil
	}
	d, err := s.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return nil
	}
	if sd, ok := d.(protoreflect.ServiceDescriptor); ok {
		return sd.Methods().ByName(protoreflect.Name(method))
	}
	return nil
}

// Input returns the type of a method's requests, or nil.
func (s *Set) Input(method string) protoreflect.MessageDescriptor {
	if m := s.Method(method); m != nil {
		return known(m.Input())
	}
	return nil
}

// Output returns the type of a method's responses, or nil.
func (s *Set) Output(method string) protoreflect.MessageDescriptor {
	if m := s.Method(method); m != nil {
		return known(m.Output())
	}
	return nil
}

// known returns md, or nil if it only stands for a type that is missing.
func known(md protoreflect.MessageDescriptor) protoreflect.MessageDescriptor {
	if md == nil || md.IsPlaceholder() {
		return nil
	}
	return md
}

// Message returns the message type of that full name or type URL, or nil.
func (s *Set) Message(name string) protoreflect.MessageDescriptor {
	d, err := s.FindDescriptorByName(afterSlash(name))
	if err != nil {
		return nil
	}
	md, _ := d.(protoreflect.MessageDescriptor)
	return md
}

// afterSlash returns the full name in a type URL.
func afterSlash(url string) protoreflect.FullName {
	return protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:])
}

// Services returns the full names of all services, sorted.
func (s *Set) Services() (names []protoreflect.FullName) {
	s.each(func(l *layer) bool {
		l.files.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
			for i := range fd.Services().Len() {
				names = append(names, fd.Services().Get(i).FullName())
			}
			return true
		})
		return true
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// FindFileByPath makes Set a protodesc.Resolver, with FindDescriptorByName.
func (s *Set) FindFileByPath(path string) (fd protoreflect.FileDescriptor, err error) {
	err = protoregistry.NotFound
	s.each(func(l *layer) bool {
		fd, err = l.files.FindFileByPath(path)
		return err != nil
	})
	return fd, err
}

// FindDescriptorByName makes Set a protodesc.Resolver, with FindFileByPath.
func (s *Set) FindDescriptorByName(name protoreflect.FullName) (d protoreflect.Descriptor, err error) {
	err = protoregistry.NotFound
	s.each(func(l *layer) bool {
		d, err = l.files.FindDescriptorByName(name)
		return err != nil
	})
	return d, err
}

// FindMessageByName makes Set a resolver of message types; they are dynamic.
func (s *Set) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if md := s.Message(string(name)); md != nil {
		return dynamicpb.NewMessageType(md), nil
	}
	return nil, protoregistry.NotFound
}

// FindMessageByURL makes Set a resolver of message types; they are dynamic.
func (s *Set) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	return s.FindMessageByName(afterSlash(url))
}

// FindExtensionByName makes Set a resolver of extensions; they are dynamic.
func (s *Set) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	if xd := s.extension(name); xd != nil {
		return dynamicpb.NewExtensionType(xd), nil
	}
	return nil, protoregistry.NotFound
}

// extension returns the extension of that name, or nil.
func (s *Set) extension(name protoreflect.FullName) protoreflect.ExtensionDescriptor {
	d, err := s.FindDescriptorByName(name)
	if err != nil {
		return nil
	}
	if xd, ok := d.(protoreflect.ExtensionDescriptor); ok && xd.IsExtension() {
		return xd
	}
	return nil
}

// FindExtensionByNumber makes Set a resolver of extensions; they are dynamic.
func (s *Set) FindExtensionByNumber(
	message protoreflect.FullName, number protoreflect.FieldNumber,
) (protoreflect.ExtensionType, error) {
	for _, xd := range s.extensions(message) {
		if xd.Number() == number {
			return dynamicpb.NewExtensionType(xd), nil
		}
	}
	return nil, protoregistry.NotFound
}

// RangeExtensionsByMessage visits the extensions of a message by number,
// until visit returns false.
func (s *Set) RangeExtensionsByMessage(
	message protoreflect.FullName, visit func(protoreflect.ExtensionType) bool,
) {
	for _, xd := range s.extensions(message) {
		if !visit(dynamicpb.NewExtensionType(xd)) {
			return
		}
	}
}

// extensions returns the extensions of a message, one for each number, sorted.
func (s *Set) extensions(message protoreflect.FullName) (all []protoreflect.ExtensionDescriptor) {
	s.each(func(l *layer) bool {
		all = append(all, l.extensionsOf(message)...)
		return true
	})
	byNumber := func(a, b protoreflect.ExtensionDescriptor) int { return cmp.Compare(a.Number(), b.Number()) }
	slices.SortStableFunc(all, byNumber)
	return slices.CompactFunc(all, func(a, b protoreflect.ExtensionDescriptor) bool { return byNumber(a, b) == 0 })
}

func (l *layer) extensionsOf(message protoreflect.FullName) (all []protoreflect.ExtensionDescriptor) {
	if l != linked {
		return l.extensions[message]
	}
	protoregistry.GlobalTypes.RangeExtensionsByMessage(message, func(xt protoreflect.ExtensionType) bool {
		all = append(all, xt.TypeDescriptor().Descriptor())
		return true
	})
	slices.SortFunc(all, byNumberAndName)
	return all
}
