// One body in a bubble, on real sockets, in real processes, and round a binary.

package kv_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/examples/kv"
)

type cluster = clustertest.Cluster[*kv.Server]

func build(e *clustertest.Env) (*kv.Server, error) {
	return kv.New(kv.Config{FS: e.FS(), Listen: e.Listen})
}

func TestTheSameBodyRunsInEveryMode(t *testing.T) {
	for _, mode := range clustertest.Modes() {
		t.Run(mode.String(), func(t *testing.T) {
			clustertest.Run(t, clustertest.Config{Mode: mode}, build, life)
		})
	}
}

func TestTheSameBodyRunsWithABinary(t *testing.T) {
	kvd := filepath.Join(t.TempDir(), "kvd")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", kvd, "./kvd").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	command := func(n *clustertest.NodeInfo) *exec.Cmd {
		fd, _ := n.Inherit(7000)
		return exec.Command(kvd, "-dir", n.Dir, "-fd", fmt.Sprint(fd))
	}
	clustertest.Run(t, clustertest.Config{Mode: clustertest.Processes, Command: command}, build, life)
}

// life is what befalls three servers, each of which keeps its own.
func life(t *testing.T, c *cluster) {
	app := kv.Client{Dial: c.Dial}
	for n := range c.Nodes() {
		if err := app.Put(within(t, 10*time.Second), n.Name(), "who", n.Name()); err != nil {
			t.Fatal(err)
		}
	}

	heal := c.Isolate(0)
	if value, _, err := app.Get(within(t, 200*time.Millisecond), "n0", "who"); err == nil {
		t.Errorf("through a partition n0 says that it is %q", value)
	}
	expect(c, "n1", "who", "n1")
	heal()
	expect(c, "n0", "who", "n0")

	c.Node(1).Crash()
	if err := app.Put(within(t, 10*time.Second), "n1", "who", "nobody"); err == nil {
		t.Error("a dead server has acknowledged a put")
	}
	c.Node(1).Start()
	expect(c, "n1", "who", "n1")
}

// expect fails the test unless a server has that value.
func expect(c *cluster, server, key, want string) {
	c.T.Helper()
	value, _, err := kv.Client{Dial: c.Dial}.Get(within(c.T, 10*time.Second), server, key)
	if err != nil || value != want {
		c.T.Fatalf("%s has %q for %s, %v; want %q", server, value, key, err, want)
	}
}

// within bounds how long a request may take, in the time that the test has.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
