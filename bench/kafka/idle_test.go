// Memory: what a broker costs that nobody uses.

package kafka_test

import (
	"runtime"
	"slices"
	"testing"
)

// many is how many brokers are weighed together, each a cluster of its own.
const many = 200

// alone are the ways to start a broker on its own.
var alone = []server{
	{name: "MockBroker", start: startMockBroker},
	{name: "kfake", start: startBroker(startKfake)},
	{name: "kafkatest", start: startBroker(startOurs)},
	{name: "kafkatest scripted", start: startScripted},
}

func BenchmarkKafkaIdle(b *testing.B) {
	for _, s := range alone {
		b.Run("a broker/"+s.name, func(b *testing.B) {
			var bytes, goroutines float64
			for b.Loop() {
				m, g := weigh(b, s, many)
				bytes, goroutines = bytes+m, goroutines+g
			}
			b.ReportMetric(bytes/float64(b.N)/1024, "KiB/broker")
			b.ReportMetric(goroutines/float64(b.N), "goroutines/broker")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// weigh starts n brokers and returns the heap and stacks, in bytes, and the
// goroutines of each.
func weigh(tb testing.TB, s server, n int) (bytes, goroutines float64) {
	brokers := &scope{TB: tb}
	defer brokers.end()
	before, running := memory(), runtime.NumGoroutine()
	for range n {
		s.start(brokers)
	}
	return float64(memory()-before) / float64(n), float64(runtime.NumGoroutine()-running) / float64(n)
}

// A scope ends before its test does.
type scope struct {
	testing.TB
	ends []func()
}

func (s *scope) Cleanup(f func()) { s.ends = append(s.ends, f) }

func (s *scope) end() {
	for _, f := range slices.Backward(s.ends) {
		f()
	}
}

func memory() uint64 {
	runtime.GC()
	runtime.GC() // what pools held is gone after the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

func TestEveryBrokerIsWeighed(t *testing.T) {
	for _, s := range alone {
		if bytes, goroutines := weigh(t, s, 50); bytes < 1024 || goroutines < 1 {
			t.Errorf("%s: %v bytes, %v goroutines", s.name, bytes, goroutines)
		}
	}
}
