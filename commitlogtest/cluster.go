// A cluster of agents, and what a test asks of it.

package commitlogtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/commitlog/client"
	"github.com/rehearse-go/rehearse/journal"
)

// A Config describes a cluster. The zero Config is three agents with mutual
// TLS, the first of which founds the cluster and the others join.
type Config struct {
	clustertest.Config // a Grace of 0 is a minute in all modes, as agents in processes start slowly on a busy machine

	// Plain leaves TLS and access rules away, as for tests that are about
	// something else: certificates take a third of the time.
	Plain bool

	// Agent has the last word about a node's Config; if nil, it stays as it is:
	// the agent's usual one, but for segments of 1 MiB.
	Agent func(*agent.Config, *clustertest.Env)

	// Within is how long the cluster's methods wait; if 0, a minute, the
	// bubble's or real.
	Within time.Duration
}

// A Node is one node of a cluster: see clustertest.Node for what can befall it.
type Node = clustertest.Node[*Agent]

// A Cluster is agents and what lies between them: see clustertest.Cluster for
// faults, and for Await.
type Cluster struct {
	*clustertest.Cluster[*Agent]
	config  Config
	trust   *trust
	clients map[string]*client.Client
}

// Run runs body on a cluster of agents, as clustertest.Run does.
func Run(t *testing.T, c Config, body func(t *testing.T, c *Cluster)) {
	t.Helper()
	trust := newTrust(t, c)
	c.Grace = cmp.Or(c.Grace, time.Minute)
	clustertest.Run(t, c.Config, builder(c, trust), func(t *testing.T, in *clustertest.Cluster[*Agent]) {
		body(t, newCluster(c, trust, in))
	})
}

// Sweep runs body on a cluster of agents for many seeds, as clustertest.Sweep
// does.
func Sweep(t *testing.T, s clustertest.SweepConfig, c Config, body func(t *testing.T, c *Cluster)) {
	t.Helper()
	trust := newTrust(t, c)
	c.Grace = cmp.Or(c.Grace, time.Minute)
	clustertest.Sweep(t, s, builder(c, trust), func(t *testing.T, in *clustertest.Cluster[*Agent]) {
		body(t, newCluster(c, trust, in))
	})
}

func newCluster(c Config, trust *trust, in *clustertest.Cluster[*Agent]) *Cluster {
	if c.Within == 0 {
		c.Within = time.Minute
	}
	return &Cluster{Cluster: in, config: c, trust: trust, clients: map[string]*client.Client{}}
}

// Client returns a client whose certificate has this common name: the rules
// let "root" do everything and others nothing, unless Config.Agent changes
// them. It has a producer's ID, so that what it sends again is in the log once,
// also if a leader ends at the wrong moment. It is closed with the cluster.
func (c *Cluster) Client(name string) *client.Client {
	c.T.Helper()
	if it, ok := c.clients[name]; ok {
		return it
	}
	var addrs []string
	for n := range c.Nodes() {
		addrs = append(addrs, rpcAddr(n.Name()))
	}
	config := client.Config{
		Addrs: addrs, Dial: c.Dial, Plaintext: c.config.Plain,
		Producer: hashed("commitlogtest client " + name),
	}
	if !c.config.Plain {
		secured, err := c.trust.authority.ClientTLS(name)
		if err != nil {
			c.T.Fatalf("commitlogtest: a certificate for %s: %v", name, err)
		}
		config.TLS = secured
	}
	it, err := client.New(config)
	if err != nil {
		c.T.Fatalf("commitlogtest: %v", err)
	}
	c.T.Cleanup(func() { it.Close() })
	c.clients[name] = it
	return it
}

// context is how long a method waits.
func (c *Cluster) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), c.config.Within)
}

// Leader awaits a leader other than those, as clients know it, and returns it.
func (c *Cluster) Leader(except ...*Node) *Node {
	c.T.Helper()
	ctx, cancel := c.context()
	defer cancel()
	var names []string
	for _, n := range except {
		names = append(names, n.Name())
	}
	leader, err := c.Client("root").Leader(ctx, names...)
	if err != nil {
		c.T.Fatalf("commitlogtest: nobody leads but %q: %v", names, err)
	}
	return c.named(leader.ID)
}

func (c *Cluster) named(name string) *Node {
	c.T.Helper()
	for n := range c.Nodes() {
		if n.Name() == name {
			return n
		}
	}
	c.T.Fatalf("commitlogtest: there is no node %q", name)
	return nil
}

// AwaitVoters awaits that so many nodes vote, as all of the events so far and
// to come tell.
func (c *Cluster) AwaitVoters(count int) {
	c.T.Helper()
	voters := map[string]bool{}
	c.AwaitEvent(fmt.Sprintf("%d voters", count), c.config.Within, func(e journal.Event) bool {
		switch {
		case e.Kind == kindOf(commitlog.MemberAdded) && noteOf(e) == "voter":
			voters[e.Subject] = true
		case e.Kind == kindOf(commitlog.MemberGone):
			delete(voters, e.Subject)
		}
		return len(voters) == count
	})
}

// Produce appends values as "root", one record each, and returns where the
// last lies. It fails the test if they are not acknowledged.
func (c *Cluster) Produce(values ...string) (last commitlog.Pos) {
	c.T.Helper()
	for _, value := range values {
		ctx, cancel := c.context()
		pos, err := c.Client("root").Produce(ctx, client.Record{Value: []byte(value)})
		cancel()
		if err != nil {
			c.T.Fatalf("commitlogtest: produce %q: %v", value, err)
		}
		last = pos
	}
	return last
}

// Consume returns the values that a node holds, from the first to the last
// there is.
func (c *Cluster) Consume(n *Node) (values []string) {
	c.T.Helper()
	ctx, cancel := c.context()
	defer cancel()
	ctx = client.OnNode(ctx, n.Name())
	for r, err := range c.Client("root").Consume(ctx, 0, client.Options{ToEnd: true}) {
		if err != nil {
			c.T.Fatalf("commitlogtest: consume from %s, after %d records: %v", n.Name(), len(values), err)
		}
		values = append(values, string(r.Value))
	}
	return values
}

// AwaitEverywhere awaits that every node that runs has as many records, and
// fails the test unless they are these.
func (c *Cluster) AwaitEverywhere(values ...string) {
	c.T.Helper()
	for n := range c.Running() {
		ctx, cancel := c.context()
		err := c.Client("root").WaitOffset(client.OnNode(ctx, n.Name()), uint64(len(values)-1))
		cancel()
		if err != nil {
			c.T.Fatalf("commitlogtest: %s has not come to offset %d: %v", n.Name(), len(values)-1, err)
		}
		if got := c.Consume(n); !slices.Equal(got, values) {
			c.T.Fatalf("commitlogtest: %s holds %q, not %q", n.Name(), got, values)
		}
	}
}
