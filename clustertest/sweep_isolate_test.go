// Seeds in processes of their own, and hunts.

package clustertest_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
)

// isolated is a sweep whose seeds have processes of their own.
var isolated = clustertest.SweepConfig{Config: clustertest.Config{Mode: clustertest.Bubble}, Isolate: true}

// told notes a line in a file of its own for the parent's test.
func told(t *testing.T, seed uint64, line string) {
	f, err := os.CreateTemp(os.Getenv(sweepVar), fmt.Sprintf("seed%d-", seed))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprint(f, line)
}

func TestIsolatedSeedsBeginAlikeEachInAProcessOfItsOwn(t *testing.T) {
	if os.Getenv(sweepVar) != "" {
		s := isolated
		s.Seeds = 4
		clustertest.Sweep(t, s, grudges(func() {}), func(t *testing.T, c ofGrudges) {
			if n := runtime.GOMAXPROCS(0); n != 1 || !strings.Contains(os.Getenv("GODEBUG"), "randautoseed=0") {
				t.Errorf("%d processors, GODEBUG=%s", n, os.Getenv("GODEBUG"))
			}
			told(t, c.Seed(), fmt.Sprint(rand.Text(), " ", os.Getpid()))
		})
		return
	}
	drawn, processes := map[string]bool{}, map[string]bool{}
	for range 2 {
		out, dir, failed := sweepChild(t, patternOf(t.Name()), "-test.v")
		if failed || !strings.Contains(out, "--- PASS: "+t.Name()+"/seed=4") {
			t.Fatalf("it failed, or has no subtests:\n%s", out)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "seed*"))
		if len(files) != 4 {
			t.Fatalf("%q were told, not 4", files)
		}
		for _, file := range files {
			line, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text, process, _ := strings.Cut(string(line), " ")
			seed, _, _ := strings.Cut(filepath.Base(file), "-")
			drawn[seed+" "+text], processes[process] = true, true
		}
	}
	if len(drawn) != 4 || len(processes) != 8 {
		t.Errorf("4 seeds, twice, drew %v in the processes %v", drawn, processes)
	}
}

// hermits are sweeps of isolated seeds that fail, and what they must say.
var hermits = map[string]sweeper{
	"a failure": {
		run: whenCrashed(isolated, func(t *testing.T, _ ofGrudges) { t.Error("crashed") }),
		says: []string{
			`  \|     sweep_isolate_test.go:\d+: crashed`, `  \|     \s*trace  rehearse trace open .+\.journal`,
			`--- FAIL: SELF/seed=\d+,\S+_crash_n\d`, oneCrash, `replay  go test -run '\S+_crash_n\d\$'`,
		},
	},
	"a panic of a program": {
		run: func(t *testing.T) {
			furious := func() { panic("never forget") }
			clustertest.Sweep(t, isolated, grudges(furious), func(_ *testing.T, c ofGrudges) {
				c.Nemesis(crashes).Wait()
			})
		},
		says: []string{`  \| panic: never forget`, "--- FAIL: SELF/seed=1 ", oneCrash},
		not:  []string{"the process ended during"},
	},
	"several at a time": {
		run: whenCrashed(clustertest.SweepConfig{Config: isolated.Config, Isolate: true, Workers: 4},
			func(t *testing.T, c ofGrudges) {
				if c.Seed() >= 6 {
					t.Error("six or more")
				}
			}),
		says: []string{"seed=6 fails", oneCrash},
	},
	"one that does not come again": {
		run: whenCrashed(clustertest.SweepConfig{Config: isolated.Config, Isolate: true, Workers: 1, Repeats: 4},
			func(t *testing.T, c ofGrudges) {
				if c.Seed() > 2 || count(t) == 1 {
					t.Error("crashed")
				}
			}),
		says: []string{`seed=1 fails; .*\n\s*it does not fail again: 0 of 5 replays do`, "seed=[3-9] fails; .*", oneCrash},
		not:  []string{"seed=2 fails"},
	},
	"a body that cannot begin": {
		run: func(t *testing.T) {
			if os.Getenv("REHEARSE_NOTES") != "" {
				t.Fatal("not here")
			}
			clustertest.Sweep(t, isolated, grudges(func() {}), func(*testing.T, ofGrudges) {})
		},
		says: []string{`  \|     sweep_isolate_test.go:\d+: not here`},
	},
	"a hunt that cannot begin": {
		run: func(t *testing.T) {
			if os.Getenv("REHEARSE_NOTES") != "" {
				t.Fatal("not here")
			}
			clustertest.Hunt(t, isolated, grudges(func() {}), func(*testing.T, ofGrudges) {})
		},
		says: []string{`a process for seed=1 did not get to run it; it printed\n.*not here`},
	},
	"a parallel test": {
		run: func(t *testing.T) {
			t.Parallel()
			clustertest.Sweep(t, isolated, grudges(func() {}), func(*testing.T, ofGrudges) {})
		},
		says: []string{"panic: testing: test using t.Setenv, .* can not use t.Parallel"},
	},
	"too many repeats": {
		run: func(t *testing.T) {
			s := clustertest.SweepConfig{Repeats: 6}
			clustertest.Sweep(t, s, grudges(func() {}), func(*testing.T, ofGrudges) {})
		},
		says: []string{"Repeats 6: less than nothing, or more than 5"},
	},
}

