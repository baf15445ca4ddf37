// Connect's conformance suite, in both its modes, recorded and replayed.

//go:build suites

package grpc_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// suiteModule is the module whose commands are run.
const suiteModule = "connectrpc.com/conformance"

func TestConnectsConformanceSuiteRecordedAndReplayed(t *testing.T) {
	bin := conformance(t)
	t.Run("clients", bin.clients)
	t.Run("servers", func(t *testing.T) {
		bin.servers(t, "grpcserver", 370, append(bin.known("server"), "--conf", bin.settings("grpc-impls-config.yaml")))
	})
	t.Run("servers with TLS, JSON and compression", func(t *testing.T) {
		bin.servers(t, "referenceserver", 876, []string{"--conf", "testdata/wide.yaml"})
	})
}

// In client mode the suite's own gRPC client is the one under test, with the
// dial options of a recording, one for each case.
func (b built) clients(t *testing.T) {
	dir := t.TempDir()
	for _, mode := range modes {
		args := append(b.known("client"), "--conf", b.settings("grpc-impls-config.yaml"), "--mode", "client")
		cmd := b.command(t, append(args, "--", b.path("grpcclient"))...)
		cmd.Env = append(os.Environ(), "REHEARSE_DIR="+dir, "REHEARSE_MODE="+string(mode))
		expectPassed(t, cmd, 405)
	}
}

// In server mode one of the suite's own servers is the one under test, behind
// a proxy that records, and then its recording alone.
func (b built) servers(t *testing.T, server string, passed int, args []string) {
	dir := t.TempDir()
	for _, mode := range modes {
		cmd := b.command(t, slices.Concat(args, []string{
			"--mode", "server", "--", b.path("recordedserver"), string(mode), dir, b.path(server),
		})...)
		expectPassed(t, cmd, passed)
		expectSilence(t, dir, mode)
	}
}

// modes are those that a suite is run in, one after the other.
var modes = []grpcreplay.Mode{grpcreplay.ModeAll, grpcreplay.ModeNone}

// expectPassed runs the suite, of which so many cases have to pass, and no
// other may fail but those that fail without a recording too.
func expectPassed(t *testing.T, cmd *exec.Cmd, cases int) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if want := fmt.Sprintf("\n%d passed, 0 failed\n", cases); err != nil || !bytes.Contains(out, []byte(want)) {
		t.Errorf("%v: %v, want%s\n%s", cmd.Args[1:], err, want, out)
	}
}

// expectSilence wants no complaint of the recordings of the suite's servers,
// of calls that were left over for instance.
func expectSilence(t *testing.T, dir string, mode grpcreplay.Mode) {
	t.Helper()
	taken, err := filepath.Glob(filepath.Join(dir, "*.journal."+string(mode)))
	must(t, err)
	if len(taken) == 0 {
		t.Errorf("mode %s: no server was started", mode)
	}
	for _, mark := range taken {
		said, err := os.ReadFile(mark + ".log")
		if err != nil || len(said) > 0 {
			t.Errorf("%s: %v\n%s", filepath.Base(mark), err, said)
		}
	}
}

// A built holds the suite's commands, and the suite's source.
type built struct{ dir, source string }

func (b built) path(command string) string { return filepath.Join(b.dir, command) }

func (b built) settings(name string) string { return filepath.Join(b.source, "testing", name) }

// known names the cases that fail in a mode without a recording too.
func (b built) known(mode string) []string {
	return []string{"--known-failing", "@" + b.settings("grpc"+mode+"-known-failing.txt")}
}

// command is one run of the suite.
func (b built) command(t *testing.T, args ...string) *exec.Cmd {
	return exec.CommandContext(t.Context(), b.path("connectconformance"), args...)
}

// conformance builds the suite's commands, the client from a copy in which it
// runs every case through a recording.
func conformance(t *testing.T) built {
	t.Helper()
	source := strings.TrimSpace(output(t, "go", "list", "-m", "-f", "{{.Dir}}", suiteModule))
	b := built{dir: t.TempDir(), source: source}
	commands := suiteModule + "/cmd/"
	output(t, "go", "build", "-o", b.dir+"/", "./cmd/recordedserver",
		commands+"connectconformance", commands+"grpcserver", commands+"referenceserver")
	mod := modfile(t, "-replace="+suiteModule+"="+patched(t, b.source))
	output(t, "go", "build", "-modfile="+mod, "-o", b.dir+"/", commands+"grpcclient")
	return b
}

// patched copies the suite and puts the recordings into the copy's client.
func patched(t *testing.T, source string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "conformance")
	must(t, os.CopyFS(copied, os.DirFS(source)))
	patch, err := filepath.Abs("testdata/grpcclient.patch")
	must(t, err)
	output(t, "git", "-C", copied, "apply", "--unidiff-zero", patch)
	ours, err := os.ReadFile("testdata/recorded.go.txt")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(copied, "internal/app/grpcclient/recorded.go"), ours, 0o600))
	return copied
}
