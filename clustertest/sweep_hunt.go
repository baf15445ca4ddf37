// The hunt for the fewest faults: replays of scenarios in child processes.

package clustertest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/internal/again"
	"github.com/rehearse-go/rehearse/internal/shrink"
)

// A hunt looks for the smallest scenario that fails as another did.
type hunt struct {
	ctx     context.Context // nothing is tried when it has ended
	test    string          // the full name of the sweep's test
	passed  uint64          // a seed that passed, or 0
	limit   time.Duration   // of real time, for one replay
	tries   int             // replays of a scenario until one fails; more than 1 where it does not each time
	replays int             // so far
	all     bool            // the first scenario is replayed several times in any case
	keep    bool            // replays keep their journals
	like    traits          // of the failure that is looked into
	others  traits          // of runs that passed
	last    again.Result    // of the last replay that failed in the same way
}

// replay runs a scenario alone in a child process, and returns also what the
// run is known by.
func (h *hunt) replay(s scenario) (again.Result, traits) {
	h.replays++
	name := h.test + "/" + s.String()
	r := again.Run(h.ctx, name, again.Config{Timeout: h.limit, Keep: h.keep})
	return r, traitsOf(r, name)
}

// fails tells whether the scenario fails in the same way.
func (h *hunt) fails(s scenario) bool {
	if s.conflicts() != nil {
		return false
	}
	for range h.tries {
		if h.ctx.Err() != nil {
			return false
		}
		r, is := h.replay(s)
		switch {
		case h.ctx.Err() != nil: // that ended it, not what it did
			return false
		case !r.Failed: // what it says is no sign of failing
			h.others.add(is)
		case h.like.alike(is, h.others):
			h.last = r
			return true
		}
	}
	return false
}

// learn learns from a seed that passed what tells nothing.
func (h *hunt) learn(passed uint64) {
	if passed == 0 {
		return
	}
	if r, is := h.replay(scenario{seed: passed}); r.Found && !r.Failed {
		h.others.add(is)
	}
}

// confirmations is how often a run that does not fail each time is replayed, to
// tell how often it does.
const confirmations = 5

// confirm replays a scenario that has failed: once if it fails then, else, or
// if it must be known, several times. It learns what the failure is known by, and returns how many
// of how many failed. If a child did not get to it, unable has what it printed.
func (h *hunt) confirm(s scenario) (failed, of int, unable string) {
	h.tries = 1
	for of < confirmations && (h.all || of == 0 || failed < of) && h.ctx.Err() == nil {
		r, is := h.replay(s)
		switch {
		case h.ctx.Err() != nil:
			return failed, of, ""
		case !r.Found:
			return failed, of, r.Output
		case r.Failed:
			failed++
			h.like.add(is)
			h.last = r
		default:
			h.others.add(is)
			h.tries = 3
		}
		of++
	}
	return failed, of, ""
}

// count replays a scenario several times and tells how many failed alike.
func (h *hunt) count(s scenario) (failed, of int) {
	h.tries = 1
	for ; of < confirmations && h.ctx.Err() == nil; of++ {
		if h.fails(s) {
			failed++
		}
	}
	return failed, of
}

// retell runs a scenario until it fails once more, as often as that may take,
// with a journal that is kept. It returns what that run printed.
func (h *hunt) retell(s scenario) (story string, failed bool) {
	h.keep = true
	failed = h.fails(s)
	h.keep = false
	return h.last.Output, failed
}

// smallest returns the smallest scenario it finds, trying at most so many.
func (h *hunt) smallest(s scenario, budget int) scenario {
	fewest, tried := shrink.List(s.blows(), budget, func(some []blow) bool { return h.fails(s.with(some)) })
	simplest, _ := shrink.Values(fewest, budget-tried, blow.simpler, func(some []blow) bool {
		return h.fails(s.with(some))
	})
	return s.with(simplest)
}

// newHunt makes a hunt for a sweep that has passed one seed, or none if 0.
func (w *sweep) newHunt(ctx context.Context, passed uint64, slowest time.Duration) *hunt {
	return &hunt{
		ctx: ctx, test: w.t.Name(), passed: passed, limit: patience(slowest), like: traits{}, others: traits{},
		tries: 1, all: w.hunts || w.config.Repeats > 0,
	}
}

// patience is how long one replay may take, when the slowest of the runs so
// far took that long.
func patience(slowest time.Duration) time.Duration { return 10*time.Second + 10*slowest }

// A verdict is what a hunt found out.
type verdict struct {
	smallest scenario
	failed   int    // of the replays of the first scenario
	of       int    // replays of it; if it failed at once, 1
	said     string // why nothing was shrunk; "" if it was
}

// look finds what it can about a scenario that has failed.
func (h *hunt) look(s scenario, budget int) (v verdict) {
	v.smallest = s
	switch {
	case s.count() == 0:
		v.said = "no nemesis did anything: there is nothing to shrink"
	case budget < 0:
		v.said = "SweepConfig.Shrink is negative: nothing is shrunk"
	}
	if v.said != "" && !h.all {
		return v
	}
	unable := ""
	v.failed, v.of, unable = h.confirm(s)
	switch {
	case unable != "":
		v.said = "a child process did not get to run it; it printed\n" + indented(unable)
	case v.failed == 0 && h.ctx.Err() != nil:
		v.said = "the time was up before anything could be shrunk"
	case v.failed == 0:
		v.said = fmt.Sprintf("it does not fail again: 0 of %d replays do", v.of)
	case v.said == "":
		h.learn(h.passed)
		v.smallest = h.smallest(s, budget)
	}
	return v
}

// text tells the verdict about s, and the line that runs it again.
func (v verdict) text(test string, s scenario, replays int) string {
	if v.said != "" {
		alone := again.Command(test + "/" + scenario{seed: s.seed}.String())
		return fmt.Sprintf("%s\nfaults: %s\nreplay  %s", v.said, s.words(), alone)
	}
	return fmt.Sprintf("smallest faults: %s (%d of %d, in %d replays)\nreplay  %s", v.smallest.words(),
		v.smallest.count(), s.count(), replays, again.Command(test+"/"+v.smallest.String()))
}

// indented is what a child printed, set off.
func indented(text string) string {
	return "  | " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  | ") + "\n"
}
