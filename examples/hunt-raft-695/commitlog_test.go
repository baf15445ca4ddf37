// The replicated log of this repository as a member, for which nothing must be found.

package hunt_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
)

// A replica is a member that runs a commitlog.Node. What others write into
// memory it writes to its disk.
type replica struct {
	*commitlog.Node
	name    string
	stopped chan struct{}
}

// commits is the subject. The clock of n0 is slow.
func commits(e *clustertest.Env) (member, error) {
	l, err := e.Listen(context.Background(), "tcp", e.Name()+":7000")
	if err != nil {
		return nil, err
	}
	c := commitlog.Config{
		Name: e.Name(), Addr: e.Name() + ":7000", Bootstrap: e.Index() == 0,
		FS: e.FS(), Listener: l, Dial: e.Dial, Tick: e.Tick, Now: e.Now, Logger: e.Logger(),
		Heartbeat: 100 * time.Millisecond,
	}
	if e.Index() == 0 {
		c.Heartbeat *= slow
	}
	n, err := commitlog.New(c)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &replica{Node: n, name: e.Name(), stopped: make(chan struct{})}, nil
}

// Run runs the node until ctx is done.
func (n *replica) Run(ctx context.Context) error {
	defer close(n.stopped)
	return n.Node.Run(ctx)
}

// Found lets the others join the cluster that n0 is.
func (n *replica) Found(others ...member) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, m := range others {
		o := m.(*replica)
		// Who has not joined is told of as one who is behind.
		_ = n.Join(ctx, commitlog.Member{Name: o.name, Addr: o.name + ":7000", ID: o.Status().ID})
		_ = n.WaitMembers(ctx, func(all []commitlog.Member) bool {
			return slices.ContainsFunc(all, func(m commitlog.Member) bool { return m.Name == o.name && !m.Learner })
		})
	}
}

// Leads tells whether the node believes that it leads.
func (n *replica) Leads() bool { return n.Status().Role == commitlog.Leading }

// Write appends a record.
func (n *replica) Write(data string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	b := commitlog.Batch{Records: []commitlog.Record{{Value: []byte(data)}}}
	_, _ = n.Enqueue(ctx, b) // nobody asks what becomes of it
}

// Applied returns the records that can be read.
func (n *replica) Applied() (all []entry) {
	for r, err := range n.Read(context.Background(), 0, commitlog.ReadOptions{}) {
		if err != nil {
			return append(all, entry{Data: err.Error()})
		}
		all = append(all, entry{r.Index, r.Term, string(r.Value)})
	}
	return all
}

// Log returns what is applied: what is not cannot be read.
func (n *replica) Log() []entry { return n.Applied() }

// Stop ends the node.
func (n *replica) Stop() (ended <-chan struct{}) {
	go n.Close()
	return n.stopped
}

// Free has nothing to do: a Stop ends.
func (n *replica) Free() {}

func TestTheCommitLogStandsTheSameSchedule(t *testing.T) {
	counts := counting(t)
	s := clustertest.SweepConfig{Seeds: 40, Isolate: true}
	clustertest.Sweep(t, s, commits, body(oldLeader, "", ""))
	t.Log(counts())
}
