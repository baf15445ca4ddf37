// One body in a bubble, on real sockets and in real processes.

package kv_test

import (
	"context"
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

// life is what befalls three servers, each of which keeps its own.
func life(t *testing.T, c *cluster) {
	app := kv.Client{Dial: c.Dial}
	for n := range c.Nodes() {
		if err := app.Put(soon(t), n.Name(), "who", n.Name()); err != nil {
			t.Fatal(err)
		}
	}

	heal := c.Isolate(0)
	if value, _, err := app.Get(soon(t), "n0", "who"); err == nil {
		t.Errorf("through a partition n0 says that it is %q", value)
	}
	expect(c, "n1", "who", "n1")
	heal()
	expect(c, "n0", "who", "n0")

	c.Node(1).Crash()
	if err := app.Put(soon(t), "n1", "who", "nobody"); err == nil {
		t.Error("a dead server has acknowledged a put")
	}
	c.Node(1).Start()
	expect(c, "n1", "who", "n1")
}

// expect fails the test unless a server has that value.
func expect(c *cluster, server, key, want string) {
	c.T.Helper()
	value, _, err := kv.Client{Dial: c.Dial}.Get(soon(c.T), server, key)
	if err != nil || value != want {
		c.T.Fatalf("%s has %q for %s, %v; want %q", server, value, key, err, want)
	}
}

// soon is how long an answer may take: two seconds of the test's own time.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	t.Cleanup(cancel)
	return ctx
}
