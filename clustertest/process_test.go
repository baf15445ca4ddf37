// Processes that end badly, or would rather not end, and what is left of them.

//go:build unix

package clustertest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/journal"
)

// left tells what is left of processes in this one.
func left(t *testing.T) (descriptors int) {
	t.Helper()
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a child is left: %d, %v", pid, err)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if strings.Contains(string(stacks), "clustertest.(*process") {
		t.Errorf("a goroutine is left:\n%s", stacks)
	}
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// TestNothingIsLeftOfProcesses does not run beside other tests with children.
func TestNothingIsLeftOfProcesses(t *testing.T) {
	quick := clustertest.Config{Nodes: 1, Failed: func(string, error) bool { return true }}
	t.Run("what is opened once", func(t *testing.T) {
		onStrangers(t, quick, shell("exit 0"), func(strangers) {})
	})
	for name, s := range map[string]struct {
		script string
		ends   bool // by itself
	}{
		"who ends well":                    {"echo ready; exit 0", true},
		"who fails":                        {"echo ready; exit 3", true},
		"who kills itself":                 {"echo ready; kill -KILL $$", true},
		"who waits":                        {"echo ready; exec sleep 1000", false},
		"who closes its files":             {"echo ready; exec sleep 1000 0<&- 1>&- 2>&- 3>&-", false},
		"who leaves a child":               {"sleep 1000 & echo ready; exit 0", true},
		"who leaves a child and is killed": {"sleep 1000 & echo ready; wait", false},
		"who leaves a daemon":              {foreignVar + "=-abandon exec " + os.Args[0], true},
	} {
		t.Run(name, func(t *testing.T) {
			before := left(t)
			t.Run("cluster", func(t *testing.T) {
				command := func(n *clustertest.NodeInfo) *exec.Cmd {
					n.Inherit(7000)
					return shell(s.script)(n)
				}
				onStrangers(t, quick, command, func(c strangers) {
					logged(c, "n0", "ready")
					if s.ends {
						c.Node(0).AwaitEvent("node.exit", soon)
						return
					}
					c.Node(0).Kill()
					c.Node(0).Start()
					logged(c, "n0", "ready")
				})
			})
			if after := left(t); after != before {
				t.Errorf("%d files are open, %d before", after, before)
			}
		})
	}
}

func TestWhatAProcessLeavesBehindIsKilled(t *testing.T) {
	held, holding, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	command := func(*clustertest.NodeInfo) *exec.Cmd {
		cmd := exec.Command("sh", "-c", "trap '' TERM HUP; sleep 60 >/dev/null 2>&1 3>&- & exit 0")
		cmd.ExtraFiles = []*os.File{holding}
		return cmd
	}
	onStrangers(t, clustertest.Config{Nodes: 1}, command, func(c strangers) {
		c.Node(0).AwaitEvent("node.exit", soon)
		holding.Close()
		held.SetReadDeadline(time.Now().Add(soon))
		if _, err := held.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("somebody still holds a file of the process that has ended: %v", err)
		}
	})
}

// inAnother runs the present test in a process of its own, told so by a variable,
// and returns it started, with what it prints.
func inAnother(t *testing.T, env ...string) (cmd *exec.Cmd, printed io.Reader) {
	t.Helper()
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(t.Name()), "/", "$/^") + "$"
	cmd = exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern)
	cmd.Env = append(os.Environ(), "REHEARSE_ARTIFACTS="+t.TempDir(), "GORACE=atexit_sleep_ms=0")
	cmd.Env = append(cmd.Env, env...)
	printed, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	return cmd, printed
}

// badly is a program that does as it is told, by a variable.
type badly struct{ env *clustertest.Env }

const badlyVar = "CLUSTERTEST_BADLY"

