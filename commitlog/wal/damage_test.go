// What is done to a log's files, and what the log says to that.

package wal_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// written is a log of so many entries, in segments of 1 KiB, not closed: as
// after a crash that lost nothing.
func written(t testing.TB, entries uint64) *memFS {
	fs := newMemFS()
	l := open(t, wal.Config{FS: fs, SegmentSize: 1024})
	for i := uint64(1); i <= entries; i++ {
		fill(t, l, i, i, 1)
	}
	own(t, fs)
	copied := fs.clone()
	delete(copied.files, "spare")
	return copied
}

// survey opens a log and reads all of it. It returns how many entries it has,
// or the damage that it found.
func survey(t testing.TB, fs *memFS) (last uint64, damage error) {
	t.Helper()
	l, err := wal.Open(wal.Config{FS: fs, SegmentSize: 1024, OpenFiles: 1})
	if err != nil {
		return 0, err
	}
	defer l.Close()
	found := l.Verify()
	defer func() {
		if damage != nil && found == nil {
			t.Errorf("Verify finds nothing, reading %v", damage)
		}
		damage = found
	}()
	for i := l.First(); i <= l.Last(); i++ {
		es, err := l.Entries(i, i+1, 1)
		if err != nil {
			return 0, err
		}
		if want := entry(t, i, 1); len(es) != 1 || string(es[0].Data) != string(want.Data) || es[0].Term != 1 {
			t.Fatalf("entry %d is wrong, and nobody says so: %+v", i, es)
		}
		if _, err := l.Read(es[0].Base, es[0].Base+uint64(es[0].Count), 1<<20); err != nil {
			return 0, err
		}
	}
	return l.Last(), nil
}

// isCorrupt fails unless err says where the damage is.
func isCorrupt(t testing.TB, what string, err error) {
	t.Helper()
	damage, ok := errors.AsType[*wal.Corrupt](err)
	if !ok || damage.Segment == "" || damage.Why == "" {
		t.Fatalf("%s: %v", what, err)
	}
}

func TestAFlippedBitIsFoundAndNeverCutOff(t *testing.T) {
	whole := written(t, 20)
	names := whole.names(".seg")
	for _, name := range names {
		data := whole.files[name].b
		stride := 5 // every byte is met
		if name == names[len(names)-1] && !testing.Short() {
			stride = 1
		}
		for bit := 0; bit < 8*len(data); bit += stride {
			fs := whole.clone()
			fs.files[name].b[bit/8] ^= 1 << (bit % 8)
			last, err := survey(t, fs)
			if err != nil {
				isCorrupt(t, fmt.Sprintf("bit %d of %s", bit, name), err)
			} else if last != 20 || name != names[len(names)-1] {
				t.Fatalf("bit %d of %s: %d entries are left", bit, name, last)
			}
		}
	}
}

func TestACutFileIsFoundOrHasLostNothing(t *testing.T) {
	whole := written(t, 20)
	for _, name := range whole.names(".seg") {
		for n := range whole.files[name].b {
			fs := whole.clone()
			fs.files[name].b = fs.files[name].b[:n]
			last, err := survey(t, fs)
			if err != nil {
				isCorrupt(t, fmt.Sprintf("%d bytes of %s", n, name), err)
			} else if last != 20 {
				t.Fatalf("%d bytes of %s: %d entries are left", n, name, last)
			}
		}
	}
}

func TestZerosBehindTheEndAreTheEnd(t *testing.T) {
	fs := written(t, 20)
	names := fs.names(".seg")
	d := fs.files[names[len(names)-1]]
	d.b = append(d.b, make([]byte, 4096)...)
	if last, err := survey(t, fs); last != 20 || err != nil {
		t.Fatalf("%d entries, %v", last, err)
	}
}

