// Readers beside the writer.

package wal_test

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// reader reads all that there is, again and again, until done. Whatever it
// reads must be an entry of the term that it says.
func reader(t *testing.T, l *wal.Log, done *atomic.Bool) {
	for !done.Load() {
		es, err := l.Entries(l.First(), l.Last()+1, 1<<20)
		if err != nil && !errors.As(err, new(wal.Compacted)) && !errors.As(err, new(wal.Unavailable)) {
			t.Errorf("Entries: %v", err)
			return
		}
		for i := range es {
			e := &es[i]
			if i > 0 && e.Index != es[i-1].Index+1 {
				t.Errorf("entry %d follows %d", e.Index, es[i-1].Index)
				return
			}
			if want := entry(t, e.Index, e.Term); !bytes.Equal(e.Data, want.Data) {
				t.Errorf("entry %d of term %d is %q", e.Index, e.Term, e.Data)
				return
			}
		}
		_, err = l.Read(l.Low(), l.Next(), 1<<20)
		if err != nil && !errors.As(err, new(wal.Compacted)) && !errors.As(err, new(wal.Unavailable)) {
			t.Errorf("Read: %v", err)
			return
		}
	}
}

// replace appends entries of which none is committed.
func replace(t *testing.T, l *wal.Log, lo, hi, term uint64) {
	for i := lo; i <= hi; i++ {
		if err := l.Append(wal.State{Term: term}, []wal.Entry{entry(t, i, term)}); err != nil {
			t.Error(err)
		}
	}
}

func TestReadersSeeTheLogWhileItIsWrittenCutTrimmedAndReplaced(t *testing.T) {
	for _, tail := range []int{1, 4000} {
		l := open(t, wal.Config{FS: newMemFS(), SegmentSize: 2048, IndexEvery: 300, OpenFiles: 2, TailBytes: tail})
		replace(t, l, 1, 30, 1)
		var done atomic.Bool
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { reader(t, l, &done) })
		}
		last := l.Last()
		for term := uint64(2); term < 22; term++ {
			from := last + 1 - term%7
			replace(t, l, from, from+20, term)
			last = from + 20
			if term%5 > 0 {
				continue
			}
			if err := errors.Join(l.Mark(), l.Trim(last-60)); err != nil {
				t.Error(err)
			}
		}
		done.Store(true)
		all.Wait()
		if t.Failed() {
			return
		}
	}
}

func TestReadersWaitForWhatIsBeingInstalled(t *testing.T) {
	export := exported(t, 0, 50, constant(1))
	l := open(t, wal.Config{FS: newMemFS(), SegmentSize: 1024, TailBytes: 1})
	replace(t, l, 1, 10, 1)
	var done atomic.Bool
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { reader(t, l, &done) })
	}
	for i := uint64(0); i < 10; i++ {
		s, err := l.Import(bytes.NewReader(export))
		if err != nil {
			t.Error(err)
			break
		}
		last, _ := s.Last()
		if err := l.Append(wal.State{}, []wal.Entry{entry(t, min(l.Last(), last)+1, 2+i)}); err != nil {
			t.Error(err)
		}
		if err := l.Install(s); err != nil {
			t.Error(err)
		}
	}
	done.Store(true)
	all.Wait()
}

func TestAClosedLogTakesNothingAndReadsNothing(t *testing.T) {
	l := open(t, wal.Config{FS: newMemFS()})
	fill(t, l, 1, 3, 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, entries := l.Entries(1, 2, 1)
	_, read := l.Read(0, 1, 1)
	for what, err := range map[string]error{
		"Append": l.Append(wal.State{Term: 2}, nil), "Sync": l.Sync(), "Mark": l.Mark(), "Close": l.Close(),
		"Trim": l.Trim(2), "Entries": entries, "Read": read,
	} {
		if !errors.Is(err, wal.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestRecordsAreFoundByOffsetAndByTime(t *testing.T) {
	for _, tail := range []int{1, 0} {
		l := open(t, wal.Config{FS: newMemFS(), SegmentSize: 1024, IndexEvery: 300, TailBytes: tail})
		fill(t, l, 1, 40, 1)
		for i := uint64(1); i <= 40; i++ {
			es, err := l.Entries(i, i+1, 1)
			if err != nil {
				t.Fatal(err)
			}
			findable(t, l, es[0])
		}
		if offset, err := l.At(epoch.Add(time.Hour)); offset != l.Next() || err != nil {
			t.Fatalf("after all there is offset %d, %v", offset, err)
		}
	}
}

// findable checks that an entry's records are found.
func findable(t *testing.T, l *wal.Log, e wal.Entry) {
	t.Helper()
	at := epoch.Add(time.Duration(e.Index) * time.Minute)
	for _, when := range []time.Time{at, at.Add(-time.Second)} { // an empty entry's is the next one's
		if offset, err := l.At(when); offset != e.Base || err != nil {
			t.Fatalf("at %v there is offset %d, %v; not %d", when, offset, err, e.Base)
		}
	}
	for n := range uint64(e.Count) {
		got, err := l.Find(e.Base + n)
		if got.Index != e.Index || got.Base != e.Base || err != nil {
			t.Fatalf("offset %d is in entry %d, %v; not %d", e.Base+n, got.Index, err, e.Index)
		}
	}
}
