// A Node: the test's handle on one of the cluster's programs.

package clustertest

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vdisk"
)

// A Node is the test's handle on one node. Its methods, unless they say
// otherwise, are called on the test's own goroutine and fail the test when
// something goes wrong or the mode cannot do it.
type Node[P Program] struct {
	t *testing.T
	m *member
}

// Name is the node's name, and its host's: "n0".
func (n *Node[P]) Name() string { return n.m.name }

// Index is the node's number, from 0.
func (n *Node[P]) Index() int { return n.m.index }

// Host is the node's place on the network, to dial from where it stands.
func (n *Node[P]) Host() Host { return n.m.cluster.world.host(n.m.name) }

// Running tells whether the node's program runs and nobody is ending it. It
// may be called from any goroutine.
func (n *Node[P]) Running() bool { return n.m.state.Load() == running }

// Program returns the program of the node's last life. In Processes it is
// elsewhere, and the test fails; ask it by its address, or by its events.
func (n *Node[P]) Program() P {
	n.t.Helper()
	n.m.lock()
	defer n.m.unlock()
	if n.m.life == nil {
		n.t.Fatalf("clustertest: %s has never run", n.m.name)
	}
	p, ok := n.m.life.program().(P)
	if !ok {
		n.t.Fatalf("clustertest: %v", errCannot(n.m.cluster.config.Mode, n.m.name+".Program"))
	}
	return p
}

// Disk returns the node's disk, to break it. In Processes disks are real, and
// the test fails.
func (n *Node[P]) Disk() *vdisk.Disk {
	n.t.Helper()
	if n.m.disk == nil {
		n.t.Fatalf("clustertest: %v", errCannot(n.m.cluster.config.Mode, n.m.name+".Disk"))
	}
	return n.m.disk
}

// Start starts the program of a node that is down.
func (n *Node[P]) Start() {
	n.t.Helper()
	if n.m.cluster.member(n.m.name) != n.m {
		n.t.Fatalf("clustertest: %s was removed; Cluster.Add adds another", n.m.name)
	}
	n.must(n.m.start())
}

// Stop tells the program to end and returns when it has. What it wrote and did
// not sync stays, as when a process ends.
func (n *Node[P]) Stop() {
	n.t.Helper()
	n.must(n.m.stop())
}

// Kill ends the program as kill -9 does: its connections are reset, dials to
// it refused, nothing of it reaches anybody any more; what it wrote stays,
// synced or not. In one process goroutines cannot be killed: they are cut off,
// then their context ends, and who does not return within Config.Grace fails
// the test.
func (n *Node[P]) Kill() {
	n.t.Helper()
	n.must(die(killed, n.m))
}

// Crash is Kill, and what was not synced is lost, or some of it, as the seed
// draws. In Processes it is Kill: the page cache of a real machine survives.
func (n *Node[P]) Crash() {
	n.t.Helper()
	n.must(die(crashed, n.m))
}

// PowerOff is Crash, but nobody is told: no connection is reset, and dials
// wait, until the node is started again.
func (n *Node[P]) PowerOff() {
	n.t.Helper()
	n.must(die(powerOff, n.m))
}

// Restart stops the program if it runs, and starts it.
func (n *Node[P]) Restart() {
	n.t.Helper()
	n.Stop()
	n.Start()
}

// AwaitEvent awaits an event of that kind in the node's present life, or its
// last, and returns it.
func (n *Node[P]) AwaitEvent(kind journal.Kind, within time.Duration) (found journal.Event) {
	n.t.Helper()
	from := 0
	n.m.cluster.world.await(n.t, n.m.name+" "+string(kind), within, func() bool {
		for e := range n.m.cluster.journal.Events(from) {
			from = e.Seq + 1
			switch {
			case e.Where != n.m.name:
			case e.Kind == "node.start":
				found = journal.Event{}
			case e.Kind == kind && found.Seq == 0:
				found = e
			}
		}
		return found.Seq != 0
	})
	return found
}

// Pause makes the node stand still until resume is called: nothing leaves it
// or comes to it, its disk answers nothing. A process is stopped (SIGSTOP); in
// one process the goroutines and their timers go on.
func (n *Node[P]) Pause() (resume func()) { return n.fault("pause " + n.m.name) }

// Clock lets the node's clock run at another rate, 0.5 for half as fast, 1 for
// right. It reaches programs that take their time from Env; for another it
// fails the test.
func (n *Node[P]) Clock(rate float64) {
	n.t.Helper()
	n.must(n.m.pace(rate))
}

func (n *Node[P]) fault(what string) (end func()) {
	n.t.Helper()
	end, err := n.m.cluster.strike(what)
	n.must(err)
	return end
}

func (n *Node[P]) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatalf("clustertest: %v", err)
	}
}
