// What an append costs, beside what the disk asks for the same bytes.

package wal_test

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/internal/osfs"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

func directory(b *testing.B) *osfs.Dir {
	b.Helper()
	d, err := osfs.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	return d
}

// BenchmarkAppend appends batches to a log and syncs each; by turns, it writes
// as many bytes into an allocated file and syncs that: the limit. It reports
// both medians and their ratio, which a busy disk moves less than either.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{128, 1024, 64 << 10} {
		for _, records := range []int{1, 64} {
			b.Run(fmt.Sprintf("%dx%d", records, size), func(b *testing.B) { benchmarkAppend(b, size, records) })
		}
	}
}

func benchmarkAppend(b *testing.B, size, records int) {
	l, err := wal.Open(wal.Config{FS: directory(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	limit := raw{dir: directory(b), data: []byte(strings.Repeat("x", size*records))}
	data := group(b, epoch, slices.Repeat([]string{strings.Repeat("x", size)}, records)...)
	var raws, logs []time.Duration
	for b.Loop() {
		raws = append(raws, limit.write(b))
		start, at := time.Now(), l.Last()+1
		err := l.Append(wal.State{Term: 1, Commit: at - 1}, []wal.Entry{{Index: at, Term: 1, Data: data}})
		if err == nil {
			err = l.Sync()
		}
		logs = append(logs, time.Since(start))
		if err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(raws)
	slices.Sort(logs)
	r, g := raws[len(raws)/2], logs[len(logs)/2]
	b.ReportMetric(float64(r.Microseconds()), "raw-µs")
	b.ReportMetric(float64(g.Microseconds()), "log-µs")
	b.ReportMetric(float64(g)/float64(r), "log/raw")
}

// A raw file is written from its beginning to its end, and then another.
type raw struct {
	dir  *osfs.Dir
	data []byte
	file osfs.File
	off  int64
}

// write writes the data and syncs it, and returns how long that took.
func (r *raw) write(b *testing.B) time.Duration {
	const size = 64 << 20
	if r.file == nil || r.off+int64(len(r.data)) > size {
		r.renew(b, size)
	}
	start := time.Now()
	_, err := r.file.WriteAt(r.data, r.off)
	if err == nil {
		err = r.file.Sync()
	}
	took := time.Since(start)
	if err != nil {
		b.Fatal(err)
	}
	r.off += int64(len(r.data))
	return took
}

func (r *raw) renew(b *testing.B, size int64) {
	if r.file != nil {
		r.file.Close()
	}
	var err error
	if r.file, err = r.dir.OpenFile("raw", os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644); err != nil {
		b.Fatal(err)
	}
	if err = r.file.Allocate(0, size); err == nil {
		err = r.file.Sync()
	}
	if err != nil {
		b.Fatal(err)
	}
	r.off = 0
}

// nowhere is a file system that stores nothing that is written.
type nowhere struct{ *memFS }

type nowhereFile struct{ wal.File }

func (n nowhere) OpenFile(name string, flag int, perm fs.FileMode) (wal.File, error) {
	f, err := n.memFS.OpenFile(name, flag, perm)
	return nowhereFile{f}, err
}

func (nowhereFile) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }
func (nowhereFile) Allocate(int64, int64) error            { return nil }

// BenchmarkAppendAlone is what an append costs the processor.
func BenchmarkAppendAlone(b *testing.B) {
	for _, size := range []int{128, 1024, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			l, err := wal.Open(wal.Config{FS: nowhere{newMemFS()}, SegmentSize: 1 << 40})
			if err != nil {
				b.Fatal(err)
			}
			data := group(b, epoch, strings.Repeat("x", size))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				at := l.Last() + 1
				es := []wal.Entry{{Index: at, Term: 1, Data: data}}
				if err := l.Append(wal.State{Term: 1, Commit: at - 1}, es); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncode is what a leader does to one batch of 64 records.
func BenchmarkEncode(b *testing.B) {
	for _, size := range []int{128, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var batch wal.Batch
			for range 64 {
				batch.Records = append(batch.Records, wal.Record{Value: make([]byte, size)})
			}
			b.SetBytes(int64(64 * size))
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				e, err := wal.Encode(batch)
				if err != nil {
					b.Fatal(err)
				}
				dst = wal.AppendGroup(dst[:0], epoch, e)
			}
		})
	}
}

// BenchmarkRead reads records one after the other, from disk and from memory.
func BenchmarkRead(b *testing.B) {
	for _, row := range []struct {
		name string
		tail int
	}{{"disk", 1}, {"memory", 64 << 20}} {
		b.Run(row.name, func(b *testing.B) {
			l, err := wal.Open(wal.Config{FS: directory(b), SegmentSize: 8 << 20, TailBytes: row.tail})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			for i := uint64(1); i <= 2000; i++ {
				data := group(b, epoch, strings.Repeat("x", 10_000))
				if err := l.Append(wal.State{}, []wal.Entry{{Index: i, Term: 1, Data: data}}); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(1 << 20)
			from := uint64(0)
			for b.Loop() {
				records, err := l.Read(from, l.Next(), 1<<20)
				if err != nil {
					b.Fatal(err)
				}
				if from += uint64(len(records)); from >= l.Next() {
					from = 0
				}
			}
		})
	}
}
