// Descriptions of types: sets that protoc or buf wrote, and .proto files.

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A grpcSchema says where the types of messages are described.
type grpcSchema struct {
	Descriptors []string `yaml:"descriptors" flag:"descriptors" arg:"file"`
	Protos      []string `yaml:"protos" flag:"proto" arg:"file"`
	Includes    []string `yaml:"includes" flag:"include,I" arg:"directory"`
}

// files returns what describes the types; nil if nothing is given.
func (s grpcSchema) files(ctx context.Context) (*descriptorpb.FileDescriptorSet, error) {
	if len(s.Includes) > 0 && len(s.Protos) == 0 {
		return nil, fmt.Errorf("--include %s says where --proto finds files, and none is given", s.Includes[0])
	}
	all := new(descriptorpb.FileDescriptorSet)
	have := map[string]bool{}
	add := func(f *descriptorpb.FileDescriptorProto) {
		if !have[f.GetName()] {
			have[f.GetName()] = true
			all.File = append(all.File, f)
		}
	}
	for _, name := range s.Descriptors {
		set, err := readDescriptors(name)
		if err != nil {
			return nil, err
		}
		for _, f := range set.File {
			add(f)
		}
	}
	compiled, err := s.compile(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range compiled {
		addWithImports(f, have, add)
	}
	if len(all.File) == 0 {
		return nil, nil
	}
	return all, nil
}

// readDescriptors reads a FileDescriptorSet, as protoc --descriptor_set_out
// --include_imports and buf build write it.
func readDescriptors(name string) (*descriptorpb.FileDescriptorSet, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--descriptors %w", plainError(err))
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(b, set); err == nil && len(set.File) > 0 {
		if _, err := protodesc.NewFiles(set); err != nil {
			return nil, fmt.Errorf("--descriptors %s: %v: was it written with --include_imports?", name, err)
		}
		return set, nil
	}
	hint := ""
	if bytes.Contains(b, []byte("syntax")) || strings.HasSuffix(name, ".proto") {
		hint = "; a .proto file is given by --proto"
	}
	return nil, fmt.Errorf("--descriptors %s: it is no set of file descriptors, as protoc --descriptor_set_out "+
		"--include_imports or buf build -o writes it%s", name, hint)
}

// compile compiles the .proto files. Without Includes, each is looked for
// where it lies, and what it imports from there and from here.
func (s grpcSchema) compile(ctx context.Context) ([]protoreflect.FileDescriptor, error) {
	if len(s.Protos) == 0 {
		return nil, nil
	}
	names, includes := s.Protos, s.Includes
	if len(includes) == 0 {
		names = nil
		for _, name := range s.Protos {
			names = append(names, filepath.Base(name))
			includes = append(includes, filepath.Dir(name))
		}
		includes = append(includes, ".")
	}
	relative := make([]string, len(names))
	for i, name := range names {
		relative[i] = beneath(includes, name)
	}
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: includes}),
	}
	files, err := compiler.Compile(ctx, relative...)
	if err != nil {
		return nil, fmt.Errorf("--proto: %w%s", err, s.whereLooked(includes))
	}
	var all []protoreflect.FileDescriptor
	for _, f := range files {
		all = append(all, f)
	}
	return all, nil
}

// whereLooked tells where files were looked for.
func (s grpcSchema) whereLooked(includes []string) string {
	all := slices.Compact(slices.Sorted(slices.Values(includes)))
	return fmt.Sprintf("; looked for in %s: name the roots of imports by -I", strings.Join(all, ", "))
}

// beneath returns the name by which a file is imported: its path from the
// include it lies in, or itself.
func beneath(includes []string, name string) string {
	if _, err := os.Stat(name); err != nil {
		return filepath.ToSlash(name)
	}
	for _, dir := range includes {
		rel, err := filepath.Rel(dir, name)
		if err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.ToSlash(name)
}

// addWithImports adds a file behind what it imports.
func addWithImports(f protoreflect.FileDescriptor, have map[string]bool, add func(*descriptorpb.FileDescriptorProto)) {
	if have[f.Path()] {
		return
	}
	for i := range f.Imports().Len() {
		addWithImports(f.Imports().Get(i).FileDescriptor, have, add)
	}
	add(protodesc.ToFileDescriptorProto(f))
}
