// What a failing cluster says: each test fails in a process of its own.

package clustertest_test

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
)

// stubborn is a program that does not end when it is told to.
type stubborn struct{ env *clustertest.Env }

func (s stubborn) Run(ctx context.Context) error {
	<-ctx.Done()
	<-time.After(time.Hour)
	return nil
}

// brief is a program that ends by itself.
type brief struct{}

func (brief) Run(context.Context) error { return errors.New("the disk is on fire") }

// panics is a program that does so.
type panics struct{}

func (panics) Run(context.Context) error { panic("out of cheese") }

func stubborns(e *clustertest.Env) (stubborn, error) { return stubborn{e}, nil }
func briefs(*clustertest.Env) (brief, error)         { return brief{}, nil }

// onStoresIn is a body on two stores in a mode.
func onStoresIn(mode clustertest.Mode, body func(c *clustertest.Cluster[*store])) func(*testing.T) {
	return func(t *testing.T) {
		config := clustertest.Config{Nodes: 2, Mode: mode, Grace: time.Second}
		clustertest.Run(t, config, newStore, func(_ *testing.T, c *clustertest.Cluster[*store]) {
			for n := range c.Nodes() {
				n.AwaitEvent("store.ready", soon)
			}
			body(c)
		})
	}
}

type stores = *clustertest.Cluster[*store]

