// What a write and its sync cost, beside work that wants the processors too.

package osfs_test

import (
	"crypto/sha256"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog/internal/osfs"
)

// BenchmarkWriteAndSync writes 1 KiB into an allocated file and syncs it.
// Run it with -cpu 2. The work beside it is 64 goroutines, as of clients: each
// hashes 4 KiB and lets others go on.
func BenchmarkWriteAndSync(b *testing.B) {
	for _, row := range []struct {
		name     string
		workers  int
		blocking bool
	}{
		{"alone/async", 0, false}, {"alone/blocking", 0, true},
		{"64 beside/async", 64, false}, {"64 beside/blocking", 64, true},
	} {
		b.Run(row.name, func(b *testing.B) {
			d := open(b)
			f := file(b, d, "wal", os.O_RDWR|os.O_CREATE)
			ok(b, f.Allocate(0, 64<<20))
			if row.blocking {
				ok(b, d.Close()) // after which syncs block
			}
			stop := work(row.workers)
			writeAndSync(b, f)
			b.ReportMetric(float64(stop())/b.Elapsed().Seconds(), "hashes/s")
		})
	}
}

func writeAndSync(b *testing.B, f osfs.File) {
	record := make([]byte, 1024)
	b.ReportAllocs()
	for off := int64(0); b.Loop(); off = (off + 1024) % (64 << 20) {
		if _, err := f.WriteAt(record, off); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// work starts n goroutines; stop ends them and returns how much they did.
func work(n int) (stop func() int64) {
	var ended atomic.Bool
	var hashes atomic.Int64
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for page := make([]byte, 4096); !ended.Load(); runtime.Gosched() {
				sum := sha256.Sum256(page)
				copy(page, sum[:])
				hashes.Add(1)
			}
		})
	}
	return func() int64 {
		ended.Store(true)
		all.Wait()
		return hashes.Load()
	}
}

// BenchmarkClients is a log's life: 64 clients, each of which hashes 16 KiB and
// waits until a sync that began afterwards has come to its end. Run it with
// -cpu 2; an operation is one client's round.
func BenchmarkClients(b *testing.B) {
	for _, row := range []struct {
		name     string
		blocking bool
	}{{"async", false}, {"blocking", true}} {
		b.Run(row.name, func(b *testing.B) {
			d := open(b)
			f := file(b, d, "wal", os.O_RDWR|os.O_CREATE)
			ok(b, f.Allocate(0, 64<<20))
			if row.blocking {
				ok(b, d.Close())
			}
			rounds(b, f, 64)
		})
	}
}

func rounds(b *testing.B, f osfs.File, clients int) {
	waiting := make(chan chan bool, clients)
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	b.ResetTimer()
	for range clients {
		all.Go(func() {
			answer, page := make(chan bool, 1), make([]byte, 16<<10)
			for left.Add(-1) >= 0 {
				sum := sha256.Sum256(page)
				copy(page, sum[:])
				waiting <- answer
				<-answer
			}
		})
	}
	go func() { all.Wait(); close(waiting) }()
	syncs := 0
	for off := int64(0); ; off = (off + 1024*int64(clients)) % (63 << 20) {
		first, more := <-waiting
		if !more {
			break
		}
		batch := []chan bool{first}
		for range len(waiting) {
			batch = append(batch, <-waiting)
		}
		if _, err := f.WriteAt(make([]byte, 1024*len(batch)), off); err != nil {
			b.Fatal(err)
		}
		ok(b, f.Sync())
		syncs++
		for _, answer := range batch {
			answer <- true
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rounds/s")
	b.ReportMetric(float64(b.N)/float64(syncs), "rounds/sync")
}
