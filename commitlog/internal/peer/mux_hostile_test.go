// A mux among the silent, the slow and the many.

package peer_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/internal/peer"
)

func TestTheSilentKeepNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		peerTLS := must[*tls.Config](t)(authority(t).PeerTLS(hosts...))
		c := peer.MuxConfig{PeerTLS: peerTLS, MaxPending: 8}
		a, b := muxed(t, w, c, c, nil)
		var silent []net.Conn
		for i := range 100 {
			conn, err := w.dial(t.Context(), b.hello.Addr)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(conn, "\x16\x03\x01rehearse"[:i%4])
			silent = append(silent, conn)
		}
		began := time.Now()
		a.Peer(2, b.hello.Addr)
		a.Send(2, heartbeat(1))
		<-b.received
		if d := time.Since(began); d > 0 {
			t.Errorf("among the silent it took %v", d)
		}
		for i, conn := range silent {
			io.Copy(io.Discard, conn)
			if d := time.Since(began); i < 92 && d > 0 || d > 10*time.Second {
				t.Fatalf("silent connection %d was closed after %v", i, d)
			}
			conn.Close()
		}
	})
}

func TestWhatNobodyTakesIsClosedInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		m, address := serveMux(t, w, peer.MuxConfig{HandshakeTimeout: time.Second})
		began := time.Now()
		for _, says := range []string{"rehearse-log/1\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"} {
			conn, err := w.dial(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(conn, says)
			io.Copy(io.Discard, conn)
			conn.Close()
		}
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("they were closed after %v, not a second each", d)
		}
		m.Peers().Close()
		m.Peers().Close()
		conn, err := w.dial(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "rehearse-log/1\r\n")
		io.Copy(io.Discard, conn)
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("what a closed listener would take was closed only after %v", d)
		}
		if _, err := m.Peers().Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a closed listener's Accept returns %v", err)
		}
	})
}

func TestCloseEndsWhatIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMemory()
		m, address := serveMux(t, w, peer.MuxConfig{})
		var conns []net.Conn
		for _, says := range []string{"", "rehearse", "rehearse-log/1\r\n", "GET"} {
			conn, err := w.dial(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(conn, says)
			conns = append(conns, conn)
		}
		accepted := make(chan error)
		go func() {
			_, err := m.RPC().Accept()
			accepted <- err
		}()
		synctest.Wait()
		began := time.Now()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if d := time.Since(began); d > 0 {
			t.Errorf("Close took %v", d)
		}
		if err := <-accepted; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept returned %v", err)
		}
		for _, conn := range conns {
			io.Copy(io.Discard, conn)
			conn.Close()
		}
	})
}

// A worn listener fails now and then, and then for good.
type worn struct {
	net.Listener
	fails chan error
}

func (l worn) Accept() (net.Conn, error) {
	if err, ok := <-l.fails; ok {
		return nil, err
	}
	return l.Listener.Accept()
}

type passing struct{}

func (passing) Error() string   { return "too many open files" }
func (passing) Temporary() bool { return true }

func TestAListenerThatFailsForAWhileIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := worn{newMemory().listen(t), make(chan error, 20)}
		for range 10 {
			l.fails <- passing{}
		}
		l.fails <- errors.New("the card is gone")
		m := peer.NewMux(l, peer.MuxConfig{})
		began := time.Now()
		served := make(chan error)
		go func() { served <- m.Serve() }()
		if _, err := m.RPC().Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept returned %v", err)
		}
		if err := <-served; err == nil || time.Since(began) < 2*time.Second {
			t.Errorf("Serve returned %v after %v", err, time.Since(began))
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
}
