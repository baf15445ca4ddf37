// What is drawn: the same for the same plan, legal, and leaving a majority.

package faults_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest/internal/faults"
)

// seeds is how many lists each property is held against.
const seeds = 1000

// everything is the whole menu and some faults of disks.
var everything = slices.Concat(faults.Menu(),
	faults.Menu("disk slow 20ms", "disk sync eio", "disk sync lie", "disk flip"))

// plan is a busy plan that differs with its seed.
func plan(seed uint64) faults.Plan {
	names := []string{"n0", "n1", "n2", "n3", "n4", "n5", "n6"}
	return faults.Plan{
		Seed: seed, Nodes: names[:1+seed%7], Within: 12 * time.Second, Pause: 300 * time.Millisecond,
		Kinds: everything, Most: 1 + int(seed/7%4), Majority: seed%2 == 0,
	}
}

func TestTheSamePlanGivesTheSameList(t *testing.T) {
	distinct := map[string]bool{}
	for seed := range uint64(seeds) {
		one, other := faults.Draw(plan(seed)), faults.Draw(plan(seed))
		if !slices.Equal(one, other) {
			t.Fatalf("seed %d: %q and %q", seed, one, other)
		}
		distinct[one.String()] = true
	}
	if len(distinct) < seeds*9/10 {
		t.Errorf("%d seeds give only %d lists", seeds, len(distinct))
	}
}

// A change here changes what every seed finds: it must be meant.
func TestASeedsListStaysWhatItIs(t *testing.T) {
	nodes := []string{"n0", "n1", "n2"}
	got := faults.Draw(faults.Plan{Seed: 1, Nodes: nodes, Within: 10 * time.Second, Majority: true})
	const want = "910ms+1.29s link n0 n2 jitter=210ms; 5.27s+1.3s link n2 n0,n1 loss=0.1; " +
		"9.17s+5.2s link n2 n0,n1 bandwidth=1024; 9.41s+2.65s kill n0"
	if got.String() != want {
		t.Errorf("it is\n%q\nand was\n%q", got, want)
	}
}

func TestALongerListBeginsWithTheShorter(t *testing.T) {
	for seed := range uint64(seeds) {
		p := plan(seed)
		long := faults.Draw(p)
		p.Within = p.Within / 3
		short := faults.Draw(p)
		if len(short) > len(long) || !slices.Equal(short, long[:len(short)]) {
			t.Fatalf("seed %d: %q\nis not how this begins: %q", seed, short, long)
		}
		if n := len(short); n < len(long) && long[n].At < p.Within {
			t.Fatalf("seed %d: %q begins within %v and is left out", seed, long[n], p.Within)
		}
	}
}

func TestADrawnListIsSortedAndBrief(t *testing.T) {
	for seed := range uint64(seeds) {
		var last time.Duration
		for _, f := range faults.Draw(plan(seed)) {
			if f.At <= last || f.At >= 12*time.Second || f.At%(10*time.Millisecond) != 0 {
				t.Fatalf("seed %d: %q begins where it should not", seed, f)
			}
			d, err := faults.ParseDeed(f.What)
			brief := f.For%(10*time.Millisecond) == 0 && f.For <= 12*time.Second
			if err != nil || d.Momentary() != (f.For == 0) || !brief {
				t.Fatalf("seed %d: %q lasts as it should not (%v)", seed, f, err)
			}
			last = f.At
		}
	}
}

func TestADrawnListSurvivesItsTextAndItsName(t *testing.T) {
	for seed := range uint64(seeds) {
		drawn := faults.Draw(plan(seed))
		if l, err := faults.ParseList(drawn.String()); err != nil || !slices.Equal(l, drawn) {
			t.Fatalf("seed %d: %q is read as %q (%v)", seed, drawn, l, err)
		}
		if l, err := faults.FromName(faults.ToName(drawn)); err != nil || !slices.Equal(l, drawn) {
			t.Fatalf("seed %d: %q is read as %q (%v)", seed, faults.ToName(drawn), l, err)
		}
	}
}