func TestIsolatedSweepsExplainThemselves(t *testing.T) { explain(t, hermits) }

// hunted is what a hunt for a store's bug found.
func hunted(t *testing.T, s clustertest.SweepConfig, build func(*clustertest.Env) (*store, error)) *clustertest.Find {
	t.Helper()
	if os.Getenv(sweepVar) == "" { // not in those that look for it
		dir := t.TempDir()
		t.Setenv(sweepVar, dir)
		t.Setenv("REHEARSE_ARTIFACTS", dir)
	}
	return clustertest.Hunt(t, s, build, durable)
}

func TestAHuntReturnsWhatItFinds(t *testing.T) {
	find := hunted(t, clustertest.SweepConfig{Config: bubbles.Config}, newHasty)
	switch {
	case find == nil:
		t.Fatal("nothing was found")
	case len(find.Faults) != 1 || len(find.Faults[0]) != 1 || !strings.HasPrefix(find.Faults[0][0].What, "crash n"):
		t.Errorf("it was not shrunk to one crash: %v", find.Faults)
	case find.Failed != 5 || find.Replays != 5 || !strings.Contains(find.Output, `, asked "get k`):
		t.Errorf("%d of %d failed:\n%s", find.Failed, find.Replays, find.Output)
	}
	header, did := readKept(t, find.Trace)
	if header.Seed != find.Seed || !slices.Equal(did, []string{find.Faults[0].String()}) {
		t.Errorf("of seed %d and %q is kept seed %d with %q", find.Seed, find.Faults, header.Seed, did)
	}
	t.Log(find)

	want := regexp.MustCompile(`^seed=\d+ fails; .*; not run: .*\nsmallest faults: \S+ crash n\d \(1 of \d+, in \d+ replays\)\n` +
		`5 of 5 replays fail\ntrace   rehearse trace open .*\nreplay  go test -run '(\S+)' \S+/clustertest$`)
	m := want.FindStringSubmatch(find.String())
	if m == nil || "replay  "+find.Replay != find.String()[strings.LastIndex(find.String(), "replay"):] {
		t.Fatalf("it is told as\n%v", find)
	}
	if out, _, failed := sweepChild(t, m[1]); !failed || !strings.Contains(out, `, asked "get k`) {
		t.Errorf("replayed alone it failed: %v\n%s", failed, out)
	}
}

func TestAHuntWithoutAFindReturnsNone(t *testing.T) {
	s := clustertest.SweepConfig{Config: bubbles.Config, Seeds: 3}
	if find := hunted(t, s, newStore); find != nil {
		t.Fatalf("it has found\n%v", find)
	}
	name := patternOf(t.Name(), "seed=2")
	out, _, failed := sweepChild(t, name, "-test.v")
	ended := regexp.MustCompile(`(?s)--- SKIP: ` + t.Name() + ` .*--- PASS: ` + t.Name() + `/seed=2 `)
	if failed || !ended.MatchString(out) {
		t.Errorf("one of its runs failed %v:\n%s", failed, out)
	}
}

func TestAHuntWithoutANemesisTellsHowOftenItFails(t *testing.T) {
	ill := func(t *testing.T, c ofGrudges) {
		time.Sleep(time.Second) // virtual
		if c.Seed() == 2 {
			t.Error("ill")
		}
	}
	find := clustertest.Hunt(t, isolated, grudges(func() {}), ill)
	if find == nil || find.Seed != 2 || find.Failed != 5 || !strings.Contains(find.Replay, "/^seed=2$'") {
		t.Errorf("it has found\n%v", find)
	}
}
