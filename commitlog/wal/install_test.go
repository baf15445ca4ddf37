// Segments from one log to another.

package wal_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// exported is what a leader of terms as term says sends of its entries.
func exported(t testing.TB, after, through uint64, term func(uint64) uint64) []byte {
	t.Helper()
	l := open(t, wal.Config{FS: newMemFS(), SegmentSize: 1024, Checkpoint: func(uint64) []byte { return []byte("checkpoint") }})
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

func TestInstalledSegmentsTakeThePlaceOfTheLogsOwn(t *testing.T) {
	leader := func(i uint64) uint64 { return 1 + i/10 }
	for _, row := range []struct {
		name        string
		own, agrees uint64 // entries of its own, and up to which they are the leader's
		after       uint64
		keeps       bool
	}{
		{"it has none", 0, 0, 0, false},
		{"it has the beginning", 20, 20, 20, true},
		{"it has the beginning, and others behind", 40, 20, 20, true},
		{"it has others from the first on", 30, 0, 0, false},
		{"it is far behind", 5, 5, 30, false},
		{"it is ahead", 70, 25, 30, false},
	} {
		for _, size := range []int64{512, 1024, 1 << 16} {
			c := wal.Config{FS: newMemFS(), SegmentSize: size, TailBytes: 1}
			l := open(t, c)
			for i := uint64(1); i <= row.own; i++ {
				term := leader(i)
				if i > row.agrees {
					term = 9
				}
				if err := l.Append(wal.State{Term: 9, Vote: 5}, []wal.Entry{entry(t, i, term)}); err != nil {
					t.Fatal(err)
				}
			}
			s, err := l.Import(bytes.NewReader(exported(t, row.after, 50, leader)))
			if err != nil {
				t.Fatal(err)
			}
			last, term := s.Last()
			if err := l.Install(s); err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			for range 2 {
				if got, _ := l.Term(last); got != term || row.keeps != (l.First() == 1 && s.First() > 1) {
					t.Fatalf("%s: begins with %d, of term %d at %d", row.name, l.First(), got, last)
				}
				holds(t, l, last, leader)
				if before, state, err := l.Checkpoint(); before != last+1 || string(state) != "checkpoint" || err != nil {
					t.Fatalf("%s: the checkpoint is %q before %d, %v", row.name, state, before, err)
				}
				if want := (wal.State{Term: 9, Vote: 5}); row.own > 0 && l.State() != want {
					t.Fatalf("%s: the state is %+v", row.name, l.State())
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				l = open(t, c)
			}
			for i := last + 1; i <= last+20; i++ {
				fill(t, l, i, i, 9)
			}
			holds(t, l, last+20, func(i uint64) uint64 {
				if i > last {
					return 9
				}
				return leader(i)
			})
		}
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
