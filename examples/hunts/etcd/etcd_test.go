// A sweep of puts, gets and a watch: one history, told to everybody alike.

package etcd_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/examples/etcd"
	"github.com/rehearse-go/rehearse/linear"
	"github.com/rehearse-go/rehearse/vnet"
)

type cluster = clustertest.Cluster[*etcd.Server]

// one is a cluster of one server.
var one = clustertest.Config{
	Nodes: 1, Mode: clustertest.Bubble, // an hour takes seconds
	Net: vnet.Config{Link: vnet.LinkConfig{Latency: time.Millisecond, Jitter: time.Millisecond}},
}

func build(e *clustertest.Env) (*etcd.Server, error) {
	return etcd.New(etcd.Config{Name: e.Name(), Dir: e.Dir(), Listen: e.Listen})
}

// dial returns etcd's own client on a host of its own. It notices by itself
// when its connection is dead.
func dial(c *cluster, host string) *clientv3.Client {
	c.T.Helper()
	app, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"http://n0:2379"}, Logger: zap.NewNop(),
		DialKeepAliveTime: 10 * time.Second, DialKeepAliveTimeout: 5 * time.Second,
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, at string) (net.Conn, error) {
			return c.Host(host).Dial(ctx, "tcp", at)
		})},
	})
	if err != nil {
		c.T.Fatal(err)
	}
	c.T.Cleanup(func() { app.Close() })
	return app
}

func TestEverybodyIsToldOneHistory(t *testing.T) {
	clustertest.Sweep(t, clustertest.SweepConfig{Config: one, Seeds: 5}, build, func(t *testing.T, c *cluster) {
		var h linear.RegisterHistory
		eye := watch(c)
		storm := c.Nemesis(clustertest.Nemesis{Majority: true, Pause: 4 * time.Second, Length: 4 * time.Second})
		var all sync.WaitGroup
		acked := &ledger{at: map[string]int64{}}
		for i := range 3 {
			all.Go(func() { work(c, fmt.Sprint("app", i), &h, acked, storm) })
		}
		all.Wait()
		last := dial(c, "last")
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		got, err := last.Get(ctx, "k", clientv3.WithPrefix())
		if err != nil {
			t.Fatalf("after the storm: %v", err)
		}
		eye.until(c, got.Header.Revision)
		acked.check(t, eye.events, got.Header.Revision)
		linear.Require(t, &h, linear.Register())
		t.Logf("%d operations, %d puts acknowledged, revision %d", h.Len(), len(acked.at), got.Header.Revision)
	})
}

// A ledger is what was acknowledged: each value's revision.
type ledger struct {
	mu sync.Mutex
	at map[string]int64
}

func (l *ledger) add(value string, revision int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at[value] = revision
}

// work puts and gets by turns of chance, each within two seconds, and notes
// what it was told. A put is not repeated by the client, and what became of
// one that failed is not known.
func work(c *cluster, host string, h *linear.RegisterHistory, acked *ledger, storm *clustertest.Storm) {
	app, rnd := dial(c, host), c.Rand(host)
	for i := 0; !over(storm); i++ {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		key := fmt.Sprint("k", rnd.IntN(3))
		if rnd.IntN(2) == 0 {
			value := fmt.Sprint(host, " ", i)
			op := h.Call(host, linear.Write(key, value))
			if r, err := app.Put(ctx, key, value); err != nil {
				op.Unknown()
			} else {
				op.Return(linear.RegisterResult{})
				acked.add(value, r.Header.Revision)
			}
		} else {
			op := h.Call(host, linear.Read(key))
			if r, err := app.Get(ctx, key); err != nil {
				op.Fail(err)
			} else {
				op.Return(valueOf(r))
			}
		}
		cancel()
		time.Sleep(time.Duration(rnd.IntN(400)) * time.Millisecond) // virtual
	}
}

func valueOf(r *clientv3.GetResponse) (result linear.RegisterResult) {
	for _, kv := range r.Kvs {
		result.Value = string(kv.Value)
	}
	return result
}

// An observer is a watch from the first revision on.
type observer struct {
	mu     sync.Mutex
	events []*clientv3.Event
	last   int64
}

// watch begins to watch, through whatever befalls the server.
func watch(c *cluster) *observer {
	o := &observer{}
	eye := dial(c, "eye")
	ctx, cancel := context.WithCancel(context.Background())
	c.T.Cleanup(cancel)
	go func() {
		for r := range eye.Watch(ctx, "k", clientv3.WithPrefix(), clientv3.WithRev(1)) {
			if err := r.Err(); err != nil {
				c.T.Errorf("watch: %v", err)
			}
			o.mu.Lock()
			o.events = append(o.events, r.Events...)
			if n := len(o.events); n > 0 {
				o.last = o.events[n-1].Kv.ModRevision
			}
			o.mu.Unlock()
		}
	}()
	return o
}

// until awaits that the watch has told a revision.
func (o *observer) until(c *cluster, revision int64) {
	c.T.Helper()
	c.Await(fmt.Sprint("the watch at revision ", revision), 10*time.Minute, func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.last >= revision
	})
}

// check holds what a watch told, up to the last revision, against what was
// acknowledged: each revision once and in order, each put once and where its
// client was told.
func (l *ledger) check(t *testing.T, events []*clientv3.Event, last int64) {
	seen := map[string]int64{}
	next := int64(2)
	for _, e := range events {
		value := string(e.Kv.Value)
		if e.Type != mvccpb.PUT || e.Kv.ModRevision != next {
			t.Errorf("the watch tells revision %d, %v, want %d", e.Kv.ModRevision, e.Type, next)
		}
		next = e.Kv.ModRevision + 1
		if at := seen[value]; at != 0 {
			t.Errorf("%q was put twice, at %d and %d", value, at, e.Kv.ModRevision)
		}
		seen[value] = e.Kv.ModRevision
	}
	if next != last+1 {
		t.Errorf("the watch ends at %d, want %d", next-1, last)
	}
	for value, at := range l.at {
		if seen[value] != at {
			t.Errorf("%q was acknowledged at %d, and is at %d", value, at, seen[value])
		}
	}
}

func over(s *clustertest.Storm) bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}
