// Logs on one disk: what is measured, and the rows.

package log_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A localLog is a log with one writer, on one disk.
type localLog interface {
	// Append returns when the batch is as durable as its subject says.
	Append(batch [][]byte) error

	// Records returns everything that was appended, in order.
	Records() ([][]byte, error)

	Close() error
}

// A logSubject is one kind of log. Open makes one in a directory that is empty,
// or opens the one that was closed in it.
type logSubject struct {
	name string
	open func(dir string) (localLog, error)
}

// logs are compared with the first, which is the limit: nothing durable is
// faster on this disk with one writer.
var logs = []logSubject{
	{"limit", openLimit},
	{"commitlog", openCommitLog},
	{"growing file", openGrowing},
	{"raft-wal", openRaftWAL},
	{"tidwall wal", openTidwall},
	{"raft-boltdb", openBolt},
	{"JetStream", openJetStream},
	{"JetStream atomic", openJetStreamAtomic},
}

// sizes are those of the records.
var sizes = []struct {
	name  string
	bytes int
}{{"128 B", 128}, {"1 KiB", 1 << 10}, {"64 KiB", 64 << 10}}

// BenchmarkLog appends with one writer, a record at a time and 64 at a time.
// One operation is one Append.
func BenchmarkLog(b *testing.B) {
	dir := scratch(b)
	for _, size := range sizes {
		for _, count := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s in batches of %d", size.name, count), func(b *testing.B) {
				for _, s := range logs {
					runLog(b, s, dir, records(count, size.bytes))
				}
			})
		}
	}
}

// runLog keeps one log through all of the benchmark's attempts to find its
// number of operations, so that what is measured is a log in use.
func runLog(b *testing.B, s logSubject, dir string, batch [][]byte) {
	if s.name == "JetStream atomic" && len(batch) == 1 {
		return // the same as JetStream
	}
	var l localLog
	b.Run(s.name, func(b *testing.B) {
		if l == nil {
			var err error
			l, err = s.open(subdirectory(b, dir))
			check(b, err)
		}
		load(b, 1, len(batch), len(batch[0]), func() error { return l.Append(batch) })
	})
	if l != nil {
		check(b, l.Close())
	}
}

// records returns so many records of so many bytes that nothing can compress.
func records(count, size int) [][]byte {
	random := rand.NewChaCha8([32]byte{1})
	batch := make([][]byte, count)
	for i := range batch {
		batch[i] = make([]byte, size)
		random.Read(batch[i])
	}
	return batch
}
