// The life of a test: start a cluster, produce, consume, close.

package kafka_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// lives are the ways in which a test uses a cluster.
var lives = []struct {
	name string
	live func(tb testing.TB, s subject)
}{
	{"TCP", func(tb testing.TB, s subject) { live(tb, s, false, consuming()) }},
	{"TCP with a group", func(tb testing.TB, s subject) { live(tb, s, false, consuming(), kgo.ConsumerGroup("g")) }},
	{"memory", func(tb testing.TB, s subject) { live(tb, s, true, consuming()) }},
	{"memory with a group", func(tb testing.TB, s subject) { live(tb, s, true, consuming(), kgo.ConsumerGroup("g")) }},
	{"start and close alone", func(tb testing.TB, s subject) { s.start(tb, shape{brokers: 1, partitions: 1}).close() }},
	{"start and close alone, 3 brokers", func(tb testing.TB, s subject) {
		s.start(tb, shape{brokers: 3, partitions: 3}).close()
	}},
}

// live is one life: ten records there and back.
func live(tb testing.TB, s subject, memory bool, opts ...kgo.Opt) {
	c := s.start(tb, shape{brokers: 1, partitions: 1, memory: memory})
	client := c.client(tb, opts...)
	check(tb, client.ProduceSync(tb.Context(), records(10, 100)...).FirstErr())
	consume(tb, client, 10)
	client.Close()
	c.close()
}

func BenchmarkKafkaLife(b *testing.B) {
	for _, l := range lives {
		for _, s := range subjects {
			b.Run(l.name+"/"+s.name, func(b *testing.B) {
				for b.Loop() {
					l.live(b, s)
				}
			})
		}
	}
}

func TestEveryClusterLivesEveryLife(t *testing.T) {
	for _, l := range lives {
		for _, s := range subjects {
			t.Run(l.name+"/"+s.name, func(t *testing.T) { l.live(t, s) })
		}
	}
}
