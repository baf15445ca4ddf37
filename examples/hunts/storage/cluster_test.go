// Three members of a replicated list that keep their logs with raft-wal, amid crashes.

package storage_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/examples/raft"
	"github.com/rehearse-go/rehearse/vnet"
)

type members = clustertest.Cluster[*raft.Member]

// stormy is what befalls members: README.md tells what "crash poweroff" finds.
var stormy = flag.String("stormy", "isolate", "the kinds of faults that befall the cluster")

func TestMembersAgreeAfterAStorm(t *testing.T) {
	clustertest.Sweep(t, clustertest.SweepConfig{Seeds: 10, Config: clustertest.Config{
		Mode: clustertest.Bubble, Net: vnet.Config{Link: vnet.LinkConfig{Latency: time.Millisecond}},
	}}, newMember, addInAStorm)
}

func newMember(e *clustertest.Env) (*raft.Member, error) {
	return raft.New(raft.Config{
		Name: e.Name(), Peers: e.Nodes(), Disk: e.FS(), SegmentSize: 4096,
		Listen: e.Listen, Dial: e.Dial, Logger: e.Logger(),
	})
}

// addInAStorm adds words while faults befall the members; in the end all have
// the same list, with every word that was acknowledged.
func addInAStorm(t *testing.T, c *members) {
	kinds := clustertest.Kinds(strings.Fields(*stormy)...)
	storm := c.Nemesis(clustertest.Nemesis{Kinds: kinds, Within: 30 * time.Second})
	var p promise
	for i := 0; !over(storm); i++ {
		addToLeader(c, &p, fmt.Sprint(1_000_000+i))
		time.Sleep(20 * time.Millisecond) // virtual
	}
	sameEverywhere(c, p)
}

func over(s *clustertest.Storm) bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

func addToLeader(c *members, p *promise, word string) {
	for n := range c.Running() {
		if m := n.Program(); m.Leads() {
			p.ask(word)
			if m.Add(word) == nil {
				p.keep(word)
			}
			return
		}
	}
}

func sameEverywhere(c *members, p promise) {
	c.T.Helper()
	c.Await("the same list everywhere, with every word that was acknowledged", time.Minute, func() bool {
		words := c.Node(0).Program().Words()
		for n := range c.Nodes() {
			if !slices.Equal(n.Program().Words(), words) {
				return false
			}
		}
		return p.judge(words) == nil
	})
}
