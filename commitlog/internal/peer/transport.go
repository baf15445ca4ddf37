// A transport: what a node sends to others and hears from them.

package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"go.etcd.io/raft/v3/raftpb"
)

// Config configures a [Transport]. Listener, Dial, Hello and Receive must be
// set; of the rest the zero value works.
type Config struct {
	// Listener has peers' connections, such as Mux.Peers. Close closes it.
	Listener net.Listener

	// Dial connects to a peer's address, as DialPeer's result does.
	Dial func(ctx context.Context, address string) (net.Conn, error)

	// Hello is what this node says of itself, as of now: both sides say it
	// first on each connection.
	Hello func() Hello

	// Admit judges what the other side says, on both sides; nil admits all. Its
	// error's text reaches a dialer as Refused.
	Admit func(remote Hello) error

	// Receive takes a message, on the goroutine of its connection: while it
	// blocks, that peer waits. It must return once the node ends, or Close
	// does not. The message is the receiver's; entries' data lie in one piece
	// of memory per message.
	Receive func(from Hello, m *raftpb.Message)

	// Unreachable is told of nodes to which messages were lost: once for each
	// failure or run of dropped messages, however many they are. It is called
	// on a goroutine of its own, never from Send, and must return once the
	// node ends. Nil: nobody wants to know.
	Unreachable func(id uint64)

	// Stream serves a bulk stream; nil refuses all. ctx ends when the reader
	// goes or the transport closes. What it writes is gathered into larger
	// pieces. Its error's text reaches the reader as StreamFailed.
	Stream func(ctx context.Context, from Hello, request []byte, w io.Writer) error

	MaxFrame      int // bytes of one message; if 0, 64 MiB; a frame above it is refused before memory is spent
	MaxConns      int // connections from others at once; if 0, 256: strangers cost memory before they are known
	QueueBytes    int // of messages waiting for one peer or being written; if 0, 64 MiB; a larger one passes alone
	QueueMessages int // waiting for one peer or being written; if 0, 4096

	// HelloTimeout is for dialing and both hellos; if 0, 3 s: after a partition,
	// a dial that began in it must not hold up the next.
	HelloTimeout time.Duration

	// WriteTimeout is for a write of about a megabyte, and until a peer that is
	// sent messages must have answered; if 0, 10 s. Receive that blocks for
	// longer costs the connection.
	WriteTimeout time.Duration

	StreamTimeout time.Duration // a stream without a byte for so long is broken; if 0, 30 s: disks may be slow
	IdleTimeout   time.Duration // messages' connections without a byte for so long end; if 0, 5 min

	BackoffMin, BackoffMax time.Duration // between attempts to reach a peer; if 0, 50 ms and 1 s
	Seed                   uint64        // of the backoff's jitter, so that a run can be repeated

	Logger *slog.Logger // if nil, nothing is logged
}

