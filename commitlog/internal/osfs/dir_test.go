// The contract of a file system, row by row, held against the operating system.

package osfs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog/internal/osfs"
)

var _ osfs.FS = (*osfs.Dir)(nil)

// open returns a directory with the file "f" ("hello"), the directory "d" with
// the file "d/in", and the empty directory "e".
func open(t testing.TB) *osfs.Dir {
	t.Helper()
	d, err := osfs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ok(t, d.Close()) })
	put(t, d, "f", "hello")
	ok(t, d.Mkdir("d", 0o755))
	ok(t, d.Mkdir("e", 0o755))
	put(t, d, "d/in", "inside")
	return d
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, d osfs.FS, name, text string) {
	t.Helper()
	f := file(t, d, name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		t.Fatal(err)
	}
}

func file(t testing.TB, d osfs.FS, name string, flag int) osfs.File {
	t.Helper()
	f, err := d.OpenFile(name, flag, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func text(t testing.TB, d osfs.FS, name string) string {
	t.Helper()
	f := file(t, d, name, os.O_RDONLY)
	size, err := f.Size()
	ok(t, err)
	b := make([]byte, size)
	if n, err := f.ReadAt(b, 0); n < len(b) {
		t.Fatal(err)
	}
	return string(b)
}

// opening is OpenFile, and closing what it should not have opened.
func opening(d *osfs.Dir, name string, flag int) error {
	f, err := d.OpenFile(name, flag, 0o644)
	if err == nil {
		f.Close()
	}
	return err
}

func TestWhatCannotBeDoneToANameIsToldAsTheSystemTellsIt(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(d *osfs.Dir) error
		want error
	}{
		{"open what is not there", func(d *osfs.Dir) error { return opening(d, "x", os.O_RDWR) }, syscall.ENOENT},
		{"open in what is not there", func(d *osfs.Dir) error { return opening(d, "x/y", os.O_CREATE|os.O_RDWR) },
			syscall.ENOENT},
		{"open beneath a file", func(d *osfs.Dir) error { return opening(d, "f/y", os.O_RDWR) }, syscall.ENOTDIR},
		{"make what is there", func(d *osfs.Dir) error { return opening(d, "f", os.O_CREATE|os.O_EXCL|os.O_RDWR) },
			syscall.EEXIST},
		{"open a directory", func(d *osfs.Dir) error { return opening(d, "d", os.O_RDONLY) }, syscall.EISDIR},
		{"open a directory to write", func(d *osfs.Dir) error { return opening(d, "d", os.O_RDWR) }, syscall.EISDIR},
		{"open the root", func(d *osfs.Dir) error { return opening(d, ".", os.O_RDONLY) }, syscall.EISDIR},
		{"open above", func(d *osfs.Dir) error { return opening(d, "../f", os.O_RDONLY) }, fs.ErrInvalid},
		{"open an absolute name", func(d *osfs.Dir) error { return opening(d, "/f", os.O_RDONLY) }, fs.ErrInvalid},
		{"open no name", func(d *osfs.Dir) error { return opening(d, "", os.O_RDONLY) }, fs.ErrInvalid},
		{"open a name of two spellings", func(d *osfs.Dir) error { return opening(d, "d//in", os.O_RDONLY) },
			fs.ErrInvalid},
		{"mkdir over a file", func(d *osfs.Dir) error { return d.Mkdir("f", 0o755) }, syscall.EEXIST},
		{"mkdir two at once", func(d *osfs.Dir) error { return d.Mkdir("x/y", 0o755) }, syscall.ENOENT},
		{"mkdir the root", func(d *osfs.Dir) error { return d.Mkdir(".", 0o755) }, fs.ErrInvalid},
		{"rename what is not there", func(d *osfs.Dir) error { return d.Rename("x", "y") }, syscall.ENOENT},
		{"rename to nowhere", func(d *osfs.Dir) error { return d.Rename("f", "x/y") }, syscall.ENOENT},
		{"rename a directory over a file", func(d *osfs.Dir) error { return d.Rename("d", "f") }, syscall.ENOTDIR},
		{"rename the root", func(d *osfs.Dir) error { return d.Rename(".", "x") }, fs.ErrInvalid},
		{"rename out", func(d *osfs.Dir) error { return d.Rename("f", "../f") }, fs.ErrInvalid},
		{"remove what is not there", func(d *osfs.Dir) error { return d.Remove("x") }, syscall.ENOENT},
		{"remove what is not empty", func(d *osfs.Dir) error { return d.Remove("d") }, syscall.ENOTEMPTY},
		{"remove the root", func(d *osfs.Dir) error { return d.Remove(".") }, fs.ErrInvalid},
		{"read a file's names", func(d *osfs.Dir) error { _, err := d.ReadDir("f"); return err }, syscall.ENOTDIR},
		{"read the names of nothing", func(d *osfs.Dir) error { _, err := d.ReadDir("x"); return err }, syscall.ENOENT},
		{"sync a file's names", func(d *osfs.Dir) error { return d.SyncDir("f") }, syscall.ENOTDIR},
		{"sync the names of nothing", func(d *osfs.Dir) error { return d.SyncDir("x") }, syscall.ENOENT},
		{"stat what is not there", func(d *osfs.Dir) error { _, err := d.Stat("x"); return err }, syscall.ENOENT},
		{"stat above", func(d *osfs.Dir) error { _, err := d.Stat(".."); return err }, fs.ErrInvalid},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := row.do(open(t))
			if !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
			_, isPath := errors.AsType[*fs.PathError](err)
			if _, isLink := errors.AsType[*os.LinkError](err); !isPath && !isLink {
				t.Errorf("%T names no file", err)
			}
		})
	}
}

