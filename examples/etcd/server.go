// One etcd server on a listener and in a directory that it is handed.

package etcd

import (
	"cmp"
	"context"
	"errors"
	"net"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/config"
	"go.etcd.io/etcd/server/v3/etcdserver"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc"
	"go.etcd.io/etcd/server/v3/features"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

// port is where etcd's clients are served.
const port = ":2379"

// Config configures a [Server].
type Config struct {
	Name   string      // of the member and of its host
	Dir    string      // a real directory, which outlives the server
	Logger *zap.Logger // if nil, nothing is logged

	// Listen listens on the host's network. It must be set.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)
}

// A Server is an etcd cluster of one.
type Server struct {
	etcd     *etcdserver.EtcdServer
	grpc     *grpc.Server
	listener net.Listener
}

// New starts a server, which works until the context of [Server.Run] is done.
func New(c Config) (*Server, error) {
	l, err := c.Listen(context.Background(), "tcp", port)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: l}
	if s.etcd, err = etcdserver.NewServer(c.member()); err != nil {
		l.Close()
		return nil, err
	}
	s.etcd.Start()
	s.grpc = v3rpc.Server(s.etcd, nil, nil)
	return s, nil
}

// member is the configuration of a cluster's only member, with the values of
// an etcd that was told nothing else.
func (c Config) member() config.ServerConfig {
	logger := cmp.Or(c.Logger, zap.NewNop())
	peers := types.MustNewURLs([]string{"http://" + c.Name + ":2380"}) // where nobody listens: there is no peer
	return config.ServerConfig{
		Name: c.Name, DataDir: c.Dir, Logger: logger,
		ClientURLs: types.MustNewURLs([]string{"http://" + c.Name + port}),
		PeerURLs:   peers,

		InitialPeerURLsMap: types.URLsMap{c.Name: peers}, InitialClusterToken: "etcd-cluster", NewCluster: true,
		TickMs: 100, ElectionTicks: 10, InitialElectionTickAdvance: true, PreVote: true,
		SnapshotCount:          etcdserver.DefaultSnapshotCount,
		SnapshotCatchUpEntries: etcdserver.DefaultSnapshotCatchUpEntries,
		MaxTxnOps:              128, MaxRequestBytes: 1.5 * 1024 * 1024, MaxConcurrentStreams: 1 << 31,
		AuthToken: "simple", BcryptCost: 10, TokenTTL: 300, StrictReconfigCheck: true,
		BootstrapTimeout: time.Second, WarningApplyDuration: 100 * time.Millisecond,
		WarningUnaryRequestDuration: 300 * time.Millisecond, DowngradeCheckTime: 5 * time.Second,
		CompactHashCheckTime: time.Minute, CompactionBatchLimit: 1000,
		ServerFeatureGate: features.NewDefaultServerFeatureGate(c.Name, logger),
	}
}

// Run serves until ctx is done or the server fails. It ends the way that leaves
// most to the next start: no leadership handed over, nothing flushed for it.
func (s *Server) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.grpc.Serve(s.listener) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
		served <- nil
	case <-s.etcd.StopNotify():
		err = errors.New("etcd: the server has stopped by itself")
	}
	s.grpc.Stop()
	s.etcd.HardStop()
	return cmp.Or(err, <-served)
}
