// Reading, over what breaks on the way.

package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/client"
)

// holds fails the test unless r is what fill wrote at an offset.
func holds(t *testing.T, r client.Record, offset uint64) {
	t.Helper()
	if r.Offset != offset || string(r.Value) != fmt.Sprintf("r%d", offset) {
		t.Fatalf("offset %d holds %q; offset %d is due", r.Offset, r.Value, offset)
	}
}

func TestAReaderFollowsTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		c.fill(5)
		cl := c.client(client.Config{})
		next := uint64(2)
		for r, err := range cl.Consume(t.Context(), next, client.Options{}) {
			if err != nil {
				t.Fatal(err)
			}
			holds(t, r, next)
			if next++; next == 20 {
				break
			}
			if next >= 5 {
				time.AfterFunc(time.Minute, func() { c.fill(1) })
			}
		}
		if n := c.count("n2", "ConsumeStream") + c.count("n3", "ConsumeStream"); n != 1 {
			t.Errorf("%d streams at followers, want 1", n)
		}
	})
}

func TestAReaderGoesOnElsewhereWithoutAGapOrARepetition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2", "n3")
		c.fill(100)
		cl := c.client(client.Config{})
		next := uint64(0)
		for r, err := range cl.Consume(t.Context(), 0, client.Options{}) {
			if err != nil {
				t.Fatal(err)
			}
			holds(t, r, next)
			if next++; next == 100 {
				break
			}
			if next%7 == 0 {
				n := c.nodes[next%3]
				n.kill()
				n.start()
				c.elect(c.nodes[(next/7)%3].name)
			}
		}
	})
}

func TestAReaderWaitsForAFollowerThatIsBehind(t *testing.T) {
	for _, toEnd := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, "n1", "n2", "n3")
			c.fill(10)
			c.node("n3").see(6)
			c.node("n3").kill()
			cl := c.client(client.Config{})
			next := uint64(0)
			for r, err := range cl.Consume(t.Context(), 0, client.Options{ToEnd: toEnd, MinIndex: 5}) {
				if err != nil {
					t.Fatal(err)
				}
				holds(t, r, next)
				if next++; next == 8 {
					c.node("n3").start()
					c.node("n1").kill() // only the follower that is behind is left
					c.node("n2").kill()
					c.elect("n3")
					time.AfterFunc(time.Minute, func() { c.node("n3").see(9) })
				}
				if next == 9 {
					break
				}
			}
			if next != 9 {
				t.Errorf("reading ended before offset %d", next)
			}
		})
	}
}

func TestReadingToTheEndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		cl := c.client(client.Config{})
		start := time.Now()
		for n := range uint64(3) {
			next := uint64(0)
			for r, err := range cl.Consume(t.Context(), 0, client.Options{ToEnd: true}) {
				if err != nil {
					t.Fatal(err)
				}
				holds(t, r, next)
				next++
			}
			if next != n {
				t.Errorf("%d records read of %d", next, n)
			}
			c.fill(1)
		}
		for _, err := range cl.Consume(t.Context(), 9, client.Options{ToEnd: true}) {
			if e := (commitlog.OffsetOutOfRange{}); !errors.As(err, &e) || e.Next != 3 {
				t.Errorf("beyond the end: %v", err)
			}
		}
		if time.Since(start) != 0 {
			t.Errorf("it took %v", time.Since(start))
		}
	})
}

func TestReadingBeginsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		c.fill(3)
		time.Sleep(time.Hour) // virtual
		at := time.Now()
		c.fill(2)
		cl := c.client(client.Config{})
		for _, toEnd := range []bool{false, true} {
			next := uint64(3)
			for r, err := range cl.Consume(t.Context(), 0, client.Options{At: at, ToEnd: toEnd}) {
				if err != nil {
					t.Fatal(err)
				}
				holds(t, r, next)
				if next++; next == 5 && !toEnd {
					break
				}
				c.node("n2").kill()
				c.node("n2").start()
			}
			if next != 5 {
				t.Errorf("read up to %d", next)
			}
		}
		if r, err := cl.Read(t.Context(), 0, client.Options{At: at.Add(-time.Second)}); err != nil || r.Offset != 3 {
			t.Errorf("got %+v, %v", r, err)
		}
		for _, err := range cl.Consume(t.Context(), 0, client.Options{At: at.Add(time.Second), ToEnd: true}) {
			t.Errorf("nothing is that new, and yet: %v", err)
		}
	})
}

func TestAWriterReadsItsOwnWritesOnAFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		c.node("n2").see(0)
		cl := c.client(client.Config{})
		pos := produce(t, cl, "a")
		if _, err := cl.Read(t.Context(), 0, client.Options{}); !errors.As(err, new(commitlog.OffsetOutOfRange)) {
			t.Errorf("the follower has nothing, and yet: %v", err)
		}
		time.AfterFunc(time.Second, func() { c.node("n2").see(-1) })
		start := time.Now()
		if got := read(t, cl, 0, client.Options{MinIndex: pos.Index}); got != "a" || time.Since(start) != time.Second {
			t.Errorf("%q after %v", got, time.Since(start))
		}
	})
}

func TestAReaderIsToldWhatAnotherNodeWouldNotChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		c.fill(4)
		c.low = 2
		cl := c.client(client.Config{})
		for _, o := range []client.Options{{}, {ToEnd: true}} {
			told := 0
			for _, err := range cl.Consume(t.Context(), 1, o) {
				if e := (commitlog.OffsetOutOfRange{}); !errors.As(err, &e) || e.Low != 2 {
					t.Errorf("got %v", err)
				}
				told++
			}
			if told != 1 {
				t.Errorf("told %d times", told)
			}
		}
		c.denied = grpcstatus.Error(codes.PermissionDenied, "no")
		for _, err := range cl.Consume(t.Context(), 3, client.Options{}) {
			if grpcstatus.Code(err) != codes.PermissionDenied {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestANodeThatLeavesRecordsOutOrRepeatsThemIsNotBelieved(t *testing.T) {
	for _, wrong := range []uint64{4, 2} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, "n1")
			c.fill(6)
			c.log[3].Offset = wrong
			cl := c.client(client.Config{})
			next := uint64(0)
			var last error
			for r, err := range cl.Consume(t.Context(), 0, client.Options{}) {
				if last = err; err == nil {
					holds(t, r, next)
					next++
				}
			}
			if next != 3 || last == nil {
				t.Errorf("%d records and then %v", next, last)
			}
			if r, err := cl.Read(t.Context(), 3, client.Options{}); err == nil {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestAReaderEndsWithItsContextAndWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		cl := c.client(client.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ends := func(ctx context.Context) (err error) {
			for _, err = range cl.Consume(ctx, 0, client.Options{}) {
			}
			return err
		}
		if err := ends(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.AfterFunc(time.Second, func() { _ = cl.Close() })
		if err := ends(t.Context()); !errors.Is(err, client.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if err := ends(t.Context()); !errors.Is(err, client.ErrClosed) {
			t.Errorf("got %v", err)
		}
		for _, f := range []func() error{
			func() error { _, err := cl.Produce(t.Context(), record("a")); return err },
			func() error { _, err := cl.Read(t.Context(), 0, client.Options{}); return err },
			func() error { _, err := cl.Leader(t.Context(), "n1"); return err },
			func() error { return (<-cl.Producer(client.ProducerConfig{}).Send(t.Context(), record("a"))).Err },
		} {
			if err := f(); !errors.Is(err, client.ErrClosed) {
				t.Errorf("on a closed client: %v", err)
			}
		}
		if err := cl.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestASilentConnectionIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		c.fill(3)
		cl := c.client(client.Config{})
		if _, err := cl.Leader(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		next := uint64(0)
		for r, err := range cl.Consume(t.Context(), 0, client.Options{}) {
			if err != nil {
				t.Fatal(err)
			}
			holds(t, r, next)
			if next++; next == 4 {
				break
			}
			if next == 3 { // n2 is cut off: nothing arrives there or from there
				c.cut("n2")
				c.fill(1)
			}
		}
		if took := time.Since(start); took > 21*time.Second {
			t.Errorf("it took %v to see that nothing comes from n2", took)
		}
	})
}
