// What a test does to a cluster, and what its programs see of it.

package clustertest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/vdisk"
)

const soon = 10 * time.Second

// onStores runs body on n stores in a bubble.
func onStores(t *testing.T, n int, body func(*testing.T, *clustertest.Cluster[*store])) {
	t.Helper()
	c := clustertest.Config{Nodes: n, Mode: clustertest.Bubble}
	clustertest.Run(t, c, newStore, func(t *testing.T, c *clustertest.Cluster[*store]) {
		for n := range c.Nodes() {
			n.AwaitEvent("store.ready", soon)
			say(c, n.Name(), "put who "+n.Name(), "ok")
		}
		body(t, c)
	})
}

// reach tells which nodes reach which: "01" is that n0 reaches n1.
func reach(c *clustertest.Cluster[*store]) (pairs []string) {
	for a := range c.Nodes() {
		for b := range c.Nodes() {
			ctx, cancel := context.WithTimeout(c.T.Context(), time.Second)
			got, err := ask(ctx, a.Host().Dial, b.Name(), "get who")
			cancel()
			if a != b && err == nil && got == "="+b.Name() {
				pairs = append(pairs, fmt.Sprint(a.Index(), b.Index()))
			}
		}
	}
	return pairs
}

func TestPartitionsPartWhomTheySay(t *testing.T) {
	onStores(t, 4, func(t *testing.T, c *clustertest.Cluster[*store]) {
		whole := reach(c)
		if len(whole) != 12 {
			t.Fatalf("of a whole cluster only %v reach each other", whole)
		}
		for _, p := range []struct {
			name string
			part func() func()
			want []string
		}{
			{"one", func() func() { return c.Part(1) }, []string{"0 2", "0 3", "2 0", "2 3", "3 0", "3 2"}},
			{"two", func() func() { return c.Part(0, 1) }, []string{"0 1", "1 0", "2 3", "3 2"}},
			{"ring", c.Ring, []string{"0 1", "0 3", "1 0", "1 2", "2 1", "2 3", "3 0", "3 2"}},
		} {
			heal := p.part()
			if got := reach(c); !slices.Equal(got, p.want) {
				t.Errorf("%s: %v reach each other, want %v", p.name, got, p.want)
			}
			say(c, "n1", "get who", "=n1") // clients reach both sides
			heal()
			if got := reach(c); !slices.Equal(got, whole) {
				t.Errorf("healed after %s: %v", p.name, got)
			}
		}
	})
}

func TestClientsReachNoIsolatedNode(t *testing.T) {
	onStores(t, 3, func(t *testing.T, c *clustertest.Cluster[*store]) {
		c.Isolate(2)
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		if got, err := ask(ctx, c.Dial, "n2", "get who"); err == nil {
			t.Errorf("an isolated node answered %q", got)
		}
		c.Heal()
		say(c, "n2", "get who", "=n2")
	})
}

func TestNeitherDialsThroughACutOfOneWay(t *testing.T) {
	onStores(t, 2, func(t *testing.T, c *clustertest.Cluster[*store]) {
		for _, heal := range []func(){c.OneWay(0, 1), c.OneWay(1, 0)} {
			heal()
		}
		defer c.OneWay(0, 1)()
		if got := reach(c); len(got) > 0 {
			t.Errorf("dialled through: %v", got)
		}
	})
}

func TestNodesComeAndGo(t *testing.T) {
	onStores(t, 2, func(t *testing.T, c *clustertest.Cluster[*store]) {
		n := c.Add()
		n.AwaitEvent("store.ready", soon)
		if n.Name() != "n2" || n.Index() != 2 {
			t.Errorf("the third node is %s, %d", n.Name(), n.Index())
		}
		say(c, "n0", "ask n2 who", "=")
		c.Remove(n)
		say(c, "n0", "ask n2 who", "unreachable")
		if m := c.Add(); m.Name() != "n3" {
			t.Errorf("after n2 was removed, %s was added", m.Name())
		}
	})
}

func TestARollingRestartTakesOneAfterTheOther(t *testing.T) {
	onStores(t, 3, func(t *testing.T, c *clustertest.Cluster[*store]) {
		c.RollingRestart(soon, func(n *clustertest.Node[*store]) bool {
			running := 0
			for range c.Running() {
				running++
			}
			return running == 3
		})
		for n := range c.Nodes() {
			say(c, n.Name(), "get who", "="+n.Name())
		}
	})
}

