// A relay: one connection between two hosts, as two real connections and what goes between.

package loopback

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

// relayBuffer is what the sockets of programs and relays hold each way, in
// bytes, so that a direction is bounded: the kernel's own choice grows to
// megabytes.
const relayBuffer = 128 << 10

// grace is how long a reset waits for what was read before it and cannot be
// written, since the program there does not read. It is not long: the reset is
// what that program, blocked in a write, waits for.
const grace = 100 * time.Millisecond

// A relay is one connection. ends[0] dialled, ends[1] accepted; ways[i] leads
// from ends[i] to the other.
//
// Invariants: only the goroutine of a way sends on it, until the way has
// ended; then only who finds its source dead does, once. Bytes of one way never
// pass each other.
type relay struct {
	net  *Network
	name string
	ends [2]end
	ways [2]way
	ctx  context.Context // until it is cut
	stop context.CancelFunc

	mu sync.Mutex // guards ends' dead, and ways' ended and told
}

// end is a relay's real connection to one of the programs.
type end struct {
	conn   *net.TCPConn
	host   *Host
	fin    atomic.Bool   // no more is written to it: its program sees the end
	silent atomic.Bool   // its host crashed: nobody learns of its end
	turn   chan struct{} // holds a value while somebody writes, or looks at failed
	failed error         // of a write
	dead   bool          // a write found that its program is gone
}

// write writes to the end's program.
func (e *end) write(b []byte) error {
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	_, err := e.conn.Write(b)
	if err != nil {
		e.failed = err
	}
	return err
}

// wasReset tells whether a read's io.EOF is that of a reset which a write has
// learned of: the kernel tells it once, and afterwards reads look as if the
// program had ended well. To shut a socket that is open fails only after a
// reset; then a write has failed, or is just failing. A broken pipe is no such
// failure: the end came first, and the reset behind it.
func (e *end) wasReset() bool {
	if e.conn.CloseRead() == nil || e.fin.Load() {
		return false
	}
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	return e.failed != nil && !errors.Is(e.failed, syscall.EPIPE)
}

// newRelay makes the relay of an attempt; net.mu is held.
func (a *attempt) newRelay(client, server *net.TCPConn) *relay {
	r := &relay{net: a.net, name: a.name()}
	r.ctx, r.stop = context.WithCancel(a.net.ctx)
	r.ends[0].conn, r.ends[0].host = client, a.from
	r.ends[1].conn, r.ends[1].host = server, a.to
	for i, l := range [2]*link{a.out, a.back} {
		r.ways[i] = way{
			relay: r, src: &r.ends[i], dst: &r.ends[1-i], back: &r.ways[1-i], link: l,
			key: a.net.key(r.name + strconv.Itoa(i)), broken: make(chan struct{}),
		}
	}
	for i := range r.ends {
		r.ends[i].turn = make(chan struct{}, 1)
		bound(r.ends[i].conn)
	}
	return r
}

// bound makes the buffers of a socket small.
func bound(c *net.TCPConn) {
	c.SetReadBuffer(relayBuffer)
	c.SetWriteBuffer(relayBuffer)
}

// serve carries bytes until both ways have ended.
func (r *relay) serve() {
	var other sync.WaitGroup
	other.Go(r.ways[1].pump)
	r.ways[0].pump()
	other.Wait()
	r.forget()
	r.stop()
	for i := range r.ends {
		r.ends[i].conn.Close()
	}
}

// forget takes the relay off the network's list.
func (r *relay) forget() {
	r.net.mu.Lock()
	defer r.net.mu.Unlock()
	r.net.relays = slices.DeleteFunc(r.net.relays, func(other *relay) bool { return other == r })
}

// cut resets both ends at once.
func (r *relay) cut() {
	r.stop()
	for i := range r.ends {
		reset(r.ends[i].conn)
	}
}

// killed ends what the relay has on h: a program there sees a reset, and the
// peer learns of it over the link. If h crashed, nobody does.
func (r *relay) killed(h *Host, crashed bool) {
	for i := range r.ends {
		if e := &r.ends[i]; e.host == h {
			if crashed {
				e.silent.Store(true)
			}
			reset(e.conn)
		}
	}
}

// note records an event that happened to the relay at one end.
func (r *relay) note(k journal.Kind, at, peer *end, e journal.Event) int {
	if r.net.cfg.Journal == nil {
		return 0
	}
	e.Kind, e.Where, e.Peer, e.Subject = k, at.host.name, peer.host.name, r.name
	return r.net.append(e)
}
