// Sweep: the same test with many seeds, and the fewest faults with which it fails.

package clustertest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/internal/again"
)

// A SweepConfig says which seeds are swept. The zero SweepConfig is a hundred
// seeds from 1, one after the other.
type SweepConfig struct {
	// Config is of each run's cluster. Its Seed is the first seed; if 0, 1.
	// -rehearse.seed (or $REHEARSE_SEED) goes before it: of a number, that seed
	// alone is swept; of "random", the first seed is drawn.
	Config

	// Seeds is how many seeds are swept, one after the other in number; if 0,
	// 100, which is seconds in a bubble. -rehearse.seeds (or $REHEARSE_SEEDS)
	// goes before it, for a night's sweep.
	Seeds int

	// Budget is of real time, after which no other seed is begun; if 0, none: a
	// count is the same everywhere. What was not run is said.
	Budget time.Duration

	// Shrink is how many lists of faults are tried, at most, to find the fewest
	// with which the run still fails; if 0, 200 in a bubble and 20 in real time,
	// where each may take a minute. If negative, none.
	Shrink int

	// Workers is how many seeds run at a time; if 0, 1: then build and body may
	// share what they like from one seed to the next. With Isolate nothing is
	// shared; if 0, in a bubble, it is one for each processor.
	Workers int

	// Isolate runs each seed in a process of its own, on one processor, where
	// math/rand and crypto/rand begin alike: for programs that draw from them
	// behind everybody's back, as raft and memberlist do, and for those that
	// leave something behind in the process. It costs the start of a process for
	// each seed, some 25 to 40 ms. A run that -run names arranges the same for
	// itself. The test must not be parallel, and nothing may draw from math/rand
	// before Sweep. What stays chance are the functions of math/rand/v2, the
	// order of maps, and which of several ready cases a select takes.
	Isolate bool

	// Repeats is how many of five replays of a seed that failed must fail too for
	// the sweep to end there. Of a seed with fewer the sweep tells, fails, and
	// goes on. If 0, the first seed that fails ends it.
	Repeats int
}

// Sweep runs body on a cluster, as [Run] does, once for each seed:
//
//	func TestStore(t *testing.T) {
//		clustertest.Sweep(t, clustertest.SweepConfig{Seeds: 200}, newStore,
//			func(t *testing.T, c *clustertest.Cluster[*store]) {
//				c.Node(0).AwaitEvent("store.ready", time.Minute)
//				say(c, "n0", "put greeting hello", "ok")
//				c.Nemesis(clustertest.Nemesis{Within: 20 * time.Second}).Wait()
//				c.Node(0).AwaitEvent("store.ready", time.Minute)
//				say(c, "n0", "get greeting", "=hello")
//			})
//	}
//
// Each seed is a subtest named by it, as "seed=17". A test has one Sweep, or
// each in a subtest of its own.
//
// The first seed that fails is the last to be begun. Sweep then asks which of
// the faults that the run's nemeses did are needed for it: it leaves faults
// out, then makes those that are left shorter and milder, as long as the run
// fails in the same way. Each attempt is one run alone in a child process (this
// test binary, with TestMain and what the test does before Sweep), so that
// panics and hangs stay there. Two runs fail in the same way when they fail at
// the same line with the same words but for numbers, or with the same panic.
//
// The smallest is run once more, as a subtest whose name is all there is to
// know: seed=17,2.1s+10ms_crash_n0 is seed 17 with this fault and no other. The
// last lines of the failure are
//
//	smallest faults: 2.1s+10ms crash n0 (1 of 14, in 37 replays)
//	replay  go test -run '^TestStore$/^seed=17,2\.1s\+10ms_crash_n0$' example.org/store
//
// and that command, which may name any seed and any faults, runs exactly that
// and shrinks nothing. The faults of several nemeses of one body are joined by
// ";;" in the order in which they began; no fault at all is "none".
//
// A run that does not fail each time is told with counts. When a program's
// panic, or go test's timeout, ends the process, a second process that Sweep
// had started for this names the seeds that were under way, shrinks those for
// half a minute at most, and prints the same lines. It needs the test binary,
// which go test keeps as long only when packages are named (go test ./...);
// else it prints the command that shrinks.
func Sweep[P Program](
	t *testing.T, s SweepConfig, build func(*Env) (P, error), body func(*testing.T, *Cluster[P]),
) {
	t.Helper()
	w := &sweep{t: t, config: s, run: func(t *testing.T, c Config) {
		t.Helper()
		Run(t, c, build, body)
	}}
	w.sweep()
}

// A sweep is one call of Sweep, or of Hunt.
type sweep struct {
	t      *testing.T
	config SweepConfig
	run    func(*testing.T, Config) // Run, with what it builds and does
	hunts  bool                     // what fails is found, and no failure of t
}

// sweeping holds the tests that have begun a sweep.
var sweeping sync.Map

// sweep does what this process is for: one scenario that -run names, being the
// witness, or all seeds.
func (w *sweep) sweep() {
	w.t.Helper()
	name, one := w.check()
	switch {
	case one:
		w.only(name)
	case isWitness(w.t):
		w.witness()
		w.t.SkipNow() // what the test does after Sweep, it does in the process that began
	default:
		w.all()
	}
}

// check fails the test for a config that is none, and returns the name of the
// one subtest that this process is for, if there is one.
func (w *sweep) check() (name string, one bool) {
	w.t.Helper()
	c := w.config
	if c.Workers < 0 || c.Budget < 0 || c.Repeats < 0 || c.Repeats > confirmations {
		w.t.Fatalf("clustertest: a sweep with Workers %d, Budget %v, Repeats %d: less than nothing, or more than %d",
			c.Workers, c.Budget, c.Repeats, confirmations)
	}
	if _, twice := sweeping.LoadOrStore(w.t, true); twice {
		w.t.Fatal("clustertest: a second sweep in one test, where seed=1 would name a run of each; " +
			"give each sweep a subtest of its own, by t.Run")
	}
	w.t.Cleanup(func() { sweeping.Delete(w.t) })
	if c.Isolate {
		w.t.Setenv(isolatedVar, w.t.Name()) // which panics in a parallel test
	}
	return again.Named(w.t.Name())
}

// only runs the one scenario of that name, if it is one.
func (w *sweep) only(name string) {
	w.t.Helper()
	if !strings.HasPrefix(name, seedPrefix) {
		return
	}
	s, err := parseScenario(name)
	if err != nil {
		w.t.Fatalf("clustertest: -run names no run of this sweep: %v", err)
	}
	w.t.Run(name, func(t *testing.T) {
		t.Helper()
		by := newScript(s)
		if w.config.Isolate {
			beginAlike(t, s.seed)
			by.heard = noting(s.seed)
		}
		w.play(t, s, by)
	})
}

// play runs a scenario.
func (w *sweep) play(t *testing.T, s scenario, by *script) {
	t.Helper()
	c := w.config.Config
	c.Seed, c.script = s.seed, by
	w.run(t, c)
}

// all sweeps the seeds and explains the first that fails.
func (w *sweep) all() {
	w.t.Helper()
	r := w.newRound()
	for d := r.next(); d != nil; d = r.next() {
		if w.explain(d, r.words()) {
			return
		}
	}
	w.t.Logf("clustertest: %s", r.words())
}