func TestNamesAreThoseOfTheDirectory(t *testing.T) {
	d := open(t)
	put(t, d, "b", "second")
	put(t, d, "a", "first")
	ok(t, d.Rename("a", "b"))
	if got := text(t, d, "b"); got != "first" {
		t.Errorf("after a rename over it, b holds %q", got)
	}
	ok(t, d.Rename("d", "moved"))
	ok(t, d.Remove("e"))
	ok(t, d.SyncDir("."))
	ok(t, d.SyncDir("moved"))
	names, err := d.ReadDir(".")
	ok(t, err)
	if !slices.Equal(names, []string{"b", "f", "moved"}) {
		t.Errorf("names are %q", names)
	}
	info, err := d.Stat("moved/in")
	ok(t, err)
	if info.Size() != int64(len("inside")) || info.IsDir() {
		t.Errorf("moved/in is %d bytes, a directory: %v", info.Size(), info.IsDir())
	}
	if info, err := d.Stat("."); err != nil || !info.IsDir() {
		t.Errorf("the root: %v", err)
	}
}

func TestAnOpenFileLivesOnWithoutItsName(t *testing.T) {
	d := open(t)
	f := file(t, d, "f", os.O_RDWR)
	ok(t, d.Remove("f"))
	b := make([]byte, 5)
	if n, err := f.ReadAt(b, 0); n != 5 || string(b) != "hello" {
		t.Errorf("%q, %v", b[:n], err)
	}
	ok(t, f.Sync())
}

func TestASymbolicLinkDoesNotLeadOut(t *testing.T) {
	out := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(out, "secret"), []byte("x"), 0o644))
	dir := t.TempDir()
	ok(t, os.Symlink(out, filepath.Join(dir, "link")))
	d, err := osfs.Open(dir)
	ok(t, err)
	defer d.Close()
	if err := opening(d, "link/secret", os.O_RDONLY); err == nil {
		t.Error("a file outside was opened")
	}
	if err := d.Remove("link/secret"); err == nil {
		t.Error("a file outside was removed")
	}
}

func TestOpenMakesWhatIsMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	for range 2 {
		d, err := osfs.Open(dir)
		ok(t, err)
		put(t, d, "f", "x")
		ok(t, d.Close())
		ok(t, d.Close())
	}
	if b, err := os.ReadFile(filepath.Join(dir, "f")); string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestOpenRefusesAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	ok(t, os.WriteFile(name, nil, 0o644))
	for _, dir := range []string{name, name + "/beneath"} {
		_, err := osfs.Open(dir)
		if _, isPath := errors.AsType[*fs.PathError](err); !isPath || !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestAClosedDirectoryRefusesNames(t *testing.T) {
	d := open(t)
	f := file(t, d, "f", os.O_RDWR)
	ok(t, d.Close())
	for what, err := range map[string]error{
		"open":    opening(d, "f", os.O_RDWR),
		"syncdir": d.SyncDir("."),
		"rename":  d.Rename("f", "g"),
	} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	ok(t, f.Sync()) // a file that was open is open still
}

func TestAFileHasNoMoreMethodsThanItNeeds(t *testing.T) {
	f := file(t, open(t), "f", os.O_RDWR)
	if _, has := f.(io.WriterTo); has {
		t.Error("io.Copy would find its WriteTo")
	}
	if _, has := f.(io.ReaderFrom); has {
		t.Error("io.Copy would find its ReadFrom")
	}
	var copied strings.Builder
	if _, err := io.Copy(&copied, f); err != nil || copied.String() != "hello" {
		t.Errorf("%q, %v", copied.String(), err)
	}
}
