// Batches, and what becomes of them when answers, leaders and connections are lost.

package client_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/client"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// once makes f answer the first call only; others pass.
func once(f func(n *node, req *logv1.ProduceRequest) error) func(*node, *logv1.ProduceRequest) error {
	called := false
	return func(n *node, req *logv1.ProduceRequest) error {
		if called {
			return nil
		}
		called = true
		return f(n, req)
	}
}

// lose drops the answer to a call by resetting the node's connections.
func lose(n *node, _ *logv1.ProduceRequest) error {
	n.kill()
	n.start()
	return errLost
}

func TestABatchLiesWhereTheAnswerSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		c.fill(2)
		cl := c.client(client.Config{})
		header := []commitlog.Header{{Name: "h", Value: []byte("v")}}
		pos, err := cl.Produce(t.Context(),
			client.Record{Key: []byte("k"), Value: []byte("a"), Header: header}, record("b"))
		if want := (commitlog.Pos{Offset: 2, Index: 3, Term: 1}); err != nil || pos != want {
			t.Errorf("%+v, %v; want %+v", pos, err, want)
		}
		r, err := cl.Read(t.Context(), 2, client.Options{})
		if err != nil || r.Offset != 2 || string(r.Key) != "k" || string(r.Value) != "a" ||
			len(r.Header) != 1 || r.Header[0].Name != "h" || string(r.Header[0].Value) != "v" ||
			!r.Time.Equal(time.Now()) {
			t.Errorf("record %+v, %v", r, err)
		}
		if _, err := cl.Produce(t.Context()); err == nil {
			t.Error("a batch of no records was taken")
		}
	})
}

func TestWithoutAProducerALostAnswerIsUncertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		cl := c.client(client.Config{})
		c.after = once(lose)
		_, err := cl.Produce(t.Context(), record("a"))
		if !errors.As(err, new(commitlog.Uncertain)) {
			t.Errorf("got %v", err)
		}
		if got := c.values(); len(got) != 1 {
			t.Errorf("the log holds %v: it was sent again", got)
		}
	})
}

func TestWithAProducerALostAnswerIsAskedForAgain(t *testing.T) {
	for name, f := range map[string]func(*node, *logv1.ProduceRequest) error{
		"connection reset":  lose,
		"internal error":    func(*node, *logv1.ProduceRequest) error { return errLost },
		"uncertain outcome": func(*node, *logv1.ProduceRequest) error { return commitlog.Uncertain{} },
		"full, afterwards": func(n *node, _ *logv1.ProduceRequest) error {
			n.c.before = once(func(*node, *logv1.ProduceRequest) error { return commitlog.Full{} })
			return errLost
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, "n1", "n2")
				cl := c.client(client.Config{Producer: 7})
				c.after = once(f)
				if pos := produce(t, cl, "a"); pos.Offset != 0 {
					t.Errorf("the first record lies at %d", pos.Offset)
				}
				if pos := produce(t, cl, "b"); pos.Offset != 1 {
					t.Errorf("the second record lies at %d", pos.Offset)
				}
				if got := c.values(); !slices.Equal(got, []string{"a", "b"}) {
					t.Errorf("the log holds %v", got)
				}
			})
		})
	}
}

func TestABatchThatWasNotTakenIsSentAgainWithoutAProducerToo(t *testing.T) {
	for _, err := range []error{
		commitlog.NotLeader{}, commitlog.Latched{}, commitlog.Superseded{}, commitlog.ErrClosed,
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, "n1")
			c.before = once(func(*node, *logv1.ProduceRequest) error { return err })
			cl := c.client(client.Config{})
			produce(t, cl, "a")
			if got := c.values(); len(got) != 1 {
				t.Errorf("the log holds %v", got)
			}
		})
	}
}

func TestARefusedBatchIsNotSentAgain(t *testing.T) {
	for _, want := range []error{
		commitlog.Full{},
		commitlog.TooLarge{Bytes: 2, Limit: 1},
		commitlog.WrongSequence{Producer: 7, Sequence: 1, Last: 5},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, "n1")
			c.before = func(*node, *logv1.ProduceRequest) error { return want }
			cl := c.client(client.Config{Producer: 7})
			_, err := cl.Produce(t.Context(), record("a"))
			if err == nil || err.Error() != want.Error() || c.count("n1", "Produce") != 1 {
				t.Errorf("%d calls: got %v, want %v", c.count("n1", "Produce"), err, want)
			}
		})
	}
}

func TestADenialIsToldAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		c.before = func(*node, *logv1.ProduceRequest) error { return grpcstatus.Error(codes.PermissionDenied, "no") }
		_, err := c.client(client.Config{}).Produce(t.Context(), record("a"))
		if grpcstatus.Code(err) != codes.PermissionDenied || errors.As(err, new(commitlog.Uncertain)) {
			t.Errorf("got %v", err)
		}
	})
}

func TestACallThatEndsInTimeSaysWhatIsKnown(t *testing.T) {
	for _, row := range []struct {
		name      string
		set       func(c *cluster)
		producer  uint64
		uncertain bool
	}{
		{"nobody leads", func(c *cluster) { c.elect("") }, 0, false},
		{"nobody is there", func(c *cluster) { c.nodes[0].kill() }, 0, false},
		{"the leader does not answer", func(c *cluster) { c.nodes[0].stuck = true }, 0, true},
		{"the leader does not answer a producer", func(c *cluster) { c.nodes[0].stuck = true }, 7, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, "n1")
				row.set(c)
				cl := c.client(client.Config{Producer: row.producer})
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				_, err := cl.Produce(ctx, record("a"))
				uncertain := errors.As(err, new(commitlog.Uncertain))
				if !errors.Is(err, context.DeadlineExceeded) || uncertain != row.uncertain {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestALeaderThatHangsIsGivenUpWhenAnotherLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1", "n2")
		c.node("n1").stuck = true
		cl := c.client(client.Config{Producer: 7})
		time.AfterFunc(3*time.Second, func() { c.elect("n2") })
		start := time.Now()
		produce(t, cl, "a")
		if took := time.Since(start); took != 3*time.Second || c.count("n2", "Produce") != 1 {
			t.Errorf("it took %v and %d calls to n2", took, c.count("n2", "Produce"))
		}
	})
}

func TestWhatWaitsBecomesTheNextBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		p := c.client(client.Config{}).Producer(client.ProducerConfig{ID: 7})
		sizes := []int{}
		c.before = func(_ *node, req *logv1.ProduceRequest) error {
			sizes = append(sizes, len(req.Records))
			time.Sleep(time.Second) // virtual
			return nil
		}
		var answers []<-chan client.Result
		answers = append(answers, p.Send(t.Context(), record("0")))
		synctest.Wait()
		for i := 1; i < 10; i++ {
			answers = append(answers, p.Send(t.Context(), record(fmt.Sprint(i))))
		}
		answers = append(answers, p.Send(t.Context(), record("10"), record("11")))
		start := time.Now()
		if err := p.Flush(t.Context()); err != nil || time.Since(start) != 2*time.Second {
			t.Errorf("flushed after %v: %v", time.Since(start), err)
		}
		for i, answer := range answers {
			if r := <-answer; r.Err != nil || r.Pos.Offset != uint64(i) {
				t.Errorf("send %d: %+v", i, r)
			}
		}
		if !slices.Equal(sizes, []int{1, 11}) {
			t.Errorf("batches of %v records", sizes)
		}
		if err := p.Flush(t.Context()); err != nil { // of nothing
			t.Error(err)
		}
		if r := <-p.Send(t.Context(), record("12")); r.Err != nil || r.Pos.Offset != 12 {
			t.Errorf("after a flush of nothing: %+v", r)
		}
	})
}

func TestABatchHasItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		p := c.client(client.Config{}).Producer(client.ProducerConfig{ID: 7, MaxBatchBytes: 300})
		sizes := []int{}
		c.before = func(_ *node, req *logv1.ProduceRequest) error {
			if len(req.Records) > 1 { // this node takes less than the producer would send
				return commitlog.TooLarge{Bytes: 2, Limit: 1}
			}
			sizes = append(sizes, len(req.Records[0].Value))
			return nil
		}
		want := []int{1, 1, 1, 500, 1}
		for _, n := range want {
			p.SendFunc(t.Context(), func(r client.Result) {
				if r.Err != nil {
					t.Error(r.Err)
				}
			}, record(strings.Repeat("x", n)))
		}
		if err := p.Flush(t.Context()); err != nil || !slices.Equal(sizes, want) {
			t.Errorf("%v: records of %v bytes, want %v", err, sizes, want)
		}
	})
}

func TestSendWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		c.elect("")
		p := c.client(client.Config{MaxInFlight: 2}).Producer(client.ProducerConfig{})
		p.Send(t.Context(), record("a"))
		p.Send(t.Context(), record("b"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if r := <-p.Send(ctx, record("c")); !errors.Is(r.Err, context.DeadlineExceeded) {
			t.Errorf("got %+v", r)
		}
		time.AfterFunc(time.Second, func() { c.elect("n1") })
		if r := <-p.Send(t.Context(), record("d")); r.Err != nil || r.Pos.Offset != 2 {
			t.Errorf("got %+v", r)
		}
	})
}

