// Listeners in memory, for tests that make many clusters.

package kafkatest_test

import (
	"context"
	"net"
	"sync"
	"testing"
)

// A memory is the network of one cluster: pipes.
type memory struct {
	mu        sync.Mutex
	listeners []*pipes
}

// listen is a Config's Listen.
func (m *memory) listen(context.Context, string, string) (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &pipes{dialled: make(chan net.Conn), closed: make(chan struct{}), port: 9092 + len(m.listeners)}
	m.listeners = append(m.listeners, l)
	return l, nil
}

// dial returns a connection to the i-th listener, or nil if it is closed.
func (m *memory) dial(tb testing.TB, i int) net.Conn {
	tb.Helper()
	m.mu.Lock()
	l := m.listeners[i]
	m.mu.Unlock()
	ours, theirs := net.Pipe()
	select {
	case l.dialled <- theirs:
		tb.Cleanup(func() { ours.Close() })
		return ours
	case <-l.closed:
		return nil
	}
}

// pipes is a listener.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
	once    sync.Once
	port    int
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case nc := <-l.dialled:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: l.port} }
