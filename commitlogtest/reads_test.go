// Reading: by time, one's own writes, waiting, and watching.

package commitlogtest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
)

func TestReadsBeginAtATime(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, tight, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		began := time.Now()
		for i := range 40 {
			time.Sleep(5 * time.Second) // virtual
			produce(t, leader(c), fmt.Sprint(i))
		}
		same(c, values(t, first)...)
		for _, row := range []struct {
			after time.Duration
			want  string
		}{
			{-time.Hour, "0"}, {0, "0"}, {7 * time.Second, "1"}, {99 * time.Second, "19"}, {195 * time.Second, "38"},
		} {
			for n := range c.Nodes() {
				got, err := n.Program().Fetch(t.Context(), 999, commitlog.ReadOptions{At: began.Add(row.after)})
				if err != nil || string(got[0].Value) != row.want {
					t.Errorf("%s, %v after the beginning: %.40v, %v", n.Name(), row.after, got, err)
				}
			}
		}
		later := commitlog.ReadOptions{At: time.Now().Add(time.Hour)}
		_, err := first.Program().Fetch(t.Context(), 0, later)
		if want := (commitlog.OffsetOutOfRange{Offset: 40, Low: 0, Next: 40}); !errors.Is(err, want) {
			t.Errorf("of a time to come: %v", err)
		}
		for r, err := range first.Program().Read(t.Context(), 0, later) {
			t.Errorf("of a time to come: %+v, %v", r, err)
		}
	})
}

// What is not committed has a time too, and may be replaced by something of
// another: a reader by time must not miss that.
func TestAReaderByTimeIsNotMisledByWhatIsReplaced(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, tight, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		produce(t, first, "one")
		same(c, "one")
		heal := c.Part(first.Index())
		for range 3 {
			go attempt(first, "lost", 100*time.Millisecond)
		}
		time.Sleep(200 * time.Millisecond) // virtual
		at := commitlog.ReadOptions{At: time.Now()}
		_, err := first.Program().Fetch(t.Context(), 0, at)
		if out := (commitlog.OffsetOutOfRange{Offset: 1, Low: 0, Next: 1}); !errors.Is(err, out) {
			t.Errorf("behind what is committed: %v", err)
		}
		got := make(chan string, 1)
		go func() {
			at.Follow = true
			records, err := first.Program().Fetch(context.Background(), 0, at)
			got <- fmt.Sprintf("%v %s", err, records[0].Value)
		}()
		c.Settle()
		second := leader(c, first)
		produce(t, second, "two")
		heal()
		same(c, "one", "two")
		select {
		case it := <-got:
			if it != "<nil> two" {
				t.Errorf("it read %s", it)
			}
		case <-time.After(time.Minute): // virtual
			t.Error("it waits still")
			produce(t, second, "three")
			produce(t, second, "four")
			produce(t, second, "five")
		}
	})
}

func TestAReaderSeesItsOwnWritesOnAnyNode(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		for i := range 20 {
			pos := produce(t, first, fmt.Sprint(i))
			for n := range c.Nodes() {
				got, err := n.Program().Fetch(t.Context(), pos.Offset, commitlog.ReadOptions{MinIndex: pos.Index})
				if err != nil || string(got[0].Value) != fmt.Sprint(i) {
					t.Fatalf("%s: %v, %v", n.Name(), got, err)
				}
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := first.Program().Fetch(ctx, 0, commitlog.ReadOptions{MinIndex: 1 << 40})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("of an index to come: %v", err)
		}
	})
}

func TestFollowingEndsWithItsContextOrItsNode(t *testing.T) {
	clustertest.Run(t, clustertest.Config{Nodes: 1}, newReplica, func(t *testing.T, c *replicas) {
		n := leader(c)
		produce(t, n, "one")
		follow := func(ctx context.Context) <-chan error {
			ended := make(chan error, 1)
			go func() {
				var last error
				for _, err := range n.Program().Read(ctx, 0, commitlog.ReadOptions{Follow: true}) {
					last = err
				}
				ended <- last
			}()
			return ended
		}
		ctx, cancel := context.WithCancel(t.Context())
		one, two := follow(ctx), follow(context.Background())
		c.Settle()
		cancel()
		if err := <-one; !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v", err)
		}
		n.Stop()
		if err := <-two; !errors.Is(err, commitlog.ErrClosed) {
			t.Errorf("it ends with %v", err)
		}
	})
}

