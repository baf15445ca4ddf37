// The sweep: five members of serf amid faults, and what is true of them afterwards.

package gossip_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/examples/hunts/gossip"
	"github.com/rehearse-go/rehearse/vnet"
)

type cluster = clustertest.Cluster[*gossip.Member]

// lossy is a network that loses, doubles and reorders datagrams.
var lossy = vnet.Config{Link: vnet.LinkConfig{
	Latency: time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.01, Duplicate: 0.02, Reorder: 0.02,
}}

func build(e *clustertest.Env) (*gossip.Member, error) {
	return gossip.New(gossip.Config{
		Name: e.Name(), Join: e.Nodes(), Logger: e.Logger(),
		Listen: e.Listen, ListenPacket: e.ListenPacket, Dial: e.Dial,
	})
}

func TestMembersKnowEachOtherAgainAndHearEveryWord(t *testing.T) {
	sweep := clustertest.SweepConfig{Seeds: 4, Isolate: true, Config: clustertest.Config{Nodes: 5, Net: lossy}}
	clustertest.Sweep(t, sweep, build, func(t *testing.T, c *cluster) {
		awaitAll(c, "before", time.Minute)
		words := talk(c, c.Nemesis(clustertest.Nemesis{Within: 3 * time.Minute, Length: 30 * time.Second}))
		awaitAll(c, "after", 20*time.Minute, "leaving") // for that is found; see leaving_test.go
		heardAlike(c, words)
	})
}

// With these faults the sweep finds what is told in leaving_test.go, which it
// bears with unless $STRICT is set.
func TestMembersWhoComeAndGoKnowEachOtherAgain(t *testing.T) {
	borne := "leaving"
	if os.Getenv("STRICT") != "" {
		borne = "alive"
	}
	sweep := clustertest.SweepConfig{
		Seeds: 4, Isolate: true, Repeats: 4, Config: clustertest.Config{Nodes: 5, Net: lossy},
	}
	clustertest.Sweep(t, sweep, build, func(t *testing.T, c *cluster) {
		awaitAll(c, "before", time.Minute)
		c.Nemesis(clustertest.Nemesis{
			Within: 90 * time.Second, Pause: 3 * time.Second, Length: 10 * time.Second, Most: 3,
			Kinds: clustertest.Kinds("stop", "restart", "isolate", "split"),
		}).Wait()
		awaitAll(c, "after", 20*time.Minute, borne)
	})
}

// talk lets one member after the other say a word until the storm is over.
func talk(c *cluster, storm *clustertest.Storm) (words []string) {
	for i := 0; ; i++ {
		if n := c.Node(i % 5); n.Running() {
			word := fmt.Sprintf("word %d", i)
			words = append(words, word)
			if err := n.Program().Say(word); err != nil {
				c.T.Errorf("%s cannot say %q: %v", n.Name(), word, err)
			}
		}
		select {
		case <-storm.Done():
			return words
		case <-time.After(time.Second): // virtual
		}
	}
}

// heardAlike waits for the words to go round, and compares who heard which. A
// word is heard once in one life, and by everybody if by anybody: serf keeps
// the last 512 for those that come late.
func heardAlike(c *cluster, words []string) {
	c.T.Helper()
	const rounds = 10                     // of exchanging everything
	time.Sleep(rounds * 30 * time.Second) // virtual
	for _, word := range words {
		most := 0
		for n := range c.Nodes() {
			most = max(most, n.Program().Heard(word))
		}
		for n := range c.Nodes() {
			if heard := n.Program().Heard(word); heard != min(most, 1) {
				c.T.Errorf("%s heard %q %d times", n.Name(), word, heard)
			}
		}
	}
}

// awaitAll awaits that everybody knows everybody to be alive, or in the state
// that is borne with.
func awaitAll(c *cluster, when string, within time.Duration, borne ...string) {
	c.T.Helper()
	awaitNone(c, "strangers "+when, within, func() string { return strangers(c, borne...) })
}

// awaitNone awaits that nothing is odd any more, and else fails with what was
// odd last.
func awaitNone[P clustertest.Program](
	c *clustertest.Cluster[P], what string, within time.Duration, odd func() string,
) {
	c.T.Helper()
	last := ""
	defer func() {
		if last != "" {
			c.T.Errorf("%s: %s", what, last)
		}
	}()
	c.Await("no "+what, within, func() bool {
		last = odd()
		return last == ""
	})
}

// strangers tells who does not know whom to be alive, or in a state that is
// borne with.
func strangers(c *cluster, borne ...string) (odd string) {
	good := append(borne, "alive")
	for n := range c.Nodes() {
		for o := range c.Nodes() {
			if s := n.Program().Status(o.Name()); !slices.Contains(good, s) {
				odd += fmt.Sprintf("%s has %s as %s; ", n.Name(), o.Name(), s)
			}
		}
	}
	return odd
}
