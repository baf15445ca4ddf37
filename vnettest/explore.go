// Explore: the same test under many orders of delivery.

package vnettest

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/internal/again"
)

// An ExploreConfig says how a test's orders of delivery are explored. The zero
// ExploreConfig tries a hundred on a perfect network.
type ExploreConfig struct {
	// Config is of every schedule's network. Held is set; Net.Order and
	// Net.Journal must be nil, since Explore makes them for each schedule.
	Config

	Schedules int           // tried, at most; if 0, 100: a fraction of a second for a small test
	Budget    time.Duration // of real time, after which no other is begun; if 0, none: a count is the same everywhere
	Shrink    int           // replays, at most, to find the fewest deviations; if 0, 100; if negative, none
}

// Explore runs f again and again, each time as a subtest with a bubble and a
// held network of its own and in another order of delivery. It finds what
// depends on which message comes first, not what depends on how goroutines
// race within a program.
//
// What f does on its own goroutine must not wait for the network, where
// nothing arrives by itself: f starts servers and clients on goroutines, and
// steps by [T.Together], [T.Await], Drain or Step. Wherever a step has more
// than one segment to choose from, the first of each direction, that is one
// choice. A schedule is the list of choices at which another was taken than
// the first by name: 3:2,17-19:4 takes the second of those that wait at choice
// 3, and the fourth at choices 17 to 19. The schedule without deviations is
// called default. The schedule's name is the subtest's, and all there is to
// know to run it again: go test -run '^TestX$/^3:2,17-19:4$'. A name that does
// not parse or does not fit fails the test.
//
// The canonical order comes first, then the single deviations from it (if
// they are more than half of Schedules, so many, evenly spread), then by turns
// what is one deviation longer and what is drawn from the seed. When there are
// no others, Explore logs that it has seen all.
//
// The first schedule that fails is the last to be tried. Explore leaves out
// deviations while it still fails, running the rest of them again in child
// processes; then it runs the smallest as a subtest, and tells in words what
// each deviation does. A schedule whose bubble deadlocks fails like any other.
// A panic of a program's goroutine, or a hang that no bubble notices, ends the
// process; then a second one, which has waited for that, names the schedule,
// leaves out deviations likewise, and tells. Child processes run this test
// binary, TestMain included.
func Explore(t *testing.T, c ExploreConfig, f func(*T)) {
	t.Helper()
	switch {
	case c.Net.Order != nil || c.Net.Journal != nil:
		t.Fatal("vnettest: Explore makes an order and a journal for each schedule; leave Config.Net's nil")
	case c.Schedules < 0 || c.Budget < 0:
		t.Fatalf("vnettest: Explore with Schedules %d and Budget %v: less than nothing", c.Schedules, c.Budget)
	}
	c.Held = true
	c.Schedules = cmp.Or(c.Schedules, 100)
	c.Shrink = cmp.Or(c.Shrink, 100)
	c.Net.Seed = cmp.Or(c.Net.Seed, chosenSeed(t), 1)
	x := explorer{t: t, c: c, f: f, passed: map[string]bool{}}
	if ran := again.Testimony(t.Name()); len(ran) > 0 {
		x.testify(ran[0])
		return
	}
	if name, one := again.Named(t.Name()); one {
		x.replay(name)
		return
	}
	x.witness = again.CallWitness(t.Name(), again.Config{Args: []string{seedArg(c.Net.Seed)}, Timeout: hearing})
	defer x.witness.Dismiss()
	x.explore()
}

// An explorer is one test's exploration.
type explorer struct {
	t      *testing.T
	c      ExploreConfig
	f      func(*T)
	passed map[string]bool // the names of schedules, planned or as they were run

	witness *again.Witness
	replays int          // in child processes
	last    again.Result // of the last replay that failed, which is the smallest so far
}

// A flight is one schedule, run, and what became of it.
type flight struct {
	pilot
	ran, failed bool
}

// run runs one schedule as a subtest. It does not run when -run says so.
func (x *explorer) run(s schedule) *flight {
	x.t.Helper()
	o := &flight{pilot: pilot{left: s}}
	x.witness.Began(s.String())
	defer x.witness.Ended(s.String())
	ok := x.t.Run(s.String(), func(t *testing.T) {
		o.ran = true
		c := x.c.Config
		c.Net.Order = o.order
		Run(t, c, x.f)
	})
	o.failed = !ok
	if ok {
		x.passed[s.String()], x.passed[o.actual().String()] = true, true
	}
	return o
}

// explore tries schedules until one fails or there is a reason to stop.
func (x *explorer) explore() {
	x.t.Helper()
	begin, n, deepest := time.Now(), 0, 0
	p := newPlan(x.c.Net.Seed, x.c.Schedules)
	for n < x.c.Schedules {
		if x.c.Budget > 0 && n > 0 && time.Since(begin) > x.c.Budget {
			x.t.Logf("vnettest: schedules explored: %d, up to %d deviations, when the time was up", n, deepest)
			return
		}
		s, more := p.next()
		if !more {
			x.t.Logf("vnettest: schedules explored: all %d, up to %d deviations", n, deepest)
			return
		}
		o := x.run(s)
		switch {
		case o.failed:
			x.explain(o)
			return
		case o.ran:
			n++
			deepest = max(deepest, len(o.made))
			p.ran(&o.pilot)
		case len(s) == 0:
			x.t.Fatalf("vnettest: -run leaves out the schedule %q, on which all others are built; "+
				"name one schedule whole, as in %s", canonical, again.Pattern(x.t.Name()+"/3:2"))
		}
	}
	x.t.Logf("vnettest: schedules explored: %d, up to %d deviations; there are more", n, deepest)
}

// replay runs the one schedule that -run names.
func (x *explorer) replay(name string) {
	x.t.Helper()
	s, err := parseSchedule(name)
	if err != nil {
		x.t.Fatalf("vnettest: %v", err)
	}
	switch o := x.run(s); {
	case again.Inside():
	case o.failed:
		x.tell(o, fmt.Sprintf("the schedule %s fails", o.actual()))
	case o.ran && len(o.made) < len(s):
		x.t.Errorf("vnettest: the schedule %s does not fit, for there were other choices: %d, of which "+
			"the widest had %d waiting; it ran as %s, and passed", s, len(o.widths), widest(o.widths), o.actual())
	}
}

func widest(widths []int) (most int) {
	for _, w := range widths {
		most = max(most, w)
	}
	return most
}
