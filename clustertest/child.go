// Mode Processes, the node's side: this test binary, run again to be one node.

package clustertest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
	"github.com/rehearse-go/rehearse/internal/again"
	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vdisk"
)

// nodeVar is the environment variable by which a test binary knows that it is
// to be a node. Who may read the environment of a user's processes, which is
// that user, may join the network as the node.
const nodeVar = "REHEARSE_NODE"

// reportsFile is the number of the file that reports go to.
const reportsFile = 3

// orders is what a node's process is told at its start.
type orders struct {
	Test    string // the name of the test whose Run it is to join
	Run     int    // which of that test's
	Gateway string // where its network is
	Who     identity
	Rate    float64 // of its clock
}

// A report is one line that a node's process writes to its parent.
type report struct {
	Up    bool           `json:",omitempty"` // the program is built
	Event *journal.Event `json:",omitempty"`
	Fatal string         `json:",omitempty"` // how it ended, if not well
}

func readReport(line string) (r report, err error) {
	err = json.Unmarshal([]byte(line), &r)
	return r, err
}

var (
	told    = readOrders()                    // the orders that this process was given; nil if it is no node
	home, _ = os.Getwd()                      // where this process began
	runs    = tally{of: map[*testing.T]int{}} // the Runs so far
)

// readOrders reads the orders. What this process starts is no node.
func readOrders() *orders {
	text := os.Getenv(nodeVar)
	if text == "" {
		return nil
	}
	os.Unsetenv(nodeVar)
	closeOnExec(reportsFile)
	o := new(orders)
	if err := json.Unmarshal([]byte(text), o); err != nil {
		fmt.Fprintf(os.Stderr, "clustertest: $%s: %v\n", nodeVar, err)
		os.Exit(2)
	}
	return o
}

// selfCommand runs this test binary again, as it was run, for one test. It
// begins where this process began: the test will change the directory again.
func selfCommand(o orders) (*exec.Cmd, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, again.Arguments(o.Test, 0)...)
	cmd.Dir = home
	// A race detector sleeps for a second before the process ends, unless told.
	cmd.Env = append(os.Environ(), nodeVar+"="+string(text), "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
	if testing.CoverMode() == "" || os.Getenv("GOCOVERDIR") != "" {
		return cmd, nil
	}
	// The test's own profile cannot take in what its nodes run, and without a
	// place for that each of them would complain.
	dir := filepath.Join(filepath.Dir(o.Who.Dir), "coverage")
	cmd.Env = append(cmd.Env, "GOCOVERDIR="+dir)
	return cmd, os.MkdirAll(dir, 0o755)
}

// tally counts the Runs of each test.
type tally struct {
	mu sync.Mutex
	of map[*testing.T]int
}

// next returns the number of the test's next Run, from 0.
func (y *tally) next(t *testing.T) int {
	y.mu.Lock()
	n, counted := y.of[t]
	y.of[t] = n + 1
	y.mu.Unlock()
	if !counted {
		t.Cleanup(func() {
			y.mu.Lock()
			defer y.mu.Unlock()
			delete(y.of, t)
		})
	}
	return n
}

// child is a node's process.
type child struct {
	env *Env

	mu  sync.Mutex
	out io.Writer
}

// runChild is a node from its start to its end, and the process's end. Any
// other Run than the one it belongs to does nothing in a node's process.
func runChild(t *testing.T, run int, build func(*Env) (Program, error)) {
	t.Helper()
	if told.Test != t.Name() || told.Run != run {
		return
	}
	c := &child{out: os.NewFile(reportsFile, "reports")}
	if err := c.run(*told, build); err != nil {
		c.report(report{Fatal: err.Error()})
		os.Exit(1)
	}
	os.Exit(0)
}

func (c *child) run(o orders, build func(*Env) (Program, error)) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	host, err := loopback.Join(ctx, o.Gateway)
	if err != nil {
		return err
	}
	defer host.Close()
	c.env = &Env{
		who: o.Who, host: host, fs: vdisk.OS(o.Who.Dir), clock: newClock(),
		note: func(e journal.Event) { c.report(report{Event: &e}) },
	}
	c.env.clock.set(o.Rate)
	p, err := build(c.env)
	if err != nil {
		return fmt.Errorf("building %s: %w", o.Who.Name, err)
	}
	c.report(report{Up: true})
	broken := make(chan error, 1)
	go func() { broken <- c.obey(os.Stdin) }()
	over := make(chan error, 1)
	go func() { over <- p.Run(ctx) }()
	select {
	case err = <-over:
	case err = <-broken:
	}
	return err
}

// obey does what the parent says, and returns when it cannot or there is no
// parent any more.
func (c *child) obey(in io.Reader) error {
	words := bufio.NewScanner(in)
	for words.Scan() {
		rate, found := strings.CutPrefix(words.Text(), "clock ")
		if !found {
			return fmt.Errorf("not an order: %q", clip(words.Text()))
		}
		r, err := strconv.ParseFloat(rate, 64)
		if err != nil {
			return err
		}
		if !c.env.clock.set(r) {
			return fmt.Errorf("its clock was to run at %v, and the program takes its time from package time", r)
		}
	}
	return fmt.Errorf("the test has ended before %s", c.env.Name())
}

// report writes one line to the parent.
func (c *child) report(r report) {
	line, err := json.Marshal(r)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.Write(append(line, '\n'))
}
