// Building against other versions than this module's own.

//go:build suites

package grpc_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gRPC has two releases that are taken care of; this module requires the newer.
const olderGRPC = "google.golang.org/grpc@v1.84.0"

func TestInteropCasesWithTheOlderGRPC(t *testing.T) {
	output(t, "go", "test", "-modfile="+modfile(t, "-require="+olderGRPC), "-mod=mod", "-run=^TestInterop", ".")
}

// modfile makes a go.mod like this module's own, but for an edit, and returns
// its path.
func modfile(t *testing.T, edit string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "go.mod")
	for _, suffix := range []string{".mod", ".sum"} {
		b, err := os.ReadFile("go" + suffix)
		must(t, err)
		must(t, os.WriteFile(strings.TrimSuffix(file, ".mod")+suffix, b, 0o600))
	}
	output(t, "go", "mod", "edit", edit, file)
	return file
}

// output runs a command, which has to succeed, and returns what it prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, complaint.String())
	}
	return string(out)
}
