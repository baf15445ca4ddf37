// The hunt: faults drawn from a seed, what is asked meanwhile, and what is wrong afterwards.

package hunt_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/journal"
)

// A member is one of the three: n0, n1 and n2. What it tells is read when
// every member rests.
type member interface {
	clustertest.Program
	Found(others ...member) // makes it a cluster of one, which the others then join
	Leads() bool            // as far as it knows
	Write(data string)      // without waiting for what becomes of it
	Log() []entry
	Applied() []entry
	Stop() (ended <-chan struct{})
	Free() // closes what a Stop that does not end waits for
}

// An entry is one place of a member's log.
type entry struct {
	Index, Term uint64
	Data        string
}

// A subject is what members run.
type subject func(*clustertest.Env) (member, error)

type cluster = *clustertest.Cluster[member]

// faults are what befalls the three. Nobody hears n0 any more, for about as
// long as it takes the others to agree on another leader; n0 hears them, but
// late, and for longer.
func faults(r *rand.Rand) clustertest.Faults {
	cut := time.Second + upTo(r, 2*time.Second)
	return clustertest.Faults{
		{For: cut + 2*time.Second, What: "link n1,n2 n0 jitter=600ms"},
		{For: cut, What: "cut n0 n1,n2"},
	}
}

func upTo(r *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(d))).Truncate(10 * time.Millisecond)
}

// oldLeader asks a leader to write that does not know yet that it is none any
// more: a moment after the cut has healed, while the other leader writes too.
func oldLeader(c cluster) (f findings) {
	all, r := form(c), c.Rand("schedule")
	storm := c.Nemesis(clustertest.Nemesis{Faults: faults(r), Within: 8 * time.Second})
	var writing sync.WaitGroup
	writing.Go(func() { writeElsewhere(all[1:], 50, storm) })
	c.AwaitEvent("the end of the cut", time.Minute, func(e journal.Event) bool {
		return e.Kind == "fault.end" && strings.HasPrefix(e.Subject, "cut n0")
	})
	time.Sleep(upTo(r, 450*time.Millisecond)) // virtual
	write(all[0], "stale", 8)
	writing.Wait()
	storm.Wait()

	time.Sleep(5 * time.Second) // virtual
	last := leading(all)
	if last == nil {
		c.T.Fatal("nobody leads, long after the last fault")
	}
	write(last, "last", 5)
	time.Sleep(10 * time.Second) // virtual
	f.add("DIVERGED", diverged(all))
	if f == nil {
		f.add("BEHIND", behind(all))
	}
	f.add("HUNG", stop(all))
	return f
}

// handOver lets n0 try, three times, to hand its leadership to a member it does
// not reach; then nobody hears n0, until another leads. Once all is well again,
// n0 is made the leader, and must take a write.
func handOver(c cluster) (f findings) {
	all, r := form(c), c.Rand("schedule")
	n0, n1 := all[0].(*node), all[1].(*node)
	reach := c.OneWay(0, 1)
	write(n0, "missed", 5)
	time.Sleep(upTo(r, time.Second)) // virtual
	for range 3 {
		n0.LeadershipTransferToServer(n1.server().ID, n1.server().Address).Error()
		time.Sleep(upTo(r, 500*time.Millisecond)) // virtual
	}
	heard := c.OneWay(0, 2)
	c.Await("a leader besides n0", time.Minute, func() bool { return leading(all[1:]) != nil })
	time.Sleep(upTo(r, time.Second)) // virtual
	heard()
	reach()

	time.Sleep(10 * time.Second) // virtual
	for i := 0; i < 5 && !n0.Leads(); i++ {
		if other, ok := leading(all[1:]).(*node); ok {
			other.LeadershipTransferToServer(n0.server().ID, n0.server().Address).Error()
		}
		time.Sleep(5 * time.Second) // virtual
	}
	if !n0.Leads() {
		c.T.Fatal("n0 does not lead again")
	}
	time.Sleep(time.Minute) // virtual
	if err := n0.Apply([]byte("last"), time.Second).Error(); err != nil && n0.State() == raft.Leader {
		f.add("REFUSED", "n0 leads and answers each write: "+err.Error())
	}
	f.add("DIVERGED", diverged(all))
	f.add("HUNG", stop(all))
	return f
}