func TestACallThatIsGivenUpBeforeItsTurnIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		c.before = func(*node, *logv1.ProduceRequest) error {
			time.Sleep(2 * time.Second) // virtual
			return nil
		}
		cl := c.client(client.Config{Producer: 7})
		go func() { _, _ = cl.Produce(t.Context(), record("a")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := cl.Produce(ctx, record("b"))
		if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(commitlog.Uncertain)) {
			t.Errorf("got %v", err)
		}
		produce(t, cl, "c")
		if got := c.values(); !slices.Equal(got, []string{"a", "c"}) {
			t.Errorf("the log holds %v", got)
		}
	})
}

func TestAProducerEndsWhenItsSequenceIsNotItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		cl := c.client(client.Config{})
		first, second := cl.Producer(client.ProducerConfig{ID: 7}), cl.Producer(client.ProducerConfig{ID: 7, Last: 5})
		if r := <-first.Send(t.Context(), record("a")); r.Err != nil {
			t.Fatal(r.Err)
		}
		if r := <-second.Send(t.Context(), record("b")); !errors.As(r.Err, new(commitlog.WrongSequence)) {
			t.Errorf("got %+v", r)
		}
		if r := <-second.Send(t.Context(), record("c")); !errors.Is(r.Err, client.ErrClosed) {
			t.Errorf("got %+v", r)
		}
		third := cl.Producer(client.ProducerConfig{ID: 7, Last: 1})
		if r := <-third.Send(t.Context(), record("d")); r.Err != nil || r.Pos.Offset != 1 {
			t.Errorf("got %+v", r)
		}
	})
}

func TestClosingTellsWhatIsUncertainFromWhatWasNotSent(t *testing.T) {
	for _, byClient := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, "n1")
			c.nodes[0].stuck = true
			cl := c.client(client.Config{})
			p := cl.Producer(client.ProducerConfig{ID: 7})
			first := p.Send(t.Context(), record("a"))
			synctest.Wait()
			second := p.Send(t.Context(), record("b"))
			if byClient {
				_ = cl.Close()
			} else {
				_ = p.Close()
			}
			if r := <-first; !errors.As(r.Err, new(commitlog.Uncertain)) {
				t.Errorf("under way: %v", r.Err)
			}
			if r := <-second; !errors.Is(r.Err, client.ErrClosed) || errors.As(r.Err, new(commitlog.Uncertain)) {
				t.Errorf("not sent: %v", r.Err)
			}
			if r := <-p.Send(t.Context(), record("c")); !errors.Is(r.Err, client.ErrClosed) {
				t.Errorf("after Close: %v", r.Err)
			}
			if err := p.Flush(t.Context()); !errors.Is(err, client.ErrClosed) {
				t.Errorf("flush after Close: %v", err)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNothingIsLostTwiceOrOutOfTurn sends through a cluster that loses answers,
// leaders and nodes by a seed, and looks at the log.
func TestNothingIsLostTwiceOrOutOfTurn(t *testing.T) {
	for seed := range uint64(15) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { trouble(t, seed) })
		})
	}
}

func trouble(t *testing.T, seed uint64) {
	c := newCluster(t, "n1", "n2", "n3")
	draw := rand.New(rand.NewPCG(seed, 0))
	fault := func(n *node, req *logv1.ProduceRequest) error {
		c.mu.Lock()
		what, other := draw.IntN(12), c.nodes[draw.IntN(3)].name
		c.mu.Unlock()
		switch what {
		case 0:
			return errLost
		case 1:
			return lose(n, req)
		case 2:
			c.elect(other)
			return commitlog.Uncertain{}
		case 3:
			c.elect("")
			time.AfterFunc(700*time.Millisecond, func() { c.elect(other) })
			return lose(n, req)
		default:
			time.Sleep(time.Millisecond) // virtual
			return nil
		}
	}
	c.before, c.after = fault, fault
	cl := c.client(client.Config{Addrs: []string{"n1:8400", "n2:8400", "n3:8400"}})
	p := cl.Producer(client.ProducerConfig{ID: client.RandomProducer(), MaxBatchBytes: 100, MaxInFlight: 10})
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	var want []string
	for i := range uint64(100) {
		value := fmt.Sprint(i)
		want = append(want, value)
		p.SendFunc(ctx, func(r client.Result) {
			if r.Err != nil || r.Pos.Offset != i {
				t.Errorf("seed %d: send %d: %+v", seed, i, r)
			}
		}, record(value))
	}
	if err := p.Flush(ctx); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	if got := c.values(); !slices.Equal(got, want) {
		t.Errorf("seed %d: the log holds %v", seed, got)
	}
}
