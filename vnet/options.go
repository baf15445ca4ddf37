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
func (s *stream) SetReadBuffer(int) error { return s.option(func() {}) }

// SetWriteBuffer is taken without effect: Config.Window rules.
func (s *stream) SetWriteBuffer(int) error { return s.option(func() {}) }

// option applies change, or says that the connection is closed.
func (s *stream) option(change func()) error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.has(closed) {
		return s.optionError(net.ErrClosed)
	}
	change()
	return nil
}

func (s *stream) optionError(err error) error {
	return &net.OpError{Op: "set", Net: s.network(), Addr: s.LocalAddr(), Err: err}
}