func TestADrawnListHasNoConflictWhateverIsLeftOut(t *testing.T) {
	for seed := range uint64(seeds) {
		p := plan(seed)
		drawn := faults.Draw(p)
		if err := faults.Conflicts(drawn, p.Nodes); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for i := range drawn {
			if seed%20 > 0 && i != int(seed)%len(drawn) {
				continue // of most lists only one is left out, for the sake of time
			}
			rest := slices.Delete(slices.Clone(drawn), i, i+1)
			if err := faults.Conflicts(rest, p.Nodes); err != nil {
				t.Fatalf("seed %d without fault %d: %v", seed, i, err)
			}
			if err := faults.Majority(rest, p.Nodes); p.Majority && err != nil {
				t.Fatalf("seed %d without fault %d: %v", seed, i, err)
			}
		}
	}
}

func TestNoMoreThanMostAreInForce(t *testing.T) {
	reached := map[int]bool{}
	for seed := range uint64(seeds) {
		p := plan(seed)
		inForce := 0
		drawn := faults.Draw(p)
		for _, m := range faults.Timeline(drawn) {
			switch {
			case m.End:
				inForce--
			case drawn[m.Index].For > 0:
				inForce++
			}
			if inForce > p.Most {
				t.Fatalf("seed %d: more than %d at %v in %q", seed, p.Most, m.At, drawn)
			}
			reached[inForce] = true
		}
	}
	if !reached[4] {
		t.Errorf("of 4 that may be in force at one time there were never as many: %v", reached)
	}
}

func TestNothingIsDoneTwiceAtOneTime(t *testing.T) {
	for seed := range uint64(seeds) {
		p := plan(seed)
		p.Kinds, p.Most = faults.Menu("isolate", "split"), 4
		drawn := faults.Draw(p)
		inForce := map[string]bool{}
		for _, m := range faults.Timeline(drawn) {
			what := drawn[m.Index].What
			if inForce[what] != m.End {
				t.Fatalf("seed %d: %q at %v is not for the first time in %q", seed, what, m.At, drawn)
			}
			inForce[what] = !m.End
		}
	}
}

// A net is who reaches whom, worked out without the package's own notion of
// who is hurt.
type net struct {
	down  map[string]int
	cuts  map[[2]string]int
	nodes []string
}

// change applies a deed, or takes it back with by = -1.
func (n *net) change(d faults.Deed, by int) {
	switch d.Kind {
	case "crash", "kill", "poweroff", "stop", "pause", "restart", "disk", "full":
		for _, h := range d.Hosts {
			n.down[h] += by
		}
	case "cut":
		n.cut(d.Hosts, d.Others, by)
	case "part", "ring":
		for _, f := range d.Network() {
			side, other := strings.Split(f.A, ","), strings.Split(f.B, ",")
			if f.B == "" {
				other = append(slices.Clone(n.nodes), everybody)
				other = slices.DeleteFunc(other, func(h string) bool { return slices.Contains(side, h) })
			}
			n.cut(side, other, by)
			n.cut(other, side, by)
		}
	}
}

func (n *net) cut(from, to []string, by int) {
	for _, a := range from {
		for _, b := range to {
			n.cuts[[2]string{a, b}] += by
		}
	}
}

// everybody stands for the hosts that are no nodes.
const everybody = "everybody"

// majority looks for nodes that are up, all reach each other and everybody
// else, and are more than half.
func (n *net) majority() bool {
	for set := range 1 << len(n.nodes) {
		var members []string
		for i, h := range n.nodes {
			if set&(1<<i) != 0 {
				members = append(members, h)
			}
		}
		if 2*len(members) > len(n.nodes) && n.connected(append(members, everybody)) {
			return true
		}
	}
	return false
}

func (n *net) connected(members []string) bool {
	for _, a := range members {
		if n.down[a] > 0 {
			return false
		}
		for _, b := range members {
			if n.cuts[[2]string{a, b}] > 0 {
				return false
			}
		}
	}
	return true
}

// majorityKept tells whether there is a majority at each instant of a list.
func majorityKept(list faults.List, nodes []string) (kept bool, at time.Duration) {
	n := net{map[string]int{}, map[[2]string]int{}, nodes}
	for _, m := range faults.Timeline(list) {
		f := list[m.Index]
		d, _ := faults.ParseDeed(f.What)
		forGood := d.Kind == "disk" && (strings.HasPrefix(d.Words, "sync lie") || strings.HasPrefix(d.Words, "flip"))
		switch {
		case m.End && forGood:
		case m.End:
			n.change(d, -1)
		default:
			n.change(d, +1)
		}
		if !n.majority() {
			return false, m.At
		}
		if d.Momentary() && !forGood {
			n.change(d, -1)
		}
	}
	return true, 0
}

