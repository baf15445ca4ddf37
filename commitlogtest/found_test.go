// What storms have found, each by itself.

package commitlogtest_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
)

// While a leader hands over, Raft takes nothing. A retry of what is in the log
// was then answered again and again, until that blocked the node.
func TestARetryWhileLeadershipMovesIsAnsweredOnce(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		send := func(producer, sequence uint64) commitlog.Pending {
			t.Helper()
			b := commitlog.Batch{
				Producer: producer, Sequence: sequence, Records: []commitlog.Record{{Value: []byte("x")}},
			}
			p, err := first.Program().Enqueue(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		if _, err := send(7, 1).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		to := c.Node((first.Index() + 1) % 3)
		heal := c.Part(to.Index())
		moved := make(chan error, 1)
		go func() { moved <- first.Program().Transfer(context.Background(), to.Name()) }()
		c.Settle()
		again, next := send(7, 1), send(8, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, p := range []commitlog.Pending{again, next} {
			if _, err := p.Wait(ctx); err != nil {
				t.Error(err)
			}
		}
		if err := <-moved; err == nil {
			t.Error("it was handed over to a node that nobody reaches")
		}
		heal()
		same(c, "x", "x")
	})
}

// A leader that was cut off began a segment behind what was not committed.
// When it came back, it took all before the segment for committed.
func TestASegmentMayBeginBehindWhatIsNotCommitted(t *testing.T) {
	small := func(e *clustertest.Env) (*replica, error) {
		return buildReplica(e, commitlog.Config{Segment: tiny})
	}
	clustertest.Run(t, clustertest.Config{}, small, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		produce(t, first, "one")
		heal := c.Part(first.Index())
		lost := commitlog.Batch{Records: []commitlog.Record{{Value: []byte(strings.Repeat("x", tiny/2))}}}
		for range 3 {
			if _, err := first.Program().Enqueue(t.Context(), lost); err != nil {
				t.Fatal(err)
			}
			c.Settle()
		}
		first.AwaitEvent("log.rolled", time.Second)
		first.Crash()
		produce(t, leader(c), "two")
		heal()
		first.Start()
		produce(t, leader(c), "three")
		same(c, "one", "two", "three")
	})
}

// Raft panics when the log cannot be read; the node then took its process
// along.
func TestANodeThatCannotReadItsLogStandsStill(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		behind := c.Node((first.Index() + 1) % 3)
		behind.Crash()
		produce(t, first, "one")
		for n := range c.Running() {
			n.Restart() // whoever leads has nothing in memory
		}
		n := leader(c)
		healed := c.Fault("disk " + n.Name() + " read eio")
		behind.Start()
		n.AwaitEvent("log.latched", time.Minute)
		healed()
		if err := n.Program().Status().Failed; !errors.Is(err, syscall.EIO) {
			t.Error(err)
		}
		n.Restart()
		produce(t, leader(c), "last")
	})
}
