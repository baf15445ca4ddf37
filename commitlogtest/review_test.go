// What a review of the replicated log has found, each by itself.

package commitlogtest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/vdisk"
)

// The only voter does not remember how much it had committed, until it has
// committed something in its new term.
func TestANodeAloneReadsWhatItAcknowledgedInItsLastLife(t *testing.T) {
	config := clustertest.Config{Nodes: 1, Disk: vdisk.Config{Latency: 20 * time.Millisecond}}
	clustertest.Run(t, config, newReplica, func(t *testing.T, c *replicas) {
		first := leader(c)
		last := produce(t, first, "one")
		first.Crash()
		first.Start()
		ctx, cancel := minute()
		defer cancel()
		for e := range first.Program().Events(ctx, 0) {
			if e.Kind == commitlog.Elected {
				break
			}
		}
		got, err := first.Program().Fetch(ctx, last.Offset, commitlog.ReadOptions{Level: commitlog.Linearizable})
		if err != nil || len(got) != 1 {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// What is acknowledged can be read at once where it was acknowledged.
func TestWhatIsAcknowledgedCanBeRead(t *testing.T) {
	clustertest.Run(t, clustertest.Config{Nodes: 1}, newReplica, func(t *testing.T, c *replicas) {
		first := leader(c).Program()
		var working sync.WaitGroup
		for range 32 {
			working.Go(func() {
				for range 100 {
					b := commitlog.Batch{Records: []commitlog.Record{{Value: make([]byte, 1000)}}}
					pos, err := first.Produce(t.Context(), b)
					if err == nil {
						_, err = first.Fetch(t.Context(), pos.Offset, commitlog.ReadOptions{})
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		working.Wait()
	})
}

// A node that never ran, or runs no more, lets nobody wait.
func TestANodeThatDoesNotRunLetsNobodyWait(t *testing.T) {
	build := func(e *clustertest.Env) (*idle, error) {
		r, err := newReplica(e)
		return &idle{r}, err
	}
	clustertest.Run(t, clustertest.Config{Nodes: 1}, build, func(t *testing.T, c *clustertest.Cluster[*idle]) {
		n := c.Node(0).Program().Node
		p, err := n.Enqueue(t.Context(), commitlog.Batch{Records: []commitlog.Record{{}}})
		if err != nil {
			t.Fatal(err)
		}
		waited := make(chan error, 1)
		go func() {
			_, err := p.Wait(context.Background())
			waited <- err
		}()
		ctx, cancel := minute()
		defer cancel()
		if err := n.Shutdown(ctx); err != nil || ctx.Err() != nil {
			t.Errorf("it ends: %v, %v", err, ctx.Err())
		}
		select {
		case err := <-waited:
			if !errors.Is(err, commitlog.ErrClosed) {
				t.Errorf("a batch that waited: %v", err)
			}
		case <-ctx.Done():
			t.Error("a batch waits for ever")
		}
	})
}

// idle is a replica that does not run.
type idle struct{ *replica }

func (i *idle) Run(ctx context.Context) error {
	<-ctx.Done()
	return i.Close()
}

// A batch that is larger than what one message usually holds comes through.
func TestTheLargestBatchComesThrough(t *testing.T) {
	large := func(e *clustertest.Env) (*replica, error) {
		return buildReplica(e, commitlog.Config{MaxBatch: 80 << 20})
	}
	clustertest.Run(t, clustertest.Config{Nodes: 2}, large, func(t *testing.T, c *replicas) {
		found(c)
		value := make([]byte, 70<<20)
		ctx, cancel := minute()
		defer cancel()
		b := commitlog.Batch{Records: []commitlog.Record{{Value: value}}}
		if _, err := leader(c).Program().Produce(ctx, b); err != nil {
			t.Errorf("%.200v", err)
		}
	})
}

// Whoever waits on a node for an entry of the new leader is not told that it
// was replaced when it takes the place of an old one.
func TestAWaitForWhatReplacesIsNotSuperseded(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		old := leader(c)
		heal := c.Part(old.Index())
		for range 8 { // which nobody gets
			b := commitlog.Batch{Records: []commitlog.Record{{Value: []byte("lost")}}}
			if _, err := old.Program().Enqueue(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			c.Settle()
		}
		var last commitlog.Pos
		for i := range 12 {
			last = produce(t, leader(c, old), fmt.Sprint(i))
		}
		ctx, cancel := minute()
		defer cancel()
		var waits sync.WaitGroup
		for _, stage := range []commitlog.Stage{commitlog.Committed, commitlog.Durable, commitlog.Applied} {
			for index := last.Index - 8; index <= last.Index; index++ {
				waits.Go(func() {
					if err := old.Program().Wait(ctx, stage, index, last.Term); err != nil {
						t.Errorf("%v, %d of %d: %v", stage, index, last.Index, err)
					}
				})
			}
			waits.Go(func() {
				if err := old.Program().Wait(ctx, stage, last.Index, 0); err != nil {
					t.Errorf("%v: %v", stage, err)
				}
			})
		}
		c.Settle()
		heal()
		waits.Wait()
	})
}

// A leader that was cut off fetches segments in the place of what it alone had.
func TestWhatSegmentsReplaceIsSuperseded(t *testing.T) {
	small := func(e *clustertest.Env) (*replica, error) {
		return buildReplica(e, commitlog.Config{Segment: 8 << 10})
	}
	clustertest.Run(t, clustertest.Config{}, small, func(t *testing.T, c *replicas) {
		found(c)
		old := leader(c)
		last := produce(t, old, "one")
		heal := c.Part(old.Index())
		if _, err := old.Program().Enqueue(t.Context(), commitlog.Batch{Records: []commitlog.Record{{}}}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		old.Restart() // and nothing is under way to it any more
		ctx, cancel := minute()
		defer cancel()
		var waits sync.WaitGroup
		for _, term := range []uint64{0, last.Term} {
			waits.Go(func() {
				err := old.Program().Wait(ctx, commitlog.Committed, last.Index+1, term)
				if !errors.As(err, new(commitlog.Superseded)) {
					t.Errorf("term %d: %v", term, err)
				}
			})
		}
		for i := range 100 {
			produce(t, leader(c, old), fmt.Sprintf("%0500d", i))
		}
		heal()
		waits.Wait()
		old.AwaitEvent("log.fetched", time.Minute)
	})
}

// Raft leaves a joint configuration by itself, unless leadership is being
// handed over at that moment.
func TestAJointConfigurationIsLeft(t *testing.T) {
	config := clustertest.Config{Nodes: 5, Disk: vdisk.Config{Latency: 5 * time.Millisecond}}
	clustertest.Run(t, config, joiner, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		lost, away := others(c, first)[0], others(c, first)[1]
		lost.Crash()
		wipe(t, lost)
		lost.Start()
		c.Part(away.Index())
		joined := make(chan error, 1)
		ctx, cancel := minute()
		defer cancel()
		go func() { joined <- first.Program().Join(ctx, member(lost)) }()
		c.Settle()
		if err := first.Program().Transfer(ctx, away.Name()); err == nil {
			t.Error("it was handed over to a node that nobody reaches")
		}
		if err := <-joined; err != nil {
			t.Error(err)
		}
		remove(t, first, away.Name())
	})
}

// Damage to the last frame is told from a torn write once a mark lies behind
// it: a node that is idle writes one.
func TestAnIdleNodeMarksWhatIsDurable(t *testing.T) {
	clustertest.Run(t, clustertest.Config{Nodes: 1}, newReplica, func(t *testing.T, c *replicas) {
		produce(t, leader(c), "one")
		var writes atomic.Int64
		c.Node(0).Disk().Rule(func(op vdisk.Op) (v vdisk.Verdict, decided bool) {
			if op.Kind == vdisk.Write {
				writes.Add(1)
			}
			return v, false
		})
		time.Sleep(time.Minute) // virtual
		if n := writes.Load(); n != 1 {
			t.Errorf("an idle node wrote %d times", n)
		}
	})
}

// An identity that no node gives itself is an error, and no panic of Raft.
func TestAnIdentityThatIsNoneIsRefused(t *testing.T) {
	disk := vdisk.New(vdisk.Config{}).Mount()
	f, err := disk.OpenFile("IDENTITY", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, err = fmt.Fprint(f, "rehearse commit log, format 1\ncluster x\nnode n0\nid 18446744073709551615\n")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = commitlog.New(commitlog.Config{Name: "n0", FS: disk, Listener: l, Dial: new(net.Dialer).DialContext})
	if err == nil || !strings.Contains(err.Error(), "IDENTITY") {
		t.Errorf("%v", err)
	}
}
