// Segments from one log to another.

package wal_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// exported is what a leader of terms as term says sends of its entries.
func exported(t testing.TB, after, through uint64, term func(uint64) uint64) []byte {
	t.Helper()
	checkpoint := func(uint64) []byte { return []byte("checkpoint") }
	l := open(t, wal.Config{FS: newMemFS(), SegmentSize: 1024, Checkpoint: checkpoint})
	for i := uint64(1); i <= 60; i++ {
		fill(t, l, i, i, term(i))
	}
	last, _, ok := l.Sealed(through)
	if !ok {
		t.Fatal("no segment is sealed")
	}
	x, err := l.Export(after, last)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if n, err := x.WriteTo(&b); err != nil || n != x.Size() || n != int64(b.Len()) {
		t.Fatalf("%d bytes were written, of %d: %v", n, x.Size(), err)
	}
	return b.Bytes()
}

// leads is the leader's term of an entry, in the tests of installation.
func leads(i uint64) uint64 { return 1 + i/10 }

// An installing is a log, and what is installed into it.
type installing struct {
	name        string
	own, agrees uint64 // entries of its own, and up to which they are the leader's
	after       uint64 // what is exported begins behind it
	keeps       bool   // something of its own
}

func TestInstalledSegmentsTakeThePlaceOfTheLogsOwn(t *testing.T) {
	for _, row := range []installing{
		{"it has none", 0, 0, 0, false},
		{"it has the beginning", 20, 20, 20, true},
		{"it has the beginning, and others behind", 40, 20, 20, true},
		{"it has others from the first on", 30, 0, 0, false},
		{"it is far behind", 5, 5, 30, false},
		{"it is ahead", 70, 25, 30, false},
	} {
		for _, size := range []int64{512, 1024, 1 << 16} {
			t.Run(fmt.Sprintf("%s/%d", row.name, size), func(t *testing.T) { row.test(t, size) })
		}
	}
}

func (row installing) test(t *testing.T, size int64) {
	c := wal.Config{FS: newMemFS(), SegmentSize: size, TailBytes: 1}
	l := open(t, c)
	for i := uint64(1); i <= row.own; i++ {
		term := leads(i)
		if i > row.agrees {
			term = 9
		}
		if err := l.Append(wal.State{Term: 9, Vote: 5}, []wal.Entry{entry(t, i, term)}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := l.Import(bytes.NewReader(exported(t, row.after, 50, leads)))
	if err != nil {
		t.Fatal(err)
	}
	last, _ := s.Last()
	if err := l.Install(s); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		row.check(t, l, s)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, c)
	}
	fill(t, l, last+1, last+20, 9)
	holds(t, l, last+20, func(i uint64) uint64 {
		if i > last {
			return 9
		}
		return leads(i)
	})
}

func (row installing) check(t *testing.T, l *wal.Log, s *wal.Staged) {
	t.Helper()
	last, term := s.Last()
	if got, _ := l.Term(last); got != term || row.keeps != (l.First() == 1 && s.First() > 1) {
		t.Fatalf("the log begins with %d, and at %d has term %d", l.First(), last, got)
	}
	holds(t, l, last, leads)
	if before, state, err := l.Checkpoint(); before != last+1 || string(state) != "checkpoint" || err != nil {
		t.Fatalf("the checkpoint is %q before %d, %v", state, before, err)
	}
	if want := (wal.State{Term: 9, Vote: 5}); row.own > 0 && l.State() != want {
		t.Fatalf("the state is %+v", l.State())
	}
}

func TestADamagedImportIsRefusedAndLeavesNothing(t *testing.T) {
	data := exported(t, 0, 12, constant(1))
	fs := newMemFS()
	l := open(t, wal.Config{FS: fs, SegmentSize: 1024})
	before := len(fs.files)
	for bit := 0; bit < 8*len(data); bit += 13 {
		bad := bytes.Clone(data)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := l.Import(bytes.NewReader(bad)); err == nil {
			t.Fatalf("bit %d was flipped, and nobody noticed", bit)
		}
	}
	for n := 0; n < len(data); n += 3 {
		if _, err := l.Import(bytes.NewReader(data[:n])); err == nil {
			t.Fatalf("only %d bytes came, and nobody noticed", n)
		}
	}
	if len(fs.files) != before {
		t.Fatalf("%d files were there, and now %d", before, len(fs.files))
	}
	s, err := l.Import(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Import(bytes.NewReader(data)); err == nil {
		t.Fatal("two imports at a time")
	}
	if err := errors.Join(s.Discard(), s.Discard()); err != nil || len(fs.files) != before {
		t.Fatalf("%d files were there, and now %d: %v", before, len(fs.files), err)
	}
}
