// The log that raft keeps alike everywhere.

package agents

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/gob"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// A Disk holds what outlives an agent: raft's log, term and vote, and its
// snapshots. It is memory that the next agent of that name is handed.
type Disk struct {
	log       *raft.InmemStore
	snapshots *raft.InmemSnapshotStore
}

// NewDisk returns an empty disk.
func NewDisk() *Disk {
	return &Disk{raft.NewInmemStore(), raft.NewInmemSnapshotStore()}
}

// A replica is an agent's copy of the log, and what keeps it in step.
type replica struct {
	records   records
	transport *raft.NetworkTransport
	raft      *raft.Raft
}

// newReplica starts raft on the agent's raft port.
func newReplica(c Config) (*replica, error) {
	l, err := c.Listen(context.Background(), "tcp", raftPort)
	if err != nil {
		return nil, err
	}
	logger, disk := c.raftLogger(), cmp.Or(c.Disk, NewDisk())
	r := &replica{transport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: streams{tls.NewListener(l, c.TLS), c}, Timeout: time.Second, MaxPool: 3, Logger: logger,
	})}
	rc := raft.DefaultConfig()
	rc.LocalID, rc.Logger = raft.ServerID(c.Name), logger
	if c.Bootstrap {
		err = raft.BootstrapCluster(rc, disk.log, disk.log, disk.snapshots, r.transport, c.alone())
	}
	if err == nil || err == raft.ErrCantBootstrap { // the latter: this disk knows a cluster
		r.raft, err = raft.NewRaft(rc, &r.records, disk.log, disk.log, disk.snapshots, r.transport)
	}
	if err != nil {
		r.transport.Close()
		return nil, err
	}
	return r, nil
}

// alone is a cluster of this agent.
func (c Config) alone() raft.Configuration {
	return raft.Configuration{Servers: []raft.Server{{
		ID: raft.ServerID(c.Name), Address: raft.ServerAddress(c.Name + raftPort),
	}}}
}

// close ends raft. The transport closes before its streams do: a connection
// accepted between the two would never be told to end.
func (r *replica) close() {
	done := r.raft.Shutdown()
	r.transport.Close()
	r.transport.CloseStreams()
	done.Error()
}

// append brings a record into everybody's log and returns its offset.
func (r *replica) append(record []byte) (offset uint64, err error) {
	f := r.raft.Apply(record, time.Second)
	if err := f.Error(); err != nil {
		return 0, err
	}
	return f.Response().(uint64), nil
}

// voters are the names of those who decide.
func (r *replica) voters() (names []string) {
	for _, s := range r.raft.GetConfiguration().Configuration().Servers {
		names = append(names, string(s.ID))
	}
	return names
}

func (r *replica) knows(name string) bool { return slices.Contains(r.voters(), name) }

// records is a raft.FSM.
type records struct {
	mu  sync.Mutex
	all [][]byte
}

// at returns the record at an offset.
func (r *records) at(offset uint64) (record []byte, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if offset >= uint64(len(r.all)) {
		return nil, false
	}
	return r.all[offset], true
}

func (r *records) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

// Apply appends a record and returns its offset.
func (r *records) Apply(l *raft.Log) any {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, l.Data)
	return uint64(len(r.all) - 1)
}

// Snapshot returns the log as it is.
func (r *records) Snapshot() (raft.FSMSnapshot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return snapshot(slices.Clone(r.all)), nil
}

// Restore replaces the log by a snapshot's.
func (r *records) Restore(from io.ReadCloser) error {
	defer from.Close()
	var all [][]byte
	if err := gob.NewDecoder(from).Decode(&all); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = all
	return nil
}

// A snapshot is the log at one moment.
type snapshot [][]byte

// Persist writes the log to its sink.
func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if err := gob.NewEncoder(sink).Encode([][]byte(s)); err != nil {
		sink.Cancel()
		return err
	}
	return sink.Close()
}

// Release does nothing: a snapshot is a copy.
func (snapshot) Release() {}

// streams is a raft.StreamLayer over TLS.
type streams struct {
	net.Listener
	c Config
}

// Dial connects to another agent, which must show the certificate of its name.
func (s streams) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := s.c.Dial(ctx, "tcp", string(to))
	if err != nil {
		return nil, err
	}
	mine := s.c.TLS.Clone()
	mine.ServerName, _, _ = net.SplitHostPort(string(to))
	return tls.Client(conn, mine), nil
}

// Addr is the name others dial, which stays the same wherever the agent runs.
func (s streams) Addr() net.Addr { return address(s.c.Name + raftPort) }

// An address is an agent's name and a port.
type address string

// Network returns "tcp".
func (address) Network() string { return "tcp" }

// String returns the address as it is dialled.
func (a address) String() string { return string(a) }

// raftLogger is the Logger for raft.
func (c Config) raftLogger() hclog.Logger {
	if c.Logger == nil {
		return hclog.NewNullLogger()
	}
	return hclog.New(&hclog.LoggerOptions{Output: c.lineLogger().Writer(), DisableTime: true})
}
