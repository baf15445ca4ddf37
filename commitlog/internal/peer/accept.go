// The accept loop that a mux and a transport have in common.

package peer

import (
	"errors"
	"log/slog"
	"net"
	"time"
)

// accept hands l's connections to take until done is closed or l fails for
// good. An error that says it is temporary (no file descriptors left, a
// client that went while it waited) is waited out.
func accept(l net.Listener, done <-chan struct{}, log *slog.Logger, take func(net.Conn)) error {
	wait := time.Duration(0)
	for {
		conn, err := l.Accept()
		if err == nil {
			wait = 0
			take(conn)
			continue
		}
		var passing interface{ Temporary() bool }
		if !errors.As(err, &passing) || !passing.Temporary() || errors.Is(err, net.ErrClosed) {
			return err
		}
		wait = min(max(2*wait, 5*time.Millisecond), time.Second)
		log.Warn("cannot accept a connection", "error", err, "again_in", wait)
		if !pause(wait, done) {
			return err
		}
	}
}

// pause waits, and returns false as soon as done is closed.
func pause(d time.Duration, done <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-done:
		return false
	}
}

// sever closes a connection at once. A TLS connection would first say goodbye,
// and wait for seconds until a peer that reads nothing has taken it.
func sever(conn net.Conn) {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		t.NetConn().Close()
	}
	conn.Close()
}
