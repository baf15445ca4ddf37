// The same with etcd 3.6, whose messages are gogo's.

//go:build suites

package etcd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/interop/grpc/services/stage"
)

// older is the version, and its modules.
const older = "v3.6.5"

var modules = []string{
	"go.etcd.io/etcd/api/v3", "go.etcd.io/etcd/client/pkg/v3", "go.etcd.io/etcd/client/v3", "go.etcd.io/etcd/pkg/v3",
	"go.etcd.io/etcd/server/v3",
}

func TestOlderEtcdIsTheSame(t *testing.T) {
	file := filepath.Join(t.TempDir(), "go.mod")
	for _, suffix := range []string{"mod", "sum"} {
		b, err := os.ReadFile(filepath.Join("..", "go."+suffix))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(strings.TrimSuffix(file, "mod")+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit := []string{"mod", "edit"}
	for _, m := range modules {
		edit = append(edit, "-require="+m+"@"+older)
	}
	root, err := filepath.Abs(filepath.Join("..", "..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	edit = append(edit, "-require=go.etcd.io/raft/v3@v3.6.0", "-require=go.etcd.io/bbolt@v1.4.3") // as its own
	edit = append(edit, "-replace=github.com/rehearse-go/rehearse="+root, file)
	stage.Output(t, exec.CommandContext(t.Context(), "go", edit...))
	out := stage.Output(t, exec.CommandContext(t.Context(), "go", "test", "-modfile="+file, "-mod=mod", "-v", "."))
	if n := strings.Count(out, "\n--- PASS"); n < 9 {
		t.Errorf("only %d tests passed:\n%s", n, out)
	}
}
