// One round over the seeds of a sweep, by several workers.

package clustertest

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

var seedsFlag = flag.String("rehearse.seeds", os.Getenv("REHEARSE_SEEDS"),
	"how many seeds each Sweep runs; $REHEARSE_SEEDS for all packages")

// seeds returns the first seed of the sweep and how many there are.
func (w *sweep) seeds() (first uint64, n int) {
	w.t.Helper()
	first, n = max(w.config.Seed, 1), w.config.Seeds
	if n == 0 {
		n = 100
	}
	if *seedsFlag != "" {
		var err error
		if n, err = strconv.Atoi(*seedsFlag); err != nil {
			w.t.Fatalf("clustertest: -rehearse.seeds=%q (or $REHEARSE_SEEDS) is no number", *seedsFlag)
		}
	}
	switch seed := chosenSeed(); seed {
	case "":
	case "random":
		first = 1 + uint64(rand.Uint32())
	default:
		var err error
		if first, err = strconv.ParseUint(seed, 0, 64); err != nil || first == 0 {
			w.t.Fatalf("clustertest: -rehearse.seed=%q (or $REHEARSE_SEED) is neither a seed nor \"random\"", seed)
		}
		n = 1
	}
	if n < 1 || first+uint64(n) < first {
		w.t.Fatalf("clustertest: a sweep of %d seeds from %d runs nothing", n, first)
	}
	return first, n
}

// chosenSeed is what -rehearse.seed says, a flag of package vnettest.
func chosenSeed() string {
	if f := flag.Lookup("rehearse.seed"); f != nil {
		return f.Value.String()
	}
	return ""
}

// A round is one round over a sweep's seeds.
type round struct {
	*sweep
	witness *witness
	begin   time.Time

	mu      sync.Mutex
	first   uint64
	next    uint64 // the seed to begin next
	end     uint64 // the seed after the last
	late    bool   // the budget is spent
	passed  int
	skipped int
	won     uint64        // the last seed that passed
	slowest time.Duration // of real time, that a seed took
	stopped *defeat       // the lowest seed that failed
}

// A defeat is a scenario that failed, with what its nemeses did.
type defeat struct {
	scenario
	slowest time.Duration // of real time, that a seed had taken by then
	won     uint64        // a seed that had passed by then, or 0
}

// run runs seeds until one fails, the budget is spent, or there are no more.
func (r *round) run(workers int) {
	r.begin = time.Now()
	if workers == 1 {
		r.work()
		return
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(r.work)
	}
	all.Wait()
}

// work runs one seed after the other.
func (r *round) work() {
	for seed, more := r.take(); more; seed, more = r.take() {
		r.one(seed)
	}
}

// take returns the seed to run next.
func (r *round) take() (seed uint64, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	spent := r.config.Budget > 0 && time.Since(r.begin) > r.config.Budget
	r.late = spent && r.next > r.first // one runs, whatever time there is
	if r.late || r.stopped != nil || r.next == r.end {
		return 0, false
	}
	r.next++
	return r.next - 1, true
}

// one runs one seed as a subtest.
func (r *round) one(seed uint64) {
	s := scenario{seed: seed}
	by := newScript(s)
	by.heard = func(did []Faults) { r.witness.tell(scenario{seed, did}) }
	r.witness.tell(s)
	defer r.witness.forget(s)
	ran := false
	begin := time.Now()
	passed := r.t.Run(s.String(), func(t *testing.T) {
		ran = true
		r.play(t, s, by)
	})
	took := time.Since(begin)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.slowest = max(r.slowest, took)
	switch {
	case !ran:
		r.skipped++
	case passed:
		r.passed++
		r.won = seed
	case r.stopped == nil || seed < r.stopped.seed:
		r.stopped = &defeat{scenario{seed, by.did}, r.slowest, r.won}
	}
}
