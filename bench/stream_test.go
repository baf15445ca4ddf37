// Streams: throughput, round trips, many pairs at once, and setting up.

package bench_test

import (
	"fmt"
	"io"
	"net"
	"testing"
)

const (
	chunk = 64 << 10 // of a write that is measured for throughput
	small = 64       // of a message that is measured for its trip
	many  = 8        // pairs that work in parallel
)

func BenchmarkStream(b *testing.B) {
	b.Run("copied twice", copiedTwice)
	everywhere(b, func(s subject) body { return streams(s, 1) }, megabytes)
}

// copiedTwice moves each chunk through a buffer of 256 KiB and does nothing
// else: no buffered stream on this machine can be faster on one core.
func copiedTwice(b *testing.B) {
	from, between, to := make([]byte, chunk), make([]byte, 4*chunk), make([]byte, chunk)
	megabytes(b)
	for i := 0; b.Loop(); i++ {
		part := between[i%4*chunk:][:chunk]
		copy(part, from)
		copy(to, part)
	}
}

func BenchmarkParallel(b *testing.B) {
	everywhere(b, func(s subject) body { return streams(s, many) }, megabytes)
}

func megabytes(b *testing.B) { b.SetBytes(chunk) }

// streams writes n chunks, shared out among so many pairs.
func streams(s subject, pairs int) body {
	return func(tb testing.TB) func(n int) {
		from, to := s.pairs(tb, pairs)
		tb.Cleanup(func() { closeAll(from, to) })
		return func(n int) {
			done := make(chan error, 2*pairs)
			for i := range pairs {
				share := n / pairs
				if i < n%pairs {
					share++
				}
				go func() { done <- writeChunks(from[i], share) }()
				go func() { done <- readChunks(to[i], share) }()
			}
			for range 2 * pairs {
				check(tb, <-done)
			}
		}
	}
}

func writeChunks(w io.Writer, n int) error {
	buf := make([]byte, chunk)
	for range n {
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

func readChunks(r io.Reader, n int) error {
	buf := make([]byte, chunk)
	for left := n * chunk; left > 0; {
		k, err := r.Read(buf)
		if left -= k; err != nil && left > 0 {
			return fmt.Errorf("%w with %d bytes to come", err, left)
		}
	}
	return nil
}

func BenchmarkRoundTrip(b *testing.B) {
	everywhere(b, roundTrips, func(b *testing.B) { perSecond(b, "trips") })
}

// roundTrips sends a small message to an echo and reads it back, n times.
func roundTrips(s subject) body {
	return func(tb testing.TB) func(n int) {
		a, z := s.pair(tb)
		go echo(z)
		return func(n int) { check(tb, pingPong(a, n)) }
	}
}

// echo returns what comes in messages until the connection ends.
func echo(c net.Conn) {
	buf := make([]byte, small)
	for {
		if _, err := io.ReadFull(c, buf); err != nil {
			return
		}
		if _, err := c.Write(buf); err != nil {
			return
		}
	}
}

func pingPong(c net.Conn, n int) error {
	buf := make([]byte, small)
	for range n {
		if _, err := c.Write(buf); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, buf); err != nil {
			return err
		}
	}
	return nil
}

func BenchmarkSetup(b *testing.B) {
	everywhere(b, setups, func(b *testing.B) { perSecond(b, "conns") })
}

// setups dials n times a server that accepts and closes, and closes when it
// has seen the end. On sockets the client resets, which spares the kernel the
// minute for which it would remember the connection.
func setups(s subject) body {
	return func(tb testing.TB) func(n int) {
		l, dial := s.listen(tb)
		tb.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
		return func(n int) {
			for range n {
				check(tb, visit(dial, s.real))
			}
		}
	}
}

func visit(dial dialFunc, reset bool) error {
	c, err := dial()
	if err != nil {
		return err
	}
	if t, ok := c.(*net.TCPConn); ok && reset {
		t.SetLinger(0)
	}
	var b [1]byte
	if n, err := c.Read(b[:]); n > 0 || err != io.EOF {
		return fmt.Errorf("read %d bytes, %v from a server that closes; want EOF", n, err)
	}
	return c.Close()
}
