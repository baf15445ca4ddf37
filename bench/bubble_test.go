// How a benchmark runs inside a bubble while its time is taken outside.

package bench_test

import (
	"cmp"
	"sync"
	"testing"
	"testing/synctest"
)

// A body prepares what it measures and returns what does it n times. What it
// registers with tb.Cleanup is undone outside of the time.
type body func(tb testing.TB) (run func(n int))

// free measures a body as benchmarks usually do.
func (f body) free(b *testing.B) {
	run := f(b)
	b.ResetTimer()
	run(b.N)
	b.StopTimer()
}

// bubbled measures a body that runs in a testing/synctest bubble.
//
// Time in a bubble is virtual, and it is where the benchmark's own timer would
// read the clock. So the benchmark stays outside: it starts its timer when the
// bubble is ready, tells it to begin, and stops when the bubble says that it is
// done. Both talk over channels made outside of the bubble; a goroutine that
// waits on one is not durably blocked, so that the bubble's clock stands still
// meanwhile. The two crossings cost microseconds, once for all b.N.
func (f body) bubbled(b *testing.B) {
	ready, begin, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		asTest(b, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				run := f(t)
				close(ready)
				<-begin
				run(b.N)
				close(done)
			})
		})
	}()
	await(b, ready, over)
	b.ResetTimer()
	close(begin)
	await(b, done, over)
	b.StopTimer()
	<-over
}

// await returns when the bubble has come to step; over tells that it ended.
func await(b *testing.B, step, over chan struct{}) {
	select {
	case <-step:
	case <-over:
		select {
		case <-step:
		default:
			b.Fatal("the bubble failed")
		}
	}
}

// asTest runs f as a test: bubbles want a *testing.T, which benchmarks lack.
// RunTests repeats a test as often as -count says, which the benchmark does
// already.
func asTest(b *testing.B, f func(t *testing.T)) {
	var once sync.Once
	began := false
	passed := testing.RunTests(
		func(pattern, name string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: cmp.Or(b.Name(), "bubble"), F: func(t *testing.T) {
			once.Do(func() {
				began = true
				f(t)
			})
		}}},
	)
	if !began || !passed {
		b.Error("the test that holds the benchmark failed, or -skip skipped it")
	}
}

// everywhere measures a body for each subject, outside of bubbles and inside.
func everywhere(b *testing.B, of func(s subject) body, report func(b *testing.B)) {
	for _, s := range subjects {
		b.Run(s.name, func(b *testing.B) {
			of(s).free(b)
			report(b)
		})
		if s.real {
			continue
		}
		b.Run(s.name+"/bubble", func(b *testing.B) {
			of(s).bubbled(b)
			report(b)
		})
	}
}

// perSecond reports b.N a second under that name, in the place of ns/op.
func perSecond(b *testing.B, what string) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), what+"/s")
	b.ReportMetric(0, "ns/op")
}
