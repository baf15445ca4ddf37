// The service: what it is made of, and its life.

package service

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/stats"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// A Node is what is served. Its errors are those of package commitlog.
type Node interface {
	// Produce appends a batch and returns when a quorum has it on disk.
	Produce(ctx context.Context, b commitlog.Batch) (commitlog.Pos, error)
	// Fetch returns records from an offset on, at least one. At the end of the
	// log it waits for one if o.Follow says so. An offset that is not there
	// is commitlog.OffsetOutOfRange.
	Fetch(ctx context.Context, from uint64, o commitlog.ReadOptions) ([]commitlog.Record, error)
	// Wait returns when the entry has come to the stage. Term 0 is any.
	Wait(ctx context.Context, stage commitlog.Stage, index, term uint64) error
	// WaitOffset returns when the record of that offset can be read here.
	WaitOffset(ctx context.Context, offset uint64) error
	// WatchLeader gives the present leader, then each change. It ends with
	// ctx, or with the node.
	WatchLeader(ctx context.Context) iter.Seq[commitlog.Leader]
	// Events gives what happens from the event of that number on. It ends
	// with ctx, or with the node.
	Events(ctx context.Context, from uint64) iter.Seq[commitlog.Event]
	// Status tells of this moment.
	Status() commitlog.Status
}

// An Outcome waits for what becomes of a batch, as Produce does. Nobody need
// call it.
type Outcome func(ctx context.Context) (commitlog.Pos, error)

// The actions that are asked for.
const (
	produceAction  = "produce"
	consumeAction  = "consume"
	identityAction = "" // whoever it is, so long as it is known who
)

// A Config says what to serve, and to whom.
type Config struct {
	// Node is what is served. There is no default.
	Node Node
	// Enqueue takes a batch of a stream in: what is taken in earlier comes
	// earlier in the log. If nil, the Node's own method Enqueue, as
	// *commitlog.Node has it; a Node without gets one batch after the other,
	// each when the one before has its outcome.
	Enqueue func(ctx context.Context, b commitlog.Batch) (Outcome, error)
	// Authorize says whether the caller of ctx may do what it asks for:
	// "produce", "consume", or "", which needs an identity only. Its statuses
	// are returned as they are; other errors are PermissionDenied. If nil,
	// everybody may do everything, as is right on a machine of one's own.
	Authorize func(ctx context.Context, action string) error
	// Canonical gives an offset outside the log the code OutOfRange. If
	// false, it is 404, which is no code of gRPC's but the original's.
	Canonical bool
	// MaxMessage is how many bytes a request may have; if 0, 16 MiB. Batches
	// have a limit of their own, at the node.
	MaxMessage int
	// Logger is told of panics, and of each call at level debug; if nil, no
	// one is.
	Logger *slog.Logger
	// StatsHandler are told what gRPC does; OpenTelemetry's tracing is one.
	// None is needed.
	StatsHandler []stats.Handler
	// Credentials make connections secure; if nil, they are plaintext.
	Credentials credentials.TransportCredentials
}

const (
	maxMessage = 16 << 20
	maxStreams = 10_000 // of one connection: each costs a goroutine
	handshake  = 20 * time.Second
	idlePing   = time.Minute      // after which a silent client is asked whether it is there
	pingAnswer = 20 * time.Second // in which it says so
	oftenPing  = 5 * time.Second  // how often clients may ask us
)

// A Service serves a [Node] over gRPC.
type Service struct {
	config   Config
	server   *grpc.Server
	health   *health.Server
	meter    *meter
	stopping context.Context // ends what waits when the service stops
	stop     context.CancelCauseFunc
	work     sync.WaitGroup // goroutines that are no handlers
	calls    atomic.Uint64  // numbers those without an id of their own
}

// New returns a service of c. It must be stopped, whether it was served or not.
func New(c Config) *Service {
	if c.Node == nil || c.MaxMessage < 0 {
		panic(fmt.Sprintf("service: Config with Node %v, MaxMessage %d: one is needed, the other not negative",
			c.Node, c.MaxMessage))
	}
	s := &Service{config: c.with(), health: health.NewServer()}
	s.stopping, s.stop = context.WithCancelCause(context.Background())
	s.meter = newMeter(s.config.Node)
	s.server = grpc.NewServer(s.options()...)
	logv1.RegisterLogServer(s.server, handler{s: s})
	grpc_health_v1.RegisterHealthServer(s.server, s.health)
	reflection.Register(s.server)
	s.meter.learn(s.server.GetServiceInfo())
	s.health.SetServingStatus(logService, grpc_health_v1.HealthCheckResponse_SERVING)
	s.work.Go(s.followHealth)
	return s
}

// with returns c with its zero fields filled in.
func (c Config) with() Config {
	if c.Enqueue == nil {
		c.Enqueue = enqueue(c.Node)
	}
	if c.Authorize == nil {
		c.Authorize = func(context.Context, string) error { return nil }
	}
	if c.MaxMessage == 0 {
		c.MaxMessage = maxMessage
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Credentials == nil {
		c.Credentials = insecure.NewCredentials()
	}
	return c
}

func (s *Service) options() []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.Creds(s.config.Credentials),
		grpc.MaxRecvMsgSize(s.config.MaxMessage),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(handshake),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: idlePing, Timeout: pingAnswer}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: oftenPing, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
		grpc.UnaryInterceptor(s.unary),
		grpc.StreamInterceptor(s.stream),
		grpc.StatsHandler(s.meter),
	}
	for _, h := range s.config.StatsHandler {
		options = append(options, grpc.StatsHandler(h))
	}
	return options
}

// Server returns the gRPC server, to which other services may be added before
// Serve.
func (s *Service) Server() *grpc.Server { return s.server }

// Serve takes connections from l, until Stop, which makes it return nil, or
// until l fails. It closes l.
func (s *Service) Serve(l net.Listener) error { return s.server.Serve(l) }

// Metrics answers scrapers in Prometheus' text format.
func (s *Service) Metrics() http.Handler { return &s.meter.set }

// Stop ends the service: health says NOT_SERVING, no call is taken any more,
// streams and waits end with Unavailable, and batches that are under way are
// answered. When ctx ends, what is still going on is broken off. It returns
// when nothing runs any more, with ctx's error if that took force, and may be
// called again.
func (s *Service) Stop(ctx context.Context) error {
	s.health.Shutdown()
	s.stop(commitlog.ErrClosed)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.server.GracefulStop()
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
		s.server.Stop()
		<-done
	}
	s.work.Wait()
	return err
}
