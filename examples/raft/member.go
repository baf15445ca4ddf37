// A member: hashicorp/raft on a network and a disk that it is handed.

package raft

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// port is where members listen for each other.
const port = ":7000"

// Config configures a [Member].
type Config struct {
	Name   string       // one of Peers
	Peers  []string     // every member's name, the same list everywhere
	Disk   *Disk        // what outlives the program; if nil, a new one
	Logger *slog.Logger // if nil, nothing is logged

	// The network has no default, so that nothing goes past a test's.
	Listen func(ctx context.Context, network, address string) (net.Listener, error) // must be set
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)     // must be set
}

// A Disk holds what outlives the program: its log, its term and its vote, and
// its snapshots. It is memory that the next member of that name is handed.
type Disk struct {
	log       *raft.InmemStore
	snapshots *raft.InmemSnapshotStore
}

// NewDisk returns an empty disk.
func NewDisk() *Disk {
	return &Disk{raft.NewInmemStore(), raft.NewInmemSnapshotStore()}
}

// A Member keeps a copy of the list.
type Member struct {
	words     words
	transport *raft.NetworkTransport
	raft      *raft.Raft
}

// New starts a member, which works until the context of [Member.Run] is done.
func New(c Config) (*Member, error) {
	l, err := c.Listen(context.Background(), "tcp", port)
	if err != nil {
		return nil, err
	}
	logger, disk := logger(c.Logger), cmp.Or(c.Disk, NewDisk())
	m := &Member{transport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: streams{l, c}, Timeout: time.Second, MaxPool: 3, Logger: logger,
	})}
	rc := raft.DefaultConfig()
	rc.LocalID, rc.Logger = raft.ServerID(c.Name), logger
	err = raft.BootstrapCluster(rc, disk.log, disk.log, disk.snapshots, m.transport, everybody(c.Peers))
	if err == nil || err == raft.ErrCantBootstrap { // the latter: this disk has been used before
		m.raft, err = raft.NewRaft(rc, &m.words, disk.log, disk.log, disk.snapshots, m.transport)
	}
	if err != nil {
		m.transport.Close()
		return nil, err
	}
	return m, nil
}

// everybody is the cluster that every member founds alike.
func everybody(names []string) (all raft.Configuration) {
	for _, name := range names {
		all.Servers = append(all.Servers, raft.Server{
			ID: raft.ServerID(name), Address: raft.ServerAddress(name + port),
		})
	}
	return all
}

// Run returns once ctx is done and everything the member began has ended. The
// transport closes before its streams do: a connection accepted between the
// two would never be told to end.
func (m *Member) Run(ctx context.Context) error {
	<-ctx.Done()
	done := m.raft.Shutdown()
	m.transport.Close()
	m.transport.CloseStreams()
	return done.Error()
}

// Add appends a word to everybody's list. Only the leader can.
func (m *Member) Add(word string) error {
	return m.raft.Apply([]byte(word), time.Second).Error()
}

// Words returns the list as this member knows it.
func (m *Member) Words() []string { return m.words.list() }

// Leads tells whether the member believes that it leads.
func (m *Member) Leads() bool { return m.raft.State() == raft.Leader }

// streams is a raft.StreamLayer.
type streams struct {
	net.Listener
	c Config
}

// Dial connects to another member.
func (s streams) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.c.Dial(ctx, "tcp", string(to))
}

// Addr is the name others dial, which stays the same wherever the member runs.
func (s streams) Addr() net.Addr { return address(s.c.Name + port) }

// An address is a member's name and port.
type address string

// Network returns "tcp".
func (address) Network() string { return "tcp" }

// String returns the address as it is dialled.
func (a address) String() string { return string(a) }

// logger lets raft log to l.
func logger(l *slog.Logger) hclog.Logger {
	if l == nil {
		return hclog.NewNullLogger()
	}
	out := slog.NewLogLogger(l.Handler(), slog.LevelInfo).Writer()
	return hclog.New(&hclog.LoggerOptions{Output: out, DisableTime: true})
}
