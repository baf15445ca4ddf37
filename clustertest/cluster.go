// A Cluster: its nodes, what a test awaits of them, how they come and go.

package clustertest

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// A Cluster is n nodes and what lies between them. Its methods, unless they
// say otherwise, are called on the test's own goroutine and fail the test when
// something goes wrong.
type Cluster[P Program] struct {
	// T is the test within the cluster's world: in a bubble, the bubble's.
	T *testing.T

	core  *cluster
	build func(*Env) (P, error)
	nodes []*Node[P]
}

// cluster is the part of a Cluster that does not depend on the program.
type cluster struct {
	t       *testing.T
	config  Config
	run     int // the number of its Run among those of its test
	seed    uint64
	journal *journal.Journal
	world   world
	root    string // of the nodes' real directories
	network *vnet.Network
	storms  int // nemeses so far

	members roll
	force   forces
}

// Seed is the seed that decides every chance of the cluster.
func (c *Cluster[P]) Seed() uint64 { return c.core.seed }

// Mode is what the cluster is made of.
func (c *Cluster[P]) Mode() Mode { return c.core.config.Mode }

// Journal is everything that happened so far.
func (c *Cluster[P]) Journal() *journal.Journal { return c.core.journal }

// Network is the virtual network, with links to set, rules to add, segments to
// hold. It is there in a Bubble; elsewhere the test fails.
func (c *Cluster[P]) Network() *vnet.Network {
	c.T.Helper()
	if c.core.network == nil {
		c.T.Fatalf("clustertest: %v", errCannot(c.Mode(), "Network"))
	}
	return c.core.network
}

// Rand returns a generator of its own for the name: the same seed and name
// give the same numbers.
func (c *Cluster[P]) Rand(name string) *rand.Rand {
	return rand.New(rand.NewPCG(c.core.seed, keyed(c.core.seed, "body", name)))
}

// Node returns the node of that number, from 0 in the order of adding.
func (c *Cluster[P]) Node(i int) *Node[P] {
	c.T.Helper()
	for _, n := range c.nodes {
		if n.m.index == i {
			return n
		}
	}
	c.T.Fatalf("clustertest: there is no node %d; there are %s", i, strings.Join(c.core.names(), ", "))
	return nil
}

// Nodes yields the nodes, running or not, in the order of adding.
func (c *Cluster[P]) Nodes() iter.Seq[*Node[P]] { return slices.Values(slices.Clone(c.nodes)) }

// Running yields the nodes whose program runs.
func (c *Cluster[P]) Running() iter.Seq[*Node[P]] {
	return func(yield func(*Node[P]) bool) {
		for n := range c.Nodes() {
			if n.Running() && !yield(n) {
				return
			}
		}
	}
}

// Host returns a place on the network that is no node, for clients: it is
// added when it is new. Faults name it as they name nodes.
func (c *Cluster[P]) Host(name string) Host { return c.core.world.host(name) }

// Dial dials from the host "client".
func (c *Cluster[P]) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return c.Host("client").Dial(ctx, network, address)
}

// Add adds a node and starts it.
func (c *Cluster[P]) Add() *Node[P] {
	c.T.Helper()
	n := c.add()
	n.Start()
	return n
}

func (c *Cluster[P]) add() *Node[P] {
	n := &Node[P]{t: c.T, m: c.core.join(func(e *Env) (Program, error) { return c.build(e) })}
	c.nodes = append(c.nodes, n)
	return n
}

// Remove stops a node and forgets it. Its name is not given again.
func (c *Cluster[P]) Remove(n *Node[P]) {
	c.T.Helper()
	n.Stop()
	c.nodes = slices.DeleteFunc(c.nodes, func(o *Node[P]) bool { return o == n })
	c.core.members.strike(n.m)
}

// RollingRestart restarts one node after the other; the next once ready says
// of the last that it may.
func (c *Cluster[P]) RollingRestart(within time.Duration, ready func(*Node[P]) bool) {
	c.T.Helper()
	for n := range c.Nodes() {
		n.Restart()
		c.Await(n.Name()+" ready again", within, func() bool { return ready(n) })
	}
}

// Await returns when ok holds. It asks at once, then whenever something has
// happened (on the network, on a disk, an event of a node) and, in a bubble,
// everybody rests; never by a clock. It ends the test when ok does not hold
// within that time, the bubble's or real: it says what was awaited, which
// faults are in force and what the nodes did last. What changes without a word
// in the journal is seen at the next event, or at the end; Env.Event says a
// word.
func (c *Cluster[P]) Await(what string, within time.Duration, ok func() bool) {
	c.T.Helper()
	c.core.world.await(c.T, what, within, ok)
}

// AwaitEvent awaits an event, the first of the whole journal that is as when
// says, and returns it.
func (c *Cluster[P]) AwaitEvent(
	what string, within time.Duration, when func(journal.Event) bool,
) (found journal.Event) {
	c.T.Helper()
	from := 0
	c.Await(what, within, func() bool {
		for e := range c.core.journal.Events(from) {
			if from = e.Seq + 1; when(e) {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

// Settle waits until every goroutine rests: without time passing, nothing more
// will happen. It is there in a Bubble; elsewhere the test fails.
func (c *Cluster[P]) Settle() {
	c.T.Helper()
	if c.core.world.settle() != nil {
		c.T.Fatalf("clustertest: %v", errCannot(c.Mode(), "Settle"))
	}
}

// names are the nodes' names, in the order of adding.
func (c *cluster) names() (names []string) {
	for _, m := range c.members.load() {
		names = append(names, m.name)
	}
	return names
}

// member returns the member of that name, or nil.
func (c *cluster) member(name string) *member {
	for _, m := range c.members.load() {
		if m.name == name {
			return m
		}
	}
	return nil
}

// situation tells the seed, the faults in force, and what each node did last.
func (c *cluster) situation() string {
	var b strings.Builder
	fmt.Fprintf(&b, "clustertest: seed %#x, faults in force: %s\n", c.seed, c.force.String())
	last := map[string][]journal.Event{}
	for e := range c.journal.Events(0) {
		if tail := append(last[e.Where], e); len(tail) > 5 {
			last[e.Where] = tail[1:]
		} else {
			last[e.Where] = tail
		}
	}
	for _, m := range c.members.load() {
		fmt.Fprintf(&b, "%s %s\n", m.name, stateNames[m.state.Load()])
		for _, e := range last[m.name] {
			fmt.Fprintf(&b, "  %v\n", e)
		}
	}
	return b.String()
}
