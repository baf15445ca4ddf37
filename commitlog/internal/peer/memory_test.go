// A network in memory, for bubbles: buffers, deadlines, resets.

package peer_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// memory is a network whose connections buffer 64 KiB each way. Waiting is on
// channels, so that it is durable in a bubble.
type memory struct {
	mu        sync.Mutex
	listeners map[string]*memListener
	next      int
}

func newMemory() *memory { return &memory{listeners: make(map[string]*memListener)} }

func (w *memory) listen(*testing.T) net.Listener {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	addr := memAddr(fmt.Sprintf("n:%d", w.next))
	l := &memListener{w: w, addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
	w.listeners[string(l.addr)] = l
	return l
}

func (w *memory) dial(ctx context.Context, address string) (net.Conn, error) {
	w.mu.Lock()
	l := w.listeners[address]
	w.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	near, far := memPipe("client", l.addr)
	select {
	case l.conns <- far:
		return near, nil
	case <-l.done:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memAddr string

func (memAddr) Network() string  { return "tcp" }
func (a memAddr) String() string { return string(a) }

type memListener struct {
	w     *memory
	addr  memAddr
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: net.ErrClosed}
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() {
		l.w.mu.Lock()
		delete(l.w.listeners, string(l.addr))
		l.w.mu.Unlock()
		close(l.done)
	})
	return nil
}

func (l *memListener) Addr() net.Addr { return l.addr }

// memPipe returns the two ends of a connection.
func memPipe(a, b memAddr) (net.Conn, net.Conn) {
	ab, ba := newMemHalf(), newMemHalf()
	return &memConn{in: ba, out: ab, local: a, remote: b}, &memConn{in: ab, out: ba, local: b, remote: a}
}

// A memHalf is one direction.
type memHalf struct {
	mu            sync.Mutex
	data          []byte
	ended, broken bool          // by the writer; by either side
	changed       chan struct{} // closed and replaced at each change
}

const memBuffer = 64 << 10

func newMemHalf() *memHalf { return &memHalf{changed: make(chan struct{})} }

// change runs f and wakes whoever waits.
func (h *memHalf) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	close(h.changed)
	h.changed = make(chan struct{})
}

// A memLimit is a deadline.
type memLimit struct {
	mu      sync.Mutex
	at      time.Time
	changed chan struct{}
}

func (d *memLimit) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = t
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

// wait waits for ch or the deadline. It is false when that has passed.
func (d *memLimit) wait(ch <-chan struct{}) bool {
	for {
		d.mu.Lock()
		if d.changed == nil {
			d.changed = make(chan struct{})
		}
		at, changed := d.at, d.changed
		d.mu.Unlock()
		var expired <-chan time.Time
		if !at.IsZero() {
			if !at.After(time.Now()) {
				return false
			}
			timer := time.NewTimer(time.Until(at))
			defer timer.Stop()
			expired = timer.C
		}
		select {
		case <-ch:
			return true
		case <-changed:
		case <-expired:
		}
	}
}

type memConn struct {
	in, out        *memHalf
	local, remote  memAddr
	reading, wrote memLimit
	once           sync.Once
}

func (c *memConn) Read(p []byte) (int, error) {
	for {
		c.in.mu.Lock()
		n, err := 0, error(nil)
		switch {
		case c.in.broken && len(c.in.data) == 0:
			err = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		case len(c.in.data) > 0:
			n = copy(p, c.in.data)
			c.in.data = c.in.data[n:]
		case c.in.ended:
			err = io.EOF
		}
		changed := c.in.changed
		c.in.mu.Unlock()
		if n > 0 {
			c.in.change(func() {})
		}
		if n > 0 || err != nil {
			return n, err
		}
		if !c.reading.wait(changed) {
			return 0, &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
		}
	}
}

func (c *memConn) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		c.out.mu.Lock()
		bad := c.out.broken || c.out.ended
		n := min(len(p), memBuffer-len(c.out.data))
		changed := c.out.changed
		c.out.mu.Unlock()
		if bad {
			return written, &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}
		}
		if n > 0 {
			c.out.change(func() { c.out.data = append(c.out.data, p[:n]...) })
			p, written = p[n:], written+n
			continue
		}
		if !c.wrote.wait(changed) {
			return written, &net.OpError{Op: "write", Net: "tcp", Err: os.ErrDeadlineExceeded}
		}
	}
	return written, nil
}

func (c *memConn) CloseWrite() error {
	c.out.change(func() { c.out.ended = true })
	return nil
}

// Close lets the other side read what was written, as TCP does, unless
// something was left unread here.
func (c *memConn) Close() error {
	err := error(net.ErrClosed)
	c.once.Do(func() {
		err = nil
		unread := false
		c.in.change(func() { unread, c.in.broken, c.in.data = len(c.in.data) > 0, true, nil })
		c.out.change(func() { c.out.ended, c.out.broken = true, c.out.broken || unread })
	})
	return err
}

func (c *memConn) LocalAddr() net.Addr  { return c.local }
func (c *memConn) RemoteAddr() net.Addr { return c.remote }

func (c *memConn) SetDeadline(t time.Time) error {
	c.reading.set(t)
	c.wrote.set(t)
	return nil
}

func (c *memConn) SetReadDeadline(t time.Time) error  { c.reading.set(t); return nil }
func (c *memConn) SetWriteDeadline(t time.Time) error { c.wrote.set(t); return nil }
