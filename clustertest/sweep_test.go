// Sweeps: what they find, how small they make it, and that it can be run again.

package clustertest_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/journal"
)

// bubbles is a sweep of a hundred seeds in bubbles.
var bubbles = clustertest.SweepConfig{Config: clustertest.Config{Mode: clustertest.Bubble}}

// bad is a nemesis for a store that loses what it does not sync.
var bad = clustertest.Nemesis{
	Within: 20 * time.Second,
	Pause:  time.Second,
	Kinds:  clustertest.Kinds("crash", "pause", "isolate", "split", "latency"),
}

// durable writes to three stores through a nemesis, and then reads what was
// acknowledged.
func durable(_ *testing.T, c *clustertest.Cluster[*store]) {
	ready(c)
	acked := written(c, c.Nemesis(bad))
	ready(c)
	for _, key := range slices.Sorted(maps.Keys(acked)) {
		say(c, acked[key], "get "+key, "="+key)
	}
}

func ready(c *clustertest.Cluster[*store]) {
	for n := range c.Nodes() {
		n.AwaitEvent("store.ready", soon)
	}
}

// written writes keys to each node in turn until the storm is over, and
// returns at whom each was acknowledged.
func written(c *clustertest.Cluster[*store], storm *clustertest.Storm) map[string]string {
	acked := map[string]string{}
	for i := 0; ; i++ {
		select {
		case <-storm.Done():
			return acked
		case <-time.After(250 * time.Millisecond): // virtual
		}
		key, node := fmt.Sprint("k", i), fmt.Sprint("n", i%3)
		ctx, cancel := context.WithTimeout(c.T.Context(), time.Second)
		if got, err := ask(ctx, c.Dial, node, "put "+key+" "+key); err == nil && got == "ok" {
			acked[key] = node
		}
		cancel()
	}
}

func TestAStoreThatSyncsPassesTheSweep(t *testing.T) {
	s := bubbles
	s.Workers = 2
	clustertest.Sweep(t, s, newStore, durable)
}

func TestEverySeedRepeats(t *testing.T) {
	drawn := map[string]bool{}
	for seed := range uint64(10) {
		first, events := stormed(t, 100+seed)
		drawn[first.String()] = true
		for round := range 10 {
			list, again := stormed(t, 100+seed)
			diff := journal.Diff(journal.Shapes(slices.Values(events)), journal.Shapes(slices.Values(again)))
			if list.String() != first.String() || diff != "" {
				t.Fatalf("seed %d, round %d:\n%v\n%v\n%s", seed, round, first, list, diff)
			}
		}
	}
	if len(drawn) != 10 {
		t.Errorf("10 seeds drew only %d storms", len(drawn))
	}
}

// sweepVar says, in a child, that its tests are to fail. Its value is a
// directory for what the child keeps.
const sweepVar = "CLUSTERTEST_SWEEP"

// sweepChild runs exactly what a pattern names, in a process of its own.
func sweepChild(t *testing.T, pattern string, args ...string) (out, dir string, failed bool) {
	t.Helper()
	dir = t.TempDir()
	self := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-test.run=" + pattern}, args...)...)
	self.Env = append(os.Environ(), sweepVar+"="+dir, "REHEARSE_ARTIFACTS="+dir, "REHEARSE_SEED=", "REHEARSE_SEEDS=")
	b, err := self.CombinedOutput()
	return string(b), dir, err != nil
}

var (
	smallestLine = regexp.MustCompile(`smallest faults: (.+) \((\d+) of (\d+), in (\d+) replays\)`)
	replayLine   = regexp.MustCompile(`(?m)^ *replay  go test -run '(\S+)' github.com/rehearse-go/rehearse/clustertest$`)
)

// replayOf returns the pattern that the last of the lines to replay has.
func replayOf(t *testing.T, out string) string {
	t.Helper()
	all := replayLine.FindAllStringSubmatch(out, -1)
	if all == nil {
		t.Fatalf("there is no line to replay it:\n%s", out)
	}
	return all[len(all)-1][1]
}

