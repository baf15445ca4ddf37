// etcd's raft as a member, to see that the schedule itself is fair.

package hunt_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"sync"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/clustertest"
)

// A core is a member that runs etcd's raft. One goroutine owns the RawNode;
// others hand it what to do.
type core struct {
	id   uint64
	env  *clustertest.Env
	raft *raft.RawNode
	log  *raft.MemoryStorage
	todo chan func()
	done chan struct{}
	stop func() // closes done, once

	listener net.Listener
	out      [3]chan []byte // to n0, n1, n2
	running  sync.WaitGroup

	mu      sync.Mutex
	applied []entry
	conns   []net.Conn
}

// etcd is the subject. The clock of n0 is slow.
func etcd(e *clustertest.Env) (_ member, err error) {
	n := &core{
		id: uint64(e.Index() + 1), env: e, log: raft.NewMemoryStorage(),
		todo: make(chan func()), done: make(chan struct{}),
	}
	n.stop = sync.OnceFunc(func() { close(n.done) })
	n.raft, err = raft.NewRawNode(&raft.Config{
		ID: n.id, ElectionTick: 10, HeartbeatTick: 1, Storage: n.log, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256,
		PreVote: true, CheckQuorum: true, DisableProposalForwarding: true,
		Logger: &raft.DefaultLogger{Logger: log.New(e.Log(), "", 0)},
	})
	if err != nil {
		return nil, err
	}
	if n.listener, err = e.Listen(context.Background(), "tcp", e.Name()+":7000"); err != nil {
		return nil, err
	}
	tick := 100 * time.Millisecond
	if e.Index() == 0 {
		tick *= slow
	}
	for i := range n.out {
		n.out[i] = make(chan []byte, 256)
		n.running.Go(func() { n.send(fmt.Sprintf("n%d:7000", i), n.out[i]) })
	}
	n.running.Go(n.accept)
	n.running.Go(func() { n.run(tick) })
	return n, nil
}

// Run runs the core until ctx is done.
func (n *core) Run(ctx context.Context) error { return finish(ctx, n) }

// Found makes a cluster.
func (n *core) Found(others ...member) {
	n.do(func() {
		n.raft.Bootstrap([]raft.Peer{{ID: n.id}})
		n.handle()
		n.raft.Campaign()
	})
	for _, m := range others {
		n.do(func() {
			n.raft.ProposeConfChange(&raftpb.ConfChange{
				Type: raftpb.ConfChangeAddNode.Enum(), NodeId: proto.Uint64(m.(*core).id),
			})
		})
		time.Sleep(time.Second) // virtual
	}
}

// run owns the RawNode.
func (n *core) run(tick time.Duration) {
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for {
		select {
		case <-clock.C:
			n.raft.Tick()
		case f := <-n.todo:
			f()
		case <-n.done:
			return
		}
		n.handle()
	}
}

// do lets the owner of the RawNode do something, and waits until it has.
func (n *core) do(f func()) {
	did := make(chan struct{})
	select {
	case n.todo <- func() { defer close(did); f() }:
		<-did
	case <-n.done:
	}
}

// handle does what the RawNode asks for: store, send, apply, in this order.
func (n *core) handle() {
	for n.raft.HasReady() {
		r := n.raft.Ready()
		if r.HardState != nil {
			n.log.SetHardState(r.HardState)
		}
		n.log.Append(r.Entries)
		for _, m := range r.Messages {
			n.post(m)
		}
		for _, e := range r.CommittedEntries {
			n.apply(e)
		}
		n.raft.Advance(r)
	}
}

// post queues a message; it is lost when too many wait.
func (n *core) post(m *raftpb.Message) {
	b, err := proto.Marshal(m)
	if err != nil {
		panic("hunt: a message that cannot be written: " + err.Error())
	}
	b = append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
	select {
	case n.out[m.GetTo()-1] <- b:
	default:
	}
}

func (n *core) apply(e *raftpb.Entry) {
	if e.GetType() == raftpb.EntryConfChange {
		var change raftpb.ConfChange
		if err := proto.Unmarshal(e.GetData(), &change); err != nil {
			panic("hunt: a change that cannot be read: " + err.Error())
		}
		n.raft.ApplyConfChange(&change)
		return
	}
	if len(e.GetData()) > 0 {
		n.mu.Lock()
		n.applied = append(n.applied, entryOfCore(e))
		n.mu.Unlock()
	}
}

func entryOfCore(e *raftpb.Entry) entry {
	return entry{e.GetIndex(), e.GetTerm(), fmt.Sprintf("%v %s", e.GetType(), e.GetData())}
}

// send sends what is queued for another member, and dials when it must.
func (n *core) send(to string, queue <-chan []byte) {
	var c net.Conn
	for {
		select {
		case b := <-queue:
			if c == nil {
				c = n.dial(to)
			}
			if c == nil {
				continue
			}
			c.SetWriteDeadline(time.Now().Add(2 * time.Second))
			if _, err := c.Write(b); err != nil {
				c.Close()
				c = nil
			}
		case <-n.done:
			return
		}
	}
}

// dial connects to another member, or returns nil.
func (n *core) dial(to string) net.Conn {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	c, err := n.env.Dial(ctx, "tcp", to)
	if err != nil {
		return nil
	}
	return n.keep(c)
}

// keep notes a connection for Free.
func (n *core) keep(c net.Conn) net.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns = append(n.conns, c)
	return c
}

func (n *core) accept() {
	for {
		c, err := n.listener.Accept()
		if err != nil {
			return
		}
		n.running.Go(func() { n.receive(n.keep(c)) })
	}
}

// receive hands what comes to the RawNode.
func (n *core) receive(c net.Conn) {
	for {
		var size [4]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		var m raftpb.Message
		if err := proto.Unmarshal(b, &m); err != nil {
			return
		}
		n.do(func() { n.raft.Step(&m) })
	}
}

// Leads tells whether the core believes that it leads.
func (n *core) Leads() (yes bool) {
	n.do(func() { yes = n.raft.BasicStatus().RaftState == raft.StateLeader })
	return yes
}

// Write proposes a command.
func (n *core) Write(data string) { n.do(func() { n.raft.Propose([]byte(data)) }) }

// Applied returns the commands that the core has carried out.
func (n *core) Applied() []entry {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.applied
}

// Log returns all that the core has stored.
func (n *core) Log() (all []entry) {
	n.do(func() {
		first, _ := n.log.FirstIndex()
		last, _ := n.log.LastIndex()
		entries, _ := n.log.Entries(first, last+1, math.MaxUint64)
		for _, e := range entries {
			all = append(all, entryOfCore(e))
		}
	})
	return all
}

// Stop ends the core.
func (n *core) Stop() (ended <-chan struct{}) {
	n.stop()
	n.listener.Close()
	n.Free()
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.running.Wait()
	}()
	return done
}

// Free closes the connections.
func (n *core) Free() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		c.Close()
	}
}
