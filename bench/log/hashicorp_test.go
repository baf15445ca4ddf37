// Three nodes of hashicorp/raft, their logs in raft-wal.

package log_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftwal "github.com/hashicorp/raft-wal"
)

var quiet = hclog.NewNullLogger()

// hashicorpCluster is raft with its defaults, and the options by which its
// users make it fast: Apply calls that wait are appended together
// (BatchApplyCh), the last 512 entries are kept in memory (LogCache), as Consul
// does, and committed entries reach the state machine, which does nothing, in
// batches. Its timeouts are longer, so that a busy machine costs no leader.
//
// Acknowledged means: synced by fsync in the leader's log and in that of a
// majority, and applied on the leader.
type hashicorpCluster struct {
	mesh   mesh
	nodes  [3]*hashicorpNode
	leader level // 1 more than the leader's number; 0 while there is none
	down   int
}

type hashicorpNode struct {
	raft      *raft.Raft
	log       *raftwal.WAL
	transport *raft.NetworkTransport
	stored    *notedStore
	dir       string
	done      chan struct{} // closed to end watch
	watched   chan struct{} // closed when it has ended
}

func openHashicorp(dir string) (cluster, error) {
	c := &hashicorpCluster{}
	for i := range c.nodes {
		if err := c.start(i, filepath.Join(dir, nodeName(i))); err != nil {
			c.Close()
			return nil, err
		}
	}
	if _, err := c.leading(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func nodeName(i int) string { return fmt.Sprintf("n%d", i) }

// start starts a node in dir, for the first time or again.
func (c *hashicorpCluster) start(i int, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	w, err := raftwal.Open(dir, raftwal.WithLogger(quiet))
	if err != nil {
		return err
	}
	last, err := w.LastIndex()
	if err != nil {
		return err
	}
	n := &hashicorpNode{log: w, stored: &notedStore{WAL: w}, dir: dir}
	n.done, n.watched = make(chan struct{}), make(chan struct{})
	n.stored.last.set(last)
	listener, err := c.mesh.listen(nodeName(i))
	if err != nil {
		return err
	}
	n.transport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:  &meshStream{listener, nodeName(i), &c.mesh},
		MaxPool: 3,
		Timeout: 10 * time.Second,
		Logger:  quiet,
	})
	if err := n.run(i, last == 0); err != nil {
		return err
	}
	c.nodes[i] = n
	go c.watch(i, n)
	return nil
}

func (n *hashicorpNode) run(i int, first bool) error {
	config := raft.DefaultConfig()
	config.LocalID = raft.ServerID(nodeName(i))
	config.Logger = quiet
	config.BatchApplyCh = true
	config.HeartbeatTimeout, config.ElectionTimeout = 2*time.Second, 2*time.Second
	config.LeaderLeaseTimeout = 2 * time.Second
	config.SnapshotThreshold = math.MaxUint64 // the log is what is measured
	cache, err := raft.NewLogCache(512, n.stored)
	if err != nil {
		return err
	}
	snapshots := raft.NewDiscardSnapshotStore()
	if first {
		var all raft.Configuration
		for k := range 3 {
			all.Servers = append(all.Servers,
				raft.Server{ID: raft.ServerID(nodeName(k)), Address: raft.ServerAddress(nodeName(k))})
		}
		if err := raft.BootstrapCluster(config, cache, n.log, snapshots, n.transport, all); err != nil {
			return err
		}
	}
	n.raft, err = raft.NewRaft(config, nothing{}, cache, n.log, snapshots, n.transport)
	return err
}

// watch follows one node's leadership until the node is closed.
func (c *hashicorpCluster) watch(i int, n *hashicorpNode) {
	defer close(n.watched)
	for {
		select {
		case leads := <-n.raft.LeaderCh():
			if leads {
				c.leader.set(uint64(i) + 1)
			}
		case <-n.done:
			return
		}
	}
}

// leading returns the leader, once it has applied what came before it.
func (c *hashicorpCluster) leading() (*hashicorpNode, error) {
	i, err := c.leader.await("a leader", atLeast(1))
	if err != nil {
		return nil, err
	}
	n := c.nodes[i-1]
	return n, n.raft.Barrier(patience).Error()
}

func (c *hashicorpCluster) Produce(record []byte) error {
	i, err := c.leader.await("a leader", atLeast(1))
	if err != nil {
		return err
	}
	return c.nodes[i-1].raft.Apply(record, 0).Error()
}

func (c *hashicorpCluster) Stop() error {
	i, err := c.leader.await("a leader", atLeast(1))
	if err != nil {
		return err
	}
	c.down = int(i) % 3 // the one after the leader
	return c.nodes[c.down].close()
}

func (n *hashicorpNode) close() error {
	close(n.done)
	<-n.watched
	if err := n.raft.Shutdown().Error(); err != nil {
		return err
	}
	n.transport.CloseStreams()
	if err := n.transport.Close(); err != nil {
		return err
	}
	return n.log.Close()
}

func (c *hashicorpCluster) Restart() error {
	leader, err := c.leading()
	if err != nil {
		return err
	}
	if err := c.start(c.down, c.nodes[c.down].dir); err != nil {
		return err
	}
	_, err = c.nodes[c.down].stored.last.await("the follower's log", atLeast(leader.raft.LastIndex()))
	return err
}

func (c *hashicorpCluster) Records(node int) (all [][]byte, err error) {
	leader, err := c.leading()
	if err != nil {
		return nil, err
	}
	n := c.nodes[node]
	last, err := n.stored.last.await("a node's log", atLeast(leader.raft.LastIndex()))
	if err != nil {
		return nil, err
	}
	for i := uint64(1); i <= last; i++ {
		var log raft.Log
		if err := n.log.GetLog(i, &log); err != nil {
			return nil, err
		}
		if log.Type == raft.LogCommand {
			all = append(all, log.Data)
		}
	}
	return all, nil
}

func (c *hashicorpCluster) Close() error {
	var first error
	for _, n := range c.nodes {
		if n == nil {
			continue
		}
		if err := n.close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// A notedStore tells how far its log is on the disk.
type notedStore struct {
	*raftwal.WAL
	last level
}

func (s *notedStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

func (s *notedStore) StoreLogs(logs []*raft.Log) error {
	if err := s.WAL.StoreLogs(logs); err != nil {
		return err
	}
	s.last.set(logs[len(logs)-1].Index)
	return nil
}

// A meshStream is the transport's network: nodes have names for addresses.
type meshStream struct {
	net.Listener
	name string
	mesh *mesh
}

func (s *meshStream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.mesh.dial(ctx, string(address))
}

func (s *meshStream) Addr() net.Addr { return nameAddr(s.name) }

type nameAddr string

func (nameAddr) Network() string  { return "mesh" }
func (a nameAddr) String() string { return string(a) }

// nothing is a state machine without a state.
type nothing struct{}

func (nothing) Apply(*raft.Log) any                 { return nil }
func (nothing) ApplyBatch(logs []*raft.Log) []any   { return make([]any, len(logs)) }
func (nothing) Snapshot() (raft.FSMSnapshot, error) { return nothing{}, nil }
func (nothing) Restore(r io.ReadCloser) error       { return r.Close() }
func (nothing) Persist(s raft.SnapshotSink) error   { return s.Close() }
func (nothing) Release()                            {}
