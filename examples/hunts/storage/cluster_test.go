// Three members of a replicated list that keep their logs with raft-wal, amid crashes.

package storage_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/examples/raft"
	"github.com/rehearse-go/rehearse/vnet"
)

type members = clustertest.Cluster[*raft.Member]

// stormy is what befalls members: go test -run Members -stormy="crash poweroff" -rehearse.seeds=100
var stormy = flag.String("stormy", "isolate", "the kinds of faults that befall the cluster")

func TestMembersAgreeAfterAStorm(t *testing.T) {
	sweep := clustertest.SweepConfig{Seeds: 20, Isolate: true, Config: clustertest.Config{
		Mode: clustertest.Bubble, Net: vnet.Config{Link: vnet.LinkConfig{Latency: time.Millisecond}},
	}}
	clustertest.Sweep(t, sweep, newMember, addInAStorm)
}

// A member that has lost a part of its log to a new leader, as is usual, and
// is then started again, panics: hashicorp/raft-wal#31. Since such a run ends
// its process, another process does it.
func TestTheStormFindsALogThatCannotBeReadAgain(t *testing.T) {
	again := exec.CommandContext(t.Context(), os.Args[0],
		"-test.run=^TestMembersAgreeAfterAStorm$", "-stormy=crash poweroff", "-rehearse.seeds=500")
	told, err := again.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); !failed {
		t.Fatalf("500 seeds find nothing: %v\n%s", err, told)
	}
	for line := range strings.Lines(string(told)) {
		if strings.Contains(line, "smallest faults:") || strings.HasPrefix(line, "replay") {
			t.Log(line)
		}
	}
	if !bytes.Contains(told, []byte("panic: sealed segment has no index block")) {
		t.Errorf("it found something else:\n%s", told)
	}
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
	storm := c.Nemesis(clustertest.Nemesis{
		Kinds: clustertest.Kinds(strings.Fields(*stormy)...), Within: 30 * time.Second,
	})
	var p promise
	for i := 0; ; i++ {
		addToLeader(c, &p, fmt.Sprint(1_000_000+i))
		select {
		case <-storm.Done():
			sameEverywhere(c, p)
			return
		case <-time.After(20 * time.Millisecond): // virtual
		}
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
