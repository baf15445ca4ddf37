// etcd's client against a server of one service, on grpc-go.

package interop_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/rehearse-go/rehearse/vnettest"
)

// keys is etcd's service of keys, as far as Get and Put need it.
type keys struct {
	pb.UnimplementedKVServer
	mu       sync.Mutex
	revision int64
	data     map[string][]byte
}

func (k *keys) Put(_ context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.revision++
	k.data[string(r.Key)] = r.Value
	return &pb.PutResponse{Header: &pb.ResponseHeader{Revision: k.revision}}, nil
}

func (k *keys) Range(_ context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	resp := &pb.RangeResponse{Header: &pb.ResponseHeader{Revision: k.revision}}
	if v, ok := k.data[string(r.Key)]; ok {
		resp.Kvs, resp.Count = []*mvccpb.KeyValue{{Key: r.Key, Value: v}}, 1
	}
	return resp, nil
}

func TestEtcdClientOutlastsAPartition(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Net: lan}, func(t *vnettest.T) {
		s := grpc.NewServer()
		pb.RegisterKVServer(s, &keys{data: map[string][]byte{}})
		serveOn(t, s, "etcd")
		dial := func(ctx context.Context, address string) (net.Conn, error) {
			return t.Host("app").Dial(ctx, "tcp", address)
		}
		c, err := clientv3.New(clientv3.Config{
			Endpoints: []string{"http://etcd:50051"}, Logger: zap.NewNop(),
			DialOptions:          []grpc.DialOption{grpc.WithContextDialer(dial)},
			DialKeepAliveTime:    10 * time.Second,
			DialKeepAliveTimeout: 5 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := c.Put(t.Context(), "leader", "n1"); err != nil {
			t.Fatal(err)
		}

		heal := t.Part("etcd")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := c.Get(ctx, "leader"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in a partition: %v", err)
		}
		heal()
		got, err := c.Get(t.Context(), "leader")
		if err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "n1" {
			t.Errorf("after healing: %v, %v", got, err)
		}
	})
}
