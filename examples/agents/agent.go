// An agent: it finds the others, lets them into the cluster, and serves.

package agents

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	"github.com/hashicorp/serf/serf"
	"google.golang.org/grpc"
)

// Where an agent listens.
const (
	gossipPort = ":7946"
	raftPort   = ":8300"
	rpcPort    = ":8400"
)

// Config configures an [Agent].
type Config struct {
	Name      string       // also of its host, and in its certificate
	Bootstrap bool         // found a cluster, unless Disk knows one
	Join      []string     // names of agents to find the others by, maybe its own among them
	TLS       *tls.Config  // the certificate to show, and whom to trust, on either side
	Disk      *Disk        // what outlives the agent; if nil, a new one
	Logger    *slog.Logger // if nil, nothing is logged

	// The network has no default, so that nothing goes past a test's.
	Listen       func(ctx context.Context, network, address string) (net.Listener, error)   // must be set
	ListenPacket func(ctx context.Context, network, address string) (net.PacketConn, error) // must be set
	Dial         func(ctx context.Context, network, address string) (net.Conn, error)       // must be set
}

// An Agent is one member of the cluster.
type Agent struct {
	c      Config
	log    *replica
	serf   *serf.Serf
	events chan serf.Event
	server *grpc.Server
	rpc    net.Listener
}

// New starts an agent, which works until the context of [Agent.Run] is done.
func New(c Config) (*Agent, error) {
	a := &Agent{c: c, events: make(chan serf.Event, 256)}
	if err := errors.Join(a.startLog(), a.startGossip(), a.startService()); err != nil {
		a.stop()
		return nil, err
	}
	return a, nil
}

func (a *Agent) startLog() (err error) {
	a.log, err = newReplica(a.c)
	return err
}

func (a *Agent) startGossip() error {
	transport, err := newGossip(a.c)
	if err != nil {
		return err
	}
	sc := serf.DefaultConfig()
	sc.MemberlistConfig.EnableCompression = false // what they gossip is short
	sc.NodeName, sc.EventCh = a.c.Name, a.events
	sc.Tags = map[string]string{"raft": a.c.Name + raftPort}
	sc.Logger = a.c.lineLogger()
	sc.MemberlistConfig.Logger = sc.Logger
	sc.MemberlistConfig.Transport = transport
	if a.serf, err = serf.Create(sc); err != nil {
		transport.Shutdown()
	}
	return err
}

func (a *Agent) startService() (err error) {
	a.rpc, err = a.c.Listen(context.Background(), "tcp", rpcPort)
	a.server = newServer(a)
	return err
}

// stop ends what New began: the log first, so that requests that wait for it
// are answered, and the server can wait for them.
func (a *Agent) stop() {
	if a.log != nil {
		a.log.close()
	}
	if a.serf != nil {
		a.serf.Shutdown()
	}
	if a.server != nil {
		a.server.Stop()
	}
	if a.rpc != nil {
		a.rpc.Close()
	}
}

// Run serves until ctx is done or the agent fails.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { a.join(ctx) })
	running.Go(func() { a.keepMembers(ctx) })
	failed := make(chan error, 1)
	running.Go(func() { failed <- a.server.Serve(a.rpc) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	cancel()
	a.stop()
	running.Wait()
	return err
}

// join asks again every second until one of the named agents answers.
func (a *Agent) join(ctx context.Context) {
	var seeds []string
	for _, name := range a.c.Join {
		if name != a.c.Name {
			seeds = append(seeds, name+"/0.0.0.0"+gossipPort) // gossip dials the name
		}
	}
	for len(seeds) > 0 {
		if n, _ := a.serf.Join(seeds, false); n > 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// keepMembers lets whoever gossips become a voter: when members change, and
// when this agent begins to lead, since what happened before then may have
// been seen by nobody who led.
func (a *Agent) keepMembers(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.events:
		case <-a.log.raft.LeaderCh():
		}
		if a.Leads() {
			a.admit()
		}
	}
}

// admit makes every living member a voter that is none. A member that fails
// stays one: it may come back, and until then still counts. Who cannot be
// added now is tried again at the next change.
func (a *Agent) admit() {
	for _, m := range a.serf.Members() {
		if m.Status != serf.StatusAlive || a.log.knows(m.Name) {
			continue
		}
		a.log.raft.AddVoter(raft.ServerID(m.Name), raft.ServerAddress(m.Tags["raft"]), 0, time.Second).Error()
	}
}

// Leads tells whether the agent believes that it leads.
func (a *Agent) Leads() bool { return a.log.raft.State() == raft.Leader }

// Len is how many records the agent knows.
func (a *Agent) Len() int { return a.log.records.len() }

// Voters are the names of those who decide, as far as this agent knows.
func (a *Agent) Voters() []string { return a.log.voters() }

// lineLogger is the Logger for libraries that log lines.
func (c Config) lineLogger() *log.Logger {
	if c.Logger == nil {
		return log.New(io.Discard, "", 0)
	}
	return slog.NewLogLogger(c.Logger.Handler(), slog.LevelInfo)
}
