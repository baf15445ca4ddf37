// Genproto, held against what is committed.

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatIsCommittedIsWhatIsGenerated(t *testing.T) {
	for _, name := range []string{"commitlog/logv1/log.proto", "interop/log/proglog/log.proto"} {
		t.Run(name, func(t *testing.T) { isGenerated(t, name) })
	}
}

func isGenerated(t *testing.T, name string) {
	const root = "../.."
	files, err := generate(root, []string{name})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(plugins) {
		t.Errorf("%d files were made, not one by each of %q", len(files), plugins)
	}
	for _, f := range files {
		committed, err := os.ReadFile(filepath.Join(root, f.GetName()))
		if err != nil {
			t.Error(err)
		} else if string(committed) != f.GetContent() {
			t.Errorf("%s is not what genproto makes: go generate in its directory", f.GetName())
		}
	}
}

func TestRunWritesBesideTheDescription(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.proto", `syntax = "proto3"; package a; option go_package = "example.org/a"; message M {}`)
	write(t, root, "b.proto", `syntax = "proto3"; package a; import "a.proto"; option go_package = "example.org/a";
		service S { rpc Do(M) returns (M); }`)
	if err := run(root, []string{"a.proto", "b.proto"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a.pb.go": "type M struct", "b.pb.go": "package a", "b_grpc.pb.go": "type SClient interface",
	} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(string(text), want) {
			t.Errorf("%s has no %q", name, want)
		}
	}
}

func TestWhatCannotBeMadeIsSaid(t *testing.T) {
	root := t.TempDir()
	write(t, root, "bad.proto", `syntax = "proto3"; message M { Nobody n = 1; }`)
	write(t, root, "homeless.proto", `syntax = "proto3"; message M {}`)
	for _, c := range []struct {
		root string
		name []string
		want string
	}{
		{root, nil, "name the .proto files"},
		{root, []string{"absent.proto"}, "absent.proto"},
		{root, []string{"bad.proto"}, "Nobody"},
		{root, []string{"homeless.proto"}, "protoc-gen-go: "},
		{filepath.Join(root, "absent"), nil, "absent"},
	} {
		if err := run(c.root, c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
