// A log whose beginning goes, and those who come late.

package commitlogtest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
)

// keeping builds nodes that keep so much; the segments hold seven records of a
// kilobyte.
func keeping(r commitlog.Retain) func(*clustertest.Env) (*replica, error) {
	return func(e *clustertest.Env) (*replica, error) {
		return buildReplicaAt(e, ":8400", e.Index() == 0 && e.Life() == 0,
			commitlog.Config{Segment: 8 << 10, Retain: r})
	}
}

// awaitLow awaits that all running nodes tell the same first offset, behind
// after, and returns it.
func awaitLow(c *replicas, after uint64) (low uint64) {
	c.T.Helper()
	c.Await("one beginning", time.Minute, func() bool {
		var all []uint64
		for n := range c.Running() {
			all = append(all, n.Program().Status().Low)
		}
		low = all[0]
		return low > after && slices.Max(all) == slices.Min(all)
	})
	return low
}

// begins fails the test unless a node's log begins at low, and holds want from
// there on.
func begins(t *testing.T, n *place, low uint64, want []string) {
	t.Helper()
	if err := n.Program().WaitOffset(t.Context(), uint64(len(want)-1)); err != nil {
		t.Fatal(err)
	}
	_, err := n.Program().Fetch(t.Context(), low-1, commitlog.ReadOptions{Follow: true})
	var out commitlog.OffsetOutOfRange
	if !errors.As(err, &out) || out.Offset != low-1 || out.Low != low {
		t.Errorf("%s, before its beginning %d: %v", n.Name(), low, err)
	}
	if got := values(t, n); !slices.Equal(got, want[low:]) {
		t.Errorf("%s holds %d records from %d on, not %d, or others", n.Name(), len(got), low, len(want[low:]))
	}
}

func TestAllNodesForgetTheSameBeginning(t *testing.T) {
	for _, row := range []struct {
		name string
		keep commitlog.Retain
		rest time.Duration
	}{
		{"by bytes", commitlog.Retain{Bytes: 40 << 10}, 0},
		{"by age", commitlog.Retain{Age: 10 * time.Second}, 20 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			clustertest.Run(t, clustertest.Config{}, keeping(row.keep), func(t *testing.T, c *replicas) {
				found(c)
				first := leader(c)
				want := fill(t, first, nil, 50)
				time.Sleep(row.rest) // virtual
				want = fill(t, leader(c), want, 10)
				low := awaitLow(c, 0)
				for n := range c.Nodes() {
					begins(t, n, low, want)
				}
				for n := range c.Nodes() {
					n.Crash()
				}
				for n := range c.Nodes() {
					n.Start()
				}
				want = fill(t, leader(c), want, 20)
				time.Sleep(row.rest) // virtual
				want = fill(t, leader(c), want, 10)
				low = awaitLow(c, low)
				for n := range c.Nodes() {
					begins(t, n, low, want)
				}
			})
		})
	}
}

func TestWhoComesLateFetchesWhatIsLeft(t *testing.T) {
	keep := keeping(commitlog.Retain{Bytes: 40 << 10})
	clustertest.Run(t, clustertest.Config{}, keep, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		want := fill(t, first, nil, 5)
		away := others(c, first)[0]
		away.Crash()
		want = fill(t, first, want, 100)
		awaitLow(c, 20)
		away.Start()
		last := produce(t, first, "last")
		want = append(want, "last")
		if err := away.Program().WaitApplied(t.Context(), last.Index); err != nil {
			t.Fatal(err)
		}
		away.AwaitEvent("log.fetched", time.Minute)
		begins(t, away, awaitLow(c, 20), want)

		fresh := c.Add()
		join(t, first, member(fresh))
		awaitVoters(c)
		if err := fresh.Program().WaitApplied(t.Context(), last.Index); err != nil {
			t.Fatal(err)
		}
		begins(t, fresh, awaitLow(c, 20), want)
		fresh.Crash()
		fresh.Start()
		want = fill(t, leader(c), want, 40)
		low := awaitLow(c, 80)
		if err := fresh.Program().WaitOffset(t.Context(), uint64(len(want)-1)); err != nil {
			t.Fatal(err)
		}
		begins(t, fresh, low, want)
	})
}

// A node is cut off in the middle of fetching, again and again.
func TestFetchingEndsHoweverOftenItIsBroken(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, tight, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		away := others(c, first)[0]
		away.Crash()
		want := fill(t, first, nil, 150)
		away.Start()
		for i := range 8 {
			time.Sleep(time.Duration(i) * 7 * time.Millisecond) // virtual
			if i%2 == 0 {
				c.Part(away.Index())()
				continue
			}
			away.Crash()
			away.Start()
		}
		same(c, want...)
	})
}
