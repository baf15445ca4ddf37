// What a sweep tells of a scenario that failed.

package clustertest

import (
	"cmp"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/internal/again"
)

// shrinkBudget is how many lists of faults may be tried.
func (w *sweep) shrinkBudget() int {
	w.t.Helper()
	usual := 200
	if w.mode() != Bubble {
		usual = 20
	}
	return cmp.Or(w.config.Shrink, usual)
}

// bounded is a context that ends early enough before the test's deadline to
// tell what was found.
func (w *sweep) bounded() context.Context {
	ctx := w.t.Context()
	if end, limited := w.t.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-10*time.Second))
		w.t.Cleanup(cancel)
	}
	return ctx
}

// explain looks into a scenario that failed: it finds the smallest, runs that
// once more, for its story, and tells how to run it again. It returns whether
// the sweep is to end there.
func (w *sweep) explain(d *defeat, progress string) (ends bool) {
	w.t.Helper()
	if again.Inside() { // somebody else looks into it
		return true
	}
	h := w.newHunt(w.bounded(), d.won, d.slowest)
	v := h.look(d.scenario, w.shrinkBudget())
	note := ""
	if v.said == "" && v.failed >= w.config.Repeats {
		note = w.show(h, v)
	}
	w.t.Errorf("clustertest: %v fails; %s\n%s%s", scenario{seed: d.seed}, progress, note,
		v.text(h.test, d.scenario, h.replays))
	return v.failed >= w.config.Repeats
}

// show runs the smallest scenario as a subtest, and returns what is to be said
// besides.
func (w *sweep) show(h *hunt, v verdict) (note string) {
	w.t.Helper()
	printed, ran := h.last.Output, false
	if !w.config.Isolate && (h.last.Crashed || h.last.Hung) { // which would end this process
		return indented(printed)
	}
	passed := w.t.Run(v.smallest.String(), func(t *testing.T) {
		t.Helper()
		ran = true
		if !w.config.Isolate {
			w.play(t, v.smallest, newScript(v.smallest))
		} else if story, failed := h.retell(v.smallest); failed {
			t.Errorf("clustertest: in a process of its own it failed\n%s", indented(story))
		}
	})
	switch {
	case !ran: // since -run leaves it out
		note = indented(printed)
	case passed:
		note = "run once more, the smallest passed\n"
	}
	if v.failed < v.of || passed && ran {
		failed, of := h.count(v.smallest)
		note += fmt.Sprintf("it does not fail each time: with all its faults %d of %d replays failed, "+
			"with the smallest %d of %d\n", v.failed, v.of, failed, of)
	}
	return note
}
