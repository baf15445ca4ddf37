// What producers are made to wait for, and what is refused.

package commitlogtest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
)

func TestProducersWaitWhenTooMuchIsUnderWay(t *testing.T) {
	narrow := func(e *clustertest.Env) (*replica, error) {
		return buildReplica(e, commitlog.Config{MaxWaiting: 64 << 10, MaxBatch: 8 << 10})
	}
	clustertest.Run(t, clustertest.Config{Nodes: 1}, narrow, func(t *testing.T, c *replicas) {
		n := leader(c)
		resume := n.Disk().Pause()
		var taken atomic.Int32
		var all sync.WaitGroup
		const producers = 400
		for i := range producers {
			all.Go(func() {
				b := commitlog.Batch{Records: []commitlog.Record{{Value: make([]byte, 4<<10), Key: fmt.Append(nil, i)}}}
				p, err := n.Program().Enqueue(context.Background(), b)
				if err != nil {
					t.Error(err)
					return
				}
				taken.Add(1)
				if _, err := p.Wait(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Minute)                   // virtual
		if n := taken.Load(); n < 10 || n > 120 { // waiting, in the log, and in the channel
			t.Errorf("%d batches of 4 KiB were taken; there is room for 64 KiB", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := n.Program().Enqueue(ctx, commitlog.Batch{Records: []commitlog.Record{{}}})
		if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(commitlog.Uncertain)) {
			t.Errorf("there is no room: %v", err)
		}
		resume()
		all.Wait()
		if next := n.Program().Status().Next; next != producers {
			t.Errorf("%d records, not %d", next, producers)
		}
	})
}

func TestBatchesOfAnySize(t *testing.T) {
	build := func(e *clustertest.Env) (*replica, error) {
		return buildReplica(e, commitlog.Config{MaxBatch: 1 << 20, Segment: 256 << 10})
	}
	clustertest.Run(t, clustertest.Config{}, build, func(t *testing.T, c *replicas) {
		found(c)
		n := leader(c)
		send := func(records ...commitlog.Record) (commitlog.Pos, error) {
			ctx, cancel := minute()
			defer cancel()
			return n.Program().Produce(ctx, commitlog.Batch{Records: records})
		}
		if _, err := send(); err == nil {
			t.Error("an empty batch was taken")
		}
		var large commitlog.TooLarge
		_, err := send(commitlog.Record{Value: make([]byte, 1<<20)})
		if !errors.As(err, &large) || large.Limit != 1<<20 {
			t.Errorf("a batch that is too large: %v", err)
		}
		if _, err := send(commitlog.Record{Value: make([]byte, 1<<20-100)}); err != nil {
			t.Errorf("one that just fits, larger than a segment: %v", err)
		}
		if _, err := send(commitlog.Record{}); err != nil {
			t.Errorf("an empty record: %v", err)
		}
		pos, err := send(make([]commitlog.Record, 10_000)...)
		if err != nil || pos.Offset != 2 {
			t.Errorf("10,000 records at once: %+v, %v", pos, err)
		}
		for n := range c.Nodes() {
			if err := n.Program().WaitOffset(t.Context(), 10_001); err != nil {
				t.Error(err)
			}
			if got := len(values(t, n)); got != 10_002 {
				t.Errorf("%s holds %d records", n.Name(), got)
			}
		}
	})
}

func TestTenThousandBatchesAtOnce(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		n := leader(c)
		before := n.Program().Status().Committed
		const count = 10_000
		var all []commitlog.Pending
		for i := range count {
			p, err := n.Program().Enqueue(t.Context(),
				commitlog.Batch{Records: []commitlog.Record{{Value: fmt.Append(nil, i)}}})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
		for i, p := range all {
			pos, err := p.Wait(t.Context())
			if err != nil || pos.Offset != uint64(i) {
				t.Fatalf("batch %d: %+v, %v", i, pos, err)
			}
		}
		if entries := n.Program().Status().Committed - before; entries > count/10 {
			t.Errorf("%d batches in %d entries: they were not gathered", count, entries)
		}
		for n := range c.Nodes() {
			if err := n.Program().WaitOffset(t.Context(), count-1); err != nil {
				t.Error(err)
			}
			for i, v := range values(t, n) {
				if v != fmt.Sprint(i) {
					t.Fatalf("%s holds %q at %d", n.Name(), v, i)
				}
			}
		}
	})
}
