// A driver for logs, and what happens to offsets and bytes.

package partition_test

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/partition"
	"github.com/twmb/franz-go/pkg/kerr"
)

const now = 1_700_000_000_000

// A log drives a Log as a test wants it: everything replicated at once.
type log struct {
	partition.Log
	t        testing.TB
	settings partition.Settings
	epoch    int32
}

// defaults returns Kafka's defaults.
func defaults() partition.Settings {
	return partition.Settings{
		BeforeMax:      math.MaxInt64,
		AfterMax:       3_600_000,
		MaxBatch:       1_048_588,
		SegmentBytes:   1 << 30,
		Codec:          batch.Producer,
		Delete:         true,
		RetentionMs:    604_800_000,
		RetentionBytes: -1,
		TombstoneMs:    86_400_000,
	}
}

func newLog(t testing.TB) *log { return &log{t: t, settings: defaults()} }

// keyed returns records with the keys and the values "key@place".
func keyed(keys ...string) []batch.Record {
	records := make([]batch.Record, len(keys))
	for i, k := range keys {
		records[i] = batch.Record{Offset: int64(i), Timestamp: now + int64(i), Key: []byte(k)}
		records[i].Value = fmt.Appendf(nil, "%s@%d", k, i)
	}
	return records
}

func checked(t testing.TB, f batch.Form, records []batch.Record) batch.Checked {
	t.Helper()
	c, fault := batch.Check(f.Append(nil, records), 9)
	if fault != nil {
		t.Fatal(fault)
	}
	return c
}

// try appends records in a form and advances the high watermark.
func (l *log) try(f batch.Form, records []batch.Record) (partition.Appended, *batch.Fault) {
	l.t.Helper()
	a, fault := l.Append(checked(l.t, f, records), l.epoch, now, &l.settings)
	l.Advance(l.End())
	return a, fault
}

// put appends records that must be taken.
func (l *log) put(keys ...string) partition.Appended {
	l.t.Helper()
	a, fault := l.try(batch.NewForm(), keyed(keys...))
	if fault != nil {
		l.t.Fatal(fault)
	}
	return a
}

// offsets returns the offsets of all records, markers included.
func (l *log) offsets() (all []int64) {
	for b := range l.Batches(0) {
		for r, err := range b.Records() {
			if err != nil {
				l.t.Fatal(err)
			}
			all = append(all, r.Offset)
		}
	}
	return all
}

// contents returns the values of all records but markers.
func (l *log) contents() (all []string) {
	for b := range l.Batches(0) {
		if b.Control() {
			continue
		}
		for r, err := range b.Records() {
			if err != nil {
				l.t.Fatal(err)
			}
			all = append(all, string(r.Value))
		}
	}
	return all
}

func wantErr(t *testing.T, fault *batch.Fault, want *kerr.Error) {
	t.Helper()
	switch {
	case fault == nil && want != nil:
		t.Errorf("taken, want %v", want)
	case fault != nil && fault.Err != want:
		t.Errorf("got %v, want %v", fault, want)
	}
}

func TestRecordsGetOffsetsInTurn(t *testing.T) {
	l := newLog(t)
	l.epoch = 4
	l.put("a", "b", "c")
	a := l.put("d")
	if a.Base != 3 || a.Last != 3 || a.AppendTime != -1 || a.Duplicate {
		t.Errorf("got %+v", a)
	}
	if got := l.offsets(); !slices.Equal(got, []int64{0, 1, 2, 3}) || l.End() != 4 || l.HighWatermark() != 4 {
		t.Errorf("offsets %v, end %d, high watermark %d", got, l.End(), l.HighWatermark())
	}
	for b := range l.Batches(0) {
		if b.CRC() != b.Sum() || b.LeaderEpoch() != 4 {
			t.Errorf("the batch at %d: crc %x, sum %x, epoch %d", b.BaseOffset(), b.CRC(), b.Sum(), b.LeaderEpoch())
		}
	}
}

