// A client in C: kcat, on librdkafka, against its own mock and clusters in Go.

package kafka_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// lines is how many records kcat moves, of 99 bytes each.
const lines = 1_000_000

func BenchmarkKafkaKcat(b *testing.B) {
	if _, err := exec.LookPath("kcat"); err != nil {
		b.Skip(err)
	}
	file := filepath.Join(b.TempDir(), "lines")
	line := append(bytes.Repeat([]byte("x"), 99), '\n')
	check(b, os.WriteFile(file, bytes.Repeat(line, lines), 0o600))
	b.Run("produce/librdkafka's mock", func(b *testing.B) {
		rate(b, lines, func() time.Duration {
			return kcat(b, "-P", "-X", "test.mock.num.brokers=1", "-b", "mock", "-t", topic, "-l", file)
		})
	})
	for _, s := range subjects {
		b.Run("produce/"+s.name, func(b *testing.B) {
			rate(b, lines, func() time.Duration { return kcatOn(b, s, file).in })
		})
	}
	for _, s := range subjects {
		b.Run("consume/"+s.name, func(b *testing.B) {
			rate(b, lines, func() time.Duration { return kcatOn(b, s, file).out })
		})
	}
}

// eager has librdkafka fetch on where it would wait for half a second or a
// whole one: at the end, and when its queue is full.
var eager = []string{
	"-X", "fetch.wait.max.ms=10",
	"-X", "queued.min.messages=10000000", "-X", "queued.max.messages.kbytes=1000000",
}

// A flow is how long the records took on their ways.
type flow struct{ in, out time.Duration }

// kcatOn produces the lines of a file to a cluster and consumes them.
func kcatOn(tb testing.TB, s subject, file string) (f flow) {
	c := s.start(tb, shape{brokers: 1, partitions: 4})
	defer c.close()
	f.in = kcat(tb, "-P", "-b", c.addrs[0], "-t", topic, "-l", file)
	f.out = kcat(tb, append(eager, "-C", "-q", "-e", "-o", "beginning", "-f", "", "-b", c.addrs[0], "-t", topic)...)
	return f
}

// kcat runs the program and returns how long it took.
func kcat(tb testing.TB, args ...string) time.Duration {
	start := time.Now()
	if out, err := exec.CommandContext(tb.Context(), "kcat", args...).CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, out)
	}
	return time.Since(start)
}