// withDefaults returns c with its zero fields filled in.
func (c Config) withDefaults() Config {
	if c.Listener == nil || c.Dial == nil || c.Hello == nil || c.Receive == nil {
		panic("peer: a Config needs Listener, Dial, Hello and Receive")
	}
	if c.Admit == nil {
		c.Admit = func(Hello) error { return nil }
	}
	if c.Unreachable == nil {
		c.Unreachable = func(uint64) {}
	}
	if c.Stream == nil {
		c.Stream = func(context.Context, Hello, []byte, io.Writer) error { return errors.New("no streams here") }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.MaxFrame = orElse(c.MaxFrame, 64<<20)
	c.MaxConns = orElse(c.MaxConns, 256)
	c.QueueBytes = orElse(c.QueueBytes, 64<<20)
	c.QueueMessages = orElse(c.QueueMessages, 4096)
	c.HelloTimeout = orElse(c.HelloTimeout, 3*time.Second)
	c.WriteTimeout = orElse(c.WriteTimeout, 10*time.Second)
	c.StreamTimeout = orElse(c.StreamTimeout, 30*time.Second)
	c.IdleTimeout = orElse(c.IdleTimeout, 5*time.Minute)
	c.BackoffMin = orElse(c.BackoffMin, 50*time.Millisecond)
	c.BackoffMax = max(orElse(c.BackoffMax, time.Second), c.BackoffMin)
	return c
}

func orElse[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// A Transport links a node to others. Each side dials for what it sends: a
// connection carries messages one way, and answers whether they are read. Messages may be lost, and overtake each
// other when a connection is replaced, which Raft takes into account; they
// never arrive damaged.
type Transport struct {
	c      Config
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	links  map[uint64]*link
	conns  map[net.Conn]bool // accepted, and dialed for streams

	lost     map[uint64]bool // nodes to report as unreachable
	lostWake chan struct{}
}

// New returns a transport that may send and fetch at once, and listens from
// Start on.
func New(c Config) *Transport {
	t := &Transport{
		c:        c.withDefaults(),
		links:    make(map[uint64]*link),
		conns:    make(map[net.Conn]bool),
		lost:     make(map[uint64]bool),
		lostWake: make(chan struct{}, 1),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.own(t.reportLost)
	return t
}

// Start begins to accept connections. It may be called once.
func (t *Transport) Start() {
	t.own(func() {
		err := accept(t.c.Listener, t.ctx.Done(), t.c.Logger, t.take)
		if t.ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
			t.c.Logger.Error("no peer can connect any more", "error", err)
		}
	})
}

// Close closes the listener and all connections, ends all streams, and waits
// for every goroutine; Receive, Unreachable and Stream are not called after it.
func (t *Transport) Close() error {
	t.mu.Lock()
	again := t.closed
	t.closed = true // nothing is added from now on
	t.mu.Unlock()
	t.cancel() // before anything breaks, so that it is known why
	t.severAll()
	err := t.c.Listener.Close()
	t.wg.Wait()
	if again || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (t *Transport) severAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for conn := range t.conns {
		sever(conn)
	}
}

// own runs f on a goroutine that Close waits for, unless it has been called.
func (t *Transport) own(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.wg.Go(f)
	return true
}

// hold makes conn one that Close closes. It fails if there are most already.
func (t *Transport) hold(conn net.Conn, most int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	if len(t.conns) >= most {
		return fmt.Errorf("peer: %d connections are open, and no more are taken", len(t.conns))
	}
	t.conns[conn] = true
	return nil
}

// drop closes a connection and forgets it.
func (t *Transport) drop(conn net.Conn) {
	sever(conn)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, conn)
}

// Peer says where a node is reached. A new address ends the connection to the
// old one; what waits is sent to the new one.
func (t *Transport) Peer(id uint64, addr string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.links[id]; l != nil {
		l.move(addr)
		return
	}
	if t.closed {
		return
	}
	l := newLink(t, id, addr)
	t.links[id] = l
	t.wg.Go(l.run)
}

// Forget ends the link to a node; what waits for it is lost.
func (t *Transport) Forget(id uint64) {
	t.mu.Lock()
	l := t.links[id]
	delete(t.links, id)
	t.mu.Unlock()
	if l != nil {
		l.cancel()
	}
}

// Send sends m to a node that Peer has named, some time soon. It never blocks.
// Over the queue's bounds, or to a node it does not know, the message is lost
// and the node reported unreachable. m must not change any more.
func (t *Transport) Send(to uint64, m *raftpb.Message) {
	t.mu.Lock()
	l := t.links[to]
	t.mu.Unlock()
	if l == nil || !l.put(m) {
		t.report(to)
	}
}

// report notes that a message to id was lost.
func (t *Transport) report(id uint64) {
	t.mu.Lock()
	t.lost[id] = true
	t.mu.Unlock()
	select {
	case t.lostWake <- struct{}{}:
	default:
	}
}

// reportLost tells Unreachable what report has noted.
func (t *Transport) reportLost() {
	for {
		select {
		case <-t.lostWake:
		case <-t.ctx.Done():
			return
		}
		t.mu.Lock()
		ids := slices.Sorted(maps.Keys(t.lost))
		clear(t.lost)
		t.mu.Unlock()
		for _, id := range ids {
			t.c.Unreachable(id)
		}
	}
}