// failures are tests that fail, and what they must say.
var failures = map[string]struct {
	run  func(*testing.T)
	says []string
}{
	"what never comes": {onStoresIn(clustertest.Bubble, func(c stores) {
		c.Node(1).Crash()
		c.Isolate(0)
		c.Await("the end of days", time.Hour, func() bool { return false })
	}), []string{
		"awaited the end of days; it did not come within 1h0m0s", "seed 0x1, faults in force: part n0",
		"n0 runs", "n1 is down", "node.crash", "rerun  go test -run '^TestFailuresExplainThemselves$/",
	}},

	"a program that does not end": {func(t *testing.T) {
		clustertest.Run(t, clustertest.Config{Nodes: 1, Mode: clustertest.Bubble}, stubborns,
			func(_ *testing.T, c *clustertest.Cluster[stubborn]) { c.Node(0).Crash() })
	}, []string{"the Run of n0 has not returned 1m0s after it was cut off"}},

	"a program that ends by itself": {func(t *testing.T) {
		clustertest.Run(t, clustertest.Config{Nodes: 1, Mode: clustertest.Bubble}, briefs,
			func(_ *testing.T, c *clustertest.Cluster[brief]) { c.Settle() })
	}, []string{"the program of n0 ended by itself: the disk is on fire"}},

	"a program that panics": {func(t *testing.T) {
		build := func(*clustertest.Env) (panics, error) { return panics{}, nil }
		clustertest.Run(t, clustertest.Config{Nodes: 2, Mode: clustertest.Bubble}, build,
			func(_ *testing.T, c *clustertest.Cluster[panics]) { c.Settle() })
	}, []string{
		"panic: out of cheese", "the program of n0 does not return: a panic", "seed   0x1", "rerun  go test -run",
	}},

	"a clock that is not there": {onStoresIn(clustertest.Bubble, func(c stores) { c.Node(0).Clock(2) }),
		[]string{"n0 takes its time from package time; let it take ticks from its Env"}},

	"no such node": {onStoresIn(clustertest.Bubble, func(c stores) { c.Fault("crash n7") }),
		[]string{`fault "crash n7": no node "n7"; there are n0, n1`}},

	"no such fault": {onStoresIn(clustertest.Bubble, func(c stores) { c.Fault("burn n0") }),
		[]string{`no kind "burn"`}},

	"a start too many": {onStoresIn(clustertest.Bubble, func(c stores) { c.Node(0).Start() }),
		[]string{"n0 runs already"}},

	"a start after the removal": {onStoresIn(clustertest.Bubble, func(c stores) {
		n := c.Node(1)
		c.Remove(n)
		n.Start()
	}), []string{"n1 was removed; Cluster.Add adds another"}},

	"a part of nobody": {onStoresIn(clustertest.Bubble, func(c stores) { c.Part() }),
		[]string{"Part([]) leaves no two sides of n0, n1"}},

	"less than no nodes": {func(t *testing.T) {
		clustertest.Run(t, clustertest.Config{Nodes: -1, Grace: -1}, newStore, func(*testing.T, stores) {})
	}, []string{"Nodes -1, Grace -1ns, Deadline 0s: none may be negative"}},

	"a mode that is none": {onStoresIn(9, func(stores) {}),
		[]string{"Config.Mode is Mode(9); it may be Bubble, Loopback or Processes"}},

	"resting in real processes": {onStoresIn(clustertest.Processes, func(c stores) { c.Settle() }),
		[]string{"mode processes cannot do this: Settle"}},

	"a kind of a disk's fault that is none": {func(*testing.T) { clustertest.Kinds("disk sync boom") },
		[]string{`clustertest: kind "disk sync boom": vdisk: fault "sync boom": "boom" does not befall a sync`}},

	"a fault after the end": {onStoresIn(clustertest.Bubble, func(c stores) {
		late, _ := clustertest.ParseFaults("5s+1s crash n1")
		c.Nemesis(clustertest.Nemesis{Within: time.Second, Faults: late})
	}), []string{`nemesis: "5s+1s crash n1" would begin when all is over, for Within is 1s`}},

	"a nemesis that may hurt nobody": {onStoresIn(clustertest.Bubble, func(c stores) {
		c.Nemesis(clustertest.Nemesis{Kinds: clustertest.Kinds("crash")})
	}), []string{"of 2 nodes a majority stays whole", "[crash:4]; set Nemesis.Majority"}},

	"a second sweep": {func(t *testing.T) {
		for range 2 {
			clustertest.Sweep(t, clustertest.SweepConfig{Seeds: 1}, newStore, func(*testing.T, stores) {})
		}
	}, []string{"a second sweep in one test", "a subtest of its own"}},

	"what a test does after a sweep": {func(t *testing.T) {
		clustertest.Sweep(t, clustertest.SweepConfig{Seeds: 1}, newStore, func(*testing.T, stores) {})
		t.Setenv(sweepVar, os.Getenv("REHEARSE_ARTIFACTS"))
		t.Errorf("done by %d processes", count(t))
	}, []string{"done by 1 processes"}},

	"seeds beyond the last": {func(t *testing.T) {
		last := clustertest.SweepConfig{Config: clustertest.Config{Seed: math.MaxUint64}, Seeds: 2}
		clustertest.Sweep(t, last, newStore, func(*testing.T, stores) {})
	}, []string{"there are no 2 seeds from 18446744073709551615 on"}},

	"a ring of two": {onStoresIn(clustertest.Bubble, func(c stores) { c.Ring() }),
		[]string{"a ring of 2 nodes parts nobody"}},

	"resting in real time": {onStoresIn(clustertest.Loopback, func(c stores) { c.Settle() }),
		[]string{"mode loopback cannot do this: Settle"}},

	"a network in real time": {onStoresIn(clustertest.Loopback, func(c stores) { c.Network() }),
		[]string{"mode loopback cannot do this: Network"}},

	"a full backlog of real sockets": {onStoresIn(clustertest.Loopback, func(c stores) { c.Fault("full n0:7000") }),
		[]string{"full", "unsupported operation"}},

	"another process's program": {onStoresIn(clustertest.Processes, func(c stores) { c.Node(0).Program() }),
		[]string{"mode processes cannot do this: n0.Program"}},

	"another process's disk": {onStoresIn(clustertest.Processes, func(c stores) { c.Node(0).Disk() }),
		[]string{"mode processes cannot do this: n0.Disk"}},

	"a disk's fault in a process": {onStoresIn(clustertest.Processes, func(c stores) { c.Fault("disk n0 sync eio") }),
		[]string{"mode processes cannot do this: faults of disks"}},

	"a process without power": {onStoresIn(clustertest.Processes, func(c stores) { c.Node(0).PowerOff() }),
		[]string{"mode processes cannot do this: poweroff n0"}},

	"a process's clock": {onStoresIn(clustertest.Processes, func(c stores) {
		c.Node(0).Clock(2)
		c.Await("the end", soon, func() bool { return !c.Node(0).Running() })
	}), []string{"the program of n0 ended by itself", "takes its time from package time"}},

	"a process that does not end": {func(t *testing.T) {
		config := clustertest.Config{Nodes: 1, Mode: clustertest.Processes, Grace: time.Second}
		clustertest.Run(t, config, stubborns, func(_ *testing.T, c *clustertest.Cluster[stubborn]) { c.Node(0).Stop() })
	}, []string{"the Run of n0 has not returned 1s after it was stopped"}},
}

// failVar names the test that is to fail.
const failVar = "CLUSTERTEST_FAIL"

func TestFailuresExplainThemselves(t *testing.T) {
	for name, f := range failures {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(failVar) != "" {
				f.run(t)
				return
			}
			t.Parallel()
			pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
			self := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern)
			self.Env = append(os.Environ(), failVar+"=1", "REHEARSE_ARTIFACTS="+t.TempDir())
			out, err := self.CombinedOutput()
			if err == nil {
				t.Fatalf("it passed:\n%s", out)
			}
			for _, want := range f.says {
				if !strings.Contains(string(out), want) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
		})
	}
}