func TestAMissingSegmentIsFound(t *testing.T) {
	whole := written(t, 20)
	names := whole.names(".seg")
	for i, name := range names {
		fs := whole.clone()
		delete(fs.files, name)
		last, err := survey(t, fs)
		switch {
		case i == 0: // it may have been trimmed
			if err != nil {
				t.Fatal(err)
			}
		case i == len(names)-1: // nobody knows of it, but the one before is sealed
			if err != nil || last == 20 {
				t.Fatalf("%d entries, %v", last, err)
			}
		default:
			isCorrupt(t, name, err)
		}
	}
	fs := whole.clone()
	for _, name := range names {
		delete(fs.files, name)
	}
	_, err := survey(t, fs)
	isCorrupt(t, "no segment is left", err)
}

func TestStaleFramesNeverFollow(t *testing.T) {
	whole := written(t, 7)
	names := whole.names(".seg")
	name := names[len(names)-1]
	fs := whole.clone()
	l := open(t, wal.Config{FS: fs, SegmentSize: 1024})
	if got := fs.names(".seg"); len(got) != len(names) {
		t.Fatalf("%d segments, not %d", len(got), len(names))
	}
	if err := l.Append(wal.State{}, []wal.Entry{{Index: l.Last(), Term: 2, Data: []byte("shorter")}}); err != nil {
		t.Fatal(err)
	}
	now, old := fs.files[name].b, whole.files[name].b
	end := len(now)
	for end > 0 && now[end-1] == 0 {
		end--
	}
	last := l.Last()
	for at := (end + 7) &^ 7; at < len(old); at += 8 { // the old frames come back, from there on
		fs := fs.clone()
		copy(fs.files[name].b[at:], old[at:])
		l, err := wal.Open(wal.Config{FS: fs, SegmentSize: 1024})
		if err != nil {
			isCorrupt(t, "stale frames", err)
			continue
		}
		if l.Last() != last {
			t.Fatalf("stale bytes from %d on: the log ends with %d", at, l.Last())
		}
		l.Close()
	}
}

func TestALostIndexIsMadeAnew(t *testing.T) {
	whole := written(t, 20)
	for _, damage := range []func(d *memData){
		func(d *memData) { d.b = nil },
		func(d *memData) { d.b[5] ^= 1 },
		func(d *memData) { d.b = d.b[:len(d.b)-1] },
		func(d *memData) { d.b = append(d.b, 0) },
		func(d *memData) { d.b = make([]byte, len(d.b)) },
	} {
		fs := whole.clone()
		for _, name := range fs.names(".idx") {
			damage(fs.files[name])
		}
		if last, err := survey(t, fs); last != 20 || err != nil {
			t.Fatalf("%d entries, %v", last, err)
		}
		for _, name := range fs.names(".idx") {
			if string(fs.files[name].b) != string(whole.files[name].b) {
				t.Fatalf("%s was not made anew", name)
			}
		}
	}
}

// own puts the owner's file into a log's directory.
func own(t testing.TB, fs *memFS) {
	t.Helper()
	f, err := fs.OpenFile("IDENTITY", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestADirectoryWithAnOwnerAndNoSegmentIsRefused(t *testing.T) {
	fs := newMemFS()
	own(t, fs)
	_, err := wal.Open(wal.Config{FS: fs})
	if _, ok := errors.AsType[*wal.Corrupt](err); !ok {
		t.Fatalf("somebody has removed the segments: %v", err)
	}
}

func TestALostSectorThatALaterFrameKnowsToBeSyncedIsDamage(t *testing.T) {
	whole := newMemFS()
	l := open(t, wal.Config{FS: whole, SegmentSize: 8192})
	for i := uint64(1); i <= 40; i++ {
		fill(t, l, i, i, 1)
	}
	end := l.Segments()[0].Bytes
	name := whole.names(".seg")[0]
	for at := int64(0); at+1024 < end; at += 512 { // the last frames are behind
		fs := whole.clone()
		clear(fs.files[name].b[at : at+512])
		_, err := survey(t, fs)
		isCorrupt(t, fmt.Sprintf("a sector at %d", at), err)
	}
}
