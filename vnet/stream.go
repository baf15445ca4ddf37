// One end of a connection as a program holds it: a net.Conn like TCP's.

package vnet

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/rehearse-go/rehearse/vnet/internal/flow"
)

// What is true of a stream; bits of stream.state.
const (
	closed   = 1 << iota // the program closed it
	shutW                // no more writes: FIN sent, or about to be
	shutR                // CloseRead was called
	finIn                // the peer's FIN has arrived
	dead                 // reset or timed out: the kernel has forgotten it
	abortive             // SetLinger(0): Close resets
	writing              // a Write has the turn
	stopped              // the test made it stop reading
	told                 // it has reset its peer
	marked               // what travels towards it is on the network's list of what to seal
)

// stream is one end. Everything in it is guarded by c.mu.
//
// It implements net.Conn with TCP's behaviour on Linux, and the methods
// CloseRead, CloseWrite, SetLinger, SetNoDelay, SetKeepAlive,
// SetKeepAlivePeriod, SetReadBuffer and SetWriteBuffer of *net.TCPConn.
type stream struct {
	c     *conn
	host  *Host
	addr  netip.AddrPort
	link  *Link     // what its writes travel over
	in    flow.Flow // what arrived, and what travels towards it without a hold
	wire  *wire     // how it travels; nil until something has to wait
	cond  sync.Cond // its readers, and the peer's writers
	state uint32
	ipv   uint8         // 4 or 6 when dialled or listened as tcp4 or tcp6; never changes
	err   syscall.Errno // waits for the next read or write, once
	read  *deadline
	write *deadline
	slow  *pace // a slow reader's; nil otherwise
}

func (s *stream) has(bits uint32) bool { return s.state&bits != 0 }
func (s *stream) set(bits uint32)      { s.state |= bits }
func (s *stream) unset(bits uint32)    { s.state &^= bits }

func (s *stream) peer() *stream {
	if s == &s.c.ends[0] {
		return &s.c.ends[1]
	}
	return &s.c.ends[0]
}

// Read takes what has arrived, waiting for the first byte. It returns io.EOF
// after the peer's FIN, ECONNRESET once after a reset.
func (s *stream) Read(b []byte) (int, error) {
	s.c.mu.Lock()
	n, err := s.take(b)
	s.c.mu.Unlock()
	if n > 0 {
		s.cond.Broadcast() // there is room
	}
	return n, s.fail("read", err)
}

func (s *stream) take(b []byte) (int, error) {
	for {
		if len(b) == 0 && !s.has(closed) {
			return 0, nil
		}
		if err := s.mayTake(); err != nil {
			return 0, err
		}
		if s.mayRead() {
			if n := s.in.Read(s.slow.portion(b), s.ended()); n > 0 {
				s.slow.spend(s, n)
				return n, nil
			}
			if err := s.atEnd(); err != nil {
				return 0, err
			}
		}
		s.in.Rest()
		s.cond.Wait()
	}
}

// mayTake returns what a read says before it looks at what has arrived.
func (s *stream) mayTake() error {
	switch {
	case s.has(closed):
		return net.ErrClosed
	case s.read.passed():
		return os.ErrDeadlineExceeded
	}
	return nil
}

// mayRead tells that neither test, host nor pace keeps the program from what
// has arrived.
func (s *stream) mayRead() bool {
	return !s.has(stopped) && !s.host.paused.Load() && s.slow.ready()
}

// ended tells that no more bytes will arrive.
func (s *stream) ended() bool { return s.has(finIn | dead | shutR) }

// atEnd returns what a read says when nothing is unread: nil means wait.
func (s *stream) atEnd() error {
	switch {
	case s.in.Unread() > 0:
		return nil // the policy waits
	case s.has(finIn):
		return io.EOF
	case s.err != 0:
		return s.takeErr("read")
	case s.has(dead | shutR):
		return io.EOF
	}
	return nil
}

// takeErr returns the pending socket error, which is seen once.
func (s *stream) takeErr(call string) error {
	e := s.err
	s.err = 0
	return errno(call, e)
}

// Write sends b, waiting while the window is full. Concurrent writes do not
// mix. The first write after the peer closed succeeds, as with TCP; the next
// finds the reset that it caused.
func (s *stream) Write(b []byte) (int, error) {
	s.c.mu.Lock()
	n, err := s.put(b)
	s.c.mu.Unlock()
	return n, s.fail("write", err)
}

