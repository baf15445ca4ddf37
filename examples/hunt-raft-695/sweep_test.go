// The sweep: seed after seed, each in a process of its own, and what they find.

package hunt_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/vnettest"
)

var seeds = flag.Int("hunt.seeds", 0, "how many seeds to count; if 0, a few")

// subjects are what a hunt goes through, and what it may find there. Those
// with a bug are only run with a seed that is named; the others are good with
// every seed.
var subjects = []struct {
	name string
	form subject
	hunt func(*vnettest.T, subject) finding
	bugs string
}{
	{"defaults", hashicorp(mending{}, slow), oldLeader, "DIVERGED HUNG"},
	{"without the fast path", hashicorp(mending{noFastPath: true}, slow), oldLeader, "HUNG"},
	{"without pipelines", hashicorp(mending{noPipeline: true}, slow), oldLeader, "DIVERGED"},
	{"without either", hashicorp(mending{noFastPath: true, noPipeline: true}, slow), oldLeader, ""},
	{"etcd", etcd, oldLeader, ""},
	{"handing over", hashicorp(mending{}, 1), handOver, "REFUSED HUNG"},
	{"handing over without pipelines", hashicorp(mending{noPipeline: true}, 1), handOver, "REFUSED"},
}

// TestOneSeed is what a sweep runs in a process of its own, and what anybody
// runs to see a seed fail:
//
//	go test -run '^TestOneSeed$/^defaults$' -rehearse.seed=30 .
func TestOneSeed(t *testing.T) {
	named := flag.Lookup("rehearse.seed").Value.String() != ""
	same(t)
	for _, s := range subjects {
		if s.bugs != "" && !named {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) { s.hunt(t, s.form).report(t) })
		})
	}
}

// same makes a seed's run the same run again, as far as can be without another
// toolchain. What is ready at one instant runs in one order on one processor.
// And hashicorp/raft draws its timeouts from math/rand, which is told here,
// before it is first used, to begin as it did before it seeded itself.
func same(t *testing.T) {
	t.Setenv("GODEBUG", strings.TrimPrefix(os.Getenv("GODEBUG")+",randautoseed=0", ","))
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// report fails the test for everything that was found.
func (f finding) report(t *vnettest.T) {
	for what, found := range f.parts() {
		if *found != "" {
			t.Errorf("%s: %s", what, *found)
		}
	}
}

// parts yields what may be wrong, each under the name it is printed with.
func (f *finding) parts() func(yield func(string, *string) bool) {
	return func(yield func(string, *string) bool) {
		_ = yield("DIVERGED", &f.diverged) && yield("BEHIND", &f.behind) &&
			yield("REFUSED", &f.refused) && yield("HUNG", &f.hung)
	}
}

// has tells whether a finding is of the kind with that name.
func (f finding) has(what string) bool {
	count := tally{}
	count.add(f)
	return count[what] > 0
}

// seedRun runs one seed in a process of its own.
func seedRun(t *testing.T, name string, seed int) (f finding) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pattern := "^TestOneSeed$/^" + strings.ReplaceAll(name, " ", "_") + "$"
	one := exec.CommandContext(ctx, os.Args[0], "-test.run="+pattern, fmt.Sprintf("-rehearse.seed=%d", seed))
	one.Env = append(os.Environ(), "REHEARSE_ARTIFACTS="+t.TempDir(),
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // else the race detector waits a second at each end
	out, err := one.CombinedOutput()
	for what, found := range f.parts() {
		if m := regexp.MustCompile(`(?m)` + what + `: (.*)$`).FindSubmatch(out); m != nil {
			*found = string(m[1])
		}
	}
	_, failed := errors.AsType[*exec.ExitError](err)
	if failed != (f != finding{}) || err != nil && !failed {
		t.Fatalf("%s, seed %d: %v\n%s", name, seed, err, out)
	}
	if failed {
		t.Logf("seed %d: %+v\n    go test -run '%s' -rehearse.seed=%d .", seed, f, pattern, seed)
	}
	return f
}

// The promise: from the first seed on, within seconds, and then again.
func TestTheSweepFindsEachBugAndItsSeedFailsAgain(t *testing.T) {
	for _, c := range []struct{ bug, name string }{
		{"DIVERGED", "defaults"}, {"HUNG", "defaults"}, {"REFUSED", "handing over without pipelines"},
	} {
		t.Run(c.bug, func(t *testing.T) {
			const most, again = 2000, 5
			began, n := time.Now(), 0
			for seed := 1; n == 0; seed++ {
				if seed > most {
					t.Fatalf("%d seeds have not found it so that it happens again", most)
				}
				if f := seedRun(t, c.name, seed); f.has(c.bug) {
					t.Logf("found after %v", time.Since(began))
					n = repeats(t, c.name, seed, again)[c.bug]
					t.Logf("seed %d failed again %d of %d times", seed, n, again)
				}
			}
		})
	}
}

// repeats counts what n more runs of a seed find.
func repeats(t *testing.T, name string, seed, n int) tally {
	t.Helper()
	count := tally{}
	for range n {
		count.add(seedRun(t, name, seed))
	}
	return count
}

// A tally counts findings by the name they are printed with.
type tally map[string]int

func (c tally) add(f finding) {
	for what, found := range f.parts() {
		if *found != "" {
			c[what]++
		}
	}
}

func TestWhatIsLeftOutTakesItsBugAlong(t *testing.T) {
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			count, n := tally{}, cmp.Or(*seeds, 20)
			for seed := 1; seed <= n; seed++ {
				count.add(seedRun(t, s.name, seed))
			}
			t.Logf("%d seeds: %v", n, count)
			for what := range count {
				if !strings.Contains(s.bugs, what) {
					t.Errorf("%s: want nothing but %q", what, s.bugs)
				}
			}
		})
	}
}

