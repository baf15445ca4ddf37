// How long each request took, and how the clients that send them take turns.

package log_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load has clients call do b.N times in all, each one call at a time, and
// reports what they waited. A call appends so many records of so many bytes.
func load(b *testing.B, clients, records, size int, do func() error) {
	b.Helper()
	waited := make([][]time.Duration, clients)
	for i := range waited {
		waited[i] = make([]time.Duration, 0, b.N/clients*5/4+16)
	}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wait sync.WaitGroup
	b.SetBytes(int64(records * size))
	b.ResetTimer()
	for i := range clients {
		wait.Go(func() {
			for next.Add(1) <= int64(b.N) && failed.Load() == nil {
				begin := time.Now()
				if err := do(); err != nil {
					failed.Store(&err)
				}
				waited[i] = append(waited[i], time.Since(begin))
			}
		})
	}
	wait.Wait()
	b.StopTimer()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	report(b, records, slices.Concat(waited...))
}

// report gives the rate, and the times under which the half, 99 of a hundred
// and 999 of a thousand calls stayed.
func report(b *testing.B, records int, waited []time.Duration) {
	slices.Sort(waited)
	for _, q := range []struct {
		unit  string
		share float64
	}{{"p50-ns", 0.5}, {"p99-ns", 0.99}, {"p99.9-ns", 0.999}} {
		b.ReportMetric(float64(quantile(waited, q.share)), q.unit)
	}
	b.ReportMetric(float64(b.N*records)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(0, "ns/op")
}

// quantile returns the least of the sorted times that the share of them does
// not exceed.
func quantile(sorted []time.Duration, share float64) time.Duration {
	n := len(sorted)
	at := int(share * float64(n))
	if float64(at) == share*float64(n) {
		at--
	}
	return sorted[min(max(at, 0), n-1)]
}

func TestQuantilesAreOfTheSortedTimes(t *testing.T) {
	var times []time.Duration
	for i := range 1000 {
		times = append(times, time.Duration(i+1))
	}
	for share, want := range map[float64]time.Duration{0.5: 500, 0.99: 990, 0.999: 999, 1: 1000, 0: 1} {
		if got := quantile(times, share); got != want {
			t.Errorf("the quantile %v of 1 to 1,000 is %d, want %d", share, got, want)
		}
	}
	if got := quantile([]time.Duration{7}, 0.999); got != 7 {
		t.Errorf("the quantile of one time is %d, want the time, 7", got)
	}
}