// An hour of nothing: who waits for a record is never woken, and a node does
// no more than to tell the others that it lives.
func TestWaitingCostsNothing(t *testing.T) {
	spent := func(followers int) (mallocs uint64) {
		clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
			found(c)
			produce(t, leader(c), "one")
			same(c, "one")
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan int)
			for i := range followers {
				go func() {
					got := 0
					for range c.Node(i%3).Program().Read(ctx, 1, commitlog.ReadOptions{Follow: true}) {
						got++
					}
					ended <- got
				}()
			}
			c.Settle()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			time.Sleep(time.Minute) // virtual
			runtime.ReadMemStats(&after)
			mallocs = after.Mallocs - before.Mallocs
			cancel()
			for range followers {
				if got := <-ended; got != 1 { // the context's error
					t.Errorf("a follower got %d", got)
				}
			}
		})
		return mallocs
	}
	none, many := spent(0), spent(3000)
	if many > none+none/2+3000 {
		t.Errorf("%d allocations in a minute without readers, %d with 3000 that wait", none, many)
	}
}

func TestASlowReaderOfEventsIsToldOfTheGap(t *testing.T) {
	clustertest.Run(t, clustertest.Config{Nodes: 2}, newReplica, func(t *testing.T, c *replicas) {
		first := leader(c)
		m := member(c.Node(1))
		m.Learner = true
		var seen []commitlog.Event
		for e := range first.Program().Events(t.Context(), 1) {
			if seen = append(seen, e); len(seen) == 3 {
				break
			}
		}
		for range 600 {
			join(t, first, m)
			remove(t, first, m.Name)
		}
		kinds := map[commitlog.Kind]int{}
		last := uint64(3)
		for e := range first.Program().Events(t.Context(), 4) {
			if e.Seq <= last || e.Kind != commitlog.Gap && e.Seq != last+1 {
				t.Fatalf("%v follows %d", e, last)
			}
			last = e.Seq
			kinds[e.Kind]++
			if e.Seq >= 1200 {
				break
			}
		}
		if kinds[commitlog.Gap] != 1 || kinds[commitlog.MemberAdded] < 400 {
			t.Errorf("it was told %v", kinds)
		}
	})
}

func TestWhoWatchesTheLeaderIsToldThePresentOneFirst(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, newReplica, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		from := others(c, first)[0]
		var seen []commitlog.Leader
		for l := range from.Program().WatchLeader(t.Context()) {
			seen = append(seen, l)
			if len(seen) == 1 {
				if l.ID != first.Name() {
					t.Errorf("first %+v", l)
				}
				goRound(t, c) // while nobody looks
				continue
			}
			if l.ID != "" {
				break
			}
		}
		if last := seen[len(seen)-1]; last.ID != leader(c).Name() || len(seen) > 3 {
			t.Errorf("it saw %+v; %s leads", seen, leader(c).Name())
		}
		if !slices.IsSortedFunc(seen, func(a, b commitlog.Leader) int { return int(a.Gen) - int(b.Gen) }) {
			t.Errorf("generations go back: %+v", seen)
		}
		from.Stop()
		for l := range from.Program().WatchLeader(t.Context()) {
			if l.ID != "" {
				t.Errorf("a node that ended names %+v", l)
			}
		}
	})
}

// goRound lets leadership go from one to the next, six times.
func goRound(t *testing.T, c *replicas) {
	t.Helper()
	for range 6 {
		now := leader(c)
		if err := now.Program().Transfer(t.Context(), others(c, now)[0].Name()); err != nil {
			t.Fatal(err)
		}
		leader(c, now)
	}
	c.Settle()
}