// form makes one cluster of the three, of which n1 and n2 have run for a while
// before they hear of it, and lets n0 write a little.
func form(c cluster) (all []member) {
	for n := range c.Nodes() {
		all = append(all, n.Program())
	}
	time.Sleep(upTo(c.Rand("form"), 20*time.Second)) // virtual
	all[0].Found(all[1:]...)
	write(all[0], "first", 5)
	time.Sleep(2 * time.Second) // virtual
	return all
}

// write sends n writes to a member, some time apart.
func write(to member, what string, n int) {
	for i := range n {
		to.Write(fmt.Sprintf("%s%d", what, i))
		time.Sleep(20 * time.Millisecond) // virtual
	}
}

// writeElsewhere sends n writes to the one who leads among others, as soon as
// one does, and no more once the storm is over.
func writeElsewhere(others []member, n int, storm *clustertest.Storm) {
	for i := 0; i < n; time.Sleep(20 * time.Millisecond) { // virtual
		select {
		case <-storm.Done():
			return
		default:
		}
		if m := leading(others); m != nil {
			m.Write(fmt.Sprintf("other%d", i))
			i++
		}
	}
}

// leading returns one that believes to lead, or nil.
func leading(among []member) member {
	if i := slices.IndexFunc(among, member.Leads); i >= 0 {
		return among[i]
	}
	return nil
}

// findings are what is wrong after one run, each with its kind:
//
//	DIVERGED  two logs, or what was applied from them, contradict each other
//	BEHIND    a member is without what others have applied, long after the last fault
//	REFUSED   a leader takes no writes
//	HUNG      a shutdown does not end
type findings [][2]string

func (f *findings) add(kind, what string) {
	if what != "" {
		*f = append(*f, [2]string{kind, what})
	}
}

// body is a test's: it fails with all findings but those of the kinds in
// known, or, if there is one, with those of the kind wanted alone.
func body(run func(cluster) findings, wanted, known string) func(*testing.T, cluster) {
	return func(t *testing.T, c cluster) {
		for _, f := range run(c) {
			t.Logf("%s: %s", f[0], f[1])
			note(t, f[0])
			if strings.Contains(cmp.Or(wanted, f[0]), f[0]) && !strings.Contains(known, f[0]) {
				t.Error(f[0])
			}
		}
	}
}

// diverged says where two members disagree: on what they have applied, or on
// what lies at one index since one term.
func diverged(all []member) string {
	for i, a := range all {
		for j, b := range all[:i] {
			x, y := differ(a.Applied(), b.Applied(), func(x, y entry) bool { return x != y })
			if x == y {
				x, y = differ(a.Log(), b.Log(), func(x, y entry) bool { return x.Term == y.Term && x.Data != y.Data })
			}
			if x != y {
				return fmt.Sprintf("n%d has %v where n%d has %v", j, y, i, x)
			}
		}
	}
	return ""
}

// differ returns the first two entries that stand at the same place and are
// at odds, or two equal ones if there are none.
func differ(a, b []entry, odd func(x, y entry) bool) (x, y entry) {
	for k := range min(len(a), len(b)) {
		if odd(a[k], b[k]) {
			return a[k], b[k]
		}
	}
	return entry{}, entry{}
}

// behind says who has applied less than another; so a run in which nothing
// happens is no good run either.
func behind(all []member) string {
	most := 0
	for _, m := range all {
		most = max(most, len(m.Applied()))
	}
	if most == 0 {
		return "nobody has applied anything"
	}
	for i, m := range all {
		if n := len(m.Applied()); n < most {
			return fmt.Sprintf("n%d has applied %d of %d", i, n, most)
		}
	}
	return ""
}

