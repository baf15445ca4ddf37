// Exploring delivery: what depends on the order is found, named and shrunk.

package vnettest_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/internal/again"
	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// A counter is a server that keeps a number: "get" answers it, "add" adds one,
// and a number sets it.
type counter struct {
	mu sync.Mutex
	n  int
}

// serveCounter starts a counter at api:80.
func serveCounter(t *vnettest.T) *counter {
	t.Helper()
	l, err := t.Host("api").Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	c := new(counter)
	serve(l, func(conn net.Conn) {
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			fmt.Fprintln(conn, c.answer(lines.Text()))
		}
	})
	return c
}

func (c *counter) answer(line string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch line {
	case "get":
	case "add":
		c.n++
	default:
		c.n, _ = strconv.Atoi(line)
	}
	return c.n
}

// client is a function that connects from a host, asks so often for the
// number, and then does as it is told.
func client(t *vnettest.T, host string, asks int, then func(ask func(line string) int)) func() {
	return func() {
		conn, err := t.Host(host).Dial(t.Context(), "tcp", "api:80")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		answers := bufio.NewReader(conn)
		ask := func(line string) (n int) {
			fmt.Fprintln(conn, line)
			if _, err := fmt.Fscanln(answers, &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for range asks {
			ask("get")
		}
		then(ask)
	}
}

// byTwoRequests adds one by asking for the number and setting the next, which
// is not safe to do for two at once. byOne is.
func byTwoRequests(ask func(string) int) { ask(strconv.Itoa(ask("get") + 1)) }
func byOneRequest(ask func(string) int)  { ask("add") }

// twoAdd has two clients add one each; the second is busy otherwise first.
func twoAdd(add func(func(string) int), asks int) func(*vnettest.T) {
	return func(t *vnettest.T) {
		c := serveCounter(t)
		t.Together(time.Minute, client(t, "a", 0, add), client(t, "b", asks, add))
		if n := c.answer("get"); n != 2 {
			t.Errorf("two clients added one each, and the number is %d", n)
		}
	}
}

// exchange sends one segment in every one of n directions and returns the
// order in which they arrive.
func exchange(t *vnettest.T, n int) (arrived string) {
	var mu sync.Mutex
	var all []func()
	for i := range n {
		from, to := t.Pair(string(rune('a'+i)), "z")
		all = append(all, func() { io.WriteString(from, "x") }, func() {
			io.ReadFull(to, make([]byte, 1))
			mu.Lock()
			defer mu.Unlock()
			arrived += string(rune('a' + i))
		})
	}
	t.Together(time.Minute, all...)
	return arrived
}

// explorations are run in child processes, since most of them fail.
var explorations = map[string]struct {
	vnettest.ExploreConfig
	body func(*vnettest.T)
}{
	"lost update":             {vnettest.ExploreConfig{Schedules: 200}, twoAdd(byTwoRequests, 2)},
	"lost update, far apart":  {vnettest.ExploreConfig{Schedules: 200}, twoAdd(byTwoRequests, 6)},
	"lost update, not shrunk": {vnettest.ExploreConfig{Shrink: -1}, twoAdd(byTwoRequests, 2)},
	"no lost update":          {vnettest.ExploreConfig{Schedules: 20}, twoAdd(byOneRequest, 2)},
	"always":                  {vnettest.ExploreConfig{}, func(t *vnettest.T) { t.Error("whatever comes first") }},
	"a hang": {vnettest.ExploreConfig{}, func(t *vnettest.T) {
		if exchange(t, 3) == "bac" {
			go leftByTheFirst()
		}
	}},
	"a panic": {vnettest.ExploreConfig{}, func(t *vnettest.T) {
		if strings.HasPrefix(exchange(t, 3), "c") {
			go panic("out of cheese")
			time.Sleep(time.Second) // virtual
		}
	}},
	"a panic, once": {vnettest.ExploreConfig{}, func(t *vnettest.T) {
		if exchange(t, 3) == "bac" && !again.Inside() {
			go panic("out of cheese")
			time.Sleep(time.Second) // virtual
		}
	}},
	"a mutex": {vnettest.ExploreConfig{}, func(t *vnettest.T) {
		if exchange(t, 3) == "cba" {
			var mu sync.Mutex
			mu.Lock()
			mu.Lock()
		}
	}},
	"a wait for the network": {vnettest.ExploreConfig{}, func(t *vnettest.T) {
		c, _ := t.Pair("x", "y")
		c.Read(make([]byte, 1))
	}},
	"all":     {vnettest.ExploreConfig{}, func(t *vnettest.T) { exchange(t, 3) }},
	"nothing": {vnettest.ExploreConfig{}, func(*vnettest.T) {}},
	"late":    {vnettest.ExploreConfig{Budget: time.Nanosecond}, func(t *vnettest.T) { exchange(t, 3) }},
	"an order": {vnettest.ExploreConfig{Config: vnettest.Config{Net: vnet.Config{Order: vnet.ByName}}},
		func(*vnettest.T) {}},
	"less than none": {vnettest.ExploreConfig{Schedules: -1}, func(*vnettest.T) {}},
}

const exploration = "REHEARSE_TEST_EXPLORATION"

// TestExploration is what a child process runs.
func TestExploration(t *testing.T) {
	if e, found := explorations[os.Getenv(exploration)]; found {
		vnettest.Explore(t, e.ExploreConfig, e.body)
	}
}

// explore runs an exploration in a child process, that with the name or just
// one of its schedules, and returns all it prints.
func explore(t *testing.T, name string, pattern string, args ...string) (out string, passed bool) {
	t.Helper()
	args = append([]string{"-test.run", pattern, "-test.v", "-test.timeout=60s"}, args...)
	run := exec.CommandContext(t.Context(), os.Args[0], args...)
	run.Env = append(os.Environ(), exploration+"="+name, "REHEARSE_ARTIFACTS="+t.TempDir(), "REHEARSE_SEED=",
		"GORACE=atexit_sleep_ms=0")
	b, err := run.CombinedOutput()
	return string(b), err == nil
}

const whole = "^TestExploration$"

var (
	verdict = regexp.MustCompile(`fewest deviations: (\S+) \((\d+) of (\d+), replays: (\d+)\); ` +
		`rerun  go test -run '(\S+)' \S+/vnettest (-rehearse.seed=\S+)\n`)
	inWords = regexp.MustCompile(`(?m)^\s*at choice \d+ of \d+, \S.* went before \S.*$`)
)

func TestALostUpdateIsFoundReplayedAndShrunk(t *testing.T) {
	for _, c := range []struct {
		name, fewest string
		deviations   int
	}{
		{"lost update", "7-9:2", 3},
		{"lost update, far apart", "1-11:2", 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, passed := explore(t, c.name, whole)
			if tried := strings.Count(out, "=== RUN   TestExploration/"); passed || tried > 201 {
				t.Fatalf("not found within 200 schedules, but %d:\n%s", tried, out)
			}
			m := verdict.FindStringSubmatch(out)
			if m == nil || m[1] != c.fewest || m[2] != strconv.Itoa(c.deviations) {
				t.Fatalf("found %q, want %s in\n%s", m, c.fewest, out)
			}
			told, _, _ := strings.Cut(out, "--- FAIL: TestExploration (")
			if !strings.HasSuffix(told, m[0]) {
				t.Errorf("the fewest deviations are not the last that is told:\n%s", out)
			}
			words := inWords.FindAllString(out, -1)
			if len(words) != c.deviations {
				t.Errorf("told in words: %q", words)
			}
			replayed, passed := explore(t, c.name, m[5], "-test.v", m[6])
			if passed || !strings.Contains(replayed, "the number is 1") ||
				!slices.Equal(inWords.FindAllString(replayed, -1), words) {
				t.Errorf("by its name alone it is another run:\n%s", replayed)
			}
			spareNone(t, c.name, c.fewest)
		})
	}
}

// spareNone fails the test when the schedule fails without its first or its
// last deviation too.
func spareNone(t *testing.T, name, fewest string) {
	t.Helper()
	row, _, _ := strings.Cut(fewest, ":")
	begin, end, _ := strings.Cut(row, "-")
	from, _ := strconv.Atoi(begin)
	to, _ := strconv.Atoi(end)
	for _, less := range []string{
		fmt.Sprintf("%d-%d:2", from+1, to),
		fmt.Sprintf("%d-%d:2", from, to-1),
	} {
		out, _ := explore(t, name, whole+"/^"+less+"$")
		if !strings.Contains(out, "=== RUN   TestExploration/"+less) || strings.Contains(out, "the number is 1") {
			t.Errorf("%s fails too, or was not run:\n%s", less, out)
		}
	}
}

func TestACorrectServerPassesEverySchedule(t *testing.T) {
	vnettest.Explore(t, vnettest.ExploreConfig{Schedules: 300}, twoAdd(byOneRequest, 2))
}

func TestWhatAnExplorationSays(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		passes        bool
		says          []string
	}{
		{"lost update, not shrunk", whole, false, []string{"(6 of 6, replays: 0)"}},
		{"always", whole, false, []string{
			"it fails in the canonical order; rerun  go test -run '^TestExploration$/^default$'"}},
		{"a hang", whole, false, []string{
			"deadlock: main bubble goroutine has exited but blocked goroutines remain", "leftByTheFirst, started",
			"--- FAIL: TestExploration/1:2 (", "fewest deviations: 1:2 (1 of 1, replays: 0)",
			"at choice 1 of 2, b>z:0#0 b:32768 > z:0 data 1 went before a>z:0#0 a:32768 > z:0 data 1",
			"--- FAIL: TestExploration ("}},
		{"a panic", whole, false, []string{
			"panic: out of cheese", "vnettest: the process ended during TestExploration/1:3; rerun  go test -run",
			"at choice 1, c>z:0#0 c:32768 > z:0 data 1 went before a>z:0#0 a:32768 > z:0 data 1",
			"fewest deviations: 1:3 (1 of 1, replays: 2); rerun  go test -run '^TestExploration$/^1:3$'"}},
		{"a panic, once", whole, false, []string{
			"the process ended during TestExploration/1:2; rerun", "run again, that schedule ends otherwise"}},
		{"a mutex", whole, false, []string{
			"hangs for good", "the process ended during TestExploration/1:3,2:2",
			"fewest deviations: 1:3,2:2 (2 of 2, "}},
		{"a wait for the network", whole, false, []string{"The network is held: only what steps it"}},
		{"no lost update", whole, true, []string{"schedules explored: 20, up to ", "; there are more"}},
		{"all", whole, true, []string{"schedules explored: all 6, up to 2 deviations"}},
		{"nothing", whole, true, []string{"schedules explored: all 1, up to 0 deviations"}},
		{"late", whole, true, []string{"schedules explored: 1, up to 0 deviations, when the time was up"}},
		{"an order", whole, false, []string{"leave Config.Net's nil"}},
		{"less than none", whole, false, []string{"less than nothing"}},

		{"all", whole + "/^2:2$", true, []string{"--- PASS: TestExploration/2:2 ("}},
		{"all", whole + "/2:2$", false, []string{`-run leaves out the schedule "default"`, "^TestExploration$/^3:2$"}},
		{"all", whole + "/^3:x$", false, []string{`"3:x" names no schedule`}},
		{"all", whole + "/^2:2,900:2$", false, []string{
			"2:2,900:2 does not fit", "2, of which the widest had 3 waiting", "it ran as 2:2, and passed"}},
		{"lost update", whole + "/^7-9:2,900:2$", false, []string{
			"the schedule 7-9:2 fails; rerun  go test -run '^TestExploration$/^7-9:2$'"}},
	} {
		t.Run(c.name+c.pattern, func(t *testing.T) {
			t.Parallel()
			out, passed := explore(t, c.name, c.pattern)
			if passed != c.passes {
				t.Errorf("passed: %v", passed)
			}
			for _, say := range c.says {
				if !strings.Contains(out, say) {
					t.Errorf("it does not say %q", say)
				}
			}
			if t.Failed() {
				t.Logf("all it says is\n%s", out)
			}
		})
	}
}

