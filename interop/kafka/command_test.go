// The command rehearse kafka, which serves the clients that are programs.

package kafka_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/rehearse-go/rehearse/journal"
)

// rehearse builds the command, once, and returns where it is.
var rehearse = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "rehearse-interop-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "rehearse")
	build := exec.Command("go", "build", "-o", path, "./cmd/rehearse")
	build.Dir = filepath.Join("..", "..")
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the command: %w\n%s", err, out)
	}
	return path, nil
})

// removeCommand removes what rehearse has built.
func removeCommand() {
	if path, err := rehearse(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
}

// run runs rehearse kafka with three brokers on free ports, for as long as the
// test lasts, and returns their addresses. Then the command must stop when it
// is told to, and what the clients asked is observed.
func run(t testing.TB, args ...string) []string {
	t.Helper()
	path, err := rehearse()
	must(t, err)
	written := filepath.Join(t.TempDir(), "kafka.journal")
	args = append([]string{"kafka", "--brokers", "3", "--journal", written}, args...)
	if !strings.Contains(strings.Join(args, " "), "--listen") {
		args = append(args, "--listen", "127.0.0.1:0")
	}
	cmd := exec.Command(path, args...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	servers, ok := strings.CutPrefix(strings.TrimSpace(line), "bootstrap.servers=")
	if err != nil || !ok {
		t.Fatalf("%v: the first line is %q, %v\n%s", args, line, errors.Join(err, cmd.Wait()), &complaints)
	}
	t.Cleanup(func() {
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		_, _ = io.Copy(io.Discard, lines)
		if err := cmd.Wait(); err != nil {
			t.Errorf("rehearse kafka: %v\n%s", err, &complaints)
		}
		observeJournal(t, written)
	})
	return strings.Split(servers, ",")
}

// observeJournal notes who asked what in a run of the command.
func observeJournal(t testing.TB, path string) {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	_, events, err := journal.Read(f)
	must(t, err)
	for _, e := range events {
		name, version, ok := strings.Cut(e.Subject, " v")
		if e.Kind != "kafka.request" || !ok {
			continue
		}
		var number int16
		if _, err := fmt.Sscan(version, &number); err == nil {
			observe(e.Peer, keyOf(name), number)
		}
	}
}

// keyOf is the key of an API by its name; -1 if there is none.
func keyOf(name string) int16 {
	for key := range int16(kmsg.MaxKey + 1) {
		if kmsg.NameForKey(key) == name {
			return key
		}
	}
	return -1
}