// The hunt is fair: a cut link is cut for dials too, in both directions.
func TestNoDialSucceedsThroughAOneWayCut(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		for _, name := range []string{"n0", "n1", "n2"} {
			l, err := t.Host(name).Listen(t.Context(), "tcp", name+":7000")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
		}
		dial := func(from, to string) error {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			c, err := t.Host(from).Dial(ctx, "tcp", to+":7000")
			if err == nil {
				c.Close()
			}
			return err
		}
		heal := begin(t, draw(1).Cut)
		for _, c := range []struct {
			from, to string
			cut      bool
		}{
			{"n0", "n1", true}, {"n1", "n0", true}, {"n0", "n2", true}, {"n2", "n0", true}, {"n1", "n2", false},
		} {
			if err := dial(c.from, c.to); (err != nil) != c.cut {
				t.Errorf("%s dials %s while n0 is not heard: %v", c.from, c.to, err)
			}
		}
		heal()
		if err := dial("n1", "n0"); err != nil {
			t.Errorf("n1 dials n0 after the cut: %v", err)
		}
	})
}

// What the hunt looks for, it sees.
func TestLogsThatContradictEachOtherAreTold(t *testing.T) {
	log := func(entries ...entry) []entry { return entries }
	for _, c := range []struct {
		name         string
		log, applied [2][]entry
		diverged     bool
	}{
		{name: "the same", log: [2][]entry{log(entry{1, 1, "a"}), log(entry{1, 1, "a"})}},
		{name: "one is longer", applied: [2][]entry{log(entry{1, 1, "a"}), log(entry{1, 1, "a"}, entry{2, 1, "b"})}},
		{name: "stored in different terms", log: [2][]entry{log(entry{1, 1, "a"}), log(entry{1, 2, "b"})}},
		{name: "stored in one term", log: [2][]entry{log(entry{1, 2, "a"}), log(entry{1, 2, "b"})}, diverged: true},
		{name: "applied", applied: [2][]entry{log(entry{1, 1, "a"}), log(entry{1, 2, "b"})}, diverged: true},
	} {
		all := []member{
			&fixed{log: c.log[0], applied: c.applied[0]}, &fixed{log: c.log[1], applied: c.applied[1]},
		}
		if got := diverged(all); (got != "") != c.diverged {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// fixed is a member that only has a past.
type fixed struct {
	member
	log, applied []entry
}

func (f *fixed) Log() []entry     { return f.log }
func (f *fixed) Applied() []entry { return f.applied }
