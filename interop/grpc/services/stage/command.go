// rehearse record and rehearse replay, as commands.

package stage

import (
	"bufio"
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A Script is a program of another language: it calls the service at an
// address and returns what it saw.
type Script func(t *testing.T, address string) string

// Perform records a script by rehearse record and replays it by rehearse
// replay, with the service stopped.
func Perform(t *testing.T, start Service, script Script) {
	rehearse := filepath.Join(t.TempDir(), "rehearse")
	Output(t, exec.CommandContext(t.Context(), "go", "build", "-C", filepath.Join("..", "..", "..", ".."),
		"-o", rehearse, "./cmd/rehearse"))
	file := filepath.Join(t.TempDir(), "recording.journal")
	address, stop := start(t)
	plain := script(t, address)
	live := during(t, script, rehearse, "record", "--to", address, "-o", file)
	stop()
	if plain != live {
		t.Errorf("it saw otherwise when recorded:\n%s\nthan alone:\n%s", live, plain)
	}
	if replayed := during(t, script, rehearse, "replay", file, "--strict"); replayed != live {
		t.Errorf("it saw otherwise when replayed:\n%s\nthan when recorded:\n%s", replayed, live)
	}
}

// during runs a script while a command serves, which has to succeed.
func during(t *testing.T, script Script, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s does not tell where it serves: %v\n%s", args[0], err, complaint.String())
	}
	saw := script(t, strings.TrimPrefix(strings.TrimSpace(address), "address="))
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v\n%s", args[0], err, complaint.String())
	}
	return saw
}

// Output runs a command, which has to succeed, and returns what it prints.
func Output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd, err, out, complaint.String())
	}
	return string(out)
}
