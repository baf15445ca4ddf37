// The socket options of *net.TCPConn that a stream offers.

package vnet

import (
	"net"
	"time"
)

// SetLinger with 0 makes Close reset the connection; other values are taken
// and change nothing, since what was written is always delivered.
func (s *stream) SetLinger(sec int) error {
	return s.option(func() {
		if s.unset(abortive); sec == 0 {
			s.set(abortive)
		}
	})
}

// SetNoDelay is taken without effect: there is no Nagle to switch off.
func (s *stream) SetNoDelay(bool) error { return s.option(func() {}) }

// SetKeepAlive is taken without effect: a silent peer is noticed by deadlines.
func (s *stream) SetKeepAlive(bool) error { return s.option(func() {}) }

// SetKeepAlivePeriod is taken without effect.
func (s *stream) SetKeepAlivePeriod(time.Duration) error { return s.option(func() {}) }

// SetKeepAliveConfig is taken without effect.
func (s *stream) SetKeepAliveConfig(net.KeepAliveConfig) error { return s.option(func() {}) }

// SetReadBuffer is taken without effect: Config.Window rules.
func (s *stream) SetReadBuffer(int) error { return s.buffers() }

// SetWriteBuffer is taken without effect: Config.Window rules.
func (s *stream) SetWriteBuffer(int) error { return s.buffers() }

// option applies change, or says that the connection is closed.
func (s *stream) option(change func()) error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.has(closed) {
		return s.failed("set", net.ErrClosed)
	}
	change()
	return nil
}

// buffers says that the connection is closed, if it is: package net leaves
// the remote address out here and for deadlines.
func (s *stream) buffers() error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.has(closed) {
		return s.settingError(net.ErrClosed)
	}
	return nil
}

func (s *stream) settingError(err error) error {
	return &net.OpError{Op: "set", Net: s.network(), Addr: s.LocalAddr(), Err: err}
}
