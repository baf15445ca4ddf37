// Nodes of rehearse log as processes of their own, for the tests.

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// aWhile bounds what must happen soon. Nothing waits so long that does not fail.
const aWhile = 2 * time.Minute

// A nodeProcess is rehearse log serve as a process.
type nodeProcess struct {
	cmd   *exec.Cmd
	said  logText
	ready map[string]string // what its ready lines say
}

// logText is what a process logs, with those who wait for a piece of it.
type logText struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return l.text.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until something was logged.
func (l *logText) await(t *testing.T, what string) {
	t.Helper()
	late := time.After(aWhile)
	for {
		l.mu.Lock()
		found := strings.Contains(l.text.String(), what)
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if found {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("nothing is said of %q: %s", what, l)
		}
	}
}

// beginNode starts a node, without waiting for anything. It is killed when the
// test ends.
func beginNode(t *testing.T, args ...string) (*nodeProcess, io.Reader) {
	t.Helper()
	args = append([]string{"log", "serve", "--bind-addr", "127.0.0.1:0", "--rpc-port", "0"}, args...)
	p := &nodeProcess{cmd: exec.Command("rehearse", args...), ready: map[string]string{}}
	p.cmd.Stderr = &p.said
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		_ = p.cmd.Wait()
	})
	return p, out
}

// startNode starts a node and waits until it serves.
func startNode(t *testing.T, args ...string) *nodeProcess {
	t.Helper()
	p, out := beginNode(t, args...)
	p.awaitReady(t, out)
	return p
}

// awaitReady reads the ready lines.
func (p *nodeProcess) awaitReady(t *testing.T, out io.Reader) {
	t.Helper()
	late := time.AfterFunc(aWhile, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok && !strings.HasPrefix(name, "#") {
			p.ready[name] = value
		}
		if strings.HasPrefix(lines.Text(), "# Ctrl-C") {
			return
		}
	}
	t.Fatalf("%v does not begin: %s", p.cmd.Args, &p.said)
}

func (p *nodeProcess) address() string { return p.ready["address"] }

// end ends the process by a signal and returns its exit code, -1 if the signal
// killed it.
func (p *nodeProcess) end(t *testing.T, s os.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // the exit code tells
	return p.cmd.ProcessState.ExitCode()
}

// stop ends the process as an operator does; it must end well.
func (p *nodeProcess) stop(t *testing.T) {
	t.Helper()
	if code := p.end(t, syscall.SIGTERM); code != exitDone {
		t.Errorf("exit code %d: %s", code, &p.said)
	}
}

// logCommandLine runs one of rehearse log's commands in this process.
func logCommandLine(t *testing.T, input string, args ...string) (code int, out, said string) {
	t.Helper()
	var o, s bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), aWhile)
	defer cancel()
	code = run(ctx, append([]string{"log"}, args...), streams{strings.NewReader(input), &o, &s})
	return code, o.String(), s.String()
}

// A logRun is one of rehearse log's commands that runs on and on.
type logRun struct {
	out   *io.PipeReader
	said  bytes.Buffer
	stop  context.CancelFunc
	ended chan int
}

// startLog begins to run one of rehearse log's commands in this process.
func startLog(t *testing.T, args ...string) *logRun {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), aWhile)
	out, in := io.Pipe()
	r := &logRun{out: out, stop: stop, ended: make(chan int, 1)}
	go func() {
		code := run(ctx, append([]string{"log"}, args...), streams{strings.NewReader(""), in, &r.said})
		in.Close()
		r.ended <- code
	}()
	return r
}

// lines reads what the command prints, as long as f wants more.
func (r *logRun) lines(f func(line string) (more bool)) {
	text := bufio.NewScanner(r.out)
	for text.Scan() && f(text.Text()) {
	}
}

// end interrupts the command, which must end well.
func (r *logRun) end(t *testing.T) {
	t.Helper()
	r.stop()
	go io.Copy(io.Discard, r.out)
	if code := <-r.ended; code != exitDone {
		t.Errorf("exit code %d: %s", code, &r.said)
	}
}

// good runs one of rehearse log's commands, which must end well, and returns
// what it prints.
func good(t *testing.T, input string, args ...string) string {
	t.Helper()
	code, out, said := logCommandLine(t, input, args...)
	if code != exitDone {
		t.Fatalf("rehearse log %v ends with %d: %s", args, code, said)
	}
	return out
}

// bad runs one of rehearse log's commands, which must end with the code and
// say why.
func bad(t *testing.T, want int, why string, args ...string) {
	t.Helper()
	code, _, said := logCommandLine(t, "", args...)
	if code != want || !strings.Contains(said, why) {
		t.Errorf("rehearse log %v ends with %d, want %d and %q: %s", args, code, want, why, said)
	}
}

// A tlsCluster is a directory with certificates, and nodes that have them.
type tlsCluster struct {
	dir, certs string
	nodes      map[string]*nodeProcess
}

// newTLSCluster makes the certificates, by the command.
func newTLSCluster(t *testing.T) *tlsCluster {
	t.Helper()
	c := &tlsCluster{dir: t.TempDir(), nodes: map[string]*nodeProcess{}}
	c.certs = filepath.Join(c.dir, "certs")
	good(t, "", "certs", "--dir", c.certs, "--hosts", "node+127.0.0.1", "--clients", "root,nobody", "--gossip-key")
	return c
}

// flags are those of a node, all but its addresses.
func (c *tlsCluster) flags(name string) []string {
	flags := []string{
		"--node-name", name, "--data-dir", filepath.Join(c.dir, name), "--health-addr", "127.0.0.1:0",
		"--gossip-key-file", filepath.Join(c.certs, "gossip.key"), "--segment-bytes", "1MiB",
	}
	for _, side := range []string{"server", "peer"} {
		flags = append(flags, c.files(side+"-", "node")...)
	}
	return flags
}

// files are the flags of a certificate.
func (c *tlsCluster) files(side, name string) (flags []string) {
	for _, f := range [][2]string{{"cert", name + ".pem"}, {"key", name + "-key.pem"}, {"ca", "ca.pem"}} {
		flags = append(flags, fmt.Sprintf("--%stls-%s-file", side, f[0]), filepath.Join(c.certs, f[1]))
	}
	return flags
}

// start starts a node, which founds the cluster if it is the first, else joins
// those there are.
func (c *tlsCluster) start(t *testing.T, name string) {
	t.Helper()
	flags := c.flags(name)
	others := c.gossip(name)
	if len(others) == 0 {
		flags = append(flags, "--bootstrap")
	} else {
		flags = append(flags, "--start-join-addrs", strings.Join(others, ","))
	}
	c.nodes[name] = startNode(t, flags...)
}

// gossip are the addresses at which nodes gossip, but for one's.
func (c *tlsCluster) gossip(but string) (all []string) {
	for _, name := range sortedKeys(c.nodes) {
		if name != but {
			all = append(all, c.nodes[name].ready["gossip"])
		}
	}
	return all
}

// as are the flags of a client.
func (c *tlsCluster) as(client string) []string {
	var addresses []string
	for _, name := range sortedKeys(c.nodes) {
		addresses = append(addresses, c.nodes[name].address())
	}
	return append(c.files("", client), "--timeout", "1m", "--addrs", strings.Join(addresses, ","))
}
