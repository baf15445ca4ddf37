// A node: its log, its core and its links, held together.

package commitlog

import (
	"context"
	"errors"
	"net"
	"sync"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/rehearse-go/rehearse/commitlog/internal/ledger"
	"github.com/rehearse-go/rehearse/commitlog/internal/peer"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// A Node is one copy of a replicated log. Its methods may be called at the
// same time, while Run runs.
type Node struct {
	config Config
	log    *wal.Log
	core   *core // of Run's goroutine alone
	disk   *disk
	links  *peer.Transport
	view   *view
	events *eventlog

	mu  sync.Mutex
	who identity

	received chan received
	produced chan *proposal
	calls    chan func(*core)
	stored   chan done
	fetched  chan fetched

	stop    func() // ends Run
	stopped chan struct{}
	gone    chan struct{} // closed when Run has ended
	ran     bool
	fetches fetches
	parting map[uint64]int // ticks that nodes have left which are no members any more
}

type received struct {
	from peer.Hello
	m    *raftpb.Message
}

// New opens the node's log, recovers it, and founds a cluster if the Config
// says so. Nothing runs before Run.
func New(c Config) (*Node, error) {
	c, err := c.with()
	if err != nil {
		return nil, err
	}
	who, err := loadIdentity(c.FS)
	if err != nil {
		return nil, err
	}
	if who.node != "" && who.node != c.Name {
		return nil, WrongCluster{What: "the directory", Want: "node " + c.Name, Have: who.String()}
	}
	fresh := who.id == 0
	if fresh {
		who = newIdentity(c.Name, c.Addr, c.Now(), c.Bootstrap)
	}
	n := &Node{
		config: c, who: who, view: newView(), events: newEventlog(),
		received: make(chan received, 256), produced: make(chan *proposal, 64),
		calls: make(chan func(*core)), stored: make(chan done, 1), fetched: make(chan fetched),
		stopped: make(chan struct{}), gone: make(chan struct{}), parting: map[uint64]int{},
	}
	n.stop = sync.OnceFunc(func() { close(n.stopped) })
	if err := n.open(fresh); err != nil {
		return nil, err
	}
	return n, nil
}

// open opens the log and makes what stands on it.
func (n *Node) open(fresh bool) (err error) {
	var d *disk
	n.log, err = wal.Open(wal.Config{
		FS: n.config.FS, SegmentSize: n.config.Segment,
		Checkpoint: func(before uint64) []byte { return d.checkpoint(before) },
		Rolled:     func(first uint64) { n.events.add([]Event{{Kind: Rolled, Index: first}}) },
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			n.log.Close()
		}
	}()
	if fresh { // only now: where it lies, segments must lie too
		if err = n.who.store(n.config.FS); err != nil {
			return err
		}
	}
	books, err := n.recoverLedgers()
	if err != nil {
		return err
	}
	d = newDisk(n.log, books[1], n.stored)
	n.disk = d
	if n.core, err = newCore(n.config, n.who.id, n.log, books[0]); err != nil {
		return err
	}
	n.core.say(Event{Kind: Recovered, Index: n.log.Last(), Term: n.core.term})
	if n.log.Last() == 0 && n.who.cluster == clusterOf(n.who.id) {
		if err = n.core.found(n.self()); err != nil {
			return err
		}
	}
	n.links = peer.New(peer.Config{
		Listener: n.config.Listener, Logger: n.config.Logger, MaxFrame: maxMaxBatch + maxGroup,
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			return n.config.Dial(ctx, "tcp", address)
		},
		Hello: n.hello, Admit: n.admit, Receive: n.receive, Unreachable: n.unreachable, Stream: n.serveSegments,
	})
	n.publish()
	return nil
}

func (n *Node) self() ledger.Member {
	return ledger.Member{ID: n.who.id, Name: n.config.Name, Addr: n.config.Addr}
}

// Found founds a cluster of this node alone, as Config.Bootstrap does, for
// whoever knows only later that there is none yet. It does nothing if the node
// belongs to a cluster.
func (n *Node) Found(ctx context.Context) error {
	var err error
	asked := n.call(ctx, func(k *core) {
		if k.failed != nil || n.log.Last() > 0 || n.hello().Cluster != "" {
			err = k.failed
			return
		}
		if err = n.adopt(clusterOf(k.id)); err == nil {
			err = k.found(n.self())
		}
	})
	return errors.Join(asked, err)
}

// recoverLedgers makes the core's ledger and the disk's, with what is known to
// be committed.
func (n *Node) recoverLedgers() ([]*ledger.Ledger, error) {
	books, err := openLedgers(n.log, 2)
	if err != nil {
		return nil, err
	}
	for _, book := range books {
		if err := book.Commit(max(n.log.State().Commit, book.Committed().Index)); err != nil {
			return nil, err
		}
	}
	return books, nil
}

// Run runs the node until ctx ends, Shutdown is called, or it fails; then
// everything of it has ended. It returns nil when it was told to end.
func (n *Node) Run(ctx context.Context) error {
	n.mu.Lock()
	again := n.ran
	n.ran = true
	n.mu.Unlock()
	if again {
		return errors.New("commitlog: Run was called twice, or after Shutdown")
	}
	defer close(n.gone)
	n.links.Start()
	var writing sync.WaitGroup
	writing.Go(func() { n.disk.run(n.stopped) })
	n.loop(ctx)
	n.stop()
	n.view.end(ErrClosed)
	n.events.close()
	n.disk.close()
	err := n.links.Close()
	n.fetches.wait()
	writing.Wait()
	n.abandon()
	return errors.Join(err, n.log.Close())
}

