// What a cluster is made of: its Config, its mode, its programs.

package clustertest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/vdisk"
	"github.com/rehearse-go/rehearse/vnet"
)

// A Program is what runs on a node. Run returns when ctx is done, with nil, or
// when the program fails. When it has returned, nothing of the program may run
// any more.
type Program interface {
	Run(ctx context.Context) error
}

// A Mode is what a cluster is made of.
type Mode int

const (
	// AnyMode is what $REHEARSE_MODE says, "bubble", "loopback" or
	// "processes", and Bubble if it says nothing.
	AnyMode   Mode = iota
	Bubble         // goroutines in a bubble, a virtual network, virtual disks, virtual time
	Loopback       // goroutines on real sockets in real time, virtual disks
	Processes      // real processes, sockets and files
)

var modeNames = [...]string{"any", "bubble", "loopback", "processes"}

// String returns the mode's name, as $REHEARSE_MODE takes it.
func (m Mode) String() string {
	if m < 0 || int(m) >= len(modeNames) {
		return fmt.Sprintf("Mode(%d)", int(m))
	}
	return modeNames[m]
}

// Modes are all the modes, for a test that runs its body in each:
//
//	for _, mode := range clustertest.Modes() {
//		t.Run(mode.String(), func(t *testing.T) {
//			clustertest.Run(t, clustertest.Config{Mode: mode}, build, body)
//		})
//	}
func Modes() []Mode { return []Mode{Bubble, Loopback, Processes} }

// A Config describes a cluster. The zero Config is three nodes on a perfect
// network, with perfect disks that forget what was not synced.
type Config struct {
	Nodes int    // to begin with, named n0, n1, ...; if 0, 3
	Mode  Mode   // if 0, what $REHEARSE_MODE says, else Bubble
	Seed  uint64 // decides every chance; if 0, -rehearse.seed, else 1

	// Net describes the network. If its Link is zero, every link of a bubble
	// takes a millisecond: no two deliveries then share an instant, and the
	// order of events repeats. On real sockets only Link and GiveUp count.
	// Seed, Settle and Journal are set by Run.
	Net vnet.Config

	// Disk describes every node's disk. Seed, Name and Journal are set by Run.
	// In Processes the disk is a real directory, and Disk must be zero.
	Disk vdisk.Config

	// Grace is how long a program may take to end when it is told to, and how
	// long one that was crashed may take until its Run returns. Who takes
	// longer fails the test. If 0, a minute of the bubble's time, ten seconds
	// of real time.
	Grace time.Duration

	// Deadline is after how much of its time a bubble is stopped; if 0, 24 h.
	Deadline time.Duration

	// Failed is asked when the program of a node ends by itself, with what its
	// Run returned, and when it cannot be built at the end of a fault that had
	// ended it, with that error. If it answers true the node is down until it is started
	// again, by the test or at the end of the disk's fault or the nemesis that
	// may have ended it; if false, the test fails. If nil, only an end without an
	// error is fine.
	Failed func(node string, err error) bool

	// Command makes the command of a node's process, in mode Processes. If nil,
	// it is the test binary, which runs the same test again and comes to the
	// same Run, where it is that node. What the command must know is in the
	// NodeInfo.
	Command func(*NodeInfo) *exec.Cmd

	script *script // what the nemeses do instead of drawing, and did; nil says nothing
}

// with returns c with its zero fields filled in.
func (c Config) with(t *testing.T) Config {
	t.Helper()
	c.Nodes = cmp.Or(c.Nodes, 3)
	c.Mode = cmp.Or(c.Mode, modeOf(t))
	if c.Nodes < 0 || c.Grace < 0 || c.Deadline < 0 {
		t.Fatalf("clustertest: Config with Nodes %d, Grace %v, Deadline %v: none may be negative; 0 is the usual",
			c.Nodes, c.Grace, c.Deadline)
	}
	if c.Mode < Bubble || c.Mode > Processes {
		t.Fatalf("clustertest: Config.Mode is %v; it may be Bubble, Loopback or Processes", c.Mode)
	}
	if c.Mode == Processes && c.Disk != (vdisk.Config{}) {
		t.Fatal("clustertest: in mode Processes disks are real; leave Config.Disk zero")
	}
	grace := time.Minute
	if c.Mode != Bubble {
		grace = 10 * time.Second
	}
	c.Grace = cmp.Or(c.Grace, grace)
	if c.Mode == Bubble && c.Net.Link == (vnet.LinkConfig{}) {
		c.Net.Link.Latency = time.Millisecond
	}
	if c.Failed == nil {
		c.Failed = func(_ string, err error) bool { return err == nil }
	}
	return c
}

// modeVar is the environment's choice of a mode.
const modeVar = "REHEARSE_MODE"

// modeOf returns the mode that the environment asks for.
func modeOf(t *testing.T) Mode {
	t.Helper()
	name := os.Getenv(modeVar)
	if name == "" {
		return Bubble
	}
	for _, m := range Modes() {
		if strings.EqualFold(name, m.String()) {
			return m
		}
	}
	t.Fatalf("clustertest: $REHEARSE_MODE is %q; it may be bubble, loopback or processes", name)
	return 0
}
