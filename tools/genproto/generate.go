// From .proto files to Go: compile, hand to each plugin, collect.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// plugins are run in this order, each by go tool.
var plugins = []string{"protoc-gen-go", "protoc-gen-go-grpc"}

// generate returns the files that the plugins make of the named ones.
func generate(root string, names []string) (made []*pluginpb.CodeGeneratorResponse_File, err error) {
	if len(names) == 0 {
		return nil, errors.New("name the .proto files, from the root")
	}
	request, err := compile(root, names)
	if err != nil {
		return nil, err
	}
	for _, plugin := range plugins {
		files, err := runPlugin(plugin, request)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", plugin, err)
		}
		made = append(made, files...)
	}
	return made, nil
}

// compile makes the request of which a plugin makes code, comments included.
func compile(root string, names []string) (*pluginpb.CodeGeneratorRequest, error) {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{root}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), names...)
	if err != nil {
		return nil, err
	}
	return &pluginpb.CodeGeneratorRequest{
		FileToGenerate: names,
		Parameter:      proto.String("paths=source_relative"),
		ProtoFile:      withImports(files),
	}, nil
}

// withImports returns the files, and before each what it imports, once.
func withImports(files linker.Files) (all []*descriptorpb.FileDescriptorProto) {
	seen := map[string]bool{}
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		all = append(all, protodesc.ToFileDescriptorProto(f))
	}
	for _, f := range files {
		add(f)
	}
	return all
}

// runPlugin asks one plugin, as protoc would.
func runPlugin(name string, request proto.Message) ([]*pluginpb.CodeGeneratorResponse_File, error) {
	in, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	plugin := exec.Command("go", "tool", name)
	plugin.Stdin, plugin.Stderr = bytes.NewReader(in), os.Stderr
	out, err := plugin.Output()
	if err != nil {
		return nil, err
	}
	var answer pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("its answer: %w", err)
	}
	if answer.Error != nil {
		return nil, errors.New(answer.GetError())
	}
	return answer.File, nil
}
