// hashicorp/raft as a member: its logs in memory, and two parts that can be left out.

package hunt_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/journal"
)

// A mending leaves out a part of hashicorp/raft that has a bug. Both are
// within the reach of every user of the library.
type mending struct {
	noFastPath bool // heartbeats wait their turn with the other requests
	noPipeline bool // one request at a time to a follower
}

// slow is how many times longer n0's timeouts are than those of n1 and n2.
const slow = 5

// A node is a member that runs hashicorp/raft.
type node struct {
	*raft.Raft
	env       *clustertest.Env
	transport *transport
	store     *store
	applied   applied
}

// hashicorp returns the subject in which n0's timeouts are so many times the
// library's own.
func hashicorp(m mending, times time.Duration) subject {
	return func(e *clustertest.Env) (member, error) {
		logger := hclog.New(&hclog.LoggerOptions{Output: e.Log(), Level: hclog.Info, DisableTime: true})
		n := &node{env: e, store: &store{InmemStore: raft.NewInmemStore(), env: e}}
		c := raft.DefaultConfig()
		c.LocalID, c.Logger = raft.ServerID(e.Name()), logger
		if e.Index() == 0 {
			for _, d := range []*time.Duration{
				&c.HeartbeatTimeout, &c.ElectionTimeout, &c.LeaderLeaseTimeout, &c.CommitTimeout,
			} {
				*d *= times
			}
		}
		var err error
		if n.transport, err = m.transport(e, logger); err == nil {
			n.Raft, err = raft.NewRaft(c, &n.applied, n.store, n.store, raft.NewInmemSnapshotStore(), n.transport)
		}
		return n, err
	}
}

// Run runs the node until ctx is done.
func (n *node) Run(ctx context.Context) error { return finish(ctx, n) }

// Found makes a cluster.
func (n *node) Found(others ...member) {
	n.BootstrapCluster(raft.Configuration{Servers: []raft.Server{n.server()}})
	<-n.LeaderCh()
	for _, m := range others {
		s := m.(*node).server()
		n.AddVoter(s.ID, s.Address, 0, time.Minute).Error()
	}
}

func (n *node) server() raft.Server {
	return raft.Server{ID: raft.ServerID(n.env.Name()), Address: n.transport.LocalAddr()}
}

// Leads tells whether the node believes that it leads.
func (n *node) Leads() bool { return n.State() == raft.Leader }

// Write hands the node a command.
func (n *node) Write(data string) { n.Apply([]byte(data), time.Second) }

// Applied returns the commands that the node has carried out.
func (n *node) Applied() []entry { return n.applied.entries() }

// Log returns all that the node has stored.
func (n *node) Log() (all []entry) {
	last, _ := n.store.LastIndex()
	for i := uint64(1); i <= last; i++ {
		var l raft.Log
		if n.store.GetLog(i, &l) == nil {
			all = append(all, entryOf(&l))
		}
	}
	return all
}

func entryOf(l *raft.Log) entry {
	return entry{l.Index, l.Term, fmt.Sprintf("%v %s", l.Type, l.Data)}
}

// Stop shuts the node down.
func (n *node) Stop() (ended <-chan struct{}) {
	shutdown, done := n.Shutdown(), make(chan struct{})
	go func() {
		defer close(done)
		shutdown.Error()
	}()
	return done
}

// Free closes the node's connections, and the pipelines that nobody closes
// when a shutdown hangs. The transport is closed before its streams are: a
// connection accepted between the two would never be told to end.
func (n *node) Free() {
	n.transport.mu.Lock()
	for _, p := range n.transport.pipelines {
		p.Close()
	}
	n.transport.mu.Unlock()
	n.transport.Close()
	n.transport.CloseStreams()
}

// A transport is the library's own, which leaves out the fast path of
// heartbeats if so told, and remembers pipelines.
type transport struct {
	*raft.NetworkTransport
	mending
	env *clustertest.Env

	mu        sync.Mutex
	pipelines []raft.AppendPipeline
}

func (m mending) transport(e *clustertest.Env, logger hclog.Logger) (*transport, error) {
	l, err := e.Listen(context.Background(), "tcp", e.Name()+":7000")
	if err != nil {
		return nil, err
	}
	c := raft.NetworkTransportConfig{Stream: streams{l, e}, MaxPool: 3, Timeout: 2 * time.Second, Logger: logger}
	if m.noPipeline {
		c.MaxRPCsInFlight = 1
	}
	return &transport{NetworkTransport: raft.NewNetworkTransportWithConfig(&c), mending: m, env: e}, nil
}

// SetHeartbeatHandler is called with the fast path.
func (t *transport) SetHeartbeatHandler(handle func(raft.RPC)) {
	if t.noFastPath || handle == nil {
		return
	}
	var term uint64
	t.NetworkTransport.SetHeartbeatHandler(func(r raft.RPC) {
		if a, ok := r.Command.(*raft.AppendEntriesRequest); ok && a.Term > term {
			term = a.Term
			t.env.Event("raft.heartbeat", fmt.Sprintf("term %d, from %s", term, a.ID))
		}
		handle(r)
	})
}

// AppendEntriesPipeline opens a pipeline to a follower.
func (t *transport) AppendEntriesPipeline(id raft.ServerID, to raft.ServerAddress) (raft.AppendPipeline, error) {
	p, err := t.NetworkTransport.AppendEntriesPipeline(id, to)
	if err == nil {
		t.mu.Lock()
		t.pipelines = append(t.pipelines, p)
		t.mu.Unlock()
	}
	return p, err
}

// streams is a raft.StreamLayer.
type streams struct {
	net.Listener
	env *clustertest.Env
}

// Dial connects to another node.
func (s streams) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.env.Dial(ctx, "tcp", string(to))
}

// A store is a log in memory that tells the journal what is put into it.
type store struct {
	*raft.InmemStore
	env *clustertest.Env
}

// StoreLogs stores entries.
func (s *store) StoreLogs(logs []*raft.Log) error {
	for _, l := range logs {
		e := entryOf(l)
		where := fmt.Sprintf("%d of term %d", e.Index, e.Term)
		s.env.Event("raft.store", where, journal.Note{Key: "data", Value: e.Data})
	}
	return s.InmemStore.StoreLogs(logs)
}

// StoreLog stores an entry.
func (s *store) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// applied is a raft.FSM that remembers the commands it was given.
type applied struct {
	mu  sync.Mutex
	all []entry
}

// Apply carries out a command.
func (a *applied) Apply(l *raft.Log) any {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, entryOf(l))
	return nil
}

func (a *applied) entries() []entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.all
}

// Snapshot is not called: the log stays short of where one is due.
func (a *applied) Snapshot() (raft.FSMSnapshot, error) { return nil, io.ErrUnexpectedEOF }

// Restore is not called either.
func (a *applied) Restore(from io.ReadCloser) error { return from.Close() }
