// The log, written and read.

package wal_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// open opens a log that is closed with the test.
func open(t testing.TB, c wal.Config) *wal.Log {
	t.Helper()
	l, err := wal.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// group encodes records of those values as an entry's data.
func group(t testing.TB, at time.Time, values ...string) []byte {
	t.Helper()
	var b wal.Batch
	for _, v := range values {
		b.Records = append(b.Records, wal.Record{Key: []byte("k"), Value: []byte(v)})
	}
	e, err := wal.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return wal.AppendGroup(nil, at, e)
}

// value is the value of the record of that number in an entry.
func value(index, term uint64, i int) string {
	return fmt.Sprintf("entry %d of term %d, %d", index, term, i)
}

// entry is an entry of index%3 records, a minute behind the one before.
func entry(t testing.TB, index, term uint64) wal.Entry {
	t.Helper()
	e := wal.Entry{Index: index, Term: term}
	var values []string
	for i := range int(index % 3) {
		values = append(values, value(index, term, i))
	}
	if len(values) > 0 {
		e.Data = group(t, epoch.Add(time.Duration(index)*time.Minute), values...)
	}
	return e
}

// fill appends entries lo to hi of a term, each by itself, and syncs.
func fill(t testing.TB, l *wal.Log, lo, hi, term uint64) {
	t.Helper()
	for i := lo; i <= hi; i++ {
		if err := l.Append(wal.State{Term: term, Vote: 7, Commit: i - 1}, []wal.Entry{entry(t, i, term)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
}

// same compares records, but for time and key.
func same(a, b wal.Record) bool {
	return a.Offset == b.Offset && a.Index == b.Index && a.Term == b.Term && string(a.Value) == string(b.Value)
}

// holds checks all that a log holds: entries up to last, of terms as term says.
func holds(t testing.TB, l *wal.Log, last uint64, term func(uint64) uint64) {
	t.Helper()
	if l.Last() != last {
		t.Fatalf("the log ends with %d, not %d", l.Last(), last)
	}
	first := l.First()
	var offset uint64
	for i := first; i <= last; i++ {
		es, err := l.Entries(i, last+1, 1)
		if err != nil || len(es) != 1 {
			t.Fatalf("entry %d: %d entries, %v", i, len(es), err)
		}
		e, want := es[0], entry(t, i, term(i))
		if i == first {
			offset = e.Base
		}
		if e.Index != i || e.Term != want.Term || string(e.Data) != string(want.Data) || e.Base != offset {
			t.Fatalf("entry %d is %+v, not %+v at offset %d", i, e, want, offset)
		}
		if got, err := l.Term(i); got != e.Term || err != nil {
			t.Fatalf("Term(%d) is %d, %v; not %d", i, got, err, e.Term)
		}
		for n := range int(e.Count) {
			r, err := l.Read(offset, offset+1, 0)
			want := wal.Record{Offset: offset, Index: i, Term: e.Term, Value: []byte(value(i, e.Term, n))}
			if err != nil || len(r) != 1 || !same(r[0], want) {
				t.Fatalf("offset %d: %+v, %v; not %+v", offset, r, err, want)
			}
			offset++
		}
	}
	if l.Next() != offset {
		t.Fatalf("the next offset is %d, not %d", l.Next(), offset)
	}
	if es, err := l.Entries(first, last+1, 1<<30); err != nil || uint64(len(es)) != last+1-first {
		t.Fatalf("all entries: %d, %v", len(es), err)
	}
	if l.Next() > l.Low() {
		rs, err := l.Read(l.Low(), l.Next(), 1<<30)
		if err != nil || uint64(len(rs)) != l.Next()-l.Low() {
			t.Fatalf("all records: %d, %v", len(rs), err)
		}
	}
}

func constant(term uint64) func(uint64) uint64 { return func(uint64) uint64 { return term } }

func TestWhatWasAppendedIsReadBeforeAndAfterReopening(t *testing.T) {
	for _, size := range []int64{512, 2048, 1 << 20} {
		for _, tail := range []int{1, 0} {
			fs := newMemFS()
			c := wal.Config{FS: fs, SegmentSize: size, IndexEvery: 300, OpenFiles: 2, TailBytes: tail}
			l := open(t, c)
			fill(t, l, 1, 60, 3)
			holds(t, l, 60, constant(3))
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = open(t, c)
			holds(t, l, 60, constant(3))
			if got, want := l.State(), (wal.State{Term: 3, Vote: 7, Commit: 59}); got != want {
				t.Fatalf("the state is %+v, not %+v", got, want)
			}
			fill(t, l, 61, 90, 3)
			holds(t, l, 90, constant(3))
		}
	}
}

func TestEntriesReplaceThoseFromTheirIndexOn(t *testing.T) {
	for _, size := range []int64{512, 2048, 1 << 20} {
		for cut := uint64(2); cut <= 30; cut++ {
			testCut(t, wal.Config{FS: newMemFS(), SegmentSize: size, IndexEvery: 300, TailBytes: 1}, cut)
		}
	}
}

// testCut replaces the entries from cut on of a log of 30.
func testCut(t *testing.T, c wal.Config, cut uint64) {
	l := open(t, c)
	for i := uint64(1); i <= 30; i++ {
		if err := l.Append(wal.State{Term: 1, Vote: i, Commit: 1}, []wal.Entry{entry(t, i, 1)}); err != nil {
			t.Fatal(err)
		}
	}
	es := []wal.Entry{entry(t, cut, 2), entry(t, cut+1, 2)}
	if err := l.Append(wal.State{}, es); err != nil {
		t.Fatal(err)
	}
	term := func(i uint64) uint64 { return 1 + min(i/cut, 1) }
	holds(t, l, cut+1, term)
	l.Close()
	l = open(t, c)
	holds(t, l, cut+1, term)
	// The hard state was left as it was; opening raises it to the entries' term.
	if got, want := l.State(), (wal.State{Term: 2, Commit: 1}); got != want {
		t.Fatalf("the state is %+v, not %+v", got, want)
	}
	fill(t, l, cut+2, 40, 2)
	holds(t, l, 40, term)
}

func TestOutsideTheLogIsAnError(t *testing.T) {
	l := open(t, wal.Config{FS: newMemFS()})
	if l.First() != 1 || l.Last() != 0 {
		t.Fatalf("an empty log is from %d to %d", l.First(), l.Last())
	}
	if term, err := l.Term(0); term != 0 || err != nil {
		t.Fatalf("the term before the first is %d, %v", term, err)
	}
	fill(t, l, 1, 3, 1)
	var missing wal.Unavailable
	if _, err := l.Entries(2, 5, 1); !errors.As(err, &missing) || missing.Last != 3 {
		t.Fatalf("beyond the end: %v", err)
	}
	if _, err := l.Read(3, 9, 1); !errors.As(err, &missing) || missing.Next != 3 {
		t.Fatalf("beyond the end: %v", err)
	}
	if _, err := l.Entries(0, 2, 1); !errors.As(err, new(wal.Compacted)) {
		t.Fatalf("before the beginning: %v", err)
	}
}

func TestASegmentBeginsWithItsOwnersCheckpoint(t *testing.T) {
	c := wal.Config{FS: newMemFS(), SegmentSize: 512, Checkpoint: func(before uint64) []byte {
		return fmt.Appendf(nil, "before %d", before)
	}}
	l := open(t, c)
	fill(t, l, 1, 30, 1)
	for range 2 {
		for _, s := range l.Segments()[1:] {
			before, state, err := l.CheckpointAt(s.Last)
			if want := fmt.Sprintf("before %d", s.First); before != s.First || string(state) != want || err != nil {
				t.Fatalf("the checkpoint at %d is %q before %d, %v", s.Last, state, before, err)
			}
		}
		l.Close()
		l = open(t, c)
	}
}

func TestTrimRemovesWholeSegmentsFromTheFront(t *testing.T) {
	c := wal.Config{FS: newMemFS(), SegmentSize: 512, TailBytes: 1}
	l := open(t, c)
	fill(t, l, 1, 60, 1)
	segments := l.Segments()
	third := segments[2]
	if err := l.Trim(third.Last); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if l.First() != third.First || l.Low() != third.Offset {
			t.Fatalf("the log begins with %d, not %d", l.First(), third.First)
		}
		holds(t, l, 60, constant(1))
		if term, err := l.Term(third.First - 1); term != 1 || err != nil {
			t.Fatalf("the term before the first is %d, %v", term, err)
		}
		l.Close()
		l = open(t, c)
	}
	if err := l.Trim(1 << 40); err != nil || len(l.Segments()) != 1 {
		t.Fatalf("%d segments are left, %v", len(l.Segments()), err)
	}
	holds(t, l, 60, constant(1))
}
