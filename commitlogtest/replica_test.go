// A bare node as a cluster's program: the replicated log without gRPC and Serf.

package commitlogtest_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/journal"
)

type (
	replicas = clustertest.Cluster[*replica]
	place    = clustertest.Node[*replica]
)

// A replica is a node and what it is told to run in.
type replica struct {
	*commitlog.Node
	env    *clustertest.Env
	mortal bool // it ends when its disk has failed, for something to start it again
}

// newReplica builds a node; the first one founds the cluster.
func newReplica(e *clustertest.Env) (*replica, error) { return buildReplica(e, commitlog.Config{}) }

func buildReplica(e *clustertest.Env, c commitlog.Config) (*replica, error) {
	l, err := e.Listen(context.Background(), "tcp", e.Name()+":8400")
	if err != nil {
		return nil, err
	}
	c.Name, c.Addr, c.Bootstrap = e.Name(), e.Name()+":8400", e.Index() == 0
	c.FS, c.Listener, c.Dial = e.FS(), l, e.Dial
	c.Tick, c.Now, c.Logger = e.Tick, e.Now, e.Logger()
	n, err := commitlog.New(c)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &replica{Node: n, env: e}, nil
}

// Run runs the node and tells its events.
func (r *replica) Run(ctx context.Context) error {
	told := make(chan struct{})
	go func() {
		defer close(told)
		for e := range r.Events(context.Background(), 0) {
			r.env.Event("log."+journal.Kind(e.Kind), e.Node, journal.Note{Key: "event", Value: e.String()})
			if r.mortal && e.Kind == commitlog.LatchedUp {
				r.Close()
			}
		}
	}()
	err := r.Node.Run(ctx)
	<-told
	if r.mortal && ctx.Err() == nil {
		return cmp.Or(r.Status().Failed, err)
	}
	return err
}

// found makes a cluster of all nodes: the first has founded it.
func found(c *replicas) {
	c.T.Helper()
	first := leader(c)
	for n := range c.Nodes() {
		if n != first {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			m := commitlog.Member{Name: n.Name(), Addr: n.Name() + ":8400", ID: n.Program().Status().ID}
			if err := first.Program().Join(ctx, m); err != nil {
				c.T.Fatalf("%s joins: %v", n.Name(), err)
			}
			cancel()
		}
	}
	awaitVoters(c)
}

func awaitVoters(c *replicas) {
	c.T.Helper()
	count := len(slices.Collect(c.Nodes()))
	c.Await("all are voters", time.Minute, func() bool {
		for n := range c.Running() {
			voters := 0
			for _, m := range n.Program().Status().Members {
				if !m.Learner {
					voters++
				}
			}
			if voters != count {
				return false
			}
		}
		return true
	})
}

// leader awaits a node that leads and is ready, other than those.
func leader(c *replicas, except ...*place) (found *place) {
	c.T.Helper()
	c.Await("a leader", time.Minute, func() bool {
		for n := range c.Running() {
			if n.Program().Status().Role == commitlog.Leading && !slices.Contains(except, n) {
				found = n
			}
		}
		return found != nil
	})
	return found
}

// produce appends one record and returns its place.
func produce(t *testing.T, n *place, value string) commitlog.Pos {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pos, err := n.Program().Produce(ctx, commitlog.Batch{Records: []commitlog.Record{{Value: []byte(value)}}})
	if err != nil {
		t.Fatalf("produce %q at %s: %v", value, n.Name(), err)
	}
	return pos
}

// values reads a node's whole log.
func values(t *testing.T, n *place) (all []string) {
	t.Helper()
	for r, err := range n.Program().Read(context.Background(), n.Program().Status().Low, commitlog.ReadOptions{}) {
		if err != nil {
			t.Fatalf("reading %s: %v", n.Name(), err)
		}
		all = append(all, string(r.Value))
	}
	return all
}

// same awaits that every running node holds these values.
func same(c *replicas, want ...string) {
	c.T.Helper()
	for n := range c.Running() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if len(want) > 0 {
			if err := n.Program().WaitOffset(ctx, uint64(len(want)-1)); err != nil {
				c.T.Fatalf("%s has not come to offset %d: %v (%+v)", n.Name(), len(want)-1, err, n.Program().Status())
			}
		}
		cancel()
		if got := values(c.T, n); !slices.Equal(got, want) {
			c.T.Fatalf("%s holds %s, not %s", n.Name(), brief(got), brief(want))
		}
	}
}

func brief(all []string) string {
	if len(all) > 12 {
		return fmt.Sprintf("%q... (%d)", all[:12], len(all))
	}
	return fmt.Sprintf("%q", all)
}
