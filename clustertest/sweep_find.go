// Hunt: a sweep that is to find something, and what it finds.

package clustertest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// A Find is a run that failed, and what is known of it.
type Find struct {
	Seed    uint64   // with which it was found
	Faults  []Faults // the fewest with which it fails alike, those of each nemesis in turn
	Replay  string   // the command that runs it again, with these faults
	Output  string   // what a run of it printed: how it fails, the last events
	Trace   string   // the file with that run's journal, or "" if there is none
	Failed  int      // of the replays of Replay's run, how many failed in the same way
	Replays int      // usually 5, each in a process of its own

	told string
}

// String tells all of it but Output, in a few lines.
func (f *Find) String() string {
	text := fmt.Sprintf("%s\n%d of %d replays fail", f.told, f.Failed, f.Replays)
	if f.Trace != "" {
		text += "\ntrace   rehearse trace open " + f.Trace
	}
	return text + "\nreplay  " + f.Replay
}

// Hunt is [Sweep] for a test that is to find something: in a program that is
// known to have a bug, a run that fails is a find, and does not fail the test.
// It returns the first, shrunk, or nil when all seeds pass:
//
//	find := clustertest.Hunt(t, clustertest.SweepConfig{Seeds: 500}, newStore, durable)
//	if find == nil {
//		t.Fatal("the store that does not sync has lost nothing")
//	}
//	t.Log(find)
//
// Seeds run as with [SweepConfig].Isolate, whatever that says, and are no
// subtests. A find with fewer failing replays than Repeats is logged, and the
// hunt goes on. When -run names one run, as Replay does, Hunt runs that, which
// then fails the test like any other, and does not return.
func Hunt[P Program](
	t *testing.T, s SweepConfig, build func(*Env) (P, error), body func(*testing.T, *Cluster[P]),
) *Find {
	t.Helper()
	s.Isolate = true
	w := &sweep{t: t, config: s, hunts: true, run: func(t *testing.T, c Config) {
		t.Helper()
		Run(t, c, build, body)
	}}
	return w.hunt()
}

// hunt returns what is found.
func (w *sweep) hunt() *Find {
	w.t.Helper()
	if name, one := w.check(); one {
		w.only(name)
		w.t.SkipNow() // there is no find to go on with
	}
	r := w.newRound()
	for d := r.next(); d != nil; d = r.next() {
		if !d.apart.began {
			w.t.Fatalf("clustertest: a process for %v did not get to run it; it printed\n%s",
				scenario{seed: d.seed}, indented(d.apart.said))
		}
		f := w.find(d, r.words())
		if f.Failed >= w.config.Repeats {
			return f
		}
		w.t.Logf("clustertest: %v", f)
	}
	w.t.Logf("clustertest: %s", r.words())
	return nil
}

// traceLine is where a run that failed says what is kept of it.
var traceLine = regexp.MustCompile(`(?m)^\s*trace  rehearse trace open (.+)$`)

// find finds out about a scenario that failed.
func (w *sweep) find(d *defeat, progress string) *Find {
	w.t.Helper()
	h := w.newHunt(w.bounded(), d.won, d.slowest)
	v := h.look(d.scenario, w.shrinkBudget())
	f := &Find{Seed: d.seed, Failed: v.failed, Replays: v.of}
	if v.said == "" {
		f.Output, _ = h.retell(v.smallest)
		f.Failed, f.Replays = h.count(v.smallest)
	} else {
		f.Output = d.apart.said
	}
	if m := traceLine.FindStringSubmatch(f.Output); m != nil {
		f.Trace = m[1]
	}
	f.Faults = v.smallest.told
	told := v.text(h.test, d.scenario, h.replays)
	f.told, f.Replay, _ = strings.Cut(told, "\nreplay  ")
	f.told = fmt.Sprintf("%v fails; %s\n%s", scenario{seed: d.seed}, progress, f.told)
	return f
}
