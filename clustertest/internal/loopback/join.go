// Joining: a host's programs in another process.

package loopback

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Remote is a host of a network that another process has. It offers what the
// [Host] does, with the same addresses, errors and faults. When this process
// ends, or the Remote is closed, its listeners are gone from the network; when
// the network is closed, everything made here is closed.
type Remote struct {
	party
	line *line
	done chan struct{} // closed when nothing more comes from the network

	mu      sync.Mutex
	closed  bool
	seq     int
	waiting map[int]chan message // for answers, by their Seq
	near    map[int]shutter      // what the program holds, by number
	early   map[int]bool         // shut before it was known here
}

// Join joins a network as the host that its gateway text, from [Host.Gateway],
// is of. ctx bounds the joining alone.
func Join(ctx context.Context, gateway string) (*Remote, error) {
	name, rest, _ := strings.Cut(gateway, "/")
	key, gate, found := strings.Cut(rest, "/")
	addr, err := netip.ParseAddrPort(gate)
	if !found || err != nil {
		return nil, fmt.Errorf("loopback: %q is no gateway", gateway)
	}
	r := &Remote{
		party: party{name: name, key: key, gate: addr},
		done:  make(chan struct{}), waiting: map[int]chan message{}, near: map[int]shutter{},
		early: map[int]bool{},
	}
	r.desk = r
	if err := r.join(ctx); err != nil {
		return nil, fmt.Errorf("loopback: joining as %s: %w", name, err)
	}
	go r.listen()
	return r, nil
}

func (r *Remote) join(ctx context.Context) error {
	conn, err := dialReal(ctx, r.gate)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(longAgo) })
	conn.SetDeadline(time.Now().Add(handshake))
	m, err := r.ask(conn, message{Op: opJoin})
	if !stop() && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err == nil && (m.Op != opAnswer || !m.Local.Addr().Is4()) {
		err = errFrame
	}
	if err != nil {
		reset(conn)
		return err
	}
	conn.SetDeadline(time.Time{})
	r.line, r.ip4, r.hub = newLine(conn), m.Local.Addr(), m.Hub
	return nil
}

// listen hears what the network says until it says nothing more; then all that
// the program holds is closed.
func (r *Remote) listen() {
	defer close(r.done)
	for {
		m, err := readFrame(r.line.conn)
		if err != nil {
			break
		}
		r.hear(m)
	}
	reset(r.line.conn)
	r.mu.Lock()
	r.closed = true
	waiting, near := r.waiting, r.near
	r.waiting, r.near = nil, nil
	r.mu.Unlock()
	for _, w := range waiting {
		close(w)
	}
	for _, id := range slices.Sorted(maps.Keys(near)) {
		near[id].shut()
	}
}

func (r *Remote) hear(m message) {
	r.mu.Lock()
	w, s := r.waiting[m.Seq], r.near[m.Socket]
	switch {
	case m.Op == opAnswer:
		delete(r.waiting, m.Seq)
	case m.Op == opShut && s == nil:
		r.early[m.Socket] = true
	case m.Op == opShut:
		delete(r.near, m.Socket)
	}
	r.mu.Unlock()
	switch {
	case m.Op == opAnswer && w != nil:
		w <- m
	case m.Op == opShut && s != nil:
		s.shut()
	}
}

// open implements desk.
func (r *Remote) open(m message, near shutter) message {
	answer := r.request(m)
	if answer.Failure == nil {
		r.hold(answer.Socket, near)
	}
	return answer
}

// request sends m and waits for its answer, which is a failure when the
// network is gone.
func (r *Remote) request(m message) message {
	gone := message{Failure: &failure{Kind: "closed"}}
	w := make(chan message, 1)
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return gone
	}
	r.seq++
	m.Seq = r.seq
	r.waiting[m.Seq] = w
	r.mu.Unlock()
	if r.line.send(context.Background(), m) != nil {
		reset(r.line.conn) // so that listen closes w
	}
	if answer, ok := <-w; ok {
		return answer
	}
	return gone
}

// hold notes what the program holds; what the network has shut meanwhile is
// shut.
func (r *Remote) hold(id int, near shutter) {
	r.mu.Lock()
	over := r.closed || r.early[id]
	if !over {
		r.near[id] = near
	}
	delete(r.early, id)
	r.mu.Unlock()
	if over {
		near.shut()
	}
}

// close implements desk: when it returns, nobody reaches the socket.
func (r *Remote) close(id int) {
	r.mu.Lock()
	delete(r.near, id)
	r.mu.Unlock()
	r.request(message{Op: opShut, Socket: id})
}

// took implements desk.
func (r *Remote) took(conn, peer string) {
	r.line.send(context.Background(), message{Op: opTook, Name: conn, Host: peer})
}

// Close leaves the network: listeners and packet connections are closed,
// connections live on. It is idempotent and returns nil.
func (r *Remote) Close() error {
	reset(r.line.conn)
	<-r.done
	return nil
}
