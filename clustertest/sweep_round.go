// One round over the seeds of a sweep, by several workers.

package clustertest

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
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
	if n < 1 {
		w.t.Fatalf("clustertest: a sweep of %d seeds from %d runs nothing", n, first)
	}
	if first+uint64(n-1) < first {
		w.t.Fatalf("clustertest: there are no %d seeds from %d on; the last is %d", n, first, uint64(math.MaxUint64))
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
	ctx     context.Context // of seeds in processes of their own
	witness *witness
	start   time.Time
	first   uint64
	end     uint64 // the seed after the last

	mu      sync.Mutex
	begin   uint64 // the seed to begin next
	late    bool   // the time is up
	passed  int
	skipped int
	won     uint64        // the last seed that passed
	slowest time.Duration // of real time, that a seed took
	failed  []*defeat     // those not yet taken, in no order
}

// A defeat is a scenario that failed, with what its nemeses did.
type defeat struct {
	scenario
	slowest time.Duration // of real time, that a seed had taken by then
	won     uint64        // a seed that had passed by then, or 0
	apart   outcome       // in a process of its own, if it had one
}

// newRound makes the round over the seeds that are asked for.
func (w *sweep) newRound() *round {
	w.t.Helper()
	first, n := w.seeds()
	r := &round{sweep: w, first: first, begin: first, end: first + uint64(n), start: time.Now()}
	if w.config.Isolate {
		r.ctx = w.bounded()
	}
	return r
}

// next returns the lowest seed that failed, or nil if none does any more. The
// sweep may go on after it by calling next again.
func (r *round) next() *defeat {
	r.t.Helper()
	if len(r.failed) == 0 {
		r.run()
	}
	if len(r.failed) == 0 {
		return nil
	}
	bySeed := func(a, b *defeat) int { return cmp.Compare(a.seed, b.seed) }
	slices.SortFunc(r.failed, bySeed)
	d := r.failed[0]
	r.failed = r.failed[1:]
	return d
}

// run runs seeds until one fails, the time is up, or there are no more.
func (r *round) run() {
	r.t.Helper()
	workers := r.workers()
	if !r.config.Isolate {
		r.witness = callWitness(r.t)
		defer r.witness.dismiss()
	}
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

// workers is how many seeds run at a time.
func (r *round) workers() int {
	r.t.Helper()
	usual := 1
	if r.config.Isolate && r.mode() == Bubble {
		usual = runtime.GOMAXPROCS(0)
	}
	return cmp.Or(r.config.Workers, usual)
}

// mode is what the clusters are made of.
func (w *sweep) mode() Mode {
	w.t.Helper()
	return cmp.Or(w.config.Mode, modeOf(w.t))
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
	if r.config.Budget > 0 && time.Since(r.start) > r.config.Budget {
		r.late = r.begin > r.first // one runs, whatever time there is
	}
	if r.late || len(r.failed) > 0 || r.begin == r.end {
		return 0, false
	}
	r.begin++
	return r.begin - 1, true
}

// An outcome is what became of one seed.
type outcome struct {
	ran    bool
	passed bool
	late   bool     // the time was up first
	did    []Faults // by its nemeses, each in turn
	began  bool     // in a process of its own
	said   string   // by that process
}

// one runs one seed and notes what becomes of it.
func (r *round) one(seed uint64) {
	begin, s := time.Now(), scenario{seed: seed}
	var o outcome
	if r.config.Isolate {
		o = r.isolated(s)
	} else {
		o = r.inside(s)
	}
	took := time.Since(begin)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.slowest = max(r.slowest, took)
	switch {
	case o.late:
		r.late = true
		r.begin = min(r.begin, seed)
	case !o.ran:
		r.skipped++
	case o.passed:
		r.passed++
		r.won = seed
	default:
		r.failed = append(r.failed, &defeat{scenario{seed, o.did}, r.slowest, r.won, o})
	}
}

// inside runs a scenario as a subtest in this process.
func (r *round) inside(s scenario) (o outcome) {
	by := newScript(s)
	by.heard = func(did []Faults) { r.witness.tell(scenario{s.seed, did}) }
	r.witness.tell(s)
	defer r.witness.forget(s)
	o.passed = r.t.Run(s.String(), func(t *testing.T) {
		o.ran = true
		r.play(t, s, by)
	})
	o.did = by.did
	return o
}

// words tell what became of the seeds.
func (r *round) words() string {
	said := fmt.Sprintf("%d of %d seeds passed", r.passed, r.end-r.first)
	if r.skipped > 0 {
		said += fmt.Sprintf("; -run leaves out %d", r.skipped)
	}
	if r.begin == r.end {
		return said
	}
	if r.late {
		said += "; the time was up"
	}
	return said + fmt.Sprintf("; not run: seed=%d to seed=%d", r.begin, r.end-1)
}