// abandon answers those who still wait.
func (n *Node) abandon() {
	n.core.produce.fail(ErrClosed)
	n.core.reads.fail(ErrClosed)
	for {
		select {
		case p := <-n.produced:
			p.answer(Pos{}, ErrClosed)
		default:
			return
		}
	}
}

// Close ends the node, whatever it does. It returns when Run has ended, and
// may be called many times.
func (n *Node) Close() error {
	n.mu.Lock()
	ran := n.ran
	n.ran = true
	n.mu.Unlock()
	n.stop()
	if ran {
		<-n.gone
		return nil
	}
	defer close(n.gone)
	n.view.end(ErrClosed)
	n.events.close()
	return errors.Join(n.links.Close(), n.log.Close())
}

// Shutdown ends the node: a leader first hands over to another, as long as ctx
// allows. It returns as Close does.
func (n *Node) Shutdown(ctx context.Context) error {
	n.mu.Lock()
	ran := n.ran
	n.mu.Unlock()
	if ran { // else nobody hears
		n.HandOver(ctx)
	}
	return n.Close()
}

// call lets Run's goroutine do something, and returns when it has.
func (n *Node) call(ctx context.Context, f func(*core)) error {
	did := make(chan struct{})
	select {
	case n.calls <- func(k *core) { defer close(did); f(k) }:
	case <-ctx.Done():
		return ctx.Err()
	case <-n.stopped:
		return ErrClosed
	}
	select {
	case <-did:
		return nil
	case <-n.gone:
		return ErrClosed
	}
}

// hello is what the node tells others of itself.
func (n *Node) hello() peer.Hello {
	n.mu.Lock()
	defer n.mu.Unlock()
	return peer.Hello{Cluster: n.who.cluster, Name: n.who.node, Addr: n.config.Addr, ID: n.who.id}
}

// admit turns away who belongs to another cluster.
func (n *Node) admit(h peer.Hello) error {
	n.mu.Lock()
	who := n.who
	n.mu.Unlock()
	if h.Cluster != "" && who.cluster != "" && h.Cluster != who.cluster {
		err := WrongCluster{
			What: h.Addr, Want: who.String(),
			Have: identity{cluster: h.Cluster, node: h.Name}.String(),
		}
		n.events.add([]Event{{Kind: Refused, Node: h.Name, Note: err.Error()}})
		return err
	}
	return nil
}

// receive hands a message to the core. A node that has no cluster yet joins
// that of the first node that sends it something: only members do.
func (n *Node) receive(from peer.Hello, m *raftpb.Message) {
	if m.GetFrom() != from.ID {
		return
	}
	select {
	case n.received <- received{from, m}:
	case <-n.stopped:
	}
}

// adopt notes which cluster the node has come to belong to.
func (n *Node) adopt(cluster string) error {
	n.mu.Lock()
	who := n.who
	n.mu.Unlock()
	if who.cluster != "" || cluster == "" {
		return nil
	}
	who.cluster = cluster
	if err := who.store(n.config.FS); err != nil {
		return err
	}
	n.mu.Lock()
	n.who = who
	n.mu.Unlock()
	return nil
}

func (n *Node) unreachable(id uint64) {
	// Without a waiting goroutine: whoever reports may be one that the loop waits for.
	select {
	case n.received <- received{m: &raftpb.Message{From: &id, Type: raftpb.MsgUnreachable.Enum()}}:
	default:
	}
}

// Produce appends a batch. It returns when a quorum of the nodes has it on
// disk and it can be read here. If ctx ends before, or the node loses its
// leadership, the outcome is [Uncertain].
func (n *Node) Produce(ctx context.Context, b Batch) (Pos, error) {
	p, err := n.Enqueue(ctx, b)
	if err != nil {
		return Pos{}, err
	}
	return p.Wait(ctx)
}

// A Pending batch is on its way.
type Pending struct {
	proposal *proposal
	gone     <-chan struct{}
}

// Enqueue takes a batch in: what is enqueued earlier comes earlier in the log.
// It blocks while too much waits.
func (n *Node) Enqueue(ctx context.Context, b Batch) (Pending, error) {
	encoded, err := wal.Encode(b)
	if err != nil {
		return Pending{}, err
	}
	if encoded.Len() > n.config.MaxBatch {
		return Pending{}, TooLarge{encoded.Len(), n.config.MaxBatch}
	}
	p := &proposal{batch: encoded, producer: b.Producer, sequence: b.Sequence, done: make(chan outcome, 1)}
	select {
	case <-n.stopped:
		return Pending{}, ErrClosed
	default:
	}
	select {
	case n.produced <- p:
		return Pending{p, n.gone}, nil
	case <-ctx.Done():
		return Pending{}, ctx.Err()
	case <-n.stopped:
		return Pending{}, ErrClosed
	}
}

// Wait returns where the batch lies, once it is committed, as Produce does.
func (p Pending) Wait(ctx context.Context) (Pos, error) {
	select {
	case o := <-p.proposal.done:
		return o.pos, o.err
	case <-ctx.Done():
		return Pos{}, Uncertain{Why: ctx.Err()}
	case <-p.gone:
	}
	select {
	case o := <-p.proposal.done:
		return o.pos, o.err
	default: // it came when nobody took it any more
		return Pos{}, ErrClosed
	}
}
