// Three agents find each other, lose their leader to a partition and to a crash, and lose no record.

package agents_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/examples/agents"
	"github.com/rehearse-go/rehearse/vnet"
)

type (
	cluster = clustertest.Cluster[*agents.Agent]
	node    = clustertest.Node[*agents.Agent]
)

// lan is a network as between machines of one data centre.
var lan = vnet.Config{Link: vnet.LinkConfig{Latency: time.Millisecond, Jitter: time.Millisecond}}

func TestTheLogOutlivesItsLeader(t *testing.T) {
	trust := sync.OnceValue(newAuthority)
	disks := []*agents.Disk{agents.NewDisk(), agents.NewDisk(), agents.NewDisk()}
	build := func(e *clustertest.Env) (*agents.Agent, error) {
		return agents.New(agents.Config{
			Name: e.Name(), Bootstrap: e.Index() == 0, Join: e.Nodes(),
			TLS: trust().certify(e.Name()), Disk: disks[e.Index()], Logger: e.Logger(),
			Listen: e.Listen, ListenPacket: e.ListenPacket, Dial: e.Dial,
		})
	}
	clustertest.Run(t, clustertest.Config{Net: lan}, build, func(t *testing.T, c *cluster) {
		app := client{c, trust().certify("app")}
		awaitVoters(c)
		first := leader(c)
		app.produce(first, 0, "one")

		heal := c.Part(first.Index())
		second := leader(c, first)
		app.produce(second, 1, "two")
		heal()
		app.consumeEverywhere("one", "two")

		second.Crash()
		app.produce(leader(c), 2, "three")
		second.Start()
		app.consumeEverywhere("one", "two", "three")
	})
}

// awaitVoters awaits that every node knows every node to be a voter.
func awaitVoters(c *cluster) {
	c.T.Helper()
	c.Await("three voters", time.Minute, func() bool {
		for n := range c.Nodes() {
			if len(n.Program().Voters()) < 3 {
				return false
			}
		}
		return true
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
