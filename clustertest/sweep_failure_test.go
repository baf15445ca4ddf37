// What a sweep that fails says: each in a process of its own.

package clustertest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
)

// grudge is a program that is not what it was once it has been crashed.
type grudge struct {
	env  *clustertest.Env
	bear func()
}

func (g grudge) Run(ctx context.Context) error {
	if g.env.Life() > 0 {
		go g.bear()
	}
	<-ctx.Done()
	return nil
}

// grudges builds programs that do something when they have been crashed.
func grudges(bear func()) func(*clustertest.Env) (grudge, error) {
	return func(e *clustertest.Env) (grudge, error) { return grudge{e, bear}, nil }
}

type ofGrudges = *clustertest.Cluster[grudge]

// crashes is a nemesis that does little more than crash nodes.
var crashes = clustertest.Nemesis{
	Within: 10 * time.Second, Pause: time.Second, Kinds: clustertest.Kinds("crash", "latency"),
}

// whenCrashed sweeps programs that mind nothing with a body that runs f after
// a nemesis that crashed one.
func whenCrashed(s clustertest.SweepConfig, f func(t *testing.T, c ofGrudges)) func(*testing.T) {
	return func(t *testing.T) {
		clustertest.Sweep(t, s, grudges(func() {}), func(t *testing.T, c ofGrudges) {
			c.Nemesis(crashes).Wait()
			for n := range c.Nodes() {
				if n.Program().env.Life() > 0 {
					f(t, c)
					return
				}
			}
		})
	}
}

// count counts the calls of it in this test process and its children.
func count(t *testing.T) (n int) {
	path := filepath.Join(os.Getenv(sweepVar), "count")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString("x")
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	calls, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return len(calls)
}

// changed returns the sweep in bubbles with a change.
func changed(change func(*clustertest.SweepConfig)) clustertest.SweepConfig {
	s := bubbles
	change(&s)
	return s
}

// A sweeper is a sweep that fails, and what it must say, as patterns. Self is
// the name of its test.
type sweeper struct {
	run  func(*testing.T)
	only string   // the run to name, if not the whole sweep
	args []string // of the process
	says []string
	not  []string
}

const oneCrash = `smallest faults: \S+ crash n\d \(1 of \d+, in \d+ replays\)`