func TestAMajorityIsKeptAtEachInstant(t *testing.T) {
	lost := 0
	for seed := range uint64(seeds) {
		p := plan(seed)
		p.Majority = true
		drawn := faults.Draw(p)
		if kept, at := majorityKept(drawn, p.Nodes); !kept {
			t.Fatalf("seed %d: no majority at %v: %q", seed, at, drawn)
		}
		if err := faults.Majority(drawn, p.Nodes); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		p.Majority = false
		if kept, _ := majorityKept(faults.Draw(p), p.Nodes); !kept {
			lost++
		}
	}
	if lost < seeds/2 {
		t.Errorf("without asking for it, a majority is lost in only %d of %d lists", lost, seeds)
	}
}

func TestAMajorityIsFoundWhereThereIsOne(t *testing.T) {
	found := map[bool]int{}
	for seed := range uint64(seeds) {
		p := plan(seed)
		p.Majority = false
		p.Pause = 3 * time.Second
		drawn := faults.Draw(p)
		kept, at := majorityKept(drawn, p.Nodes)
		if err := faults.Majority(drawn, p.Nodes); (err == nil) != kept {
			t.Fatalf("seed %d: %v, and counted out it is %v at %v: %q", seed, err, kept, at, drawn)
		}
		found[kept]++
	}
	if found[true] < 50 || found[false] < 50 {
		t.Errorf("of %d lists too few are of one sort: %v", seeds, found)
	}
}

func TestEveryKindIsDrawn(t *testing.T) {
	for _, k := range everything {
		for _, majority := range []bool{false, true} {
			p := faults.Plan{Nodes: []string{"a", "b", "c", "d", "e"}, Kinds: []faults.Kind{k}, Majority: majority}
			drawn := faults.Draw(p)
			if none := k.Name == "ring" && majority; (len(drawn) == 0) != none {
				t.Errorf("%v, majority %v: %q", k, majority, drawn)
			}
		}
	}
}