// patternOf is the pattern of a sweep that is a subtest of this test, or of
// one run of it.
func patternOf(parts ...string) string {
	return "^" + strings.Join(parts, "$/^") + "$"
}

func TestAStoreThatDoesNotSyncIsFound(t *testing.T) {
	if os.Getenv(sweepVar) != "" {
		clustertest.Sweep(t, bubbles, newHasty, durable)
		return
	}
	out, _, failed := sweepChild(t, patternOf(t.Name()))
	m := smallestLine.FindStringSubmatch(out)
	if !failed || m == nil || m[2] != "1" || !strings.Contains(m[1], " crash n") || m[3] == "1" {
		t.Fatalf("it was not shrunk to one crash:\n%s", out)
	}
	t.Logf("%s", m[0])

	alone, dir, failed := sweepChild(t, replayOf(t, out))
	if !failed || !strings.Contains(alone, `, asked "get k`) || strings.Contains(alone, "smallest faults") {
		t.Errorf("replayed alone it failed: %v\n%s", failed, alone)
	}
	seed := regexp.MustCompile(`seed=(\d+)`).FindStringSubmatch(replayOf(t, out))[1]
	header, did := kept(t, dir)
	if fmt.Sprint(header.Seed) != seed || !slices.Equal(did, []string{m[1]}) {
		t.Errorf("replayed alone it did %q with seed %d, not %q with %s", did, header.Seed, m[1], seed)
	}
}

// kept reads the one journal that was kept, and what its nemeses did.
func kept(t *testing.T, dir string) (h journal.Header, did []string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*.journal"))
	if len(files) != 1 {
		t.Fatalf("there are the journals %q, not one", files)
	}
	return readKept(t, files[0])
}

// readKept reads a journal, and what its nemeses did.
func readKept(t *testing.T, file string) (h journal.Header, did []string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, events, err := journal.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == "nemesis.begin" {
			did = append(did, e.Subject)
		}
	}
	return h, did
}

func TestNamesOfRunsAreReadAsTheyAreWritten(t *testing.T) {
	for name, want := range map[string]string{
		"seed=17":            "seed=17",
		"seed=0x11":          "seed=17",
		"seed=17,none":       "seed=17,none",
		"seed=17,none;;none": "seed=17,none",
		"seed=1,2.1s+5s_part_n0,n1_n2;7s_kill_n1": "seed=1,2.1s+5s_part_n0,n1_n2;7s_kill_n1",
		"seed=1,none;;1000ms_crash_n0;;none":      "seed=1,none;;1s_crash_n0",
		"seed=1,1s_kill_n0;;none;;1s_kill_n0":     "seed=1,1s_kill_n0;;none;;1s_kill_n0",
		"seed=1,1s_disk_n1_sync_eio":              "seed=1,1s_disk_n1_sync_eio",
	} {
		if got, _, err := clustertest.Renamed(name); err != nil || got != want {
			t.Errorf("%s is read as %s, %v; want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"", "seed=", "seed=x", "seed=0", "seed=-1", "seed=1,", "seed=1,;;", "seed=1,x",
		"seed=1,1s_burn_n0", "seed=1,none;1s_crash_n0", "seed=1,1s+5s_crash_n0;2s_kill_n0"} {
		if got, _, err := clustertest.Renamed(name); err == nil {
			t.Errorf("%q is read as %s", name, got)
		}
	}
}

func FuzzNameOfARun(f *testing.F) {
	for _, name := range []string{
		"seed=17", "seed=17,none", "seed=1,none;;1s_crash_n0", "seed=1,2.1s+5s_part_n0,n1_n2;7s_kill_n1", "seed=1,;;",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		once, told, err := clustertest.Renamed(name)
		if err != nil {
			return
		}
		twice, again, err := clustertest.Renamed(once)
		if err != nil || twice != once || told != again {
			t.Errorf("%q is read as %q, and that as %q, %v", name, once, twice, err)
		}
		if strings.ContainsAny(once, " /'") {
			t.Errorf("%q is no name for a subtest in a shell's quotes", once)
		}
	})
}
