// Three nodes of etcd's raft, used plainly: a Ready at a time, a sync for each.

package log_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// etcdCluster is what a user of the library writes after its documentation:
// the Node and its loop, a proposal for each record, and for each Ready one
// write and one blocking fdatasync. As etcd does, a leader sends its messages
// before it syncs, so that the disks of all work at the same time.
//
// Acknowledged means: synced by fdatasync in the logs of a majority, and
// committed in the leader's view.
type etcdCluster struct {
	dir    string
	mesh   mesh
	nodes  [3]*etcdNode
	leader level // the leader's ID, of 1 to 3
	down   int
}

// An etcdNode is one node with its loop.
type etcdNode struct {
	id      uint64
	node    raft.Node
	log     *etcdLog
	links   *etcdLinks
	cluster *etcdCluster
	stored  level
	leads   bool          // of the loop
	done    chan struct{} // closed to end the loop
	ended   chan struct{} // closed when it has ended

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan struct{} // proposals under way, by their number
	err     error                    // why the loop has ended
}

func openEtcd(dir string) (cluster, error) {
	c := &etcdCluster{dir: dir}
	for i := range c.nodes {
		if err := c.start(i); err != nil {
			c.Close()
			return nil, err
		}
	}
	err := c.nodes[0].node.Campaign(context.Background())
	if err == nil {
		_, err = c.leading()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *etcdCluster) start(i int) error {
	dir := filepath.Join(c.dir, nodeName(i))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	log, err := openEtcdLog(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	n := &etcdNode{
		id: uint64(i) + 1, log: log, cluster: c,
		done: make(chan struct{}), ended: make(chan struct{}),
		waiting: map[uint64]chan struct{}{}, next: uint64(time.Now().UnixNano()),
	}
	last, _ := log.LastIndex()
	n.stored.set(last)
	n.node = raft.RestartNode(&raft.Config{
		ID:           n.id,
		ElectionTick: 20, HeartbeatTick: 1,
		Storage:       log,
		Applied:       log.hard.GetCommit(), // the log is all the state there is
		MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256, MaxInflightBytes: 64 << 20,
		PreVote: true, CheckQuorum: true, DisableProposalForwarding: true,
		Logger: silence{},
	})
	if n.links, err = openEtcdLinks(n, &c.mesh); err != nil {
		return err
	}
	c.nodes[i] = n
	go n.run()
	return nil
}

// run is the loop that the library's documentation gives.
func (n *etcdNode) run() {
	defer close(n.ended)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			n.node.Tick()
		case ready := <-n.node.Ready():
			if err := n.handle(ready); err != nil {
				n.fail(err)
				return
			}
			n.node.Advance()
		case <-n.done:
			n.fail(errors.New("the node was closed"))
			return
		}
	}
}

func (n *etcdNode) handle(ready raft.Ready) error {
	if ready.SoftState != nil {
		n.noteLeader(ready.SoftState)
	}
	if n.leads {
		n.links.send(ready.Messages)
	}
	if err := n.log.save(ready.HardState, ready.Entries, ready.MustSync); err != nil {
		return err
	}
	if len(ready.Entries) > 0 {
		n.stored.set(ready.Entries[len(ready.Entries)-1].GetIndex())
	}
	if !n.leads {
		n.links.send(ready.Messages)
	}
	n.apply(ready.CommittedEntries)
	return nil
}

// apply tells those who wait that their records are committed.
func (n *etcdNode) apply(entries []*pb.Entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range entries {
		if len(e.GetData()) < 8 {
			continue // a new leader's first entry
		}
		number := binary.LittleEndian.Uint64(e.GetData())
		if committed, ok := n.waiting[number]; ok {
			close(committed)
			delete(n.waiting, number)
		}
	}
}

func (n *etcdNode) noteLeader(s *raft.SoftState) {
	n.leads = s.RaftState == raft.StateLeader
	if n.leads {
		n.cluster.leader.set(n.id)
	}
}

// fail ends every wait.
func (n *etcdNode) fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.err = err
	for number, committed := range n.waiting {
		close(committed)
		delete(n.waiting, number)
	}
}

// propose returns when the record is committed. Its number goes before it.
func (n *etcdNode) propose(record []byte) error {
	committed := make(chan struct{})
	number, err := n.register(committed)
	if err != nil {
		return err
	}

	data := make([]byte, 8, 8+len(record))
	binary.LittleEndian.PutUint64(data, number)
	if err := n.node.Propose(context.Background(), append(data, record...)); err != nil {
		return err
	}
	<-committed
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

// register numbers a proposal, which is told through committed.
func (n *etcdNode) register(committed chan struct{}) (number uint64, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next++
	n.waiting[n.next] = committed
	return n.next, n.err
}

func (n *etcdNode) close() error {
	close(n.done)
	<-n.ended
	n.links.close()
	n.node.Stop()
	return n.log.Close()
}

// leading returns the leader.
func (c *etcdCluster) leading() (*etcdNode, error) {
	id, err := c.leader.await("a leader", atLeast(1))
	if err != nil {
		return nil, err
	}
	return c.nodes[id-1], nil
}

func (c *etcdCluster) Produce(record []byte) error {
	n, err := c.leading()
	if err != nil {
		return err
	}
	return n.propose(record)
}

func (c *etcdCluster) Stop() error {
	n, err := c.leading()
	if err != nil {
		return err
	}
	c.down = int(n.id) % 3 // the one after the leader
	return c.nodes[c.down].close()
}

func (c *etcdCluster) Restart() error {
	leader, err := c.leading()
	if err != nil {
		return err
	}
	if err := c.start(c.down); err != nil {
		return err
	}
	last, err := leader.log.LastIndex()
	if err != nil {
		return err
	}
	_, err = c.nodes[c.down].stored.await("the follower's log", atLeast(last))
	return err
}

func (c *etcdCluster) Records(node int) (all [][]byte, err error) {
	leader, err := c.leading()
	if err != nil {
		return nil, err
	}
	last, err := leader.log.LastIndex()
	if err != nil {
		return nil, err
	}
	n := c.nodes[node]
	if last, err = n.stored.await("a node's log", atLeast(last)); err != nil {
		return nil, err
	}
	for i := uint64(1); i <= last; i++ {
		e, err := n.log.Entries(i, i+1, 0)
		if err != nil {
			return nil, err
		}
		if data := e[0].GetData(); len(data) >= 8 {
			all = append(all, data[8:])
		}
	}
	return all, nil
}

func (c *etcdCluster) Close() error {
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

// silence is a logger that says nothing until it must panic.
type silence struct{}

func (silence) Debug(...any)            {}
func (silence) Debugf(string, ...any)   {}
func (silence) Error(...any)            {}
func (silence) Errorf(string, ...any)   {}
func (silence) Info(...any)             {}
func (silence) Infof(string, ...any)    {}
func (silence) Warning(...any)          {}
func (silence) Warningf(string, ...any) {}

func (silence) Fatal(v ...any)                 { panic(fmt.Sprint(v...)) }
func (silence) Fatalf(format string, v ...any) { panic(fmt.Sprintf(format, v...)) }
func (silence) Panic(v ...any)                 { panic(fmt.Sprint(v...)) }
func (silence) Panicf(format string, v ...any) { panic(fmt.Sprintf(format, v...)) }
