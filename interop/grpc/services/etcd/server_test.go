// An etcd of one member, within the test, and its client.

package etcd_test

import (
	"net/url"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/rehearse-go/rehearse/interop/grpc/services/stage"
)

// start starts etcd.
func start(t testing.TB) (address string, stop func()) {
	t.Helper()
	any := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	c := embed.NewConfig()
	c.Dir = t.TempDir()
	c.ListenClientUrls, c.ListenPeerUrls, c.AdvertiseClientUrls, c.AdvertisePeerUrls = any, any, any, any
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.UnsafeNoFsync = true
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	e, err := embed.StartEtcd(c)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-e.Server.ReadyNotify():
	case err := <-e.Err():
		t.Fatal(err)
	}
	return e.Clients[0].Addr().String(), e.Close
}

// client returns a client as its users have it.
func client(a *stage.Act) *clientv3.Client {
	a.Helper()
	c, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"http://" + a.Address}, DialOptions: a.Options, Logger: zap.NewNop(),
	})
	if err != nil {
		a.Fatal(err)
	}
	return c
}
