// Tests of rehearse record as a process: how it ends when it is told to, and when it is killed.

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/interop/grpc_testing"
)

// A process is the command as a process of its own.
type process struct {
	cmd     *exec.Cmd
	said    bytes.Buffer
	address string
}

// startProcess starts the command and waits until it is ready.
func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), "rehearse", args...)}
	p.cmd.Stderr = &p.said
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "# Ctrl-C") {
		if address, ok := strings.CutPrefix(lines.Text(), "address="); ok {
			p.address = address
		}
	}
	if p.address == "" {
		t.Fatalf("%v does not begin: %v: %s", args, p.cmd.Wait(), &p.said)
	}
	return p
}

// end ends the process by a signal and returns its exit code, -1 if the
// signal killed it.
func (p *process) end(t *testing.T, s os.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // the exit code tells
	return p.cmd.ProcessState.ExitCode()
}

// pingPong opens a stream and leaves it open, when one message has been there
// and back.
func pingPong(t *testing.T, ctx context.Context, cc *grpc.ClientConn) {
	t.Helper()
	s, err := grpc_testing.NewTestServiceClient(cc).FullDuplexCall(ctx)
	if err == nil {
		err = s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: &grpc_testing.Payload{Body: []byte("ping")}})
	}
	if err == nil {
		_, err = s.Recv()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAProcessThatIsStoppedLeavesAWholeFile(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		file := filepath.Join(t.TempDir(), "a.journal")
		p := startProcess(t, "record", "--to", serveEcho(t, echo{}), "-o", file)
		cc := dialGRPC(t, p.address, nil)
		ask(t, cc, "one")
		pingPong(t, t.Context(), cc)
		if code := p.end(t, s); code != exitDone || !strings.Contains(p.said.String(), "recorded 2 calls into "+file) {
			t.Errorf("%v: exit code %d: %s", s, code, &p.said)
		}
		if left, _ := filepath.Glob(file + "*"); len(left) != 1 || left[0] != file {
			t.Errorf("%v: it leaves %v", s, left)
		}
		replayed := replay(t, file)
		if got := ask(t, dialGRPC(t, replayed.property("address"), nil), "one"); got != "one" {
			t.Errorf("%v: the answer is %q", s, got)
		}
		replayed.endWith(exitDifferent) // the stream was not opened
		replayed.says("1 recorded call was not made")
	}
}

func TestASecondSignalAtOnceDoesNotTearTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.journal")
	p := startProcess(t, "record", "--to", serveEcho(t, echo{}), "-o", file)
	ask(t, dialGRPC(t, p.address, nil), "one")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	code := p.end(t, syscall.SIGINT)
	if code != exitDone || !strings.Contains(p.said.String(), "recorded 1 call into") {
		t.Errorf("exit code %d: %s", code, &p.said)
	}
}

func TestAProcessThatIsKilledLeavesWhatItHas(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.journal")
	p := startProcess(t, "record", "--to", serveEcho(t, echo{}), "-o", file)
	cc := dialGRPC(t, p.address, nil)
	const calls = 200 // while they pass, what was recorded first is written
	for i := range calls {
		ask(t, cc, fmt.Sprint(i))
	}
	pingPong(t, t.Context(), cc)
	if code := p.end(t, os.Kill); code != -1 {
		t.Fatalf("exit code %d: %s", code, &p.said)
	}
	parts, _ := filepath.Glob(file + ".*.part")
	if len(parts) != 1 {
		t.Fatalf("it leaves %v", parts)
	}
	code, out, said := command(t, "trace", "show", parts[0])
	if code != exitDone || !strings.HasPrefix(out, "# recording gRPC, ") || !strings.Contains(out, "UnaryCall") {
		t.Errorf("exit code %d: %s: %.300s", code, said, out)
	}
	refused(t, filepath.Base(parts[0])+" is what a recorder left that was not closed", "replay", file)
	if code, _, said := command(t, "trace", "convert", parts[0], file); code != exitDone {
		t.Errorf("exit code %d: %s", code, said)
	}
	r := replay(t, file, "--allow-unused")
	if got := ask(t, dialGRPC(t, r.property("address"), nil), "0"); got != "0" {
		t.Errorf("the answer is %q", got)
	}
	r.end()
}
