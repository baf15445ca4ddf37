// One end of a connection under trial, with short words for what it must do.

package vnettest

import (
	"bytes"
	"io"
	"net"
	"time"
)

// An end is one end of a connection under trial. Its methods fail the trial when the connection
// does not do as they say.
type end struct {
	net.Conn
	t    *trial
	name string
}

// fault is the error of an operation on this end that names both addresses.
func (e *end) fault(op string, c cause) fault {
	return fault{op: op, network: e.LocalAddr().Network(), source: e.LocalAddr(), addr: e.RemoteAddr(), cause: c}
}

// writes writes s, all of it.
func (e *end) writes(s string) {
	e.t.Helper()
	if n, err := e.Write([]byte(s)); n != len(s) || err != nil {
		e.t.Fatalf("%s: Write(%.40q) = %d, %v", e.name, s, n, err)
	}
}

// reads reads s, in as many Reads as it takes.
func (e *end) reads(s string) {
	e.t.Helper()
	got := make([]byte, len(s))
	if n, err := io.ReadFull(e, got); err != nil || string(got) != s {
		e.t.Fatalf("%s: reading %d bytes %.40q: got %d, %.40q, %v", e.name, len(s), s, n, got[:n], err)
	}
}

// readsFull reads until p is full.
func (e *end) readsFull(p []byte) {
	e.t.Helper()
	if n, err := io.ReadFull(e, p); err != nil {
		e.t.Fatalf("%s: reading %d bytes: got %d, %v", e.name, len(p), n, err)
	}
}

// readsAll reads to the end, and must find want.
func (e *end) readsAll(want []byte) {
	e.t.Helper()
	got, err := io.ReadAll(e)
	if err != nil || !bytes.Equal(got, want) {
		e.t.Fatalf("%s: reading all: got %d bytes (as sent: %v), %v; want %d", e.name, len(got),
			bytes.Equal(got, want), err, len(want))
	}
}

// ends reads io.EOF itself, not wrapped, and does so again when asked again.
func (e *end) ends() {
	e.t.Helper()
	for range 3 {
		if n, err := e.Read(make([]byte, 8)); n != 0 || err != io.EOF {
			e.t.Fatalf("%s: Read = %d, %v; want 0, io.EOF", e.name, n, err)
		}
	}
}

// failsToRead reads and gets nothing but an error of this cause.
func (e *end) failsToRead(c cause) {
	e.t.Helper()
	n, err := e.Read(make([]byte, 8))
	if n != 0 {
		e.t.Fatalf("%s: Read = %d, %v; want 0 and %q", e.name, n, err, c.text)
	}
	e.t.fails(err, e.fault("read", c))
}

// failsToWrite writes s, and nothing of it goes.
func (e *end) failsToWrite(s string, c cause) {
	e.t.Helper()
	n, err := e.Write([]byte(s))
	if n != 0 {
		e.t.Fatalf("%s: Write(%q) = %d, %v; want 0 and %q", e.name, s, n, err, c.text)
	}
	e.t.fails(err, e.fault("write", c))
}

// writesUntil writes single bytes until one fails, which must be of this cause, and returns how many
// went. A peer's answer to a write takes its way, so that more than one may go before it is known.
func (e *end) writesUntil(c cause) int {
	e.t.Helper()
	for n := 0; ; n++ {
		if _, err := e.Write([]byte("x")); err != nil {
			e.t.fails(err, e.fault("write", c))
			return n
		}
		e.t.again(n)
	}
}

// zeroRead reads into no room, which does nothing and succeeds on whatever is not closed.
func (e *end) zeroRead() {
	e.t.Helper()
	if n, err := e.Read(nil); n != 0 || err != nil {
		e.t.Errorf("%s: a Read of no bytes = %d, %v", e.name, n, err)
	}
}

// must fails the trial if what was done returned an error.
func (e *end) must(what string, err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatalf("%s: %s: %v", e.name, what, err)
	}
}

// closes closes this end.
func (e *end) closes() {
	e.t.Helper()
	e.must("Close", e.Close())
}

// resets closes this end by a reset.
func (e *end) resets() {
	e.t.Helper()
	e.must("SetLinger(0)", e.tcp().SetLinger(0))
	e.closes()
}

// closesWrite ends what this end sends.
func (e *end) closesWrite() {
	e.t.Helper()
	e.must("CloseWrite", e.tcp().CloseWrite())
}

// closesRead ends what this end receives.
func (e *end) closesRead() {
	e.t.Helper()
	e.must("CloseRead", e.tcp().CloseRead())
}

// readLater starts a Read.
func (e *end) readLater() <-chan outcome {
	result := async(e.t, func() outcome {
		n, err := e.Read(make([]byte, 8))
		return outcome{n, err}
	})
	e.t.rest()
	return result
}

// writeLater starts a Write.
func (e *end) writeLater(p []byte) <-chan outcome {
	result := async(e.t, func() outcome {
		n, err := e.Write(p)
		return outcome{n, err}
	})
	e.t.rest()
	return result
}

// narrow asks for small buffers, so that filling them is quick. Stand-ins may do as they like.
func (e *end) narrow() {
	e.must("SetReadBuffer", e.tcp().SetReadBuffer(32<<10))
	e.must("SetWriteBuffer", e.tcp().SetWriteBuffer(32<<10))
}

// fill writes p over and over until no more goes within a moment, and returns how much went.
func (e *end) fill(p []byte) (n int) {
	e.t.Helper()
	defer e.SetWriteDeadline(time.Now().Add(late))
	for {
		e.SetWriteDeadline(time.Now().Add(soon))
		k, err := e.Write(p[n%len(p):])
		n += k
		if err != nil {
			e.t.fails(err, e.fault("write", expired))
			return n
		}
	}
}

// A tcpConn is what a TCP connection offers beside net.Conn, and a stand-in must too: programs
// look for these methods by interfaces of their own.
type tcpConn interface {
	net.Conn
	CloseRead() error
	CloseWrite() error
	SetLinger(seconds int) error
	SetNoDelay(bool) error
	SetKeepAlive(bool) error
	SetKeepAlivePeriod(time.Duration) error
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
}

// tcp returns the connection with TCP's own methods, and fails the trial if it lacks one.
func (e *end) tcp() tcpConn {
	e.t.Helper()
	c, ok := e.Conn.(tcpConn)
	if !ok {
		e.t.Fatalf("%T does not offer all of CloseRead, CloseWrite, SetLinger, SetNoDelay, SetKeepAlive, "+
			"SetKeepAlivePeriod, SetReadBuffer, SetWriteBuffer", e.Conn)
	}
	return c
}

// payload returns n bytes in which each place can be told from its neighbours.
func payload(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i) ^ byte(i>>8)*31 ^ byte(i>>16)*17
	}
	return p
}
