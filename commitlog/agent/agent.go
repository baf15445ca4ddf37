// The agent: everything that makes a node a service, started and ended in order.

package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"google.golang.org/grpc"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/gossip"
	"github.com/rehearse-go/rehearse/commitlog/internal/peer"
	"github.com/rehearse-go/rehearse/commitlog/internal/service"
)

// An Agent is a node of the cluster with all that serves and finds it.
type Agent struct {
	config  Config
	rpcAddr string
	guard   *guard
	mux     *peer.Mux
	dir     io.Closer // what the agent itself has opened; nil if it was given an FS
	node    *commitlog.Node
	service *service.Service
	group   *gossip.Group
	web     []*web

	changed  chan struct{} // of length 1: membership is to be looked at
	stopping chan struct{} // closed when Run is to end
	stop     func()
	ended    chan struct{} // closed when nothing runs any more

	said map[string]string // of reconcile: the last complaint about a node

	mu  sync.Mutex
	ran bool
}

// New opens the node's log and its ports. Nothing is answered before Run.
func New(c Config) (a *Agent, err error) {
	c, err = c.with()
	if err != nil {
		return nil, err
	}
	a = &Agent{
		config: c, changed: make(chan struct{}, 1), stopping: make(chan struct{}), ended: make(chan struct{}),
	}
	a.stop = sync.OnceFunc(func() { close(a.stopping) })
	defer func() {
		if err != nil {
			err = errors.Join(err, a.closeAll())
			a = nil
		}
	}()
	for _, part := range []func() error{a.openRPC, a.openNode, a.openService, a.openWeb} {
		if err = part(); err != nil {
			return a, err
		}
	}
	return a, nil
}

// openRPC listens for clients and other nodes.
func (a *Agent) openRPC() error {
	c := a.config
	l, err := c.Listen(context.Background(), "tcp", c.RPC)
	if err != nil {
		return fmt.Errorf("agent: Config.RPC %s: %w", c.RPC, err)
	}
	a.guard, err = newGuard(c, l.Addr())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	a.rpcAddr, err = advertised(c, l.Addr())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	a.mux = peer.NewMux(l, peer.MuxConfig{
		ServerTLS: a.guard.serverTLS(), PeerTLS: a.guard.peerTLS(),
		PeerAllowed: a.guard.peerAllowed, Logger: c.Logger,
	})
	return nil
}

func (a *Agent) openNode() (err error) {
	c := a.config
	files, err := openFS(c)
	if err != nil {
		return err
	}
	if dir, ok := files.(io.Closer); ok && c.FS == nil {
		a.dir = dir
	}
	a.node, err = commitlog.New(commitlog.Config{
		Name: c.Name, Addr: a.rpcAddr, Bootstrap: c.Bootstrap && len(c.Join) == 0,
		FS: files, Segment: c.Segment, Retain: c.Retain,
		Listener: a.mux.Peers(), Dial: a.guard.dialPeer(c.Dial),
		Heartbeat: c.Heartbeat, Election: c.Election, Tick: c.Tick, Now: c.Now, Logger: c.Logger,
	})
	return err
}

func (a *Agent) openService() error {
	a.service = service.New(service.Config{
		Node: a.node, Authorize: a.guard.authorize, Canonical: a.config.Canonical,
		Logger: a.config.Logger, StatsHandler: a.config.StatsHandlers, Credentials: peer.Credentials(),
	})
	return nil
}

// openGossip begins to look for the others. It is the last to open, since from
// then on they know this node.
func (a *Agent) openGossip() error {
	c := a.config
	group, err := gossip.New(gossip.Config{
		Name: c.Name, Bind: c.Bind, Advertise: advertisedGossip(c), Tags: a.tags(), Join: c.Join, Key: c.GossipKey,
		Handler: watcher{a}, Logger: c.Logger,
		Listen: c.Listen, ListenPacket: c.ListenPacket, Dial: c.Dial, Resolve: c.Resolve,
	})
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.group = group
	return nil
}

// RPCAddr is where clients and other nodes reach the agent.
func (a *Agent) RPCAddr() string { return a.rpcAddr }