func (s *stream) put(b []byte) (n int, err error) {
	room := &s.peer().cond
	for s.has(writing) && !s.has(closed) {
		room.Wait()
	}
	if s.has(closed) {
		return 0, net.ErrClosed
	}
	s.set(writing)
	for {
		if err = s.mayWrite(); err != nil {
			break
		}
		if k := min(s.room(), len(b)-n); k > 0 {
			s.emit(data, b[n:n+k])
			n += k
		}
		if n == len(b) {
			break
		}
		room.Wait()
	}
	s.unset(writing)
	room.Broadcast() // the next writer's turn
	return n, err
}

// mayWrite returns what a write says before it sends anything.
func (s *stream) mayWrite() error {
	switch {
	case s.has(closed):
		return net.ErrClosed
	case s.write.passed():
		return os.ErrDeadlineExceeded
	case s.err != 0:
		return s.takeErr("write")
	case s.has(shutW | dead):
		return errno("write", syscall.EPIPE)
	}
	return nil
}

// room returns how many bytes the window still takes.
func (s *stream) room() int {
	p := s.peer()
	return s.c.net.cfg.Window - p.in.Len() - p.wire.held()
}

// Close ends both directions: with a FIN, or with a reset when data is unread
// or SetLinger(0) was called.
func (s *stream) Close() error {
	s.c.mu.Lock()
	if s.has(closed) {
		s.c.mu.Unlock()
		return s.fail("close", net.ErrClosed)
	}
	s.set(closed)
	s.stopDeadlines()
	switch {
	case s.has(dead):
	case s.has(abortive) || s.in.Unread() > 0:
		s.abort()
	case !s.has(shutW):
		s.set(shutW)
		s.emit(fin, nil)
	}
	s.in.Skip(s.in.Unread())
	s.in.Rest()
	s.cond.Broadcast()
	s.peer().cond.Broadcast()
	s.c.unlock()
	return nil
}

// abort resets the connection from this end.
func (s *stream) abort() {
	if s.has(told) {
		return
	}
	s.set(shutW | dead | told)
	s.emit(rst, nil)
	s.cond.Broadcast()
	s.peer().cond.Broadcast()
}

// die ends the connection at this end: a reset arrived or time ran out.
func (s *stream) die(e syscall.Errno) {
	if s.has(dead) {
		return
	}
	if s.has(finIn) {
		e = syscall.EPIPE
	}
	s.set(dead | shutW)
	s.err = e
	s.cond.Broadcast()
	s.peer().cond.Broadcast()
}

// gone tells that the kernel would have forgotten the connection: it died, or
// both directions have ended and the other end knows.
func (s *stream) gone() bool {
	return s.has(dead) || s.has(finIn) && s.has(shutW) && s.peer().has(finIn)
}

// CloseWrite sends a FIN; the other direction stays open.
func (s *stream) CloseWrite() error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	switch {
	case s.has(closed):
		return s.failed("close", net.ErrClosed)
	case s.gone():
		return s.failed("close", errno("shutdown", syscall.ENOTCONN))
	case !s.has(shutW):
		s.set(shutW)
		s.emit(fin, nil)
		s.peer().cond.Broadcast()
	}
	return nil
}

// CloseRead makes reads return io.EOF once what has arrived is read; the
// peer's writes go on succeeding.
func (s *stream) CloseRead() error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	switch {
	case s.has(closed):
		return s.failed("close", net.ErrClosed)
	case s.gone():
		return s.failed("close", errno("shutdown", syscall.ENOTCONN))
	}
	s.set(shutR)
	s.cond.Broadcast()
	return nil
}

// LocalAddr returns this end's *net.TCPAddr.
func (s *stream) LocalAddr() net.Addr { return netAddr("tcp", s.addr) }

// RemoteAddr returns the other end's *net.TCPAddr.
func (s *stream) RemoteAddr() net.Addr { return netAddr("tcp", s.peer().addr) }

// SetDeadline sets both deadlines.
func (s *stream) SetDeadline(t time.Time) error {
	return s.setDeadlines(t, &s.read, &s.write)
}

// SetReadDeadline sets when reads give up; the zero time means never.
func (s *stream) SetReadDeadline(t time.Time) error {
	return s.setDeadlines(t, &s.read, nil)
}

// SetWriteDeadline sets when writes give up; the zero time means never.
func (s *stream) SetWriteDeadline(t time.Time) error {
	return s.setDeadlines(t, nil, &s.write)
}

// fail dresses err as package net does; io.EOF stays bare.
func (s *stream) fail(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return s.failed(op, err)
}

func (s *stream) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: s.network(), Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}

// network returns the name it was dialled or listened by.
func (s *stream) network() string {
	switch s.ipv {
	case 4:
		return "tcp4"
	case 6:
		return "tcp6"
	}
	return "tcp"
}

func (s *stream) setNetwork(name string) {
	switch name {
	case "tcp4":
		s.ipv = 4
	case "tcp6":
		s.ipv = 6
	}
}
