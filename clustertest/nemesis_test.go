// The nemesis: the same seed does the same, and what it breaks is whole again.

package clustertest_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/journal"
)

// stormed runs three stores through a nemesis while a client writes to each in
// turn, and returns the schedule and the journal.
func stormed(t *testing.T, seed uint64) (list clustertest.Faults, events []journal.Event) {
	t.Helper()
	config := clustertest.Config{Mode: clustertest.Bubble, Seed: seed}
	clustertest.Run(t, config, newStore, func(t *testing.T, c *clustertest.Cluster[*store]) {
		for n := range c.Nodes() {
			n.AwaitEvent("store.ready", soon)
		}
		storm := c.Nemesis(clustertest.Nemesis{Within: 30 * time.Second})
		list = storm.Faults()
		acked := map[string]string{}
		for i := 0; ; i++ {
			select {
			case <-storm.Done():
				for n := range c.Nodes() {
					n.AwaitEvent("store.ready", soon)
				}
				for _, key := range slices.Sorted(maps.Keys(acked)) {
					say(c, acked[key], "get "+key, "="+key)
				}
				c.Settle()
				events = slices.Collect(c.Journal().Events(0))
				return
			case <-time.After(250 * time.Millisecond): // virtual
			}
			key, node := fmt.Sprint("k", i), fmt.Sprint("n", i%3)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if got, err := ask(ctx, c.Dial, node, "put "+key+" "+key); err == nil && got == "ok" {
				acked[key] = node
			}
			cancel()
		}
	})
	return list, events
}

// Times and bytes too: this program draws nothing by itself.
func TestTheSameSeedGivesTheSameStorm(t *testing.T) {
	first, events := stormed(t, 7)
	if len(first) < 3 {
		t.Fatalf("a storm of %d faults shows nothing: %v", len(first), first)
	}
	for round := range 100 {
		list, again := stormed(t, 7)
		if list.String() != first.String() {
			t.Fatalf("round %d: the faults differ:\n%v\n%v", round, list, first)
		}
		if diff := journal.Diff(slices.Values(events), slices.Values(again)); diff != "" {
			t.Fatalf("round %d of %v:\n%s", round, first, diff)
		}
	}
	if other, _ := stormed(t, 8); other.String() == first.String() {
		t.Error("another seed drew the same")
	}
}

func TestManySeedsLeaveNothingBroken(t *testing.T) {
	kinds := map[string]int{}
	for seed := range uint64(40) {
		list, _ := stormed(t, seed+1)
		for _, f := range list {
			kind, _, _ := strings.Cut(f.What, " ")
			kinds[kind]++
		}
	}
	if len(kinds) < 9 {
		t.Errorf("40 storms did only %v", kinds)
	}
}

func TestAStormThatIsStoppedEndsWhatItDid(t *testing.T) {
	onStores(t, 3, func(t *testing.T, c *clustertest.Cluster[*store]) {
		list, err := clustertest.ParseFaults("1s part n0; 2s+1h crash n1; 3s+1h pause n2")
		if err != nil {
			t.Fatal(err)
		}
		storm := c.Nemesis(clustertest.Nemesis{Faults: list, Within: time.Hour, Majority: true})
		time.Sleep(10 * time.Second) // virtual
		if c.Node(1).Running() {
			t.Error("n1 was to crash")
		}
		storm.Stop()
		for n := range c.Nodes() {
			n.AwaitEvent("store.ready", soon)
			say(c, n.Name(), "get who", "="+n.Name())
		}
	})
}