func newBadly(e *clustertest.Env) (badly, error) {
	switch os.Getenv(badlyVar) {
	case "hangs":
		<-make(chan int)
	case "fails":
		return badly{}, fmt.Errorf("no ground to build %s on", e.Name())
	case "leaves":
		os.Exit(0)
	case "floods":
		fmt.Fprintln(os.NewFile(3, "reports"), strings.Repeat("x", 5<<20))
	}
	return badly{e}, nil
}

func (b badly) Run(ctx context.Context) error {
	b.env.Event("bad.ready", "")
	switch os.Getenv(badlyVar) {
	case "panics":
		panic("out of cheese")
	case "exits":
		os.Exit(3)
	case "lasts":
		<-make(chan int)
	}
	<-ctx.Done()
	return nil
}

// onBadly is a test of one node that does badly what it is told.
func onBadly(how string, body func(*clustertest.Node[badly])) func(*testing.T) {
	return func(t *testing.T) {
		t.Setenv(badlyVar, how)
		config := clustertest.Config{Nodes: 1, Mode: clustertest.Processes, Grace: time.Second}
		clustertest.Run(t, config, newBadly, func(_ *testing.T, c *clustertest.Cluster[badly]) { body(c.Node(0)) })
	}
}

func awaitExit(n *clustertest.Node[badly]) { n.AwaitEvent("node.exit", soon) }

// onBadShell is a test of one node that is a script; body comes when it has
// said that it is ready.
func onBadShell(script string, body func(strangers)) func(*testing.T) {
	return func(t *testing.T) {
		config := clustertest.Config{Nodes: 1, Grace: time.Second}
		onStrangers(t, config, shell(script), func(c strangers) {
			logged(c, "n0", "ready")
			body(c)
		})
	}
}

func TestBadEndsOfProcessesAreTold(t *testing.T) {
	for name, f := range map[string]struct {
		run  func(*testing.T)
		says string
	}{
		"a panic": {onBadly("panics", awaitExit),
			"the program of n0 ended by itself: exit status 2: panic: out of cheese"},
		"an exit": {onBadly("exits", awaitExit), "the program of n0 ended by itself: exit status 3"},
		"building without end": {onBadly("hangs", awaitExit),
			"the process of n0 has not built its program within 1s; it was killed"},
		"building in vain": {onBadly("fails", awaitExit),
			"the process of n0 ended before its program was built: building n0: no ground to build n0 on"},
		"leaving while building": {onBadly("leaves", awaitExit),
			"the process of n0 never came to its Run: exit status 0"},
		"never coming to Run": {neverComes, "the process of n0 never came to its Run: exit status 0"},
		"a Run without end": {onBadly("lasts", func(n *clustertest.Node[badly]) {
			n.AwaitEvent("bad.ready", soon)
			n.Stop()
		}), "the Run of n0 has not returned 1s after it was stopped"},
		"deafness": {onBadShell(deaf, func(c strangers) { c.Node(0).Stop() }),
			"the process of n0 has not ended 1s after it was stopped; it was killed"},
		"deafness to the end": {onBadShell(deaf, func(strangers) {}),
			"the process of n0 has not ended 1s after the test was over; it was killed"},
		"standing still": {onBadShell("echo $$ is ready; exec sleep 1000", stand),
			"the process of n0 has not ended 1s after the test was over; it was killed"},
		"a signal": {onBadShell("echo ready; kill -SEGV $$", func(c strangers) {
			c.Node(0).AwaitEvent("node.exit", soon)
		}), "the program of n0 ended by itself: signal: segmentation fault"},
		"a race": {onBadShell("echo ==================; echo WARNING: DATA RACE; echo Read at 0x1; echo ready;"+
			"exec sleep 1000", func(strangers) {}),
			"in the process of n0:\nWARNING: DATA RACE\nRead at 0x1\nready"},
		"what never comes": {onBadShell("echo ready; exec sleep 1000", func(c strangers) {
			c.Node(0).AwaitEvent("app.ready", time.Millisecond)
		}), "awaited n0 app.ready; it did not come within 1ms"},
		"no command": {func(t *testing.T) {
			none := func(*clustertest.NodeInfo) *exec.Cmd { return nil }
			onStrangers(t, clustertest.Config{}, none, func(strangers) {})
		}, "starting the process of n0: Config.Command made no command"},
		"no such command": {func(t *testing.T) {
			onStrangers(t, clustertest.Config{}, nowhere, func(strangers) {})
		}, "starting the process of n0: fork/exec ./nowhere: no such file"},
		"a port both ways": {func(t *testing.T) {
			both := func(n *clustertest.NodeInfo) *exec.Cmd {
				n.Inherit(7000)
				n.Bind(7000)
				return exec.Command("true")
			}
			onStrangers(t, clustertest.Config{}, both, func(strangers) {})
		}, "binding n0:7000: the port is both to be inherited and to be bound"},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(failVar) != "" {
				f.run(t)
				return
			}
			t.Parallel()
			cmd, printed := inAnother(t, failVar+"=1")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			out, _ := io.ReadAll(printed)
			if err := cmd.Wait(); err == nil {
				t.Fatalf("it passed:\n%s", out)
			}
			if text := indent.ReplaceAllString(string(out), "\n"); !strings.Contains(text, f.says) {
				t.Errorf("it does not say %q:\n%s", f.says, out)
			}
		})
	}
}

