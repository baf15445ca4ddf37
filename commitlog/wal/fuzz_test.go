// Hostile files and streams.

package wal_test

import (
	"bytes"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// tiny is a log of one segment of 1 KiB.
func tiny(t testing.TB) (fs *memFS, name string) {
	fs = newMemFS()
	l := open(t, wal.Config{FS: fs, SegmentSize: 1024})
	fill(t, l, 1, 3, 1)
	fs = fs.clone()
	return fs, fs.names(".seg")[0]
}

func FuzzOpen(f *testing.F) {
	fs, name := tiny(f)
	f.Add(fs.files[name].b, []byte(nil))
	f.Add(fs.files[name].b[:600], []byte("cut 1-0 at 200 link 1 term 2 vote 3 commit 4\nsum 5\n"))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, segment, cut []byte) {
		fs := newMemFS()
		fs.files[name] = &memData{segment}
		if len(cut) > 0 {
			fs.files["CUT"] = &memData{cut}
		}
		l, err := wal.Open(wal.Config{FS: fs, SegmentSize: 1024})
		if err != nil {
			return
		}
		defer l.Close()
		if l.Last() >= l.First() {
			if _, err := l.Entries(l.First(), l.Last()+1, 1<<20); err != nil {
				t.Fatalf("what was just recovered cannot be read: %v", err)
			}
		}
	})
}

func FuzzSealed(f *testing.F) {
	whole := written(f, 12)
	names := whole.names(".seg")
	f.Add(whole.files[names[0]].b, whole.files[whole.names(".idx")[0]].b)
	f.Fuzz(func(t *testing.T, segment, index []byte) {
		fs := whole.clone()
		fs.files[names[0]].b = segment
		fs.files[fs.names(".idx")[0]].b = index
		l, err := wal.Open(wal.Config{FS: fs, SegmentSize: 1024})
		if err != nil {
			return
		}
		defer l.Close()
		l.Entries(1, l.Last()+1, 1<<20)
		l.Read(0, l.Next(), 1<<20)
		l.CheckpointAt(1)
	})
}

func FuzzImport(f *testing.F) {
	f.Add(exported(f, 0, 12, constant(1)))
	f.Add([]byte("rehearse log export 1\n\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := open(t, wal.Config{FS: newMemFS(), SegmentSize: 1024})
		defer l.Close()
		s, err := l.Import(bytes.NewReader(data))
		if err != nil {
			return
		}
		if err := l.Install(s); err != nil {
			t.Fatalf("what was checked cannot be installed: %v", err)
		}
		if _, err := l.Entries(l.First(), l.Last()+1, 1<<20); err != nil {
			t.Fatalf("what was installed cannot be read: %v", err)
		}
	})
}
