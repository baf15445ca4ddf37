// What the sweep found in serf, in the fewest steps: a member that came back is leaving for good.

package gossip_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
)

// n0 is cut off from the others when n3 leaves them, and n3 comes back on n0's
// side. When the two sides meet, n1 still lists n3 among those that left. n0,
// which knows better, believes it: n3 is "leaving" there, though it lives and
// every packet says so. Nobody tells n3, who would contradict.
//
// The waits are for every join to be heard of, and for n1 and n2 to exchange
// what they know, which makes n3's leave later each time.
//
// Half an hour changes nothing. When n3 is then out of reach for a while, n0 says
// that it has left, not failed, and convinces the others.
func TestAMemberThatCameBackIsLeavingForGood(t *testing.T) {
	clustertest.Run(t, clustertest.Config{Nodes: 4}, build, func(t *testing.T, c *cluster) {
		awaitAll(c, "before", time.Minute)
		time.Sleep(10 * time.Second) // virtual
		heal := c.Part(0)
		awaitStatus(c, 0, "n3", "failed")
		c.Node(3).Stop()
		awaitStatus(c, 1, "n3", "left")

		join := c.Fault("part n3 n1,n2") // lasts longer, so that it is not n3 who tells n1 and n2
		heal()
		heal = c.Part(0, 3)
		c.Node(3).Start()
		awaitStatus(c, 0, "n3", "alive")
		awaitStatus(c, 1, "n0", "failed")
		time.Sleep(3 * time.Minute) // virtual
		heal()
		awaitStatus(c, 1, "n3", "alive")
		join()

		time.Sleep(30 * time.Minute) // virtual
		if odd := strangers(c); odd != "n0 has n3 as leaving; " {
			t.Fatalf("after half an hour: %q; if it is mended, this finding is no more", odd)
		}

		c.Isolate(3)
		time.Sleep(5 * time.Minute) // virtual
		for i := range 3 {
			if got := c.Node(i).Program().Status("n3"); got != "left" {
				t.Errorf("n%d has n3, which is cut off, as %s; this finding is no more", i, got)
			}
		}
	})
}

// awaitStatus awaits that a node knows another to be in that state.
func awaitStatus(c *cluster, node int, name, status string) {
	c.T.Helper()
	n := c.Node(node)
	c.Await(n.Name()+" to have "+name+" as "+status, 5*time.Minute, func() bool {
		return n.Program().Status(name) == status
	})
}
