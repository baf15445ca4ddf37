// What a schedule that fails is told of: its fewest deviations, in words.

package vnettest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/internal/again"
	"github.com/rehearse-go/rehearse/internal/shrink"
)

// explain finds the fewest deviations with which it fails as o did, and tells.
func (x *explorer) explain(o *flight) {
	x.t.Helper()
	if again.Inside() {
		return
	}
	found := o.actual()
	if len(found) == 0 {
		x.tell(o, "it fails in the canonical order")
		return
	}
	fewest := x.fewest(found, func(r again.Result) bool { return r.Failed && !r.Crashed && !r.Hung })
	smallest := o
	if len(fewest) < len(found) {
		smallest = x.run(fewest)
	}
	if !smallest.failed { // -failfast, or it does not do the same each time
		smallest = o
	}
	x.tell(smallest, x.verdict(smallest.actual(), found))
}

// fewest leaves out deviations while a replay ends alike.
func (x *explorer) fewest(found schedule, alike func(again.Result) bool) schedule {
	fewest, _ := shrink.List(found, x.c.Shrink, func(some []deviation) bool {
		return !x.passed[schedule(some).String()] && x.endsAlike(some, alike)
	})
	return fewest
}

// endsAlike runs a schedule in a child process.
func (x *explorer) endsAlike(s schedule, alike func(again.Result) bool) bool {
	ctx := x.t.Context()
	if end, limited := x.t.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-time.Second))
		defer cancel()
	}
	x.replays++
	r := again.Run(ctx, x.t.Name()+"/"+s.String(), again.Config{Args: []string{seedArg(x.c.Net.Seed)}})
	if !alike(r) {
		return false
	}
	x.last = r
	return true
}

// verdict is what comes last of the failure.
func (x *explorer) verdict(fewest, found schedule) string {
	return fmt.Sprintf("fewest deviations: %s (%d of %d, replays: %d)", fewest, len(fewest), len(found), x.replays)
}

// tell logs what the deviations did and how to run just them.
func (x *explorer) tell(o *flight, headline string) {
	x.t.Helper()
	var b strings.Builder
	for _, m := range o.made {
		fmt.Fprintf(&b, "  at choice %d of %d, %v\n", m.at, len(o.widths), m)
	}
	x.t.Logf("vnettest:\n%s%s; rerun  %s", &b, headline, x.command(o.actual()))
}

// command runs just that schedule.
func (x *explorer) command(s schedule) string {
	return again.Command(x.t.Name()+"/"+s.String(), seedArg(x.c.Net.Seed))
}

// hearing is how long a witness replays what it saw: go test waits for what it
// prints, by default a minute.
const hearing = 30 * time.Second

// testify tells, in the witness, of the schedule during which the process
// ended. Nobody sees what a witness logs.
func (x *explorer) testify(name string) {
	found, err := parseSchedule(name)
	if err != nil {
		x.t.Fatalf("vnettest: %v", err)
	}
	fmt.Fprintf(os.Stderr, "vnettest: the process ended during %s/%s; rerun  %s\n", x.t.Name(), name, x.command(found))
	early := func(r again.Result) bool { return r.Crashed || r.Hung }
	if !x.endsAlike(found, early) {
		fmt.Fprintln(os.Stderr, "run again, that schedule ends otherwise: the program does not do the same each time")
		return
	}
	fewest := x.fewest(found, early)
	for line := range strings.Lines(x.last.Output) {
		if strings.HasPrefix(line, atChoice) {
			fmt.Fprint(os.Stderr, "  ", line)
		}
	}
	fmt.Fprintf(os.Stderr, "%s; rerun  %s\n", x.verdict(fewest, found), x.command(fewest))
}
