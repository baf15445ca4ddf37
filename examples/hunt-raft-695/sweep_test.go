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

// subjects are what the hunt goes through. Those with a bug may only be run
// with a seed, which then may fail; the others are good with every seed.
var subjects = []struct {
	name string
	form subject
	bug  string
}{
	{"defaults", hashicorp(mending{}), "diverges and hangs"},
	{"without the fast path", hashicorp(mending{noFastPath: true}), "hangs"},
	{"without pipelines", hashicorp(mending{noPipeline: true}), "diverges"},
	{"without either", hashicorp(mending{noFastPath: true, noPipeline: true}), ""},
	{"etcd", etcd, ""},
}

// TestOneSeed is what a sweep runs in a process of its own, and what anybody
// runs to see a seed fail:
//
//	go test -run '^TestOneSeed$/^defaults$' -rehearse.seed=30 .
func TestOneSeed(t *testing.T) {
	named := flag.Lookup("rehearse.seed").Value.String() != ""
	same(t)
	for _, s := range subjects {
		if s.bug != "" && !named {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) { hunt(t, s.form).report(t) })
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
		_ = yield("DIVERGED", &f.diverged) && yield("BEHIND", &f.behind) && yield("HUNG", &f.hung)
	}
}

// seedRun runs one seed in a process of its own.
func seedRun(t *testing.T, name string, seed int) (f finding) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pattern := "^TestOneSeed$/^" + strings.ReplaceAll(name, " ", "_") + "$"
	one := exec.CommandContext(ctx, os.Args[0], "-test.run="+pattern, fmt.Sprintf("-rehearse.seed=%d", seed))
	one.Env = append(os.Environ(), "REHEARSE_ARTIFACTS="+t.TempDir())
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

// repeats says how many of n more runs of a seed find it again.
func repeats(t *testing.T, seed, n int, is func(finding) bool) (count int) {
	t.Helper()
	for range n {
		if is(seedRun(t, "defaults", seed)) {
			count++
		}
	}
	return count
}

// The promise: from the first seed on, within seconds, and then again.
func TestTheSweepFindsBothBugsAndTheirSeedsFailAgain(t *testing.T) {
	const most, again = 300, 5
	began := time.Now()
	for _, bug := range []struct {
		name string
		is   func(finding) bool
	}{
		{"a log that diverges", func(f finding) bool { return f.diverged != "" }},
		{"a shutdown that hangs", func(f finding) bool { return f.hung != "" }},
	} {
		seed, n := 1, 0
		for ; n == 0 && seed <= most; seed++ {
			if bug.is(seedRun(t, "defaults", seed)) {
				t.Logf("%s after %v", bug.name, time.Since(began))
				n = repeats(t, seed, again, bug.is)
				t.Logf("seed %d failed again %d of %d times", seed, n, again)
			}
		}
		if n == 0 {
			t.Errorf("%d seeds have not found %s that happens again", most, bug.name)
		}
	}
}

func TestWhatIsLeftOutTakesItsBugAlong(t *testing.T) {
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var diverged, behind, hung int
			n := cmp.Or(*seeds, 20)
			for seed := 1; seed <= n; seed++ {
				f := seedRun(t, s.name, seed)
				diverged += min(1, len(f.diverged))
				behind += min(1, len(f.behind))
				hung += min(1, len(f.hung))
			}
			t.Logf("%d seeds: %d diverged, %d stayed behind, %d hung", n, diverged, behind, hung)
			if diverged > 0 && !strings.Contains(s.bug, "diverges") || behind > 0 ||
				hung > 0 && !strings.Contains(s.bug, "hangs") {
				t.Errorf("%s: it %s", s.name, cmp.Or(s.bug, "has neither bug"))
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
