// The same storms on agents, whose clients speak gRPC.

package commitlogtest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/commitlog/client"
	"github.com/rehearse-go/rehearse/commitlogtest"
	"github.com/rehearse-go/rehearse/vdisk"
	"github.com/rehearse-go/rehearse/vnet"
)

// Datagrams, by which agents find each other, come twice, late, or not at all.
func TestNoStormLosesWhatAgentsAcknowledged(t *testing.T) {
	s := clustertest.SweepConfig{Seeds: 10, Isolate: true}
	c := commitlogtest.Config{
		Config: clustertest.Config{
			Mode: clustertest.Bubble, Disk: vdisk.Config{Latency: time.Millisecond},
			Net: vnet.Config{Link: vnet.LinkConfig{
				Latency: time.Millisecond, Duplicate: 0.05, Reorder: 0.05, Loss: 0.01,
			}},
		},
		Plain: true,
		Agent: func(c *agent.Config, _ *clustertest.Env) { c.Segment = 16 << 10 },
	}
	s.Config = c.Config
	commitlogtest.Sweep(t, s, c, stormOfAgents)
}

// errBehind is of a read without a record. On the wire records have no index,
// so a reader cannot ask a follower to have come as far as another.
var errBehind = errors.New("the node may be behind")

func stormOfAgents(t *testing.T, c *commitlogtest.Cluster) {
	c.AwaitVoters(3)
	to := c.Client("root")
	w := newWeather(t, c.Rand)
	w.write = func(ctx context.Context, _ *rand.Rand, b commitlog.Batch) (commitlog.Pos, error) {
		return to.ProduceBatch(ctx, b)
	}
	w.fetch = func(
		ctx context.Context, _ *rand.Rand, from uint64, o commitlog.ReadOptions,
	) (all []commitlog.Record, _ error) {
		options := client.Options{Level: o.Level, MinIndex: o.MinIndex, ToEnd: true}
		for r, err := range to.Consume(ctx, from, options) {
			if err != nil {
				return nil, err
			}
			if all = append(all, r); len(all) == 20 {
				return all, nil
			}
		}
		switch {
		case len(all) > 0:
			return all, nil
		case o.Level == commitlog.Linearizable:
			return nil, commitlog.OffsetOutOfRange{Offset: from, Next: from}
		}
		return nil, errBehind
	}
	w.rage(c.Nemesis(clustertest.Nemesis{Majority: true}))
	c.Leader()
	last := c.Produce("last")
	var nodes []*commitlog.Node
	for n := range c.Nodes() {
		nodes = append(nodes, n.Program().Node())
	}
	w.judge(nodes, last)
}
