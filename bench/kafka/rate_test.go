// Throughput: how many records a second go in, and come out.

package kafka_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// block is how many bytes of records a cluster is given at a time. It keeps
// them all, and is replaced by a new one for the next.
const block = 48 << 20

// A load is one kind of throughput that is measured.
type load struct {
	shape
	size int // of a record
}

var loads = []load{
	{shape{brokers: 1, partitions: 2}, 100},
	{shape{brokers: 1, partitions: 2}, 1024},
	{shape{brokers: 3, partitions: 6}, 100},
	{shape{brokers: 3, partitions: 6}, 1024},
	{shape{brokers: 1, partitions: 2, memory: true}, 100},
	{shape{brokers: 1, partitions: 2, memory: true}, 1024},
}

func (l load) String() string {
	network, brokers := "TCP", "1 broker"
	if l.memory {
		network = "memory"
	}
	if l.brokers > 1 {
		brokers = fmt.Sprint(l.brokers, " brokers")
	}
	return fmt.Sprintf("%s, %d B, %s", network, l.size, brokers)
}

// fill produces so many records and returns how long it took.
func (l load) fill(tb testing.TB, c *cluster, count int) time.Duration {
	rs := records(count, l.size)
	client := c.client(tb)
	defer client.Close()
	check(tb, client.Ping(tb.Context()))
	var produced kgo.FirstErrPromise
	start := time.Now()
	for _, r := range rs {
		client.Produce(tb.Context(), r, produced.Promise())
	}
	check(tb, produced.Err())
	return time.Since(start)
}

// drain consumes so many records and returns how long it took.
func (l load) drain(tb testing.TB, c *cluster, count int) time.Duration {
	start := time.Now()
	client := c.client(tb, consuming())
	defer client.Close()
	consume(tb, client, count)
	return time.Since(start)
}

// run does one block on a cluster of its own; use tells which part counts.
func (l load) run(tb testing.TB, s subject, use func(c *cluster) time.Duration) time.Duration {
	c := s.start(tb, l.shape)
	defer c.close()
	runtime.GC() // what the last cluster kept is not this one's burden
	return use(c)
}

func (l load) produce(tb testing.TB, s subject, count int) time.Duration {
	return l.run(tb, s, func(c *cluster) time.Duration { return l.fill(tb, c, count) })
}

func (l load) consume(tb testing.TB, s subject, count int) time.Duration {
	return l.run(tb, s, func(c *cluster) time.Duration {
		l.fill(tb, c, count)
		return l.drain(tb, c, count)
	})
}

func BenchmarkKafkaProduce(b *testing.B) { eachLoad(b, load.produce) }
func BenchmarkKafkaConsume(b *testing.B) { eachLoad(b, load.consume) }

func eachLoad(b *testing.B, use func(l load, tb testing.TB, s subject, count int) time.Duration) {
	for _, l := range loads {
		for _, s := range subjects {
			b.Run(l.String()+"/"+s.name, func(b *testing.B) {
				count := block / l.size
				rate(b, count, func() time.Duration { return use(l, b, s, count) })
			})
		}
	}
}

// rate reports how many records a second use has moved, count at a time.
func rate(b *testing.B, count int, use func() time.Duration) {
	var took time.Duration
	for b.Loop() {
		took += use()
	}
	b.ReportMetric(float64(b.N*count)/took.Seconds(), "records/s")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkKafkaProduceSync(b *testing.B) {
	for _, memory := range []bool{false, true} {
		for _, s := range subjects {
			l := load{shape{brokers: 1, partitions: 1, memory: memory}, 100}
			b.Run(l.String()+"/"+s.name, func(b *testing.B) {
				c := s.start(b, l.shape)
				defer c.close()
				client := c.client(b)
				defer client.Close()
				check(b, client.ProduceSync(b.Context(), records(1, l.size)...).FirstErr())
				for b.Loop() {
					check(b, client.ProduceSync(b.Context(), records(1, l.size)...).FirstErr())
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func TestEveryClusterGivesBackWhatItWasGiven(t *testing.T) {
	for _, l := range loads {
		for _, s := range subjects {
			t.Run(l.String()+"/"+s.name, func(t *testing.T) {
				if took := l.consume(t, s, 1000); took <= 0 {
					t.Errorf("1000 records took %v", took)
				}
			})
		}
	}
}