func TestEveryOrderIsTriedWhenThereAreFew(t *testing.T) {
	orders := map[string]string{} // the schedule's name by the order of arrival
	vnettest.Explore(t, vnettest.ExploreConfig{}, func(t *vnettest.T) {
		name := t.Name()[strings.LastIndex(t.Name(), "/")+1:]
		order := exchange(t, 4)
		if other, found := orders[order]; found {
			t.Errorf("%s and %s are the same order %s", name, other, order)
		}
		orders[order] = name
	})
	if len(orders) != 24 {
		t.Errorf("%d orders of 24: %v", len(orders), orders)
	}
}

func TestSingleDeviationsComeBeforeOthers(t *testing.T) {
	var names []string
	config := vnettest.ExploreConfig{Schedules: 40}
	vnettest.Explore(t, config, func(t *vnettest.T) {
		names = append(names, t.Name()[strings.LastIndex(t.Name(), "/")+1:])
		exchange(t, 5)
	})
	single := regexp.MustCompile(`^\d+:\d+$`)
	some := 0
	for some+1 < len(names) && single.MatchString(names[some+1]) {
		some++
	}
	if names[0] != "default" || some != 10 || len(names) != 40 { // 4+3+2+1 single deviations
		t.Errorf("%d single ones after the first: %v", some, names)
	}
	if slices.ContainsFunc(names[11:], single.MatchString) {
		t.Errorf("single ones come late: %v", names)
	}
	sorted := slices.Sorted(slices.Values(names))
	if len(slices.Compact(sorted)) != 40 {
		t.Errorf("some come twice: %v", names)
	}
}

