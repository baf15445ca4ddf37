// Three members elect a leader, lose it to a partition and to a crash, and go on without it.

package raft_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/examples/raft"
	"github.com/rehearse-go/rehearse/vnet"
)

type (
	cluster = clustertest.Cluster[*raft.Member]
	node    = clustertest.Node[*raft.Member]
)

// lan is a network as between machines of one data centre.
var lan = vnet.Config{Link: vnet.LinkConfig{Latency: time.Millisecond, Jitter: time.Millisecond}}

func TestAListOutlivesItsLeader(t *testing.T) {
	clustertest.Run(t, clustertest.Config{Net: lan}, newMember, func(t *testing.T, c *cluster) {
		first := leader(c)
		add(c, first, "one")

		heal := c.Isolate(first.Index())
		second := leader(c, first)
		add(c, second, "two")
		heal()
		awaitWords(c, "one", "two")

		second.Crash()
		add(c, leader(c), "three")
		second.Start()
		awaitWords(c, "one", "two", "three")
	})
}

func TestAListOutlivesEverybody(t *testing.T) {
	clustertest.Run(t, clustertest.Config{Net: lan}, newMember, func(t *testing.T, c *cluster) {
		add(c, leader(c), "one")
		for n := range c.Nodes() {
			n.Crash() // of its log, what was not synced is gone
		}
		for n := range c.Nodes() {
			n.Start()
		}
		add(c, leader(c), "two")
		awaitWords(c, "one", "two")
	})
}

func newMember(e *clustertest.Env) (*raft.Member, error) {
	return raft.New(raft.Config{
		Name: e.Name(), Peers: e.Nodes(), Disk: e.FS(),
		Listen: e.Listen, Dial: e.Dial, Logger: e.Logger(),
	})
}

// leader awaits a node that leads, other than those, and returns it.
func leader(c *cluster, except ...*node) (found *node) {
	c.T.Helper()
	c.Await("a leader", time.Minute, func() bool {
		for n := range c.Running() {
			if n.Program().Leads() && !slices.Contains(except, n) {
				found = n
			}
		}
		return found != nil
	})
	return found
}

// add lets a node add a word.
func add(c *cluster, n *node, word string) {
	c.T.Helper()
	if err := n.Program().Add(word); err != nil {
		c.T.Fatalf("%s cannot add %q: %v", n.Name(), word, err)
	}
}

// awaitWords awaits that every node has exactly these words.
func awaitWords(c *cluster, words ...string) {
	c.T.Helper()
	c.Await("the same list everywhere", time.Minute, func() bool {
		for n := range c.Nodes() {
			if !slices.Equal(n.Program().Words(), words) {
				return false
			}
		}
		return true
	})
}
