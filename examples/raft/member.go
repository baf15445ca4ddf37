// A member: hashicorp/raft on a network and a disk that it is handed.

package raft

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"github.com/rehearse-go/rehearse/examples/raft/walfs"
)

// port is where members listen for each other.
const port = ":7000"

// Config configures a [Member].
type Config struct {
	Name   string       // one of Peers
	Peers  []string     // every member's name, the same list everywhere
	Logger *slog.Logger // if nil, nothing is logged

	SegmentSize int // of a file of the log, in bytes; if 0, 64 KiB: lists are short

	// The disk and the network have no default, so that nothing goes past a test's.
	Disk   walfs.FS                                                                 // must be set
	Listen func(ctx context.Context, network, address string) (net.Listener, error) // must be set
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)     // must be set
}

// A Member keeps a copy of the list.
type Member struct {
	words     words
	log       *wal.WAL
	transport *raft.NetworkTransport
	raft      *raft.Raft
}

// New starts a member, which works until the context of [Member.Run] is done.
func New(c Config) (*Member, error) {
	logger := logger(c.Logger)
	log, err := walfs.Open(c.Disk, cmp.Or(c.SegmentSize, 64<<10), logger)
	if err != nil {
		return nil, err
	}
	l, err := c.Listen(context.Background(), "tcp", port)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	m := &Member{log: log, transport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: streams{l, c}, Timeout: time.Second, MaxPool: 3, Logger: logger,
	})}
	rc := raft.DefaultConfig()
	rc.LocalID, rc.Logger = raft.ServerID(c.Name), logger
	rc.SnapshotThreshold = math.MaxUint64 // the log is kept whole
	none := raft.NewDiscardSnapshotStore()
	err = raft.BootstrapCluster(rc, log, log, none, m.transport, everybody(c.Peers))
	if err == nil || err == raft.ErrCantBootstrap { // the latter: this disk has been used before
		m.raft, err = raft.NewRaft(rc, &m.words, log, log, none, m.transport)
	}
	if err != nil {
		return nil, errors.Join(err, m.transport.Close(), log.Close())
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
	return errors.Join(done.Error(), m.log.Close())
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
