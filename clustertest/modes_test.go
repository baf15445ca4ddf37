// The same body in every mode.

package clustertest_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
)

// say asks a node something and fails the test unless it answers so.
func say(c *clustertest.Cluster[*store], node, line, want string) {
	c.T.Helper()
	ctx, cancel := context.WithTimeout(c.T.Context(), 10*time.Second)
	defer cancel()
	if got, err := ask(ctx, c.Dial, node, line); err != nil || got != want {
		c.T.Fatalf("%s, asked %q, answered %q, %v; want %q", node, line, got, err, want)
	}
}

func TestTheSameBodyRunsInEveryMode(t *testing.T) {
	for _, mode := range clustertest.Modes() {
		t.Run(mode.String(), func(t *testing.T) {
			clustertest.Run(t, clustertest.Config{Mode: mode}, newStore, life)
		})
	}
}

// life is what happens to three stores.
func life(t *testing.T, c *clustertest.Cluster[*store]) {
	for n := range c.Nodes() {
		n.AwaitEvent("store.ready", 10*time.Second)
		say(c, n.Name(), "put who "+n.Name(), "ok")
	}
	say(c, "n0", "ask n1 who", "=n1")

	heal := c.Part(0)
	say(c, "n0", "ask n1 who", "unreachable")
	say(c, "n2", "ask n1 who", "=n1")
	heal()
	say(c, "n0", "ask n1 who", "=n1")

	c.Node(1).Crash()
	if _, err := c.Dial(t.Context(), "tcp", "n1:7000"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialling a dead node: %v", err)
	}
	c.Node(1).Start()
	c.Node(1).AwaitEvent("store.ready", 10*time.Second)
	say(c, "n1", "get who", "=n1")

	resume := c.Node(2).Pause()
	say(c, "n0", "ask n2 who", "unreachable")
	resume()
	say(c, "n0", "ask n2 who", "=n2")
}
