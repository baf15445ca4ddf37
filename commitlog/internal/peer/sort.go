// How a mux finds out what a connection is, and hands it out.

package peer

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	// magic opens a peer's connection in plaintext. Its length is fixed, so
	// that no byte behind it is read with it.
	magic = "rehearse-log/1\r\n"

	// preface opens every client's HTTP/2 connection (RFC 9113, section 3.4).
	preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

	// tlsByte opens every TLS client's: a record of type handshake.
	tlsByte = 0x16

	// parting is how long a refused client may take to read why.
	parting = time.Second
)

var errStranger = errors.New("peer: the client speaks neither gRPC nor a peer's language")

// sort finds out what an arrival is and hands it out, or refuses and closes it.
func (m *Mux) sort(a *arrival) error {
	conn := a.Conn
	first, err := peek(conn)
	if err != nil {
		conn.Close()
		return fmt.Errorf("peer: nothing came that tells what it is: %w", err)
	}
	switch {
	case string(first) == magic:
		if m.c.PeerTLS != nil {
			return refuse(conn, errors.New("peers must use TLS here"))
		}
		return m.admitPeer(a, conn, tls.ConnectionState{})
	case string(first) == preface:
		if m.c.ServerTLS != nil {
			conn.Close()
			return errors.New("peer: gRPC in plaintext, and TLS is wanted here")
		}
		return m.hand(m.rpc, a, &peeked{conn, first})
	case first[0] == tlsByte:
		return m.sortTLS(a, &peeked{conn, first})
	}
	return refuseHTTP(conn, errStranger)
}

// sortTLS goes on with a connection that begins as TLS does.
func (m *Mux) sortTLS(a *arrival, conn *peeked) error {
	t, err := m.shake(conn)
	if err != nil {
		return part(a.Conn, err)
	}
	switch state := t.ConnectionState(); state.NegotiatedProtocol {
	case Protocol:
		return m.admitPeer(a, t, state)
	case "h2":
		return m.hand(m.rpc, a, t)
	}
	return refuseHTTP(t, errors.New("peer: a TLS client without ALPN; gRPC wants h2"))
}

func (m *Mux) admitPeer(a *arrival, conn net.Conn, state tls.ConnectionState) error {
	if m.c.PeerAllowed != nil {
		if err := m.c.PeerAllowed(state); err != nil {
			return refuse(conn, err)
		}
	}
	return m.hand(m.peers, a, conn)
}

// hand gives conn, which is a or made of it, to whoever accepts at l.
func (m *Mux) hand(l *lane, a *arrival, conn net.Conn) error {
	if err := a.SetDeadline(time.Time{}); err != nil {
		a.Close()
		return err
	}
	wait := time.NewTimer(m.c.HandshakeTimeout)
	defer wait.Stop()
	err := ErrClosed
	select {
	case l.queue <- conn:
		return nil
	case <-wait.C:
		err = fmt.Errorf("peer: nobody takes connections of %s", l.name)
	case <-a.gone:
	case <-l.closed:
	case <-m.done:
	}
	sever(conn)
	return err
}

// peek reads a connection's first bytes, until it is clear what they are:
// magic, preface, the first byte of TLS, or something else.
func peek(conn net.Conn) ([]byte, error) {
	b := make([]byte, 0, len(preface))
	want := 1
	for {
		n, err := conn.Read(b[len(b):want])
		b = b[:len(b)+n]
		switch {
		case string(b) == magic, string(b) == preface:
			return b, nil
		case strings.HasPrefix(magic, string(b)):
			want = len(magic) // and no byte behind it
		case strings.HasPrefix(preface, string(b)):
			want = len(preface)
		default:
			return b, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// A peeked connection gives out again what was read from it.
type peeked struct {
	net.Conn
	first []byte
}

func (c *peeked) Read(p []byte) (int, error) {
	if len(c.first) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.first)
	c.first = c.first[n:]
	return n, nil
}

// refuse tells a peer why it is turned away.
func refuse(conn net.Conn, why error) error {
	b := newBatch(conn)
	b.reason(refusedFrame, why.Error())
	b.flush(conn) // who does not take it gets no other answer
	return part(conn, why)
}

// refuseHTTP tells whoever came with a browser or curl.
func refuseHTTP(conn net.Conn, why error) error {
	io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"+
		"This port speaks gRPC: HTTP/2, over TLS with ALPN h2.\n")
	return part(conn, why)
}

// part closes conn when the other side has seen what was written: closed with
// bytes unread, TCP takes back what was not read yet.
func part(conn net.Conn, why error) error {
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
	conn.SetReadDeadline(time.Now().Add(parting))
	io.CopyN(io.Discard, conn, 2*maxHello)
	sever(conn)
	return why
}

// A lane is the listener of one kind of connection.
type lane struct {
	m      *Mux
	name   string
	queue  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newLane(m *Mux, name string) *lane {
	return &lane{m: m, name: name, queue: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept returns the next connection, or an error that is net.ErrClosed once
// the lane or its mux is closed.
func (l *lane) Accept() (net.Conn, error) {
	select {
	case conn := <-l.queue:
		return conn, nil
	case <-l.closed:
	case <-l.m.done:
	}
	return nil, &net.OpError{Op: "accept", Net: l.Addr().Network(), Addr: l.Addr(), Err: net.ErrClosed}
}

// Close refuses this kind of connection from now on.
func (l *lane) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is the shared listener's.
func (l *lane) Addr() net.Addr { return l.m.l.Addr() }
