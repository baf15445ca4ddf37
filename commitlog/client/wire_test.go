// The network between a client and the stand-ins.

package client_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"syscall"
)

// dial is the network.
func (c *cluster) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.mu.Lock()
	i := slices.IndexFunc(c.nodes, func(n *node) bool { return n.addr == address || n.alias == address })
	if i < 0 || c.nodes[i].lis == nil {
		c.mu.Unlock()
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	n, lis := c.nodes[i], c.nodes[i].lis
	c.mu.Unlock()
	conn, err := lis.DialContext(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &wire{Conn: conn, cut: make(chan struct{}), closed: make(chan struct{})}
	n.conns = append(n.conns, w)
	return w, nil
}

// A wire is a connection that can be cut: then nothing arrives and nobody is told.
type wire struct {
	net.Conn
	cut, closed chan struct{}
	once        sync.Once
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	select {
	case <-w.cut:
		<-w.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

func (w *wire) Write(b []byte) (int, error) {
	select {
	case <-w.cut:
		return len(b), nil
	default:
		return w.Conn.Write(b)
	}
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return w.Conn.Close()
}

// cut cuts the connections to a node, which takes no more.
func (c *cluster) cut(name string) {
	c.do(func() {
		for _, conn := range c.node(name).conns {
			close(conn.cut)
		}
		c.node(name).lis = nil
	})
}

// open returns how many connections to a node are open.
func (c *cluster) open(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, w := range c.node(name).conns {
		select {
		case <-w.closed:
		default:
			n++
		}
	}
	return n
}