var sweepers = map[string]sweeper{
	"a test that fails without a nemesis": {
		run: func(t *testing.T) {
			clustertest.Sweep(t, bubbles, grudges(func() {}), func(t *testing.T, c ofGrudges) {
				if c.Seed() == 3 {
					t.Fatal("three is too much")
				}
			})
		},
		says: []string{
			"three is too much", "seed=3 fails; 2 of 100 seeds passed; not run: seed=4 to seed=100",
			"no nemesis did anything: there is nothing to shrink", `replay  go test -run '\S+\$/\^seed=3\$'`,
		},
		not: []string{"smallest"},
	},
	"a test that fails without faults too": {
		run: func(t *testing.T) {
			clustertest.Sweep(t, bubbles, grudges(func() {}), func(t *testing.T, c ofGrudges) {
				c.Nemesis(crashes).Wait()
				t.Error("as always")
			})
		},
		says: []string{
			`smallest faults: none \(0 of \d+, in 2 replays\)`, `replay  go test -run '\S+\$/\^seed=1,none\$'`,
		},
	},
	"a panic of a program": {
		run: func(t *testing.T) {
			furious := func() { panic("never forget") }
			clustertest.Sweep(t, bubbles, grudges(furious), func(_ *testing.T, c ofGrudges) {
				c.Nemesis(crashes).Wait()
			})
		},
		says: []string{"panic: never forget", "the process ended during SELF/seed=1\n", oneCrash,
			`replay  go test -run '\S+\$/\^seed=1,\S+_crash_n\d\$'`},
	},
	"a panic of the body": {
		run:  whenCrashed(bubbles, func(*testing.T, ofGrudges) { panic("I give up") }),
		says: []string{"panic: I give up", "the process ended during SELF/seed=1\n", oneCrash},
	},
	"a body that waits for ever": {
		run:  whenCrashed(bubbles, func(*testing.T, ofGrudges) { select {} }),
		says: []string{"the bubble's deadline passed", oneCrash},
	},
	"a program that lives on for ever": {
		run: func(t *testing.T) {
			forever := func() { <-make(chan int) }
			clustertest.Sweep(t, bubbles, grudges(forever), func(_ *testing.T, c ofGrudges) {
				c.Nemesis(crashes).Wait()
			})
		},
		says: []string{"goroutines that outlived the test", oneCrash},
	},
	"a body that never ends": {
		run: func(t *testing.T) {
			clustertest.Sweep(t, bubbles, grudges(func() {}), func(_ *testing.T, c ofGrudges) {
				for c.Seed() == 2 {
				}
			})
		},
		args: []string{"-test.timeout=2s"},
		says: []string{
			"test timed out", "the process ended during SELF/seed=2\n", `replay  go test -run '\S+\$/\^seed=2\$'`,
		},
	},
	"another failure, which is not the same": {
		run: func(t *testing.T) {
			s := changed(func(s *clustertest.SweepConfig) { s.Shrink = 30 })
			clustertest.Sweep(t, s, grudges(func() {}), func(t *testing.T, c ofGrudges) {
				c.Nemesis(crashes).Wait()
				lives := 0
				for n := range c.Nodes() {
					lives += n.Program().env.Life()
				}
				t.Logf("there were %d lives", lives)
				if lives < 2 {
					t.Fatal("too few")
				}
				t.Fatal("too many")
			})
		},
		says: []string{"too many", `\(2 of \d+, in \d+ replays\)`},
		not:  []string{"too few"},
	},
	"another failure, where runs pass too": {
		run: func(t *testing.T) {
			clustertest.Sweep(t, bubbles, grudges(func() {}), func(t *testing.T, c ofGrudges) {
				c.Nemesis(crashes).Wait()
				lives := 0
				for n := range c.Nodes() {
					lives += n.Program().env.Life()
				}
				t.Logf("there were %d lives", lives)
				if c.Seed() > 1 && lives == 0 {
					t.Fatal("too few")
				}
				if c.Seed() > 1 {
					t.Fatal("too many")
				}
			})
		},
		says: []string{"too many", `\(1 of \d+, in \d+ replays\)`},
		not:  []string{"too few"},
	},
	"a failure that does not come again": {
		run: whenCrashed(bubbles, func(t *testing.T, _ ofGrudges) {
			if count(t) == 1 {
				t.Error("once")
			}
		}),
		says: []string{
			"it does not fail again: 0 of 5 replays do", `faults: \d\S+ crash`,
			`replay  go test -run '\S+\$/\^seed=1\$'`,
		},
		not: []string{"smallest"},
	},
	"a failure that comes at times": {
		run: whenCrashed(bubbles, func(t *testing.T, _ ofGrudges) {
			if count(t)%2 == 1 {
				t.Error("now and then")
			}
		}),
		says: []string{oneCrash, `with all its faults 2 of 5 replays failed, with the smallest [23] of 5`},
	},
	"nothing to shrink with": {
		run: whenCrashed(changed(func(s *clustertest.SweepConfig) { s.Shrink = -1 }), func(t *testing.T, _ ofGrudges) {
			t.Error("whatever")
		}),
		says: []string{"Shrink is negative", `replay  go test -run '\S+\$/\^seed=1\$'`},
		not:  []string{"smallest"},
	},
	"two nemeses": {
		run: func(t *testing.T) {
			clustertest.Sweep(t, bubbles, grudges(func() {}), func(t *testing.T, c ofGrudges) {
				c.Nemesis(clustertest.Nemesis{Within: 10 * time.Second, Kinds: clustertest.Kinds("latency")}).Wait()
				c.Nemesis(crashes).Wait()
				if c.Node(0).Program().env.Life() > 0 {
					t.Error("n0 was crashed")
				}
			})
		},
		says: []string{`smallest faults: \S+ crash n0 \(1 of`, `\$/\^seed=\d+,none;;\S+_crash_n0\$'`},
	},
	"a sweep whose smallest -run leaves out": {
		run:  whenCrashed(bubbles, func(t *testing.T, _ ofGrudges) { t.Error("crashed") }),
		only: "seed=[0-9]*",
		says: []string{`  \|     sweep_failure_test.go:\d+: crashed`, oneCrash},
	},
	"workers": {
		run: whenCrashed(changed(func(s *clustertest.SweepConfig) { s.Workers = 4 }), func(t *testing.T, c ofGrudges) {
			if c.Seed() >= 5 {
				t.Error("five or more")
			}
		}),
		says: []string{"seed=5 fails", oneCrash},
	},

	"no seeds": {
		run: passing, args: []string{"-rehearse.seeds=0"}, says: []string{"a sweep of 0 seeds from 1 runs nothing"},
	},
	"seeds that are none": {
		run: passing, args: []string{"-rehearse.seeds=x"}, says: []string{`-rehearse.seeds="x" .* is no number`},
	},
	"a seed that is none": {
		run: passing, args: []string{"-rehearse.seed=x"}, says: []string{`-rehearse.seed="x" .* is neither`},
	},
	"a name without a seed": {run: passing, only: "seed=x", says: []string{`"seed=x": "x" is no seed`}},
	"a name without faults": {
		run: passing, only: "seed=3,nonsense", says: []string{`"nonsense": at byte 0: "nonsense" is not a time`},
	},
	"faults in conflict": {
		run: passing, only: `seed=3,1s\+5s_crash_n0;2s\+5s_kill_n0`, says: []string{"n0 is not there for it"},
	},
	"faults of nobody": {
		run: passing, only: "seed=3,1s_crash_n9",
		says: []string{`there is no host "n9"`, "--- FAIL: SELF/seed=3,1s_crash_n9"},
	},
	"less than nothing": {
		run: func(t *testing.T) {
			s := clustertest.SweepConfig{Workers: -1}
			clustertest.Sweep(t, s, grudges(func() {}), func(*testing.T, ofGrudges) {})
		},
		says: []string{"a sweep with Workers -1"},
	},
}

