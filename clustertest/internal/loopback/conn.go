// A connection as a program holds it: the kernel's, with virtual addresses.

package loopback

import (
	"io"
	"net"
	"syscall"
	"time"
)

// conn is one end of a connection. It has what *net.TCPConn has, but for File
// and MultipathTCP, and its errors with virtual addresses.
type conn struct {
	real          *net.TCPConn
	network       string
	local, remote net.Addr
}

// newConn makes the connection that m tells of. Its buffers are bound as a
// relay's, until the program sets others.
func newConn(real *net.TCPConn, network string, m message) *conn {
	bound(real)
	return &conn{real, network, netAddr("tcp", m.Local), netAddr("tcp", m.Remote)}
}

// dress puts the virtual addresses into an error, and into what it wraps, where
// they are of this connection.
func (c *conn) dress(err error) error {
	op, ok := err.(*net.OpError)
	if !ok {
		return err
	}
	e := *op
	e.Err = c.dress(e.Err)
	switch c.real.LocalAddr() {
	case e.Source:
		e.Net, e.Source, e.Addr = c.network, c.local, c.remote
	case e.Addr: // of what is set
		e.Net, e.Addr = c.network, c.local
	}
	return &e
}

// Read takes what has arrived, waiting for the first byte.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.real.Read(b)
	return n, c.dress(err)
}

// Write sends b, waiting while there is no room.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.real.Write(b)
	return n, c.dress(err)
}

// ReadFrom sends what r has until it ends.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	other, ok := r.(*conn)
	if !ok {
		n, err := c.real.ReadFrom(r)
		return n, c.dress(err)
	}
	n, err := c.real.ReadFrom(other.real) // for which the kernel may have a shorter way
	return n, other.dress(c.dress(err))
}

// WriteTo writes to w what arrives, until it ends.
func (c *conn) WriteTo(w io.Writer) (int64, error) {
	n, err := c.real.WriteTo(w)
	return n, c.dress(err)
}

// Close ends both directions: with a FIN, or with a reset when data is unread
// or SetLinger(0) was called.
func (c *conn) Close() error { return c.dress(c.real.Close()) }

// CloseWrite sends a FIN; the other direction stays open.
func (c *conn) CloseWrite() error { return c.dress(c.real.CloseWrite()) }

// CloseRead makes reads return io.EOF once what has arrived is read.
func (c *conn) CloseRead() error { return c.dress(c.real.CloseRead()) }

// LocalAddr returns this end's virtual *net.TCPAddr.
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's virtual *net.TCPAddr.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error { return c.dress(c.real.SetDeadline(t)) }

// SetReadDeadline sets when reads give up; the zero time means never.
func (c *conn) SetReadDeadline(t time.Time) error { return c.dress(c.real.SetReadDeadline(t)) }

// SetWriteDeadline sets when writes give up; the zero time means never.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.dress(c.real.SetWriteDeadline(t)) }

// SetLinger with 0 makes Close reset the connection.
func (c *conn) SetLinger(sec int) error { return c.dress(c.real.SetLinger(sec)) }

// SetNoDelay switches Nagle's algorithm towards the relay.
func (c *conn) SetNoDelay(on bool) error { return c.dress(c.real.SetNoDelay(on)) }

// SetKeepAlive switches keep-alive messages towards the relay.
func (c *conn) SetKeepAlive(on bool) error { return c.dress(c.real.SetKeepAlive(on)) }

// SetKeepAlivePeriod sets how often they come.
func (c *conn) SetKeepAlivePeriod(d time.Duration) error {
	return c.dress(c.real.SetKeepAlivePeriod(d))
}

// SetKeepAliveConfig sets how they come.
func (c *conn) SetKeepAliveConfig(k net.KeepAliveConfig) error {
	return c.dress(c.real.SetKeepAliveConfig(k))
}

// SetReadBuffer sets the size of this end's buffer; the relay's stay.
func (c *conn) SetReadBuffer(bytes int) error { return c.dress(c.real.SetReadBuffer(bytes)) }

// SetWriteBuffer sets the size of this end's buffer; the relay's stay.
func (c *conn) SetWriteBuffer(bytes int) error { return c.dress(c.real.SetWriteBuffer(bytes)) }

// SyscallConn gives access to the socket, whose peer is the relay.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	raw, err := c.real.SyscallConn()
	return raw, c.dress(err)
}
