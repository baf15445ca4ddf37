// What a failing test says: each one fails in a process of its own.

package vnettest_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// failures are tests that fail, and what they must say.
var failures = map[string]struct {
	run  func(*testing.T)
	says []string
	not  string // what it must not say
}{
	"a real socket": {run: onNetwork(func(t *vnettest.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Accept()
	}), says: []string{
		"hangs for good", "waits for a real socket", "t.Host(name).Dial", "failure_test.go", "seed 0x1",
	}},

	"a mutex held over a wait": {run: onNetwork(func(*vnettest.T) {
		var mu sync.Mutex
		mu.Lock()
		go func() {
			time.Sleep(time.Hour) // virtual
			mu.Unlock()
		}()
		mu.Lock()
	}), says: []string{"hangs for good", "waits for a mutex", "failure_test.go"}},

	"everybody waits": {run: onNetwork(func(t *vnettest.T) {
		talk(t)
		c, _ := t.Pair("x", "y")
		c.Read(make([]byte, 1))
	}), says: []string{
		"the bubble's deadline passed", "2000-01-02 00:00:00", "failure_test.go", "net.send", "rehearse trace open",
	}},

	"a subtest": {run: onNetwork(func(t *vnettest.T) {
		t.Run("inner", func(*testing.T) {})
	}), says: []string{"no subtests inside a bubble"}},

	"a network in a bubble": {run: onNetwork(func(t *vnettest.T) {
		vnettest.Run(t.T, vnettest.Config{}, func(*vnettest.T) {})
	}), says: []string{"Run inside a bubble"}},

	"a peer that hears something else": {run: onNetwork(func(t *vnettest.T) {
		p := talk(t)
		p.Expect("hello, moon")
	}), says: []string{
		"the program sent something else", `want "hello, moon"`, `got  "hello, world"`, "       ", "^ byte 7",
		"the last ", "net.deliver", "seed   0x1", "rerun  go test -run '^TestFailuresExplainThemselves$/",
	}},

	"a peer that hears nothing": {run: onNetwork(func(t *vnettest.T) {
		p := talk(t)
		p.Expect("hello, world")
		p.ExpectLine("more")
	}), says: []string{"the program sent no whole line", `got  ""`}},

	"a peer that wanted nothing": {run: onNetwork(func(t *vnettest.T) {
		talk(t).ExpectNothing()
	}), says: []string{"nothing was expected", `got  "hello, world"`}},

	"another segment": {run: onNetwork(func(t *vnettest.T) {
		c, _ := t.Pair("x", "y")
		t.Hold()
		io.WriteString(c, "data")
		t.Expect(func(s vnet.Segment) bool { return s.Fin })
	}), says: []string{"the next segment is another one", "waits 1 x>y:0#0 x:32768 > y:0 data 4"}},

	"what was never to be sent": {run: onNetwork(func(t *vnettest.T) {
		t.Never(func(s vnet.Segment) bool { return strings.Contains(string(s.Data), "secret") })
		c, _ := t.Pair("x", "y")
		io.WriteString(c, "a secret")
	}), says: []string{"never to be sent: x>y:0#0", `"a secret"`}},

	"what never comes": {run: onNetwork(func(t *vnettest.T) {
		t.Await("the end of days", time.Hour, func() bool { return false })
	}), says: []string{"awaited the end of days; it did not come within 1h0m0s"}},

	"a script's line": {run: onNetwork(func(t *vnettest.T) {
		talk(t)
		vnettest.Play(t, "# a story\ndial p app api:80\np < \"hello, mars\"")
	}), says: []string{`3  p < "hello, mars"`, `got  "hello, world"`}},

	"a script's verb": {run: onNetwork(func(t *vnettest.T) {
		vnettest.Play(t, "jump")
	}), says: []string{"script line 1: jump: no such command and no such peer"}},

	"another shape": {run: onNetwork(func(t *vnettest.T) {
		talk(t)
		vnettest.Golden(t, filepath.Join("testdata", "other.journal"))
	}), says: []string{"the run differs from testdata/other.journal; run with -update"}},

	"a client left open": {run: onNetwork(func(t *vnettest.T) {
		l, err := t.Host("api").Listen(t.Context(), "tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		go http.Serve(l, http.NotFoundHandler())
		client := http.Client{Transport: &http.Transport{DialContext: t.Host("app").Dial}}
		client.Get("http://api/") // and never closes the body
	}), says: []string{
		"blocked goroutines remain", "goroutines that outlived the test",
		"net/http.(*persistConn).readLoop, started by net/http.(*Transport).dialConn, waits: select\n",
		"--- FAIL", "seed   0x1", "rehearse trace open",
	}},

	"a wait that nothing ends": {run: onNetwork(func(t *vnettest.T) {
		talk(t)
		<-make(chan int)
	}), says: []string{
		"the bubble's deadline passed", "2000-01-02 00:00:00", "deadlock: all goroutines in bubble are blocked",
		"failure_test.go", "waits: chan receive\n", "--- FAIL", "seed   0x1", "rehearse trace open",
	}},

	"a cleanup that never returns": {run: onNetwork(func(t *vnettest.T) {
		talk(t)
		t.Cleanup(func() { select {} })
	}), says: []string{"the bubble's deadline passed", "all goroutines in bubble are blocked", "--- FAIL"}},

	"together, but not in time": {run: onNetwork(func(t *vnettest.T) {
		t.Together(time.Second, func() {}, func() { time.Sleep(time.Hour) }) // virtual
	}), says: []string{"awaited the end of 2 functions together; it did not come within 1s"}},

	"together, and one is fatal": {run: onNetwork(func(t *vnettest.T) {
		over := false
		t.Together(time.Minute, func() { t.Fatal("one of them") }, func() {
			time.Sleep(time.Second) // virtual
			over = true
		})
		t.Errorf("the test goes on; the other has ended: %v", over)
	}), says: []string{"one of them"}, not: "the test goes on"},

	"a held network that nobody steps": {run: onNetwork(func(t *vnettest.T) {
		c, _ := t.Pair("x", "y")
		t.Hold()
		c.Read(make([]byte, 1))
	}), says: []string{"the bubble's deadline passed", "The network is held: only what steps it", "--- FAIL"}},

	"another run": {run: func(t *testing.T) {
		round := 0
		vnettest.Repeat(t, vnettest.Config{}, vnettest.Throughout, func(t *vnettest.T) {
			c, _ := t.Pair("x", "y")
			io.WriteString(c, strings.Repeat("x", 1+round/3))
			round++
		})
	}, says: []string{"round 3 is another run than round 0", "net.send"}},

	"a panic": {run: onNetwork(func(t *vnettest.T) {
		talk(t)
		panic("out of cheese")
	}), says: []string{"out of cheese", "net.send", "rehearse trace open"}},
}

// onNetwork is a test that runs f on a network with the zero Config.
func onNetwork(f func(*vnettest.T)) func(*testing.T) {
	return func(t *testing.T) { vnettest.Run(t, vnettest.Config{}, f) }
}

// talk starts a server that greets, and returns a peer that it has greeted.
func talk(t *vnettest.T) *vnettest.Peer {
	l, err := t.Host("api").Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	serve(l, func(c net.Conn) {
		io.WriteString(c, "hello, world")
		io.Copy(io.Discard, c)
	})
	return t.Dial("app", "api:80")
}

func TestFailuresExplainThemselves(t *testing.T) {
	const inside = "REHEARSE_TEST_FAILURE"
	if name := os.Getenv(inside); name != "" {
		t.Run(name, failures[name].run)
		return
	}
	for name, f := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			this := "^TestFailuresExplainThemselves$"
			run := exec.CommandContext(t.Context(), os.Args[0], "-test.run", this, "-test.v", "-test.timeout=60s")
			run.Env = append(os.Environ(), inside+"="+name, "REHEARSE_ARTIFACTS="+dir, "REHEARSE_SEED=")
			out, err := run.CombinedOutput()
			if err == nil {
				t.Fatalf("it passed:\n%s", out)
			}
			for _, want := range f.says {
				if !strings.Contains(string(out), want) {
					t.Errorf("it does not say %q; all it says is\n%s", want, out)
				}
			}
			if f.not != "" && strings.Contains(string(out), f.not) {
				t.Errorf("it says %q; all it says is\n%s", f.not, out)
			}
			readable(t, dir, string(out))
		})
	}
}