func TestAScheduleIsTheSameRunEveryTime(t *testing.T) {
	first := map[string]string{} // the journal by the schedule's name
	for round := range 100 {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			now := map[string]string{}
			vnettest.Explore(t, vnettest.ExploreConfig{Schedules: 12}, func(t *vnettest.T) {
				twoAdd(byOneRequest, 1)(t)
				var b strings.Builder
				if err := journal.Write(&b, journal.Header{}, t.Journal.Events(0)); err != nil {
					t.Fatal(err)
				}
				now[t.Name()[strings.LastIndex(t.Name(), "/")+1:]] = b.String()
			})
			if round == 0 {
				first = now
			}
			if !maps.Equal(first, now) {
				t.Fatalf("round %d is another than round 0", round)
			}
		})
	}
	if len(first) != 12 || len(slices.Compact(slices.Sorted(maps.Values(first)))) != 12 {
		t.Errorf("%d schedules, of which some are the same run", len(first))
	}
}

func TestDelaysPassWhileSchedulesAreExplored(t *testing.T) {
	c := vnettest.ExploreConfig{Schedules: 30}
	c.Net.Link = vnet.LinkConfig{Latency: time.Second, Jitter: time.Second}
	vnettest.Explore(t, c, func(t *vnettest.T) {
		start := time.Now()
		twoAdd(byOneRequest, 1)(t)
		if took := time.Since(start); took < 4*time.Second {
			t.Errorf("two requests took %v on a link of a second", took)
		}
	})
}