func TestWhatWasNotSyncedOutlivesAKillAndNotEveryCrash(t *testing.T) {
	for how, wants := range map[string]map[string]bool{
		"kill": {"=x": true}, "crash": {"=x": true, "=": true}, "poweroff": {"=x": true, "=": true},
	} {
		got := map[string]bool{}
		for seed := range uint64(20) {
			got[afterHaste(t, how, seed+1)] = true
		}
		if !maps.Equal(got, wants) {
			t.Errorf("after %s in 20 seeds: %v, want %v", how, got, wants)
		}
	}
}

// afterHaste is what a store that does not sync knows of a put, after a fault.
func afterHaste(t *testing.T, how string, seed uint64) (got string) {
	t.Helper()
	config := clustertest.Config{Nodes: 1, Mode: clustertest.Bubble, Seed: seed}
	clustertest.Run(t, config, newHasty, func(t *testing.T, c *clustertest.Cluster[*store]) {
		c.Node(0).AwaitEvent("store.ready", soon)
		say(c, "n0", "put who x", "ok")
		end := c.Fault(how + " n0")
		if c.Node(0).Running() {
			t.Error("it runs")
		}
		end()
		c.Node(0).AwaitEvent("store.ready", soon)
		var err error
		if got, err = ask(t.Context(), c.Dial, "n0", "get who"); err != nil {
			t.Error(err)
		}
	})
	return got
}

func TestNobodyIsToldThatTheLightWentOut(t *testing.T) {
	onStores(t, 2, func(t *testing.T, c *clustertest.Cluster[*store]) {
		conn, err := c.Dial(t.Context(), "tcp", "n1:7000")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		c.Node(1).PowerOff()
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("reading from a dark node: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := c.Dial(ctx, "tcp", "n1:7000"); !isTimeout(err) {
			t.Errorf("dialling a dark node: %v", err)
		}
	})
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

func TestAKilledNodesConnectionsAreReset(t *testing.T) {
	onStores(t, 2, func(t *testing.T, c *clustertest.Cluster[*store]) {
		conn, err := c.Dial(t.Context(), "tcp", "n1:7000")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		c.Settle()
		c.Node(1).Kill()
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("reading from a killed node: %v", err)
		}
	})
}

func TestTheDeadReachNobody(t *testing.T) {
	onStores(t, 2, func(t *testing.T, c *clustertest.Cluster[*store]) {
		dead := c.Node(0).Program().env
		say(c, "n0", "put a b", "ok")
		c.Node(0).Crash()
		c.Node(0).Start()
		if _, err := dead.Dial(t.Context(), "tcp", "n1:7000"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a dead program dialled: %v", err)
		}
		if _, err := dead.Listen(t.Context(), "tcp", ":7001"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a dead program listened: %v", err)
		}
		haunt(t, dead.FS())
		if got := c.Node(0).Disk().Files(); !slices.Equal(got, []string{"log"}) {
			t.Errorf("the next life has %q", got)
		}
		c.Node(0).Restart()
		c.Node(0).AwaitEvent("store.ready", soon)
		say(c, "n0", "get a", "=b")
	})
}

// haunt does what the dead may: all of it succeeds, and nobody sees it.
func haunt(t *testing.T, disk vdisk.FS) {
	log, err := disk.OpenFile("log", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, write := log.WriteAt([]byte("boo"), 0)
	b := make([]byte, len("boo"))
	_, read := log.ReadAt(b, 0)
	err = errors.Join(write, read, log.Sync(), disk.Rename("log", "ghost"), disk.SyncDir("."))
	if err != nil || string(b) != "boo" {
		t.Errorf("the dead read %q and were told %v", b, err)
	}
}

func TestADiskThatFailsFailsThePut(t *testing.T) {
	onStores(t, 1, func(t *testing.T, c *clustertest.Cluster[*store]) {
		end := c.Fault("disk n0 sync eio")
		say(c, "n0", "put a b", "failed sync log: input/output error")
		end()
		say(c, "n0", "put a c", "ok")
	})
}

func TestACrashOfManyIsOneBlow(t *testing.T) {
	onStores(t, 3, func(t *testing.T, c *clustertest.Cluster[*store]) {
		before := c.Journal().Last()
		end := c.Fault("crash n2,n0,n1")
		var kinds []string
		for e := range c.Journal().Events(before + 1) {
			if strings.HasPrefix(string(e.Kind), "node.") {
				kinds = append(kinds, string(e.Kind)+" "+e.Where)
			}
		}
		want := []string{
			"node.crash n0", "node.crash n1", "node.crash n2", "node.exit n0", "node.exit n1", "node.exit n2",
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("got %v, want %v", kinds, want)
		}
		end()
		for n := range c.Nodes() {
			n.AwaitEvent("store.ready", soon)
			say(c, n.Name(), "get who", "="+n.Name())
		}
	})
}
