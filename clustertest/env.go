// An Env: all that one life of a node's program may know of the world.

package clustertest

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync/atomic"

	"github.com/rehearse-go/rehearse/internal/chance"
	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vdisk"
)

// A Host is a place on the cluster's network. Its methods have the shapes that
// http.Transport, grpc.WithContextDialer, kgo.Dialer and the like take.
type Host interface {
	Name() string
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
}

// An Env is what one life of a node is given: from its start until it is
// stopped or crashed. After a crash nothing that was made from it reaches
// anybody any more, however long its goroutines go on.
//
// Addresses are names and ports, "n1:9000", or virtual IP addresses as
// listeners and connections tell them; both mean the same in every mode.
type Env struct {
	who   identity
	host  Host
	fs    vdisk.FS
	clock *clock
	note  func(journal.Event)
	dead  atomic.Bool
}

// identity is what an Env tells of itself; a node's process gets it as JSON.
type identity struct {
	Name  string
	Index int
	Life  int
	Nodes []string
	Seed  uint64
	Dir   string
}

// Name is the node's name, which is its host's name too: "n0".
func (e *Env) Name() string { return e.who.Name }

// Index is the node's number, from 0.
func (e *Env) Index() int { return e.who.Index }

// Life counts the lives of the node: 0 at the first start.
func (e *Env) Life() int { return e.who.Life }

// Nodes are the names of the cluster's nodes at this life's start, its own
// among them.
func (e *Env) Nodes() []string { return e.who.Nodes }

// Seed is the cluster's seed.
func (e *Env) Seed() uint64 { return e.who.Seed }

// Rand returns a generator of its own for the name: the same seed, node, life
// and name give the same numbers.
func (e *Env) Rand(name string) *rand.Rand {
	return rand.New(rand.NewPCG(e.who.Seed, keyed(e.who.Seed, e.who.Name, name)+uint64(e.who.Life)))
}

// Listen listens on the node's host: Listen(ctx, "tcp", ":9000").
func (e *Env) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	if e.dead.Load() {
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.ErrClosed}
	}
	return e.host.Listen(ctx, network, address)
}

// Dial dials from the node's host: Dial(ctx, "tcp", "n1:9000").
func (e *Env) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if e.dead.Load() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: net.ErrClosed}
	}
	return e.host.Dial(ctx, network, address)
}

// ListenPacket opens a datagram socket on the node's host.
func (e *Env) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	if e.dead.Load() {
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.ErrClosed}
	}
	return e.host.ListenPacket(ctx, network, address)
}

// FS is the node's disk, as this life sees it: a virtual one that forgets what
// was not synced when the node crashes; in Processes, a real directory. It
// outlives the life.
func (e *Env) FS() vdisk.FS { return e.fs }

// Dir is a real directory of the node's own, which outlives its lives, for
// programs that take nothing else. It loses nothing at a crash. In Processes
// FS is this directory.
func (e *Env) Dir() string { return e.who.Dir }

// Event records that something happened on this node: Cluster.Await looks, and
// Cluster.AwaitEvent may wait for it. Kind is two words joined by a dot, as in
// "kv.ready"; subject is what it is about.
func (e *Env) Event(kind journal.Kind, subject string, notes ...journal.Note) {
	e.record(journal.Event{Kind: kind, Subject: subject, Notes: notes})
}

// Log is where lines of text of the node's log go: into the journal, as events
// "node.log", a line each.
func (e *Env) Log() io.Writer { return &lines{emit: e.logLine} }

// Logger writes to Log, without times, which the journal has.
func (e *Env) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(e.Log(), &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

func (e *Env) logLine(line string) { e.record(journal.Event{Kind: "node.log", Body: []byte(line)}) }

// record writes an event of this node, unless it is dead: the dead say nothing.
func (e *Env) record(ev journal.Event) {
	if e.dead.Load() {
		return
	}
	ev.Where = e.who.Name
	e.note(ev)
}

// keyed is a number that depends on a seed and on names.
func keyed(seed uint64, names ...string) uint64 {
	h := chance.Mix(seed)
	for _, name := range names {
		h = chance.Mix(chance.Name(h, name) ^ 0x100)
	}
	return h
}
