// Which seeds a sweep runs, and in which modes.

package clustertest_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
)

// choices are sweeps that pass, and what runs.
var choices = map[string]struct {
	sweep clustertest.SweepConfig
	only  string
	args  []string
	runs  []string
	says  string
}{
	"as many as it says": {
		sweep: changed(func(s *clustertest.SweepConfig) { s.Seeds, s.Seed = 3, 7 }),
		runs:  []string{"seed=7", "seed=8", "seed=9"}, says: "3 of 3 seeds passed",
	},
	"as many as the flag says": {
		sweep: changed(func(s *clustertest.SweepConfig) { s.Seeds = 1 }), args: []string{"-rehearse.seeds=2"},
		runs: []string{"seed=1", "seed=2"}, says: "2 of 2 seeds passed",
	},
	"the seed that the flag says": {
		sweep: bubbles, args: []string{"-rehearse.seed=0x10"}, runs: []string{"seed=16"}, says: "1 of 1 seeds passed",
	},
	"the last seed there is": {
		sweep: bubbles, args: []string{"-rehearse.seed=0xffffffffffffffff"},
		runs: []string{"seed=18446744073709551615"}, says: "1 of 1 seeds passed",
	},
	"the seed that is named": {sweep: bubbles, only: "seed=4711", runs: []string{"seed=4711"}},
	"the seed that is named, before the flag's": {
		sweep: bubbles, args: []string{"-rehearse.seed=3"}, only: "seed=0x1f", runs: []string{"seed=0x1f"},
	},
	"the faults that are named": {
		sweep: bubbles, only: `seed=2,1s_crash_n0;;none;;2s\+5s_part_n0`,
		runs: []string{"seed=2,1s_crash_n0;;none;;2s+5s_part_n0"},
	},
	"another subtest": {sweep: bubbles, only: "another"},
	"some by a pattern": {
		sweep: bubbles, only: "seed=1[0-1]", runs: []string{"seed=10", "seed=11"},
		says: "2 of 100 seeds passed; -run leaves out 98",
	},
	"one when there is no time": {
		sweep: changed(func(s *clustertest.SweepConfig) { s.Budget = 1 }), runs: []string{"seed=1"},
		says: "1 of 100 seeds passed; the time was up; not run: seed=2 to seed=100",
	},
}

var begunLine = regexp.MustCompile(`(?m)^=== RUN   \S+/(seed=\S+)$`)

func TestASweepRunsTheSeedsItIsAskedFor(t *testing.T) {
	for name, c := range choices {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(sweepVar) != "" {
				clustertest.Sweep(t, c.sweep, grudges(func() {}), func(_ *testing.T, c ofGrudges) {
					c.Nemesis(crashes).Wait()
				})
				return
			}
			t.Parallel()
			parts := strings.Split(t.Name(), "/")
			if c.only != "" {
				parts = append(parts, c.only)
			}
			out, _, failed := sweepChild(t, patternOf(parts...), append(c.args, "-test.v")...)
			var runs []string
			for _, m := range begunLine.FindAllStringSubmatch(out, -1) {
				runs = append(runs, m[1])
			}
			if failed || strings.Join(runs, " ") != strings.Join(c.runs, " ") || !strings.Contains(out, c.says) {
				t.Errorf("it ran %q, not %q, or does not say %q:\n%s", runs, c.runs, c.says, out)
			}
		})
	}
}

func TestARandomSweepBeginsSomewhere(t *testing.T) {
	if os.Getenv(sweepVar) != "" {
		clustertest.Sweep(t, bubbles, grudges(func() {}), func(*testing.T, ofGrudges) {})
		return
	}
	begins := map[string]bool{}
	for range 3 {
		out, _, failed := sweepChild(t, patternOf(t.Name()), "-rehearse.seed=random", "-rehearse.seeds=2", "-test.v")
		runs := begunLine.FindAllStringSubmatch(out, -1)
		if failed || len(runs) != 2 {
			t.Fatalf("not two seeds:\n%s", out)
		}
		begins[runs[0][1]] = true
	}
	if len(begins) < 2 {
		t.Errorf("three sweeps began at %v", begins)
	}
}

// killed is a body that fails when a nemesis has killed a node.
func killed(t *testing.T, c *clustertest.Cluster[*store]) {
	ready(c)
	storm := c.Nemesis(clustertest.Nemesis{
		Within: 500 * time.Millisecond, Pause: 50 * time.Millisecond, Kinds: clustertest.Kinds("kill", "latency"),
	})
	storm.Wait()
	for e := range c.Journal().Events(0) {
		if e.Kind == "node.kill" {
			t.Fatal("a node was killed")
		}
	}
}

func TestSweepsRunInRealTimeToo(t *testing.T) {
	for name, s := range map[string]clustertest.SweepConfig{
		"loopback":            {Config: clustertest.Config{Mode: clustertest.Loopback}},
		"processes":           {Config: clustertest.Config{Mode: clustertest.Processes}},
		"loopback, isolated":  {Config: clustertest.Config{Mode: clustertest.Loopback}, Isolate: true},
		"processes, isolated": {Config: clustertest.Config{Mode: clustertest.Processes}, Isolate: true},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(sweepVar) != "" {
				s.Seeds, s.Shrink = 10, 10
				clustertest.Sweep(t, s, newStore, killed)
				return
			}
			t.Parallel()
			out, _, failed := sweepChild(t, patternOf(strings.Split(t.Name(), "/")...))
			m := smallestLine.FindStringSubmatch(out)
			if !failed || m == nil || m[2] != "1" || !strings.Contains(m[1], " kill n") {
				t.Fatalf("it was not shrunk to one kill:\n%s", out)
			}
			alone, dir, failed := sweepChild(t, replayOf(t, out))
			if !failed || !strings.Contains(alone, "a node was killed") {
				t.Errorf("replayed alone it failed: %v\n%s", failed, alone)
			}
			if _, did := kept(t, dir); strings.Join(did, "") != m[1] {
				t.Errorf("replayed alone it did %q, not %q", did, m[1])
			}
		})
	}
}