func TestAnAppendedBatchIsOwned(t *testing.T) {
	l := newLog(t)
	f := batch.NewForm()
	raw := f.Append(nil, keyed("a"))
	c, _ := batch.Check(raw, 9)
	if _, fault := l.Append(c, 0, now, &l.settings); fault != nil {
		t.Fatal(fault)
	}
	clear(raw)
	if got := l.contents(); !slices.Equal(got, []string{"a@0"}) {
		t.Errorf("the log holds %q after the request was overwritten", got)
	}
}

func TestWhatWasReadNeverChanges(t *testing.T) {
	l := newLog(t)
	l.put("a")
	l.put("b")
	read := l.Read(partition.Span{UpTo: 2, MaxBytes: 1 << 20}).Bytes
	before := bytes.Clone(read)
	l.Truncate(1)
	l.put("other")
	l.Compact(now, &l.settings)
	if !bytes.Equal(read, before) {
		t.Error("bytes that were read changed")
	}
}

func TestReadsKeepToTheirBounds(t *testing.T) {
	l := newLog(t)
	for range 5 {
		l.put("a", "b")
	}
	size := int(l.Size()) / 5
	for _, c := range []struct {
		name    string
		span    partition.Span
		batches int
		next    int64
	}{
		{"all", partition.Span{UpTo: 10, MaxBytes: 1 << 20}, 5, 10},
		{"from amid a batch", partition.Span{From: 3, UpTo: 10, MaxBytes: 1 << 20}, 4, 10},
		{"up to amid a batch", partition.Span{UpTo: 5, MaxBytes: 1 << 20}, 2, 4},
		{"bytes for two", partition.Span{From: 2, UpTo: 10, MaxBytes: 2*size + 1}, 2, 6},
		{"bytes for exactly two", partition.Span{From: 2, UpTo: 10, MaxBytes: 2 * size}, 2, 6},
		{"bytes for none", partition.Span{From: 2, UpTo: 10, MaxBytes: size - 1}, 0, 2},
		{"bytes for none, by force", partition.Span{From: 2, UpTo: 10, MaxBytes: size - 1, Force: true}, 1, 4},
		{"negative bytes", partition.Span{From: 2, UpTo: 10, MaxBytes: -5, Force: true}, 1, 4},
		{"nothing by force", partition.Span{From: 2, UpTo: 2, MaxBytes: 1, Force: true}, 0, 2},
		{"at the end", partition.Span{From: 10, UpTo: 10, MaxBytes: 1 << 20, Force: true}, 0, 10},
		{"beyond it", partition.Span{From: 12, UpTo: 20, MaxBytes: 1 << 20, Force: true}, 0, 12},
	} {
		if got := l.Read(c.span); len(got.Bytes) != c.batches*size || got.Next != c.next {
			t.Errorf("%s: %d bytes, next %d; want %d batches of %d, next %d",
				c.name, len(got.Bytes), got.Next, c.batches, size, c.next)
		}
	}
}

func TestReadingAcrossSegmentsLosesNothing(t *testing.T) {
	l := newLog(t)
	f := batch.NewForm()
	value := make([]byte, 100_000)
	for range 50 {
		if _, fault := l.try(f, []batch.Record{{Key: []byte("k"), Value: value, Timestamp: now}}); fault != nil {
			t.Fatal(fault)
		}
	}
	pending, reads, from, total := l.Pending(0, l.End()), 0, int64(0), int64(0)
	for from < l.End() {
		piece := l.Read(partition.Span{From: from, UpTo: l.End(), MaxBytes: 10 << 20})
		first, _ := batch.First(piece.Bytes)
		if first == nil || first.BaseOffset() != from {
			t.Fatalf("nothing at %d", from)
		}
		from, total, reads = piece.Next, total+int64(len(piece.Bytes)), reads+1
	}
	if total != l.Size() || pending != total || reads < 2 || reads > 10 {
		t.Errorf("%d bytes in %d reads, %d pending, of %d", total, reads, pending, l.Size())
	}
}

