// A lease ends without anybody waiting for it, and what was put outlives a crash.

package etcd_test

import (
	"context"
	"net"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/examples/etcd"
	"github.com/rehearse-go/rehearse/vnet"
)

type cluster = clustertest.Cluster[*etcd.Server]

// one is a cluster of one node, which clients reach as within a data centre.
var one = clustertest.Config{
	Nodes: 1,
	Net:   vnet.Config{Link: vnet.LinkConfig{Latency: time.Millisecond, Jitter: time.Millisecond}},
}

func build(e *clustertest.Env) (*etcd.Server, error) {
	return etcd.New(etcd.Config{Name: e.Name(), Dir: e.Dir(), Listen: e.Listen})
}

func TestALockIsFreeOnceItsLeaseEnds(t *testing.T) {
	virtual := one
	virtual.Mode = clustertest.Bubble // an hour takes milliseconds
	clustertest.Run(t, virtual, build, func(t *testing.T, c *cluster) {
		app := dial(c)
		const seconds = 3600
		lease, err := app.Grant(t.Context(), seconds)
		if err != nil {
			t.Fatal(err)
		}
		put(c, app, "lock", "me", clientv3.WithLease(lease.ID))

		begin, watching := time.Now(), app.Watch(t.Context(), "lock")
		if event := (<-watching).Events[0]; event.Type != clientv3.EventTypeDelete {
			t.Errorf("the lock was %v, not deleted", event.Type)
		}
		if after := time.Since(begin); after < (seconds-1)*time.Second || after > (seconds+5)*time.Second {
			t.Errorf("the lock was free after %v", after)
		}
	})
}

func TestWhatWasPutOutlivesACrash(t *testing.T) {
	clustertest.Run(t, one, build, func(t *testing.T, c *cluster) {
		app := dial(c)
		for version := range int64(3) {
			put(c, app, "key", "value")
			c.Node(0).Crash()
			c.Node(0).Start()
			got, err := app.Get(t.Context(), "key")
			if err != nil {
				t.Fatal(err)
			}
			if kv := got.Kvs[0]; string(kv.Value) != "value" || kv.Version != version+1 {
				t.Errorf("after %d puts, each with a crash: %v", version+1, kv)
			}
		}
	})
}

// dial returns etcd's own client on a host of its own.
func dial(c *cluster) *clientv3.Client {
	c.T.Helper()
	app, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"http://n0:2379"}, Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, at string) (net.Conn, error) {
			return c.Host("app").Dial(ctx, "tcp", at)
		})},
	})
	if err != nil {
		c.T.Fatal(err)
	}
	c.T.Cleanup(func() { app.Close() })
	return app
}

func put(c *cluster, app *clientv3.Client, key, value string, o ...clientv3.OpOption) {
	c.T.Helper()
	if _, err := app.Put(c.T.Context(), key, value, o...); err != nil {
		c.T.Fatal(err)
	}
}
