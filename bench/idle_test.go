// Memory: what a connection costs that says nothing.

package bench_test

import (
	"io"
	"net"
	"runtime"
	"strconv"
	"syscall"
	"testing"
)

// tooMany tells that so many pairs of a subject would not fit: a process may
// have no more sockets than its limit of descriptors, and bufconn's buffers,
// made in full for every connection, would take 13 GB for 100,000.
func (s subject) tooMany(pairs int) string {
	if s.name == "bufconn" && pairs > 10_000 {
		return "needs 13 GB"
	}
	var limit syscall.Rlimit
	if !s.real {
		return ""
	}
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < uint64(2*pairs+100) {
		return "needs more descriptors than the limit, " + strconv.FormatUint(limit.Cur, 10)
	}
	return ""
}

func BenchmarkIdle(b *testing.B)   { eachCount(b, func([]net.Conn, []net.Conn) error { return nil }) }
func BenchmarkSilent(b *testing.B) { eachCount(b, exchange) }

func eachCount(b *testing.B, use func(dialled, accepted []net.Conn) error) {
	for _, pairs := range []int{1_000, 10_000, 100_000} {
		for _, s := range subjects {
			b.Run(strconv.Itoa(pairs)+"/"+s.name, func(b *testing.B) {
				if why := s.tooMany(pairs); why != "" {
					b.Skip(why)
				}
				weigh(b, s, pairs, use)
			})
		}
	}
}

// weigh reports the bytes of heap that a pair takes; what a kernel holds for
// a socket is not counted.
func weigh(b *testing.B, s subject, pairs int, use func(dialled, accepted []net.Conn) error) {
	var sum float64
	for b.Loop() {
		before := heap()
		dialled, accepted := s.pairs(b, pairs)
		check(b, use(dialled, accepted))
		// The slices that hold the pairs are the benchmark's own.
		sum += float64(heap()-before)/float64(pairs) - 2*16
		closeAll(dialled, accepted)
	}
	b.ReportMetric(sum/float64(b.N), "B/pair")
	b.ReportMetric(0, "ns/op")
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what pools held is gone after the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// exchange sends one small message each way on every pair.
func exchange(dialled, accepted []net.Conn) error {
	for i := range dialled {
		done := make(chan error, 1)
		go func() { done <- answer(accepted[i]) }()
		if err := pingPong(dialled[i], 1); err != nil {
			return err
		}
		if err := <-done; err != nil {
			return err
		}
	}
	return nil
}

func answer(c net.Conn) error {
	buf := make([]byte, small)
	if _, err := io.ReadFull(c, buf); err != nil {
		return err
	}
	_, err := c.Write(buf)
	return err
}
