// Nodes that are added and removed while producers are at work.

package commitlogtest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
)

// Five nodes, three, and five again, under load: whatever was acknowledged is
// there, in order.
func TestClustersGrowAndShrinkUnderLoad(t *testing.T) {
	book := &register{}
	clustertest.Run(t, clustertest.Config{}, book.build, func(t *testing.T, c *replicas) {
		found(c)
		end := make(chan struct{})
		written := make(chan []string)
		go func() { written <- book.load(t, end) }()
		four, five := c.Add(), c.Add()
		join(t, leader(c), member(four))
		join(t, leader(c), member(five))
		awaitVoters(c)
		first := leader(c)
		for _, n := range others(c, first, four, five) {
			remove(t, first, n.Name())
			n.Stop()
		}
		if n := len(first.Program().Status().Members); n != 3 {
			t.Errorf("%d members", n)
		}
		first.Crash()
		leader(c)
		first.Start()
		for n := range c.Nodes() {
			if !n.Running() {
				n.Start()
				join(t, leader(c), member(n))
			}
		}
		awaitVoters(c)
		close(end)
		want := <-written
		if len(want) < 20 {
			t.Errorf("only %d records were written", len(want))
		}
		same(c, want...)
	})
}

// A register knows the replicas that were built, for goroutines beside the test's.
type register struct {
	mu  sync.Mutex
	all []*replica
}

func (r *register) build(e *clustertest.Env) (*replica, error) {
	n, err := newReplica(e)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, n)
	}
	return n, err
}

// leading is a replica that leads, or any.
func (r *register) leading() *replica {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.all {
		if n.Status().Role == commitlog.Leading {
			return n
		}
	}
	return r.all[len(r.all)-1]
}

// load produces numbers, each until it is in the log, and returns them.
func (r *register) load(t *testing.T, end <-chan struct{}) (all []string) {
	for sequence := uint64(1); ; sequence++ {
		value := fmt.Sprint(sequence)
		b := commitlog.Batch{Producer: 9, Sequence: sequence, Records: []commitlog.Record{{Value: []byte(value)}}}
		for {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			_, err := r.leading().Produce(ctx, b)
			cancel()
			if err == nil {
				break
			}
			if errors.As(err, new(commitlog.WrongSequence)) {
				t.Errorf("sequence %d: %v", sequence, err)
			}
			time.Sleep(20 * time.Millisecond) // virtual
		}
		all = append(all, value)
		select {
		case <-end:
			return all
		case <-time.After(10 * time.Millisecond): // virtual
		}
	}
}
