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
	if cmp.Or(w.config.Mode, modeOf(w.t)) != Bubble {
		usual = 20
	}
	return cmp.Or(w.config.Shrink, usual)
}

// explain looks into a scenario that failed: it finds the smallest, runs that
// in this process, for its story, and tells how to run it again.
func (w *sweep) explain(d *defeat, progress string) {
	w.t.Helper()
	if again.Inside() { // somebody else looks into it
		return
	}
	ctx := w.t.Context()
	if end, limited := w.t.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-10*time.Second)) // to tell what was found
		defer cancel()
	}
	h := w.newHunt(ctx, d.won, d.slowest)
	v := h.look(d.scenario, w.shrinkBudget())
	note := ""
	if v.said == "" {
		note = w.show(h, v)
	}
	w.t.Errorf("clustertest: %v fails; %s\n%s%s", scenario{seed: d.seed}, progress, note,
		v.text(h.test, d.scenario, h.replays))
}

// show runs the smallest scenario as a subtest, and returns what is to be said
// besides. What ends a process is not run in this one.
func (w *sweep) show(h *hunt, v verdict) (note string) {
	w.t.Helper()
	if h.last.Crashed || h.last.Hung {
		return indented(h.last.Output)
	}
	printed, ran := h.last.Output, false
	passed := w.t.Run(v.smallest.String(), func(t *testing.T) {
		t.Helper()
		ran = true
		w.play(t, v.smallest, newScript(v.smallest))
	})
	switch {
	case !ran: // since -run leaves it out
		note = indented(printed)
	case passed:
		note = "run once more, in this process, the smallest passed\n"
	}
	if v.failed < v.of || passed && ran {
		failed, of := h.count(v.smallest)
		note += fmt.Sprintf("it does not fail each time: with all its faults %d of %d replays failed, "+
			"with the smallest %d of %d\n", v.failed, v.of, failed, of)
	}
	return note
}