// readable fails the test when a journal is named that cannot be read.
func readable(t *testing.T, dir, out string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?:trace open|journal so far:) (\S+)`).FindAllStringSubmatch(out, -1) {
		if !strings.HasPrefix(m[1], dir) {
			t.Errorf("the journal %s is not kept in $REHEARSE_ARTIFACTS", m[1])
		}
		f, err := os.Open(m[1])
		if os.IsNotExist(err) && strings.Contains(out, "hangs for good") {
			continue // nothing was recorded
		}
		if err != nil {
			t.Error(err)
			continue
		}
		defer f.Close()
		if _, events, err := journal.Read(f); err != nil || len(events) == 0 {
			t.Errorf("%s: %d events, %v", m[1], len(events), err)
		}
	}
}

func TestGoldenComparesTheShapeOfARun(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		talk(t).Expect("hello, world")
		vnettest.Golden(t, filepath.Join("testdata", "greeting.journal"))
	})
}

// deadlocks are tests whose bubbles never end, one that passes among them, and
// one that fails otherwise.
var deadlocks = []struct {
	name string
	run  func(*testing.T)
	says []string // about itself
}{
	{"leaves a goroutine", onNetwork(func(t *vnettest.T) {
		talk(t)
		go leftByTheFirst()
	}), []string{"blocked goroutines remain", "vnettest_test.leftByTheFirst"}},
	{"passes", onNetwork(func(t *vnettest.T) { talk(t).Expect("hello") }), nil},
	{"waits for ever", onNetwork(func(t *vnettest.T) {
		talk(t)
		leftByTheSecond()
	}), []string{"all goroutines in bubble are blocked", "vnettest_test.leftByTheSecond"}},
	{"fails", onNetwork(func(t *vnettest.T) { t.Fatal("in an ordinary way") }), []string{"in an ordinary way"}},
	{"passes too", func(t *testing.T) {
		t.Parallel()
		onNetwork(func(t *vnettest.T) { talk(t).Expect("hello") })(t)
	}, nil},
	{"leaves a goroutine in parallel", func(t *testing.T) {
		t.Parallel()
		onNetwork(func(t *vnettest.T) { go leftByTheFirst() })(t)
	}, []string{"blocked goroutines remain", "vnettest_test.leftByTheFirst"}},
	{"waits for ever in parallel", func(t *testing.T) {
		t.Parallel()
		onNetwork(func(*vnettest.T) { leftByTheSecond() })(t)
	}, []string{"all goroutines in bubble are blocked", "vnettest_test.leftByTheSecond"}},
}

func leftByTheFirst()  { <-make(chan int) }
func leftByTheSecond() { <-make(chan int) }

func TestADeadlockFailsItsTestAlone(t *testing.T) {
	const inside = "REHEARSE_TEST_DEADLOCK"
	if os.Getenv(inside) != "" {
		for _, d := range deadlocks {
			t.Run(d.name, d.run)
		}
		return
	}
	run := exec.CommandContext(t.Context(), os.Args[0],
		"-test.run", "^TestADeadlockFailsItsTestAlone$", "-test.v=test2json", "-test.timeout=60s")
	run.Env = append(os.Environ(), inside+"=1", "REHEARSE_ARTIFACTS="+t.TempDir(), "REHEARSE_SEED=")
	out, err := run.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 1 {
		t.Fatalf("the process ended with %v, not as tests that fail\n%s", err, out)
	}
	for _, d := range deadlocks {
		name := t.Name() + "/" + strings.ReplaceAll(d.name, " ", "_")
		verdict := "--- PASS: "
		if d.says != nil {
			verdict = "--- FAIL: "
		}
		if !strings.Contains(string(out), verdict+name+" (") {
			t.Errorf("no %q in\n%s", verdict+name, out)
		}
	}
	for _, list := range strings.Split(string(out), "goroutines that outlived the test")[1:] {
		lines := strings.Split(list, "\n")[1:]
		end := slices.IndexFunc(lines, func(line string) bool { return !strings.Contains(line, ", started by ") })
		if named := strings.Join(lines[:end], "\n"); strings.Count(named, "vnettest_test.leftBy") != 1 {
			t.Errorf("a deadlock names goroutines of other tests, or none:\n%s\n%s", named, out)
		}
	}
	for _, d := range deadlocks {
		for _, say := range d.says {
			if !strings.Contains(string(out), say) {
				t.Errorf("%s does not say %q", d.name, say)
			}
		}
	}
}
