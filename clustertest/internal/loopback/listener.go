// A listener as a program holds it: the kernel's, to which only the network's relays come.

package loopback

import (
	"crypto/subtle"
	"net"
	"sync"
	"time"
)

// listener is a net.Listener with SetDeadline, like *net.TCPListener. Its
// backlog is the kernel's.
type listener struct {
	party   *party
	real    *net.TCPListener
	network string
	id      int
	addr    net.Addr

	mu      sync.Mutex
	closed  bool
	hearing map[net.Conn]bool // connections that have not said what they are
}

// Accept returns the next connection. Whoever comes without the host's token
// is closed.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.real.AcceptTCP()
		if err != nil {
			return nil, l.dress(err)
		}
		m, ok := l.hear(c)
		if ok {
			l.party.desk.took(m.Name, m.Host)
			return newConn(c, l.network, m), nil
		}
		reset(c)
	}
}

// hear reads what the network says of a new connection; ok is false when it is
// not the network that speaks, or the listener is closed.
func (l *listener) hear(c *net.TCPConn) (m message, ok bool) {
	if !l.listening(c) {
		return m, false
	}
	c.SetReadDeadline(time.Now().Add(greeting))
	m, err := readFrame(c)
	ours := subtle.ConstantTimeCompare([]byte(m.Key), []byte(l.party.key)) == 1
	if !l.heard(c) || err != nil || m.Op != opAccept || !ours {
		return m, false
	}
	c.SetReadDeadline(time.Time{})
	return m, true
}

func (l *listener) listening(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if l.hearing == nil {
		l.hearing = map[net.Conn]bool{}
	}
	l.hearing[c] = true
	return true
}

func (l *listener) heard(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.hearing, c)
	return !l.closed
}

// Close stops listening. Accepted connections live on; those in the backlog
// are reset.
func (l *listener) Close() error {
	if err := l.stop(); err != nil {
		return err
	}
	l.party.desk.close(l.id)
	return nil
}

// shut closes the listener when the network has forgotten it.
func (l *listener) shut() { l.stop() }

func (l *listener) stop() error {
	l.mu.Lock()
	l.closed = true
	hearing := l.hearing
	l.hearing = nil
	l.mu.Unlock()
	for c := range hearing {
		reset(c)
	}
	return l.dress(l.real.Close())
}

// Addr returns the virtual *net.TCPAddr it listens on.
func (l *listener) Addr() net.Addr { return l.addr }

// HostName returns the name of the host that is listened on, which Addr does
// not tell where that is every address.
func (l *listener) HostName() string { return l.party.name }

// SetDeadline sets when Accept gives up; the zero time means never.
func (l *listener) SetDeadline(t time.Time) error { return l.real.SetDeadline(t) }

// dress puts the virtual address into an error.
func (l *listener) dress(err error) error {
	op, ok := err.(*net.OpError)
	if !ok {
		return err
	}
	e := *op
	e.Net, e.Addr = l.network, l.addr
	return &e
}