func TestAnIdleLogTakesLittleMemory(t *testing.T) {
	const logs = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range logs {
		newLog(t).put("a")
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / logs; n > 4096 {
		t.Errorf("a log with a record takes %d bytes", n)
	}
}

func TestTheHighWatermarkNeverGoesBack(t *testing.T) {
	l := newLog(t)
	l.put("a", "b", "c")
	if l.Advance(1) || l.HighWatermark() != 3 {
		t.Errorf("it went to %d", l.HighWatermark())
	}
	if l.Advance(100) || l.HighWatermark() != 3 {
		t.Errorf("it went beyond the end, to %d", l.HighWatermark())
	}
}

func TestDeletingRecords(t *testing.T) {
	for _, c := range []struct {
		name   string
		before int64
		low    int64
		err    *kerr.Error
	}{
		{"some", 4, 4, nil},
		{"amid a batch", 3, 3, nil},
		{"below the start", 1, 2, nil},
		{"up to the high watermark", -1, 6, nil},
		{"all by name", 6, 6, nil},
		{"beyond", 7, -1, kerr.OffsetOutOfRange},
		{"nonsense", -2, -1, kerr.OffsetOutOfRange},
	} {
		l := newLog(t)
		for range 4 {
			l.put("a", "b")
		}
		l.Truncate(6)
		if _, err := l.DeleteBefore(2); err != nil {
			t.Fatal(err)
		}
		low, err := l.DeleteBefore(c.before)
		if low != c.low || err != c.err {
			t.Errorf("%s: %d, %v; want %d, %v", c.name, low, err, c.low, c.err)
		}
		if err == nil && l.Start() != c.low {
			t.Errorf("%s: the log starts at %d", c.name, l.Start())
		}
		if next := l.put("z"); next.Base != 6 {
			t.Errorf("%s: the next record is at %d", c.name, next.Base)
		}
	}
}

func TestRetention(t *testing.T) {
	l := newLog(t)
	for range 10 {
		l.put("a", "b")
	}
	size := l.Size() / 10
	s := defaults()
	s.RetentionBytes = 4 * size
	l.Expire(now, &s)
	if l.Start() != 12 || l.Size() != 4*size {
		t.Errorf("by size: starts at %d with %d bytes", l.Start(), l.Size())
	}
	s.Delete = false
	s.RetentionMs = 0
	if l.Expire(now+10, &s); l.Start() != 12 {
		t.Error("a topic that is only compacted expires")
	}
	s.Delete = true
	if l.Expire(now+10, &s); l.Start() != 20 || l.Size() != 0 {
		t.Errorf("by time: starts at %d with %d bytes", l.Start(), l.Size())
	}
}

func TestTheHardBoundHolds(t *testing.T) {
	l := newLog(t)
	l.settings.Bound = 1000
	for range 1000 {
		l.put("a", "b")
	}
	if l.Size() > 1000 || l.Size() < 500 || l.End() != 2000 {
		t.Errorf("%d bytes, end %d", l.Size(), l.End())
	}
}

func BenchmarkAppend(b *testing.B) {
	l := newLog(b)
	l.settings.Bound = 64 << 20
	f := batch.NewForm()
	f.ProducerID, f.ProducerEpoch, f.Sequence = -1, -1, -1
	c := checked(b, f, keyed(slices.Repeat([]string{"some key of some length"}, 100)...))
	b.SetBytes(int64(len(c.Batch)))
	b.ReportAllocs()
	for b.Loop() {
		if _, fault := l.Append(c, 0, now, &l.settings); fault != nil {
			b.Fatal(fault)
		}
		l.Advance(l.End())
	}
}

func BenchmarkRead(b *testing.B) {
	l := newLog(b)
	for range 10_000 {
		l.put("a", "b", "c")
	}
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		l.Read(partition.Span{From: i % 30_000, UpTo: 30_000, MaxBytes: 1 << 20})
	}
}
