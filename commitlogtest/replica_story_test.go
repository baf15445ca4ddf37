// The replicated log in fair and foul weather, step by step.

package commitlogtest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
)

func TestANodeAloneKeepsWhatItAcknowledged(t *testing.T) {
	clustertest.Run(t, clustertest.Config{Nodes: 1}, newReplica, func(t *testing.T, c *replicas) {
		first := leader(c)
		for i, value := range []string{"one", "two", "three"} {
			if pos := produce(t, first, value); pos.Offset != uint64(i) {
				t.Errorf("%q lies at %+v", value, pos)
			}
		}
		first.Crash()
		first.Start()
		leader(c)
		same(c, "one", "two", "three")
		produce(t, first, "four")
		same(c, "one", "two", "three", "four")
	})
}

func TestTheLogOutlivesItsLeader(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		produce(t, first, "one")
		heal := c.Part(first.Index())
		second := leader(c, first)
		produce(t, second, "two")
		heal()
		same(c, "one", "two")
		second.Crash()
		third := leader(c)
		produce(t, third, "three")
		second.Start()
		same(c, "one", "two", "three")
	})
}

func TestAllNodesMayDieAtOnce(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		var want []string
		for round := range 5 {
			first := leader(c)
			for i := range 10 {
				want = append(want, fmt.Sprint(round, " ", i))
				produce(t, first, want[len(want)-1])
			}
			for n := range c.Nodes() {
				n.Crash()
			}
			for n := range c.Nodes() {
				n.Start()
			}
		}
		leader(c)
		same(c, want...)
	})
}

func TestWhoIsFarBehindFetchesSegments(t *testing.T) {
	small := func(e *clustertest.Env) (*replica, error) {
		return buildReplica(e, commitlog.Config{Segment: 8 << 10})
	}
	clustertest.Run(t, clustertest.Config{}, small, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		var behind *place
		for n := range c.Nodes() {
			if n != first {
				behind = n
			}
		}
		var want []string
		write := func(n int) {
			for range n {
				want = append(want, fmt.Sprintf("%0500d", len(want)))
				produce(t, first, want[len(want)-1])
			}
		}
		write(20)
		behind.Crash()
		write(200)
		behind.Start()
		same(c, want...)
		behind.AwaitEvent("log.fetched", time.Minute)
		write(20)
		same(c, want...)
		behind.Crash()
		behind.Start()
		same(c, want...)
	})
}

func TestARetryIsTheSameBatch(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		batch := func(sequence uint64, value string) commitlog.Batch {
			return commitlog.Batch{
				Producer: 7, Sequence: sequence,
				Records: []commitlog.Record{{Value: []byte(value)}, {Value: []byte(value + "'")}},
			}
		}
		send := func(n *place, sequence uint64, value string) commitlog.Pos {
			t.Helper()
			pos, err := n.Program().Produce(context.Background(), batch(sequence, value))
			if err != nil {
				t.Fatalf("sequence %d at %s: %v", sequence, n.Name(), err)
			}
			return pos
		}
		one, two := send(first, 1, "a"), send(first, 2, "b")
		if again := send(first, 1, "a"); again != one {
			t.Errorf("first at %+v, then at %+v", one, again)
		}
		first.Crash()
		second := leader(c)
		if again := send(second, 2, "b"); again != two {
			t.Errorf("at the next leader: first at %+v, then at %+v", two, again)
		}
		_, err := second.Program().Produce(context.Background(), batch(4, "d"))
		if want := (commitlog.WrongSequence{Producer: 7, Sequence: 4, Last: 2}); !errors.Is(err, want) {
			t.Errorf("a batch is missing: %v", err)
		}
		send(second, 3, "c")
		first.Start()
		same(c, "a", "a'", "b", "b'", "c", "c'")
	})
}

func TestWaitsEndByThemselves(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		pos := produce(t, first, "one")
		for n := range c.Nodes() {
			for _, stage := range []commitlog.Stage{commitlog.Committed, commitlog.Durable, commitlog.Applied} {
				if err := n.Program().Wait(t.Context(), stage, pos.Index, pos.Term); err != nil {
					t.Errorf("%s, %v: %v", n.Name(), stage, err)
				}
			}
		}
		c.Part(first.Index())
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		lost := make(chan error, 1)
		go func() {
			b := commitlog.Batch{Records: []commitlog.Record{{Value: []byte("lost")}}}
			_, err := first.Program().Produce(ctx, b)
			lost <- err
		}()
		waited := make(chan error, 1)
		go func() { waited <- first.Program().WaitCommitted(ctx, pos.Index+1) }()
		second := leader(c, first)
		produce(t, second, "two")
		var uncertain commitlog.Uncertain
		if err := <-lost; !errors.As(err, &uncertain) {
			t.Errorf("a batch of a leader that was cut off: %v", err)
		}
		c.Heal()
		same(c, "one", "two")
		var superseded commitlog.Superseded
		if err := <-waited; !errors.As(err, &superseded) {
			t.Errorf("a wait for what another leader replaced: %v", err)
		}
	})
}

func TestALinearizableReadSeesWhatWasAcknowledged(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		for i := range 20 {
			pos := produce(t, first, fmt.Sprint(i))
			for n := range c.Nodes() {
				o := commitlog.ReadOptions{Level: commitlog.Linearizable}
				got, err := n.Program().Fetch(t.Context(), pos.Offset, o)
				if err != nil || string(got[0].Value) != fmt.Sprint(i) {
					t.Fatalf("%s: %v, %v", n.Name(), got, err)
				}
			}
		}
		heal := c.Part(first.Index())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := first.Program().Fetch(ctx, 0, commitlog.ReadOptions{Level: commitlog.Linearizable})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cut off from the others: %v", err)
		}
		heal()
	})
}