// nowhere makes a command of a program that is not there.
func nowhere(*clustertest.NodeInfo) *exec.Cmd { return exec.Command("./nowhere") }

// deaf is a script that does not hear that it is to end.
const deaf = "trap '' TERM; echo ready; while :; do sleep 1000; done"

var indent = regexp.MustCompile("\n +")

// stand lets n0, which has told its number, stand still, unknown to the cluster.
func stand(c strangers) {
	c.AwaitEvent("its number", soon, func(e journal.Event) bool {
		var pid int
		n, _ := fmt.Sscanf(string(e.Body), "%d is ready", &pid)
		if n == 1 {
			syscall.Kill(pid, syscall.SIGSTOP)
			syscall.Wait4(pid, nil, syscall.WUNTRACED, nil)
		}
		return n == 1
	})
}

// neverComes is a test that does not come to its Run a second time.
func neverComes(t *testing.T) {
	const seen = "CLUSTERTEST_SEEN"
	if os.Getenv(seen) != "" {
		return
	}
	t.Setenv(seen, "1")
	onBadly("", awaitExit)(t)
}

func TestAFloodOfNonsenseIsBorne(t *testing.T) {
	onBadly("floods", func(n *clustertest.Node[badly]) { n.AwaitEvent("bad.ready", soon) })(t)
}

// tethered is a program that is connected to whoever watches over this test.
type tethered struct{ env *clustertest.Env }

const tetherVar = "CLUSTERTEST_TETHER"

func (p tethered) Run(ctx context.Context) error {
	c, err := net.Dial("tcp", os.Getenv(tetherVar))
	if err != nil {
		return err
	}
	defer c.Close()
	p.env.Event("app.ready", "")
	<-make(chan int) // it ends by no word
	return ctx.Err()
}

// doomed is a test that ends by force, with processes of all kinds.
func doomed(t *testing.T, end func()) {
	build := func(e *clustertest.Env) (clustertest.Program, error) { return tethered{e}, nil }
	config := clustertest.Config{Mode: clustertest.Processes, Nodes: 2}
	clustertest.Run(t, config, build, func(t *testing.T, c strangers) {
		for n := range c.Nodes() {
			n.AwaitEvent("app.ready", soon)
		}
		c.Node(1).Pause()
		held := os.NewFile(3, "held") // whose other end the watcher has
		t.Run("strangers", func(t *testing.T) {
			command := func(*clustertest.NodeInfo) *exec.Cmd {
				cmd := exec.Command("sh", "-c", "trap '' TERM INT HUP; sleep 1000 & echo ready; wait")
				cmd.ExtraFiles = []*os.File{held}
				return cmd
			}
			onStrangers(t, clustertest.Config{Nodes: 2}, command, func(c strangers) {
				logged(c, "n0", "ready")
				logged(c, "n1", "ready")
				c.Node(1).Pause()
				fmt.Println("READY")
				end()
				<-make(chan int)
			})
		})
	})
}

