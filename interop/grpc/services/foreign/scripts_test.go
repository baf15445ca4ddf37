// Programs in JavaScript and Python.

package foreign_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rehearse-go/rehearse/interop/grpc/services/stage"
)

func TestNodeSeesTheSame(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	if _, err := os.Stat(filepath.Join("node", "node_modules", "@grpc", "grpc-js")); err != nil {
		t.Skip("the packages of the directory node are not installed: run npm ci there")
	}
	set := descriptors(t)
	stage.Perform(t, stage.Teller, func(t *testing.T, address string) string {
		return stage.Output(t, exec.CommandContext(t.Context(), node, filepath.Join("node", "calls.mjs"), address, set))
	})
}

func TestPythonSeesTheSame(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's, which has Debian's packages
	if exec.CommandContext(t.Context(), python, "-c", "import grpc").Run() != nil {
		t.Skip("python3-grpcio is not installed")
	}
	stage.Perform(t, stage.Teller, func(t *testing.T, address string) string {
		return stage.Output(t, exec.CommandContext(t.Context(), python, "calls.py", address))
	})
}

// descriptors writes those of the service to a file and returns its name.
func descriptors(t *testing.T) string {
	t.Helper()
	set := new(descriptorpb.FileDescriptorSet)
	seen := make(map[string]bool)
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	add(grpc_testing.File_grpc_testing_test_proto)
	b, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "set.binpb")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
