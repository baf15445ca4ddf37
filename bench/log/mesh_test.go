// How the nodes of a cluster find one another on loopback: by name.

package log_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// A mesh knows where each node listens. A node that starts again listens
// somewhere else.
type mesh struct {
	mu        sync.Mutex
	addresses map[string]string
}

func (m *mesh) listen(name string) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.addresses == nil {
		m.addresses = map[string]string{}
	}
	m.addresses[name] = l.Addr().String()
	return l, nil
}

func (m *mesh) dial(ctx context.Context, name string) (net.Conn, error) {
	m.mu.Lock()
	address, ok := m.addresses[name]
	m.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("node %s has not started", name)
	}
	return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
}

// A level is a number that others wait for: an index, a leader.
type level struct {
	mu      sync.Mutex
	value   uint64
	changed chan struct{} // nil while nobody waits
}

func (l *level) set(v uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.value = v
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// await returns the number once it is ok.
func (l *level) await(what string, ok func(uint64) bool) (uint64, error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		l.mu.Lock()
		v := l.value
		if ok(v) {
			l.mu.Unlock()
			return v, nil
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-late.C:
			return v, fmt.Errorf("waited %v for %s; it is at %d", patience, what, v)
		}
	}
}

func atLeast(want uint64) func(uint64) bool { return func(v uint64) bool { return v >= want } }