func TestWhatIsDrawnIsOfItsKind(t *testing.T) {
	for name, want := range map[string]string{
		"crash":         "crash c; crash b; crash a",
		"clock":         "clock d 5; clock a 0.5; clock e 10",
		"isolate":       "part d; part a; part e",
		"split":         "part c a,b,d,e; part a,b c,d,e; part a,c b,d,e",
		"deaf":          "cut a,b,c,e d; cut b,c,d,e a; cut a,b,c,d e",
		"mute":          "cut d a,b,c,e; cut a b,c,d,e; cut e a,b,c,d",
		"bridge":        "part c,e a,b; part b,c d,e; part a,c b,d",
		"ring":          "ring d,e,b,c,a; ring a,c,e,d,b; ring e,c,b,a,d",
		"latency":       "link c e latency=510ms; link b a,c,d,e latency=980ms; link a d latency=620ms",
		"jitter":        "link c e jitter=210ms; link b a,c,d,e jitter=20ms; link a d jitter=140ms",
		"loss":          "link c e loss=0.43; link b a,c,d,e loss=0.1; link a d loss=0.1",
		"bandwidth":     "link c e bandwidth=16384; link b a,c,d,e bandwidth=2048; link a d bandwidth=1024",
		"reset":         "reset d; reset a; reset e b",
		"disk sync eio": "disk d sync eio; disk a sync eio; disk e sync eio",
	} {
		nodes := []string{"a", "b", "c", "d", "e"}
		p := faults.Plan{Seed: 1, Nodes: nodes, Kinds: faults.Menu(name), Within: time.Minute}
		var does []string
		for _, f := range faults.Draw(p)[:3] {
			does = append(does, f.What)
		}
		if got := strings.Join(does, "; "); got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
}

func TestAFewNodesAreEnoughForSomeKinds(t *testing.T) {
	for n, want := range map[int]string{
		1: "bandwidth bridge deaf jitter latency loss mute ring split",
		2: "bridge ring",
		3: "ring",
		4: "",
	} {
		var never []string
		for _, k := range faults.Menu() {
			p := faults.Plan{Nodes: []string{"a", "b", "c", "d"}[:n], Kinds: []faults.Kind{k}, Within: 10 * time.Minute}
			if len(faults.Draw(p)) == 0 {
				never = append(never, k.Name)
			}
		}
		slices.Sort(never)
		if got := strings.Join(never, " "); got != want {
			t.Errorf("of %d nodes never %s, want %s", n, got, want)
		}
	}
}

func TestTimesAreAsLongAsTheirMeans(t *testing.T) {
	var pauses, lengths time.Duration
	var n int
	for seed := range uint64(seeds) {
		p := faults.Plan{
			Seed: seed, Nodes: []string{"a", "b", "c"}, Kinds: faults.Menu("latency"), Most: 1, Within: time.Hour,
			Pause: time.Minute, Length: 30 * time.Second,
		}
		var last time.Duration
		for _, f := range faults.Draw(p) {
			n, pauses, lengths, last = n+1, pauses+f.At-last, lengths+f.For, f.At+f.For
		}
	}
	for _, c := range []struct{ got, want time.Duration }{
		{pauses / time.Duration(n), time.Minute}, {lengths / time.Duration(n), 30 * time.Second},
	} {
		if c.got < c.want*95/100 || c.got > c.want*105/100 {
			t.Errorf("the mean of %d is %v, want about %v", n, c.got, c.want)
		}
	}
}

func TestWeightsAreHeeded(t *testing.T) {
	p := faults.Plan{
		Nodes: []string{"a", "b", "c"}, Kinds: []faults.Kind{{"reset", 3}, {"restart", 1}, {"crash", 0}},
		Within: time.Hour, Pause: time.Second,
	}
	count := map[string]int{}
	for _, f := range faults.Draw(p) {
		count[strings.Fields(f.What)[0]]++
	}
	ratio := float64(count["reset"]) / float64(count["restart"])
	if count["crash"] > 0 || ratio < 2.5 || ratio > 3.5 {
		t.Errorf("with weights 3, 1 and 0 there are %v", count)
	}
}

func TestAPlanThatCannotBeIsToldSo(t *testing.T) {
	ok := faults.Plan{Nodes: []string{"a", "b"}}
	if err := ok.Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(p *faults.Plan){
		"a Plan without Nodes":       func(p *faults.Plan) { p.Nodes = nil },
		`"a" cannot be a name`:       func(p *faults.Plan) { p.Nodes = []string{"a", "a"} },
		`"a:1" cannot be a name`:     func(p *faults.Plan) { p.Nodes = []string{"a:1"} },
		`"" cannot be a name`:        func(p *faults.Plan) { p.Nodes = []string{""} },
		"Within -1s":                 func(p *faults.Plan) { p.Within = -time.Second },
		"Pause -1s":                  func(p *faults.Plan) { p.Pause = -time.Second },
		"Length -1s":                 func(p *faults.Plan) { p.Length = -time.Second },
		"Most -1":                    func(p *faults.Plan) { p.Most = -1 },
		"means are at most 24h":      func(p *faults.Plan) { p.Pause = 25 * time.Hour },
		"Length 25h":                 func(p *faults.Plan) { p.Length = 25 * time.Hour },
		"all is at most a year":      func(p *faults.Plan) { p.Within = 1 << 62 },
		`no kind "crush"; there are`: func(p *faults.Plan) { p.Kinds = []faults.Kind{{"crush", 1}} },
		`no kind "disk "`:            func(p *faults.Plan) { p.Kinds = []faults.Kind{{"disk ", 1}} },
		`no kind "disk a;b"`:         func(p *faults.Plan) { p.Kinds = []faults.Kind{{"disk a;b", 1}} },
		"weighs -1":                  func(p *faults.Plan) { p.Kinds = []faults.Kind{{"crash", -1}} },
		"weigh nothing":              func(p *faults.Plan) { p.Kinds = []faults.Kind{{"crash", 0}} },
	} {
		p := ok
		change(&p)
		if told := fmt.Sprint(p.Check()); !strings.HasPrefix(told, "faults: ") || !strings.Contains(told, want) {
			t.Errorf("%s, want %q", told, want)
		}
		func() {
			defer func() {
				if told := fmt.Sprint(recover()); !strings.Contains(told, want) {
					t.Errorf("Draw panicked with %q, want %q", told, want)
				}
			}()
			faults.Draw(p)
		}()
	}
}

func TestAMenuOfUnknownNamesIsMisuse(t *testing.T) {
	if got := fmt.Sprint(faults.Menu("pause", "disk sync eio")); got != "[pause:3 disk sync eio:1]" {
		t.Errorf("a menu of two is %s", got)
	}
	defer func() {
		if told := fmt.Sprint(recover()); !strings.HasPrefix(told, `faults: no kind "crush"`) {
			t.Errorf("it panicked with %q", told)
		}
	}()
	faults.Menu("crush")
}
