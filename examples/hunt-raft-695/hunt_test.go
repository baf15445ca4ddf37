// The hunt: one schedule of faults, drawn from a seed, and what is wrong after it.

package hunt_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing/cryptotest"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// A member is one of the three: n0, n1 and n2. What it tells is read when
// every member rests.
type member interface {
	Leads() bool       // as far as it knows
	Write(data string) // without waiting for what becomes of it
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

// A subject forms a cluster of n0 alone, whose clock is slow, and then adds n1
// and n2, which have run for a while before they hear of it.
type subject func(t *vnettest.T, alone time.Duration) []member

// slow is how many times longer n0's timeouts are than those of n1 and n2.
const slow = 5

// A schedule is what happens to the three. All of it comes from the seed.
type schedule struct {
	Alone  time.Duration // n1 and n2 run so long before n0 begins
	Cut    vnet.Fault    // once five writes are with everybody
	Delay  vnet.Fault    // meanwhile and after
	Heal   time.Duration // from the moment another leads
	Write  time.Duration // to n0, so long after the cut is healed
	Writes int           // of them
	Others int           // writes to the other leader, beginning when it leads
}

func draw(seed uint64) schedule {
	r := rand.New(rand.NewPCG(seed, 0))
	upTo := func(d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }
	return schedule{
		Alone:  upTo(20 * time.Second),
		Cut:    vnet.Fault{Kind: "cut", A: "n0", B: "n1,n2"},
		Delay:  vnet.Fault{Kind: "link", A: "n1,n2", B: "n0", Link: vnet.LinkConfig{Jitter: 600 * time.Millisecond}},
		Heal:   upTo(800 * time.Millisecond),
		Write:  upTo(450 * time.Millisecond),
		Writes: 8,
		Others: 50,
	}
}

// A finding is what was wrong in one run, in words. The zero finding is a
// good run.
type finding struct {
	diverged string // two logs, or what was applied from them, contradict each other
	behind   string // a member is without what others have applied, long after the last fault
	refused  string // a leader takes no writes
	hung     string // a shutdown does not end
}

// oldLeader lets a subject go through the schedule of the test's seed: a
// leader that does not know that it is none any more is asked to write.
func oldLeader(t *vnettest.T, form subject) (f finding) {
	cryptotest.SetGlobalRandom(t.T, t.Seed)
	s := draw(t.Seed)
	t.Logf("%+v", s)
	all := form(t, s.Alone)
	write(all[0], "first", 5)
	time.Sleep(2 * time.Second) // virtual

	restore := begin(t, s.Delay)
	heal := begin(t, s.Cut)
	var leader member
	t.Await("a leader besides n0", time.Minute, func() bool {
		leader = leading(all[1:])
		return leader != nil
	})
	var writing sync.WaitGroup
	writing.Go(func() { write(leader, "other", s.Others) })
	time.Sleep(s.Heal) // virtual
	heal()
	time.Sleep(s.Write) // virtual
	write(all[0], "stale", s.Writes)
	writing.Wait()
	restore()

	time.Sleep(10 * time.Second) // virtual
	if leader = leading(all); leader == nil {
		t.Fatal("nobody leads, ten seconds after the last fault")
	}
	write(leader, "last", 5)
	time.Sleep(10 * time.Second) // virtual
	if f.diverged = diverged(all); f.diverged == "" {
		f.behind = behind(all)
	}
	f.hung = stop(all)
	return f
}

func begin(t *vnettest.T, f vnet.Fault) (end func()) {
	end, err := t.Fault(f)
	if err != nil {
		t.Fatal(err)
	}
	return end
}

// write sends n writes to a member, some time apart.
func write(to member, what string, n int) {
	for i := range n {
		to.Write(fmt.Sprintf("%s%d", what, i))
		time.Sleep(20 * time.Millisecond) // virtual
	}
}

// leading returns one that believes to lead, or nil.
func leading(among []member) member {
	if i := slices.IndexFunc(among, member.Leads); i >= 0 {
		return among[i]
	}
	return nil
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