// passing is a sweep without a fault.
func passing(t *testing.T) {
	clustertest.Sweep(t, bubbles, grudges(func() {}), func(_ *testing.T, c ofGrudges) {
		c.Nemesis(crashes).Wait()
	})
}

func TestFailingSweepsExplainThemselves(t *testing.T) { explain(t, sweepers) }

// explain holds sweeps to what they must say.
func explain(t *testing.T, sweepers map[string]sweeper) {
	for name, s := range sweepers {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(sweepVar) != "" {
				s.run(t)
				return
			}
			t.Parallel()
			parts := strings.Split(t.Name(), "/")
			if s.only != "" {
				parts = append(parts, s.only)
			}
			out, _, failed := sweepChild(t, patternOf(parts...), s.args...)
			if !failed {
				t.Fatalf("it passed:\n%s", out)
			}
			for _, want := range s.says {
				want = strings.ReplaceAll(want, "SELF", regexp.QuoteMeta(t.Name()))
				if !regexp.MustCompile(want).MatchString(out) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
			for _, bad := range s.not {
				if strings.Contains(out, bad) {
					t.Errorf("it says %q:\n%s", bad, out)
				}
			}
		})
	}
}

// selfVar says where the binary of a child is, which that shall remove.
const selfVar = "CLUSTERTEST_SELF"

func TestAWitnessWithoutABinarySaysHowToGoOn(t *testing.T) {
	if self := os.Getenv(selfVar); self != "" {
		vanish := func() {
			if os.Remove(self) != nil { // Windows keeps what runs, but renames it
				os.Rename(self, self+".gone")
			}
			panic("all of it")
		}
		clustertest.Sweep(t, bubbles, grudges(vanish), func(_ *testing.T, c ofGrudges) { c.Nemesis(crashes).Wait() })
		return
	}
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(t.TempDir(), "clustertest.exe")
	if err := os.WriteFile(self, binary, 0o700); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), self, "-test.run="+patternOf(t.Name()))
	run.Env = append(os.Environ(), selfVar+"="+self, "REHEARSE_ARTIFACTS="+t.TempDir(), "REHEARSE_SEED=")
	out, err := run.CombinedOutput()
	want := regexp.MustCompile(`panic: all of it(?s:.+)shrink  go test -run '\S+\$' github\S+/clustertest -rehearse.seed=1\n`)
	if err == nil || !want.Match(out) || strings.Contains(string(out), "smallest") {
		t.Errorf("%v\n%s", err, out)
	}
}
