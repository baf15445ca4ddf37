// The same random operations on a disk and on the operating system: the same results and errors.

package vdisk_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/vdisk"
)

// A pair is a handle on the disk and its twin on the operating system.
type pair [2]vdisk.File

// kinds are the errors that must be told alike.
var kinds = []error{
	io.EOF, fs.ErrNotExist, fs.ErrExist, fs.ErrInvalid, fs.ErrClosed, syscall.EISDIR, syscall.ENOTDIR,
	syscall.ENOTEMPTY, syscall.EBADF, syscall.EINVAL, syscall.EWOULDBLOCK,
}

// sort names the kinds that err is of.
func sort(err error) string {
	if err == nil {
		return "ok"
	}
	var words []string
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			words = append(words, kind.Error())
		}
	}
	if len(words) == 0 {
		return "an error"
	}
	return strings.Join(words, "+")
}

// A script draws operations and tells what came of them.
type script struct {
	rng   *rand.Rand
	fsys  [2]vdisk.FS
	files []pair
}

func (s *script) name() string {
	return []string{"a", "b", "d", "e", "d/a", "d/b", "d/e", "e/a", "a/x", "../a", "/a", "", "d/", "."}[s.rng.IntN(14)]
}

func (s *script) flag() int {
	access := []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR}[s.rng.IntN(4)]
	for _, more := range []int{os.O_CREATE, os.O_CREATE, os.O_EXCL | os.O_CREATE, os.O_APPEND, os.O_TRUNC, os.O_SYNC} {
		if s.rng.IntN(4) == 0 {
			access |= more
		}
	}
	return access
}

// step does one operation to both and returns what each told.
func (s *script) step() (op string, told [2]string) {
	name, other, flag := s.name(), s.name(), s.flag()
	if len(s.files) > 0 && s.rng.IntN(3) > 0 {
		return s.fileStep()
	}
	kind := s.rng.IntN(8)
	op = fmt.Sprint([]string{"open", "open", "mkdir", "remove", "rename", "readdir", "syncdir", "stat"}[kind],
		" ", name, " ", other, " ", flag)
	var opened pair
	for i, fsys := range s.fsys {
		var err error
		var got any
		switch kind {
		case 0, 1:
			opened[i], err = fsys.OpenFile(name, flag, 0o644)
		case 2:
			err = fsys.Mkdir(name, 0o755)
		case 3:
			err = fsys.Remove(name)
		case 4:
			err = fsys.Rename(name, other)
		case 5:
			got, err = fsys.ReadDir(name)
		case 6:
			err = fsys.SyncDir(name)
		default:
			got, err = stat(fsys, name)
		}
		told[i] = fmt.Sprint(sort(err), " ", got)
	}
	if opened[0] != nil && opened[1] != nil {
		s.files = append(s.files, opened)
	}
	return op, told
}

func stat(fsys vdisk.FS, name string) (string, error) {
	info, err := fsys.Stat(name)
	if err != nil {
		return "", err
	}
	size := info.Size()
	if info.IsDir() {
		size = 0
	}
	return fmt.Sprint(info.IsDir(), size, name == "." || info.Name() == name[strings.LastIndex(name, "/")+1:]), nil
}

func (s *script) fileStep() (op string, told [2]string) {
	file := s.files[s.rng.IntN(len(s.files))]
	off, n, kind := s.rng.Int64N(10_000), 1+s.rng.IntN(5000), s.rng.IntN(10)
	if s.rng.IntN(20) == 0 {
		off = -1
	}
	fill := byte('a' + s.rng.IntN(26))
	op = fmt.Sprint([]string{"read", "readat", "write", "writeat", "truncate", "allocate", "sync", "size", "lock",
		"close"}[kind], " ", file[0].Name(), " ", off, " ", n)
	for i, f := range file {
		var got any
		var err error
		b := make([]byte, n)
		for i := range b {
			b[i] = fill
		}
		switch kind {
		case 0:
			got, err = f.Read(b)
		case 1:
			got, err = f.ReadAt(b, off)
		case 2:
			got, err = f.Write(b)
		case 3:
			got, err = f.WriteAt(b, off)
		case 4:
			err = f.Truncate(off)
		case 5:
			err = f.Allocate(off, int64(n))
		case 6:
			err = f.Sync()
		case 7:
			got, err = f.Size()
		case 8:
			err = f.Lock()
		default:
			err = f.Close()
		}
		told[i] = fmt.Sprint(sort(err), " ", f.Name(), " ", got, " ", string(b))
		if kind == 1 && off < 0 || kind == 3 && err != nil {
			told[i] = fmt.Sprint(err != nil) // package os says in its own words what it does not even try
		}
	}
	return op, told
}

func TestTheDiskDoesAsTheOperatingSystemDoes(t *testing.T) {
	for seed := range uint64(15) {
		s := &script{
			rng:  rand.New(rand.NewPCG(seed, 2)),
			fsys: [2]vdisk.FS{vdisk.New(vdisk.Config{}).Mount(), vdisk.OS(t.TempDir())},
		}
		var ops []string
		for range 300 {
			op, told := s.step()
			ops = append(ops, op)
			if told[0] != told[1] {
				t.Fatalf("seed %d: after\n\t%s\nthe disk said\n\t%.300s\nthe system\n\t%.300s",
					seed, strings.Join(ops, "\n\t"), told[0], told[1])
			}
		}
		if a, b := tree(s.fsys[0], "."), tree(s.fsys[1], "."); a != b {
			t.Fatalf("seed %d: in the end the disk holds\n%s\nthe system\n%s", seed, a, b)
		}
		for _, f := range s.files {
			f[1].Close()
		}
	}
}

func TestNothingLeadsOutOfItsDirectory(t *testing.T) {
	dir := t.TempDir()
	ok(t, os.Mkdir(dir+"/in", 0o755))
	ok(t, os.WriteFile(dir+"/secret", []byte("x"), 0o644))
	if err := os.Symlink("../secret", dir+"/in/link"); err != nil {
		t.Logf("no symbolic links here: %v", err)
	}
	for _, name := range []string{"../secret", "/secret", "link"} {
		if f, err := vdisk.OS(dir+"/in").OpenFile(name, os.O_RDONLY, 0); err == nil {
			f.Close()
			t.Errorf("%s could be opened", name)
		}
	}
	if _, err := vdisk.OS(dir + "/missing").Stat("."); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
}
