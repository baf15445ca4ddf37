// Mode Processes, the node's side: this test binary, run again to be one node.

package clustertest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vdisk"
)

// reportsFile is the number of the file that reports go to.
const reportsFile = 3

// told returns the orders that this process was given, if it is a node.
var told = sync.OnceValue(func() *orders {
	text := os.Getenv(nodeVar)
	if text == "" {
		return nil
	}
	o := new(orders)
	if err := json.Unmarshal([]byte(text), o); err != nil {
		fmt.Fprintf(os.Stderr, "clustertest: $%s: %v\n", nodeVar, err)
		os.Exit(2)
	}
	os.Unsetenv(nodeVar) // what this node starts is no node
	return o
})

// isChild tells whether this process is a node of the test's cluster.
func isChild(t *testing.T) bool {
	o := told()
	return o != nil && o.Test == t.Name()
}

// child is a node's process.
type child struct {
	env *Env

	mu  sync.Mutex
	out io.Writer
}

// runChild is a node from its start to its end, and the process's end.
func runChild(t *testing.T, build func(*Env) (Program, error)) {
	t.Helper()
	c := &child{out: os.NewFile(reportsFile, "reports")}
	if err := c.run(*told(), build); err != nil {
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
