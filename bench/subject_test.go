// What is measured: loopback TCP, networks in memory, and the virtual network.

package bench_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/valyala/fasthttp/fasthttputil"
	"google.golang.org/grpc/test/bufconn"
	"tailscale.com/net/memnet"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
)

// A subject is one kind of network that is measured.
type subject struct {
	name string
	real bool // made of sockets, so that no bubble can hold it

	// listen opens one more address on a network of its own for each tb.
	listen func(tb testing.TB) (net.Listener, dialFunc)
}

type dialFunc func() (net.Conn, error)

// subjects are all that carry streams; the first is what others are compared
// with.
var subjects = []subject{
	{name: "loopback", real: true, listen: listenLoopback},
	{name: "net.Pipe", listen: listenPipe},
	{name: "bufconn", listen: listenBufconn},
	{name: "memnet", listen: listenMemnet},
	{name: "fasthttputil", listen: listenFasthttp},
	{name: "vnet", listen: listenVnet},
	{name: "vnet+journal", listen: listenVnetJournal},
}

func listenLoopback(tb testing.TB) (net.Listener, dialFunc) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(tb, err)
	return l, func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }
}

// listenBufconn takes the buffer of 64 KiB that bufconn's own users take.
func listenBufconn(testing.TB) (net.Listener, dialFunc) {
	l := bufconn.Listen(64 << 10)
	return l, l.Dial
}

func listenMemnet(tb testing.TB) (net.Listener, dialFunc) {
	l := memnet.Listen("api:80")
	return l, func() (net.Conn, error) { return l.Dial(context.Background(), "tcp", "api:80") }
}

func listenFasthttp(testing.TB) (net.Listener, dialFunc) {
	l := fasthttputil.NewInmemoryListener()
	return l, l.Dial
}

func listenVnet(tb testing.TB) (net.Listener, dialFunc) {
	return listenOn(tb, vnet.New(vnet.Config{}))
}

func listenVnetJournal(tb testing.TB) (net.Listener, dialFunc) {
	return listenOn(tb, vnet.New(vnet.Config{Journal: new(journal.Journal)}))
}

// listenOn listens on host api and dials from host app.
func listenOn(tb testing.TB, n *vnet.Network) (net.Listener, dialFunc) {
	ctx, app := context.Background(), n.Host("app")
	l, err := n.Host("api").Listen(ctx, "tcp", ":0")
	check(tb, err)
	address := fmt.Sprintf("api:%d", l.Addr().(*net.TCPAddr).Port)
	tb.Cleanup(func() { n.Close() })
	return l, func() (net.Conn, error) { return app.Dial(ctx, "tcp", address) }
}

// pipeListener gives net.Pipe what all the others have.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func listenPipe(testing.TB) (net.Listener, dialFunc) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	return l, l.dial
}

func (l *pipeListener) dial() (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case l.conns <- b:
		return a, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// pairs returns count connections, dialled and accepted, spread over so many
// listeners that none runs out of ephemeral ports.
func (s subject) pairs(tb testing.TB, count int) (dialled, accepted []net.Conn) {
	const perListener = 20_000
	dialled, accepted = make([]net.Conn, 0, count), make([]net.Conn, 0, count)
	for len(dialled) < count {
		l, dial := s.listen(tb)
		k := min(perListener, count-len(dialled))
		went := make(chan error, 1)
		go func() {
			for range k {
				c, err := l.Accept()
				if err != nil {
					went <- err
					return
				}
				accepted = append(accepted, c)
			}
			went <- nil
		}()
		for range k {
			c, err := dial()
			check(tb, err)
			dialled = append(dialled, c)
		}
		check(tb, <-went)
		l.Close()
	}
	return dialled, accepted
}

// pair returns one connection's ends, closed when tb ends.
func (s subject) pair(tb testing.TB) (a, b net.Conn) {
	d, e := s.pairs(tb, 1)
	tb.Cleanup(func() { closeAll(d, e) })
	return d[0], e[0]
}

func closeAll(conns ...[]net.Conn) {
	for _, c := range slices.Concat(conns...) {
		c.Close()
	}
}

func check(tb testing.TB, err error) {
	if err != nil {
		tb.Helper()
		tb.Fatal(err)
	}
}