func TestASchedulesNameIsReadAsItIsWritten(t *testing.T) {
	for name, n := range map[string]int{
		"default": 0, "1:2": 1, "3:2,17:4": 2, "3-4:2": 2, "3:2,4:3": 2, "1-3:2,4-9:5,12:2": 10, "1-65536:2": 65536,
	} {
		written, deviations, err := vnettest.ReadSchedule(name)
		if err != nil || written != name || deviations != n {
			t.Errorf("%s is read as %s, %d deviations, %v; want %d", name, written, deviations, err, n)
		}
	}
	for _, name := range []string{
		"", "3", "3:", ":2", "3:1", "0:2", "-1:2", "3:x", "3:2,", ",3:2", "3:2,3:3", "4:2,3:2", "03:2", "3:02", "+3:2",
		"3:2,4:2", "3-3:2", "4-3:2", "3-:2", "1-65537:2", "1-99999999999:2", "3:2:2",
		"9223372036854775807:2,1:2", "Default",
	} {
		if written, _, err := vnettest.ReadSchedule(name); err == nil {
			t.Errorf("%q is read as %s", name, written)
		}
	}
}

func FuzzAScheduleIsReadAsItIsWritten(f *testing.F) {
	for _, name := range []string{"default", "3:2,17-19:4", "3:2,4:2", "1-99999999999:2", "", "3:1"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if written, _, err := vnettest.ReadSchedule(name); err == nil && written != name {
			t.Errorf("%q is read as %q", name, written)
		}
	})
}