// Node is the replicated log that the agent serves.
func (a *Agent) Node() *commitlog.Node { return a.node }

// Run serves until ctx ends, Shutdown or Leave is called, or something fails;
// then nothing of the agent runs any more. It returns nil when it was told to
// end. Who wants others to take over at once calls Shutdown.
func (a *Agent) Run(ctx context.Context) error {
	if !a.begin() {
		return errors.New("agent: Run was called twice, or after Shutdown")
	}
	defer close(a.ended)
	if err := a.openGossip(); err != nil {
		return errors.Join(err, a.closeAll())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 8)
	var running sync.WaitGroup
	serve := func(what string, f func() error) {
		running.Go(func() {
			if err := f(); err != nil {
				failed <- fmt.Errorf("agent: %s: %w", what, err)
			}
		})
	}
	serve("the RPC port", a.mux.Serve)
	serve("the log", func() error { return a.node.Run(context.Background()) })
	serve("gRPC", func() error {
		if err := a.service.Serve(a.mux.RPC()); !errors.Is(err, grpc.ErrServerStopped) { // Shutdown was faster
			return err
		}
		return nil
	})
	for _, w := range a.web {
		serve(w.what, w.serve)
	}
	running.Go(func() { a.found(ctx) })
	running.Go(func() { a.watchLeader(ctx) })
	running.Go(func() { a.reconcile(ctx) })
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	case <-a.stopping:
	}
	cancel()
	err = errors.Join(err, a.closeAll())
	running.Wait()
	return err
}

// begin says whether this is the first to run or to end the agent.
func (a *Agent) begin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	first := !a.ran
	a.ran = true
	return first
}

// closeAll ends everything, those first whom others ask. Serf takes a second
// for it, and the rest does not wait for Serf.
func (a *Agent) closeAll() error {
	a.stop()
	var groupErr error
	var closing sync.WaitGroup
	if a.group != nil {
		closing.Go(func() { groupErr = a.group.Close() })
	}
	var errs []error
	for _, w := range a.web {
		errs = append(errs, w.close())
	}
	errs = append(errs, a.breakOff())
	if a.node != nil {
		errs = append(errs, a.node.Close())
	}
	if a.mux != nil {
		errs = append(errs, a.mux.Close())
	}
	if a.dir != nil {
		errs = append(errs, a.dir.Close())
	}
	closing.Wait()
	return errors.Join(append(errs, groupErr)...)
}

// breakOff ends the calls that are still going on.
func (a *Agent) breakOff() error {
	if a.service == nil {
		return nil
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	if err := a.service.Stop(now); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Shutdown ends the agent so that nobody is hurt: it takes no more calls and
// finishes those it has, hands leadership over, tells the others that it goes,
// and closes, all as far as ctx allows. The node stays a member: it is
// expected back. It may be called many times; each returns when the agent has
// ended.
func (a *Agent) Shutdown(ctx context.Context) error {
	if a.begin() {
		defer close(a.ended)
		return a.closeAll()
	}
	select {
	case <-a.stopping:
	default:
		a.retire(ctx)
	}
	a.stop()
	select {
	case <-a.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("agent: it has not ended yet: %w", ctx.Err())
	}
}

// retire does what should be done before the end. Whatever fails is no reason
// to stay.
func (a *Agent) retire(ctx context.Context) {
	if err := a.service.Stop(ctx); err != nil {
		a.config.Logger.Info("calls were broken off", "error", err)
	}
	a.node.HandOver(ctx)
	a.mu.Lock()
	group := a.group
	a.mu.Unlock()
	if group == nil {
		return
	}
	if err := group.Leave(ctx); err != nil {
		a.config.Logger.Info("the others may take this node's end for a failure", "error", err)
	}
}

// A web is a server of HTTP.
type web struct {
	what     string
	listener net.Listener
	server   *http.Server
}

func (w *web) serve() error {
	if err := w.server.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (w *web) close() error { return errors.Join(w.server.Close(), ignoreClosed(w.listener.Close())) }

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
