// A mux: gRPC and peers on one listener.

package peer

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"
)

// Protocol is what peers call themselves in TLS's ALPN.
const Protocol = "rehearse-log"

// MuxConfig configures a [Mux]. The zero MuxConfig speaks plaintext.
type MuxConfig struct {
	// ServerTLS is for gRPC's clients, PeerTLS for other nodes, so that each
	// kind's certificates are verified against its own CA. A kind without one
	// speaks plaintext. NextProtos is set here; GetConfigForClient is heeded.
	// Peers get no session tickets: each connection proves its certificate.
	ServerTLS, PeerTLS *tls.Config

	// HandshakeTimeout is how long a connection may take until it is known what
	// it wants, and then wait for whoever takes it; if 0, 10 s.
	HandshakeTimeout time.Duration

	// MaxPending is how many connections may be in that state; if 0, 128. One
	// more ends the oldest: who is silent never keeps others out.
	MaxPending int

	// PeerAllowed is asked before a peer's connection is handed out; nil allows
	// all that PeerTLS does. The peer learns the error's text. In plaintext the
	// state is zero.
	PeerAllowed func(tls.ConnectionState) error

	Logger *slog.Logger // if nil, nothing is logged
}

// A Mux tells gRPC's connections from peers': with TLS by ALPN, in plaintext
// by their first bytes. Connections have shaken hands when they are handed
// out. Serve must run.
type Mux struct {
	c          MuxConfig
	l          net.Listener
	rpc, peers *lane
	tls        *tls.Config
	done       chan struct{}
	ended      sync.Once
	wg         sync.WaitGroup // handshakes

	mu      sync.Mutex
	serving chan struct{} // closed when Serve has returned; nil before it runs
	closed  bool
	pending []*arrival // in the order they came
}

// NewMux returns a mux of l, which it owns from now on.
func NewMux(l net.Listener, c MuxConfig) *Mux {
	if c.HandshakeTimeout <= 0 {
		c.HandshakeTimeout = 10 * time.Second
	}
	if c.MaxPending <= 0 {
		c.MaxPending = 128
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Mux{c: c, l: l, done: make(chan struct{})}
	m.rpc, m.peers = newLane(m, "rpc"), newLane(m, "peers")
	m.tls = &tls.Config{GetConfigForClient: m.configFor, MinVersion: tls.VersionTLS12}
	return m
}

// RPC is where gRPC's connections come out: *tls.Conn, or plaintext with
// nothing read. Serve gRPC on it with [Credentials]. Closing it refuses them.
func (m *Mux) RPC() net.Listener { return m.rpc }

// Peers is where other nodes' connections come out. Closing it refuses them.
func (m *Mux) Peers() net.Listener { return m.peers }

// Serve accepts until Close, and returns nil then, or until the listener
// fails. It may be called once.
func (m *Mux) Serve() error {
	m.mu.Lock()
	if m.serving != nil {
		m.mu.Unlock()
		panic("peer: Mux.Serve called twice")
	}
	m.serving = make(chan struct{})
	closed := m.closed
	m.mu.Unlock()
	defer close(m.serving)
	if closed {
		return nil
	}
	err := accept(m.l, m.done, m.c.Logger, m.take)
	if m.isClosed() {
		return nil
	}
	m.stop() // nobody must wait at a lane for ever
	return fmt.Errorf("peer: the listener at %v failed: %w", m.l.Addr(), err)
}

// Close ends Serve, both listeners and what was not handed out yet, and waits
// for them. Connections that were handed out are their takers'.
func (m *Mux) Close() error {
	m.mu.Lock()
	again, serving := m.closed, m.serving
	m.closed = true
	m.mu.Unlock()
	m.stop()
	err := m.l.Close()
	if serving != nil {
		<-serving
	}
	m.wg.Wait()
	if again || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// stop closes the lanes and cuts what is pending.
func (m *Mux) stop() {
	m.ended.Do(func() { close(m.done) })
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.pending) > 0 {
		m.end(m.pending[0])
	}
}

func (m *Mux) isClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// An arrival is a connection of which it is not known yet what it wants, or
// that nobody has taken yet.
type arrival struct {
	net.Conn
	gone chan struct{} // closed when it is ended here
}

// take begins a connection's handshake.
func (m *Mux) take(conn net.Conn) {
	a := &arrival{conn, make(chan struct{})}
	if !m.enter(a) {
		conn.Close()
		return
	}
	go func() {
		defer m.wg.Done()
		defer m.leave(a)
		conn.SetDeadline(time.Now().Add(m.c.HandshakeTimeout))
		err := m.sort(a)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, ErrClosed):
			m.c.Logger.Debug("a connection came to nothing", "from", conn.RemoteAddr(), "error", err)
		case err != nil:
			m.c.Logger.Warn("refused a connection", "from", conn.RemoteAddr(), "error", err)
		}
	}()
}

// enter counts an arrival as pending, and ends the oldest if there are too many.
func (m *Mux) enter(a *arrival) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.done:
		return false
	default:
	}
	if len(m.pending) >= m.c.MaxPending {
		m.end(m.pending[0])
	}
	m.pending = append(m.pending, a)
	m.wg.Add(1)
	return true
}

// leave takes an arrival off the pending, if it still is one of them.
func (m *Mux) leave(a *arrival) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending = slices.DeleteFunc(m.pending, func(p *arrival) bool { return p == a })
}

// end closes a pending arrival. The caller holds mu.
func (m *Mux) end(a *arrival) {
	close(a.gone)
	a.Close()
	m.pending = slices.DeleteFunc(m.pending, func(p *arrival) bool { return p == a })
}

// configFor picks the TLS configuration by what the client wants to speak.
func (m *Mux) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	base, protocol := m.c.ServerTLS, "h2"
	if slices.Contains(hello.SupportedProtos, Protocol) {
		base, protocol = m.c.PeerTLS, Protocol
	}
	if base == nil {
		return nil, fmt.Errorf("peer: %s is spoken in plaintext here, not over TLS", protocol)
	}
	if base.GetConfigForClient != nil {
		now, err := base.GetConfigForClient(hello)
		if err != nil {
			return nil, err
		}
		base = cmp.Or(now, base)
	}
	c := base.Clone()
	c.GetConfigForClient = nil
	c.NextProtos = []string{protocol}
	// A ticket of one kind of client must never open the door for the other.
	c.SessionTicketsDisabled = c.SessionTicketsDisabled || protocol == Protocol
	return c, nil
}

// shake makes conn, whose first bytes are a TLS client's, a TLS connection.
func (m *Mux) shake(conn net.Conn) (*tls.Conn, error) {
	if m.c.ServerTLS == nil && m.c.PeerTLS == nil {
		return nil, errors.New("peer: the client speaks TLS, and this node has none")
	}
	t := tls.Server(conn, m.tls)
	if err := t.HandshakeContext(context.Background()); err != nil { // conn has a deadline
		return nil, fmt.Errorf("peer: TLS: %w", err)
	}
	return t, nil
}
