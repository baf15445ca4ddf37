// The contract of an open file.

package osfs_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog/internal/osfs"
)

func TestWhatCannotBeDoneToAFileIsToldAsTheSystemTellsIt(t *testing.T) {
	b := []byte("x")
	for _, row := range []struct {
		name string
		flag int
		do   func(f osfs.File) error
		want error
	}{
		{"read at the end", os.O_RDWR, func(f osfs.File) error { _, err := f.ReadAt(b, 5); return err }, io.EOF},
		{"read less than there is", os.O_RDWR, func(f osfs.File) error {
			_, err := f.ReadAt(make([]byte, 6), 0)
			return err
		}, io.EOF},
		{"write what is open to be read", os.O_RDONLY, func(f osfs.File) error {
			_, err := f.WriteAt(b, 0)
			return err
		}, syscall.EBADF},
		{"read what is open to be written", os.O_WRONLY, func(f osfs.File) error {
			_, err := f.ReadAt(b, 0)
			return err
		}, syscall.EBADF},
		{"truncate to less than nothing", os.O_RDWR, func(f osfs.File) error { return f.Truncate(-1) },
			syscall.EINVAL},
		{"allocate before the file", os.O_RDWR, func(f osfs.File) error { return f.Allocate(-1, 1) }, syscall.EINVAL},
		{"allocate nothing", os.O_RDWR, func(f osfs.File) error { return f.Allocate(0, 0) }, syscall.EINVAL},
		{"allocate past any file", os.O_RDWR, func(f osfs.File) error { return f.Allocate(2, math.MaxInt64) },
			syscall.EFBIG},
		{"allocate what is open to be read", os.O_RDONLY, func(f osfs.File) error { return f.Allocate(0, 9) },
			syscall.EBADF},
		{"sync what is closed", os.O_RDWR, func(f osfs.File) error { f.Close(); return f.Sync() }, fs.ErrClosed},
		{"lock what is closed", os.O_RDWR, func(f osfs.File) error { f.Close(); return f.Lock() }, fs.ErrClosed},
		{"measure what is closed", os.O_RDWR, func(f osfs.File) error {
			f.Close()
			_, err := f.Size()
			return err
		}, fs.ErrClosed},
		{"allocate in what is closed", os.O_RDWR, func(f osfs.File) error { f.Close(); return f.Allocate(0, 1) },
			fs.ErrClosed},
		{"close what is closed", os.O_RDWR, func(f osfs.File) error { f.Close(); return f.Close() }, fs.ErrClosed},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := row.do(file(t, open(t), "f", row.flag))
			if !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
			if _, isPath := errors.AsType[*fs.PathError](err); !isPath && err != io.EOF {
				t.Errorf("%T names no file", err)
			}
		})
	}
}

func TestReadAndWriteGoOnFromWhereTheyEnded(t *testing.T) {
	f := file(t, open(t), "f", os.O_RDWR)
	b := make([]byte, 2)
	if _, err := f.Read(b); err != nil || string(b) != "he" {
		t.Fatalf("%q, %v", b, err)
	}
	if _, err := f.WriteAt([]byte("HELLO"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("!!")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(b); err != io.EOF && (err != nil || string(b[:1]) != "O") {
		t.Errorf("%q, %v", b, err)
	}
	all := make([]byte, 5)
	if _, err := f.ReadAt(all, 0); err != nil || string(all) != "HE!!O" {
		t.Errorf("%q, %v", all, err)
	}
}

func TestAppendingWritesAtTheEnd(t *testing.T) {
	d := open(t)
	f := file(t, d, "f", os.O_RDWR|os.O_APPEND)
	if _, err := f.Write([]byte(" there")); err != nil {
		t.Fatal(err)
	}
	if got := text(t, d, "f"); got != "hello there" {
		t.Errorf("%q", got)
	}
	if _, err := f.WriteAt([]byte("x"), 0); err == nil {
		t.Error("WriteAt was done where everything goes to the end")
	}
}

func TestWhatIsNewReadsAsZeros(t *testing.T) {
	d := open(t)
	f := file(t, d, "f", os.O_RDWR)
	ok(t, f.Truncate(2))
	ok(t, f.Truncate(4))
	ok(t, f.Allocate(6, 2))
	ok(t, f.Allocate(0, 3)) // which is there: nothing changes
	if got := text(t, d, "f"); got != "he"+strings.Repeat("\x00", 6) {
		t.Errorf("%q", got)
	}
	if f.Name() != "f" {
		t.Errorf("its name is %q", f.Name())
	}
}

func TestALockIsOfOneHandle(t *testing.T) {
	d := open(t)
	first, second := file(t, d, "f", os.O_RDWR), file(t, d, "f", os.O_RDWR)
	ok(t, first.Lock())
	ok(t, first.Lock())
	if err := second.Lock(); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("a second handle: %v", err)
	}
	if _, err := second.WriteAt([]byte("H"), 0); err != nil {
		t.Errorf("a lock keeps nobody from writing: %v", err)
	}
	ok(t, first.Close())
	ok(t, second.Lock())
}

func TestAMappingShowsWhatIsWritten(t *testing.T) {
	d := open(t)
	f := file(t, d, "f", os.O_RDWR)
	m, can := f.(osfs.Mapper)
	if !can {
		t.Log("files cannot be mapped on this system")
		return
	}
	b, unmap, err := m.Map()
	ok(t, err)
	if _, err := f.WriteAt([]byte("J"), 0); err != nil {
		t.Fatal(err)
	}
	ok(t, f.Close())
	if !bytes.Equal(b, []byte("Jello")) {
		t.Errorf("%q", b)
	}
	ok(t, unmap())
	ok(t, unmap())
	if _, _, err := m.Map(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a closed file: %v", err)
	}
	put(t, d, "empty", "")
	if _, _, err := file(t, d, "empty", os.O_RDWR).(osfs.Mapper).Map(); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("an empty file: %v", err)
	}
}
