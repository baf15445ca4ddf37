// Compaction, told in short stories.

package partition_test

import (
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
)

const day = 86_400_000

func compacted(t *testing.T) *log {
	l := newLog(t)
	l.settings.Compact = true
	return l
}

func (l *log) wantOffsets(want ...int64) {
	l.t.Helper()
	if got := l.offsets(); !slices.Equal(got, want) {
		l.t.Errorf("offsets %v, want %v", got, want)
	}
}

func TestTheLastRecordOfEachKeyStaysWhereItWas(t *testing.T) {
	for _, codec := range []batch.Codec{batch.None, batch.Zstd} {
		l := compacted(t)
		f := batch.NewForm()
		f.Codec = codec
		for _, keys := range [][]string{{"a", "b", "c"}, {"a", "d"}, {"a", "a", "c"}} {
			if _, fault := l.try(f, keyed(keys...)); fault != nil {
				t.Fatal(fault)
			}
		}
		size := l.Size()
		l.Compact(now, &l.settings)
		l.wantOffsets(1, 4, 6, 7)
		if l.Size() >= size || l.End() != 8 || l.Start() != 0 {
			t.Errorf("%d bytes of %d, from %d to %d", l.Size(), size, l.Start(), l.End())
		}
		for b := range l.Batches(0) {
			if b.CRC() != b.Sum() || b.Codec() != codec {
				t.Errorf("the batch at %d: codec %v, crc %x, sum %x", b.BaseOffset(), b.Codec(), b.CRC(), b.Sum())
			}
		}
		if a := l.put("z"); a.Base != 8 {
			t.Errorf("the next record is at %d", a.Base)
		}
	}
}

func TestABatchWithNothingLeftGoes(t *testing.T) {
	l := compacted(t)
	l.put("a", "b")
	l.put("a", "b")
	l.Compact(now, &l.settings)
	n := 0
	for range l.Batches(0) {
		n++
	}
	l.wantOffsets(2, 3)
	if n != 1 {
		t.Errorf("%d batches are left", n)
	}
}

func TestTombstonesStayForAWhile(t *testing.T) {
	l := compacted(t)
	l.put("a", "b")
	records := keyed("a")
	records[0].Value = nil
	if _, fault := l.try(batch.NewForm(), records); fault != nil {
		t.Fatal(fault)
	}
	l.Compact(now, &l.settings)
	l.wantOffsets(1, 2)
	l.Compact(now+day-1, &l.settings)
	l.wantOffsets(1, 2)
	for b := range l.Batches(2) {
		if r, err := b.Decode(); err != nil || r[0].Timestamp != now || r[0].Value != nil {
			t.Errorf("the tombstone has become %+v, %v", r, err)
		}
	}
	l.Compact(now+day, &l.settings)
	l.wantOffsets(1)
}

func TestOpenTransactionsAreLeftAlone(t *testing.T) {
	l := compacted(t)
	l.put("x", "x")
	l.must(txn(1, 0, 0)) // x, y at 2 and 3
	l.put("x", "x")
	l.Compact(now, &l.settings)
	l.wantOffsets(1, 2, 3, 4, 5)
}

func TestWhatWasAbortedGoesAndItsMarkerLater(t *testing.T) {
	l := compacted(t)
	l.must(txn(1, 0, 0))
	l.mark(1, 0, false)
	l.must(txn(1, 0, 2))
	l.mark(1, 0, true)
	l.Compact(now, &l.settings)
	l.wantOffsets(2, 3, 4, 5)
	if len(l.AbortedIn(0, 10)) != 1 {
		t.Error("a marker that is left belongs to no aborted transaction")
	}
	l.Compact(now+day, &l.settings)
	l.wantOffsets(3, 4, 5) // the second marker stays with its records
	if got := l.AbortedIn(0, 10); len(got) != 0 {
		t.Errorf("readers would skip committed records: %v", got)
	}
}

func TestYoungRecordsAreLeftAlone(t *testing.T) {
	l := compacted(t)
	l.settings.CompactionLag = 1000
	l.put("a", "a")
	l.put("a", "a")
	l.Compact(now+100, &l.settings)
	l.wantOffsets(0, 1, 2, 3)
	l.Compact(now+2000, &l.settings)
	l.wantOffsets(3)
}

func TestAReaderPassesOverTheGaps(t *testing.T) {
	l := compacted(t)
	for range 3 {
		l.put("a", "b")
	}
	l.put("c")
	l.Compact(now, &l.settings)
	got := l.Read(span(1, 7))
	if b, _ := batch.First(got.Bytes); b == nil || b.BaseOffset() != 4 || got.Next != 7 {
		t.Errorf("read on to %d", got.Next)
	}
}

func TestProducersAreKnownThoughTheirRecordsAreGone(t *testing.T) {
	l := compacted(t)
	l.must(from(1, 0, 0))
	l.put("x", "y")
	l.Compact(now, &l.settings)
	l.Truncate(3)
	if a := l.must(from(1, 0, 0)); !a.Duplicate {
		t.Errorf("got %+v", a)
	}
}