// stop ends all members. If that takes more than a minute, it says where they
// hang, and then frees them, so that the bubble can end.
func stop(all []member) (hung string) {
	var ends []<-chan struct{}
	for _, m := range all {
		ends = append(ends, m.Stop())
	}
	limit := time.After(time.Minute)
	for i, ended := range ends {
		select {
		case <-ended:
			continue
		case <-limit:
			hung = fmt.Sprintf("n%d; waiting are %s", i, waiting())
		}
		break
	}
	for i, m := range all {
		m.Free()
		<-ends[i]
	}
	return hung
}

// waiting names the pipelines' goroutines and where each of them waits.
func waiting() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var names []string
	for g := range strings.SplitSeq(string(stacks), "\n\n") {
		if lines := strings.Split(g, "\n"); len(lines) > 2 && strings.Contains(lines[1], "Pipeline") {
			call, _, _ := strings.Cut(lines[1][strings.LastIndex(lines[1], "/")+1:], "(0x")
			where, _, _ := strings.Cut(lines[2][strings.LastIndex(lines[2], "/")+1:], " ")
			names = append(names, call+" at "+where)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// finish is a member's Run: it lives until ctx is done, and ends whatever
// became of it.
func finish(ctx context.Context, m member) error {
	<-ctx.Done()
	ended := m.Stop()
	m.Free()
	<-ended
	return nil
}

// The promise: from the first seed on, within seconds, and then again.
func TestTheHuntFindsEachBugAndItsSeedFailsAgain(t *testing.T) {
	for _, c := range []struct {
		bug  string
		form subject
		run  func(cluster) findings
	}{
		{"DIVERGED", hashicorp(mending{}, slow), oldLeader},
		{"HUNG", hashicorp(mending{}, slow), oldLeader},
		{"REFUSED", hashicorp(mending{noPipeline: true}, 1), handOver},
	} {
		t.Run(c.bug, func(t *testing.T) {
			began := time.Now()
			s := clustertest.SweepConfig{Seeds: 2000, Repeats: 1, Shrink: 10}
			find := clustertest.Hunt(t, s, c.form, body(c.run, c.bug, ""))
			if find == nil {
				t.Fatal("no seed has found it so that it happens again")
			}
			t.Logf("after %v: %v", time.Since(began), find)
		})
	}
}

func TestWhatIsLeftOutTakesItsBugAlong(t *testing.T) {
	for _, c := range []struct {
		name string
		form subject
		bugs string // that are known
	}{
		{"defaults", hashicorp(mending{}, slow), "DIVERGED HUNG"},
		{"without the fast path", hashicorp(mending{noFastPath: true}, slow), "HUNG"},
		{"without pipelines", hashicorp(mending{noPipeline: true}, slow), "DIVERGED"},
		{"without either", hashicorp(mending{noFastPath: true, noPipeline: true}, slow), ""},
		{"etcd", etcd, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			counts := counting(t)
			s := clustertest.SweepConfig{Seeds: 12, Isolate: true}
			clustertest.Sweep(t, s, c.form, body(oldLeader, "", c.bugs))
			t.Log(counts())
		})
	}
}

// findingsVar names a file for what the seeds of a sweep find, a line each.
const findingsVar = "HUNT_FINDINGS"

func note(t *testing.T, kind string) {
	if path := os.Getenv(findingsVar); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fmt.Fprintln(f, kind)
	}
}

// counting makes the file, unless another process has, and returns what counts
// its lines.
func counting(t *testing.T) (counts func() map[string]int) {
	if os.Getenv(findingsVar) == "" {
		t.Setenv(findingsVar, filepath.Join(t.TempDir(), "findings"))
	}
	return func() map[string]int {
		n := map[string]int{}
		b, _ := os.ReadFile(os.Getenv(findingsVar)) // there is none if nothing was found
		for kind := range strings.FieldsSeq(string(b)) {
			n[kind]++
		}
		return n
	}
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
