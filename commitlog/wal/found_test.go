// What storms have found, each by itself.

package wal_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// A segment of which every record was replaced said in its seal how old the
// first ones were.
func TestASealTellsOfTheRecordsThatStayed(t *testing.T) {
	l := open(t, wal.Config{FS: newMemFS(), SegmentSize: 1024})
	put := func(index, term uint64) {
		t.Helper()
		e := entry(t, index+3*term, term) // the later the term, the later
		e.Index = index
		if err := l.Append(wal.State{Term: term}, []wal.Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	index := uint64(1)
	for ; len(l.Segments()) < 3; index++ {
		put(index, 1)
	}
	for index = l.Segments()[1].First; len(l.Segments()) < 5; index++ {
		put(index, 2)
	}
	if err := l.Verify(); err != nil {
		t.Error(err)
	}
}

// A write of which the disk did a half looked like damage at the next start.
func TestHalfAWriteIsNoDamage(t *testing.T) {
	half := map[string]func(l *wal.Log, next uint64) error{
		"entry": func(l *wal.Log, next uint64) error {
			return l.Append(wal.State{Term: 1}, []wal.Entry{entry(t, next, 1)})
		},
		"mark": func(l *wal.Log, _ uint64) error { return l.Mark() },
	}
	for what, write := range half {
		testHalf(t, what, 3, write)
		testHalf(t, what, 5, write)
	}
	testHalf(t, "seal", 8, half["entry"])
}

// testHalf writes half of something behind so many entries.
func testHalf(t *testing.T, what string, last uint64, write func(l *wal.Log, next uint64) error) {
	t.Helper()
	fs, broken := newMemFS(), atomic.Bool{}
	fs.fail = func(op, name string) error {
		if broken.Load() && op == "write" && (name == "spare" || strings.HasSuffix(name, ".seg")) {
			return errShort
		}
		return nil
	}
	c := wal.Config{FS: fs, SegmentSize: 1024}
	l := open(t, c)
	fill(t, l, 1, last, 1)
	broken.Store(true)
	if err := write(l, last+1); !errors.Is(err, errShort) {
		t.Fatalf("half of a %s behind entry %d is written: %v", what, last, err)
	}
	l.Close()
	broken.Store(false)
	l = open(t, c)
	holds(t, l, last, constant(1))
	fill(t, l, last+1, last+20, 1)
	holds(t, l, last+20, constant(1))
}

// A disk that failed for a moment, while the next segment's file was made ahead,
// stopped the log at that segment's beginning.
func TestTheNextSegmentIsMadeAgainIfThatFailedEarly(t *testing.T) {
	fs, failed := newMemFS(), atomic.Bool{}
	fs.fail = func(op, name string) error {
		if op == "allocate" && name == "spare" && len(fs.names(".seg")) > 0 && failed.CompareAndSwap(false, true) {
			return syscall.EIO
		}
		return nil
	}
	l := open(t, wal.Config{FS: fs, SegmentSize: 1024})
	fill(t, l, 1, 20, 1)
	if !failed.Load() || len(l.Segments()) < 2 {
		t.Errorf("failed: %t, %d segments", failed.Load(), len(l.Segments()))
	}
	holds(t, l, 20, constant(1))
}
