// The operating system's own file system, beneath one directory.

package vdisk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
)

// OS returns the operating system's files beneath dir, which must exist by the
// first use. Names cannot lead out of dir, by symbolic links neither
// (os.Root). On Linux Sync is fdatasync and Allocate is fallocate; elsewhere
// Sync is what os.File.Sync is, and Allocate only extends the file. Where
// directories cannot be synced, as on Windows, SyncDir does nothing. Where
// there is neither flock nor LockFileEx, Lock fails with
// errors.ErrUnsupported.
func OS(dir string) FS { return &osFS{dir: dir} }

type osFS struct {
	dir  string
	root atomic.Pointer[os.Root] // nil until dir could be opened
}

// open returns the directory, opened at the first use and kept.
func (o *osFS) open() (*os.Root, error) {
	if r := o.root.Load(); r != nil {
		return r, nil
	}
	r, err := os.OpenRoot(o.dir)
	if err != nil {
		return nil, err
	}
	if !o.root.CompareAndSwap(nil, r) {
		r.Close()
	}
	return o.root.Load(), nil
}

func (o *osFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := o.openAny(name, flag, perm)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		f.Close()
		return nil, errors.Join(err, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR})
	}
	return &osFile{File: f, name: name}, nil
}

func (o *osFS) openAny(name string, flag int, perm fs.FileMode) (*os.File, error) {
	r, err := o.open()
	if err == nil {
		err = valid("open", name)
	}
	if err != nil {
		return nil, err
	}
	return r.OpenFile(filepath.FromSlash(name), flag, perm)
}

func (o *osFS) Mkdir(name string, perm fs.FileMode) error {
	r, err := o.open()
	if err == nil {
		err = below("mkdir", name)
	}
	if err != nil {
		return err
	}
	return r.Mkdir(filepath.FromSlash(name), perm)
}

func (o *osFS) Rename(from, to string) error {
	r, err := o.open()
	if err == nil {
		err = renamable(from, to)
	}
	if err != nil {
		return err
	}
	return r.Rename(filepath.FromSlash(from), filepath.FromSlash(to))
}

// renamable returns an error unless from and to may be names of a Rename.
func renamable(from, to string) error {
	if below("rename", from) == nil && below("rename", to) == nil {
		return nil
	}
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrInvalid}
}

func (o *osFS) Remove(name string) error {
	r, err := o.open()
	if err == nil {
		err = below("remove", name)
	}
	if err != nil {
		return err
	}
	return r.Remove(filepath.FromSlash(name))
}

func (o *osFS) ReadDir(name string) ([]string, error) {
	f, err := o.openAny(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

func (o *osFS) SyncDir(name string) error {
	f, err := o.openAny(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "syncdir", Path: name, Err: syscall.ENOTDIR}
	}
	return syncDir(f)
}

func (o *osFS) Stat(name string) (fs.FileInfo, error) {
	r, err := o.open()
	if err == nil {
		err = valid("stat", name)
	}
	if err != nil {
		return nil, err
	}
	return r.Stat(filepath.FromSlash(name))
}

// An osFile is a file of the operating system's, by the name that it was
// opened by.
type osFile struct {
	*os.File
	name string
}

func (f *osFile) Name() string { return f.name }

func (f *osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f *osFile) Sync() error { return syncFile(f) }

func (f *osFile) Lock() error { return f.do("lock", lockFile) }

func (f *osFile) Allocate(off, n int64) error {
	err := f.do("allocate", func(fd uintptr) error {
		if off < 0 || n <= 0 {
			return syscall.EINVAL
		}
		return allocate(fd, off, n)
	})
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	size, err := f.Size()
	if err != nil || size >= off+n {
		return err
	}
	return f.Truncate(off + n)
}

// do calls a system call on the file's descriptor again until no signal
// interrupts it.
func (f *osFile) do(op string, call func(fd uintptr) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		for failed = call(fd); failed == syscall.EINTR; {
			failed = call(fd)
		}
	})
	if err != nil {
		failed = fs.ErrClosed // the one reason for Control to fail
	}
	if failed == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: f.name, Err: failed}
}