func TestProcessesEndWithTheTest(t *testing.T) {
	for name, end := range map[string]struct {
		inside  func()
		outside func(*os.Process)
	}{
		"killed":      {func() {}, func(p *os.Process) { p.Kill() }},
		"interrupted": {func() {}, func(p *os.Process) { p.Signal(os.Interrupt) }},
		"panicking":   {func() { go panic("out of cheese") }, func(*os.Process) {}},
		"exiting":     {func() { os.Exit(0) }, func(*os.Process) {}},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(tetherVar) != "" {
				doomed(t, end.inside)
				return
			}
			t.Parallel()
			watch(t, end.outside)
		})
	}
}

// watch sees that who is doomed ends, and all that it has started.
func watch(t *testing.T, end func(*os.Process)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	held, holding, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	cmd, printed := inAnother(t, tetherVar+"="+l.Addr().String())
	cmd.ExtraFiles = []*os.File{holding}
	err = cmd.Start()
	holding.Close()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	lines := bufio.NewScanner(printed)
	for lines.Scan() && lines.Text() != "READY" {
		fmt.Fprintln(&said, lines.Text())
	}
	if lines.Text() != "READY" {
		t.Fatalf("it never came so far, %v:\n%s", cmd.Wait(), said.String())
	}
	end(cmd.Process)
	for range 2 {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, c) // until it is closed, or reset
		c.Close()
	}
	io.Copy(io.Discard, held)
	cmd.Wait()
}

// number is a program that says a number.
type number struct {
	env *clustertest.Env
	n   int
}

func (p number) Run(ctx context.Context) error {
	p.env.Event("app.number", fmt.Sprint(p.n))
	<-ctx.Done()
	return nil
}

// numbers runs a node of that number in a process.
func numbers(t *testing.T, n int) {
	t.Helper()
	build := func(e *clustertest.Env) (number, error) { return number{e, n}, nil }
	config := clustertest.Config{Nodes: 1, Mode: clustertest.Processes}
	clustertest.Run(t, config, build, func(t *testing.T, c *clustertest.Cluster[number]) {
		bodies.Add(1)
		if got := c.Node(0).AwaitEvent("app.number", soon).Subject; got != fmt.Sprint(n) {
			t.Errorf("the node of Run %d says %s", n, got)
		}
	})
}

var bodies atomic.Int32 // that have run in this process

func TestEachRunOfATestHasItsOwnNodes(t *testing.T) {
	t.Chdir("internal") // from where a node's process does not come to here again
	bodies.Store(0)
	numbers(t, 1)
	numbers(t, 2)
	t.Run("sub", func(t *testing.T) { numbers(t, 3) })
	if got := bodies.Load(); got != 3 {
		t.Errorf("%d bodies have run", got)
	}
}

// sleeper sleeps for an hour of its node's time.
type sleeper struct{ env *clustertest.Env }

func (s sleeper) Run(ctx context.Context) error {
	s.env.Event("app.asleep", s.env.Now().String())
	select {
	case <-s.env.After(time.Hour):
		s.env.Event("app.awake", "")
		<-ctx.Done()
	case <-ctx.Done():
	}
	return nil
}

func TestAProcessesClockOutlivesIt(t *testing.T) {
	build := func(e *clustertest.Env) (sleeper, error) { return sleeper{e}, nil }
	config := clustertest.Config{Nodes: 1, Mode: clustertest.Processes}
	clustertest.Run(t, config, build, func(_ *testing.T, c *clustertest.Cluster[sleeper]) {
		n := c.Node(0)
		n.AwaitEvent("app.asleep", soon)
		n.Clock(1e6)
		n.Restart()
		n.AwaitEvent("app.awake", soon)
	})
}
