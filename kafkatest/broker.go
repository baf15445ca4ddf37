// A broker: its life, its listeners and its connections.

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
)

// A Broker is one member of a cluster.
type Broker struct {
	cluster *Cluster
	id      int32
	index   int // in the cluster's beginning, for ports that count up
	name    string
	rack    string
	places  []place // of each listener; stay when the broker stops
	script  script
	history history

	// turns holds something while the broker is being started or ended, which
	// takes a while and is done once at a time.
	turns chan struct{}

	mu        sync.Mutex // held for a few instructions only
	life      *life      // nil while the broker is stopped
	accepted  int        // connections so far, to name them
	reserved  []func()   // let go of the ports that are kept while the broker is stopped
	latencies latencies
}

// A life is one run of a broker, from its start to its stop.
type life struct {
	listeners []net.Listener
	conns     map[*conn]bool
	ctx       context.Context // done when the broker stops
	stop      context.CancelFunc
	ended     <-chan struct{} // the context's
	running   sync.WaitGroup
}

// grace is how long the end of a broker waits for functions of the test's: a
// Handler or a rule that goes on for longer, or that ends the broker itself,
// runs on while everything else of the broker has ended.
const grace = time.Second

// wait waits until all that runs has ended, and reports whether it has within
// the grace.
func wait(running *sync.WaitGroup) bool {
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

func newLife() *life {
	l := &life{conns: map[*conn]bool{}}
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.ended = l.ctx.Done()
	return l
}

func newBroker(c *Cluster, id int32, index int) *Broker {
	b := &Broker{
		cluster: c, id: id, index: index, name: "broker " + strconv.Itoa(int(id)),
		turns: make(chan struct{}, 1),
	}
	if index < len(c.config.Racks) {
		b.rack = c.config.Racks[index]
	}
	return b
}

// ID returns the broker's id.
func (b *Broker) ID() int32 { return b.id }

// Addr returns the address of the broker's first listener, also while the
// broker is stopped.
func (b *Broker) Addr() string { return b.addr(b.cluster.config.Listeners[0].Name) }

// ListenerAddr returns the address of the listener of that name. It panics if
// there is none.
func (b *Broker) ListenerAddr(name string) string { return b.addr(name) }

// open opens the broker's listeners: at first where they are configured, later
// where they were before.
func (b *Broker) open() error {
	b.release()
	l := newLife()
	var places []place
	for i := range b.cluster.config.Listeners {
		listener, err := b.cluster.config.Listen(context.Background(), "tcp", b.bindAddress(i))
		if err != nil {
			for _, open := range l.listeners {
				err = errors.Join(err, open.Close())
			}
			return fmt.Errorf("kafkatest: broker %d, listener %s: %w", b.id, b.cluster.config.Listeners[i].Name, err)
		}
		l.listeners = append(l.listeners, listener)
		places = append(places, b.place(i, listener))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.life, b.places = l, places
	return nil
}

// serve starts accepting on every listener.
func (b *Broker) serve() {
	l := b.life
	for i := range l.listeners {
		l.running.Add(1)
		go b.accept(l, i)
	}
}

func (b *Broker) accept(l *life, i int) {
	defer l.running.Done()
	for {
		nc, err := l.listeners[i].Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			b.cluster.note(journal.Event{Kind: "kafka.accept", Where: b.name,
				Notes: []journal.Note{{Key: "error", Value: err.Error()}}})
			select {
			case <-l.ended:
				return
			case <-time.After(10 * time.Millisecond): // out of descriptors, say: it may pass
			}
			continue
		}
		b.admit(l, i, nc)
	}
}

// admit begins a connection, unless the broker stops meanwhile.
func (b *Broker) admit(l *life, i int, nc net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.life != l {
		nc.Close()
		return
	}
	b.accepted++
	x := newConn(b, l, &b.cluster.config.Listeners[i], nc)
	l.conns[x] = true
	l.running.Add(1)
	go x.run()
}

// forget lets go of a connection that has ended.
func (b *Broker) forget(x *conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(x.life.conns, x)
}

// shut ends the broker's life: no connection is accepted, and those that are
// open are closed or, if how is Reset, reset.
func (b *Broker) shut(how Cut) *life {
	b.mu.Lock()
	l := b.life
	b.life = nil
	var conns []*conn
	if l != nil {
		for x := range l.conns {
			conns = append(conns, x)
		}
	}
	b.mu.Unlock()
	if l == nil {
		return nil
	}
	l.stop()
	for _, listener := range l.listeners {
		listener.Close()
	}
	sortConns(conns)
	for _, x := range conns {
		x.end(how)
	}
	return l
}

// Stop stops the broker as a controlled shutdown does: its leaderships and
// coordinators move to the others first, then its connections close. Stopping
// a broker that is stopped does nothing. Stop returns when nothing of the
// broker runs any more; within a Handler or a rule that the broker itself waits
// for, after a second.
func (b *Broker) Stop() {
	defer b.turn()()
	b.stop()
}

func (b *Broker) stop() { b.halt(Close, func(s *state.Cluster) { s.StopBroker(b.id) }) }

// Kill stops the broker as a power cut does: its connections are reset, and
// the cluster notices only when the broker's session ends, after
// broker.session.timeout.ms; until then clients are sent to it.
func (b *Broker) Kill() {
	defer b.turn()()
	b.halt(Reset, func(s *state.Cluster) { s.KillBroker(b.id) })
}

// turn waits until nobody else starts or ends the broker, and keeps others from
// it until over is called.
func (b *Broker) turn() (over func()) {
	b.turns <- struct{}{}
	return func() { <-b.turns }
}

// halt is to be called in a turn.
func (b *Broker) halt(how Cut, f func(*state.Cluster)) {
	b.cluster.note(journal.Event{Kind: "kafka.stop", Where: b.name})
	b.cluster.enter(f)
	if l := b.shut(how); l != nil {
		b.reserve()
		wait(&l.running)
		b.cluster.recordEndings()
	}
}

// reserve keeps the ports of the listeners that were just closed, where they
// are the system's.
func (b *Broker) reserve() {
	if !b.cluster.config.realSockets {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.places {
		b.reserved = append(b.reserved, reserve(p.bound))
	}
}

// release lets go of ports that were kept.
func (b *Broker) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, release := range b.reserved {
		release()
	}
	b.reserved = nil
}

// Restart starts a broker that was stopped or killed, where it was before. It
// stops it first if it runs. It fails if the address was taken meanwhile, which
// a free port of a real socket cannot be on Unix: it is kept for the broker.
func (b *Broker) Restart() error {
	defer b.turn()()
	b.stop()
	if b.cluster.isClosed() {
		return net.ErrClosed
	}
	if !slices.Contains(b.cluster.Brokers(), b) {
		return fmt.Errorf("kafkatest: %s was removed", b.name)
	}
	if err := b.open(); err != nil {
		return err
	}
	b.cluster.note(journal.Event{Kind: "kafka.start", Where: b.name})
	b.cluster.enter(func(s *state.Cluster) { s.StartBroker(b.id) })
	b.serve()
	return nil
}
