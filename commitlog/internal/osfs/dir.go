// A directory of the operating system's: opening it, and what is done to names in it.

package osfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// A Dir is a directory of the operating system's. It is an [FS]; its methods
// may be called by several goroutines at once. Names cannot lead out of it, by
// symbolic links neither.
//
// Where directories cannot be synced, as on Windows, SyncDir does nothing.
// Where there is neither flock nor LockFileEx, Lock fails with
// errors.ErrUnsupported.
type Dir struct {
	root *os.Root
	sync syncer
}

// Open returns the directory. If it is missing, it is made, with those above
// it, readable by its owner and its group. Its own name is stable when Open
// returns; errors are *fs.PathError.
func Open(dir string) (*Dir, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := ensure(dir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	d := &Dir{root: root}
	if err := d.start(); err != nil {
		root.Close()
		return nil, err
	}
	return d, nil
}

// start finds out how files are synced here.
func (d *Dir) start() error {
	f, err := d.root.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	d.sync.start(f)
	return nil
}

// ensure makes dir, and its name stable. A name that was there before may be
// that of a run which died before it could sync it.
func ensure(dir string) error {
	parent := filepath.Dir(dir)
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	case err == nil:
		if err := syncName(parent); errors.Is(err, syscall.EIO) {
			return err
		}
		return nil // a parent that cannot be synced is not one that dir was made in
	case !errors.Is(err, fs.ErrNotExist) || parent == dir:
		return err
	}
	if err := ensure(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncName(parent)
}

// syncName makes the names in dir stable.
func syncName(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return blockingSyncDir(f)
}

// Async tells whether Sync leaves its processor to others: found out once,
// when the directory was opened.
func (d *Dir) Async() bool { return d.sync.async() }

// Close lets go of the directory. Files stay open, and can be synced still,
// blocking. Nothing else works on a closed Dir; closing it again does nothing.
func (d *Dir) Close() error {
	d.sync.close()
	return d.root.Close()
}

// OpenFile opens a file, never a directory, with the flags of package os.
func (d *Dir) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := d.open(name, flag, perm)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &file{f: f, name: name, sync: &d.sync}, nil
}

func (d *Dir) open(name string, flag int, perm fs.FileMode) (*os.File, error) {
	if err := valid("open", name); err != nil {
		return nil, err
	}
	return d.root.OpenFile(filepath.FromSlash(name), flag, perm)
}

// Mkdir makes one directory.
func (d *Dir) Mkdir(name string, perm fs.FileMode) error {
	if err := below("mkdir", name); err != nil {
		return err
	}
	return d.root.Mkdir(filepath.FromSlash(name), perm)
}

// Rename puts a file in the place of another at once, or moves a directory to
// a name that is free. Its errors are *os.LinkError.
func (d *Dir) Rename(from, to string) error {
	if below("rename", from) != nil || below("rename", to) != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrInvalid}
	}
	return d.root.Rename(filepath.FromSlash(from), filepath.FromSlash(to))
}

// Remove takes away a file or an empty directory.
func (d *Dir) Remove(name string) error {
	if err := below("remove", name); err != nil {
		return err
	}
	return d.root.Remove(filepath.FromSlash(name))
}

// ReadDir returns the names in a directory, sorted.
func (d *Dir) ReadDir(name string) ([]string, error) {
	f, err := d.open(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// SyncDir makes the names in a directory stable, those that are gone too.
func (d *Dir) SyncDir(name string) error {
	f, err := d.open(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "sync", Path: name, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return err
	}
	return d.sync.dir(f)
}

// Stat tells size, mode and whether it is a directory.
func (d *Dir) Stat(name string) (fs.FileInfo, error) {
	if err := valid("stat", name); err != nil {
		return nil, err
	}
	return d.root.Stat(filepath.FromSlash(name))
}

// valid returns an error unless op can be done to name.
func valid(op, name string) error {
	if fs.ValidPath(name) {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
}

// below is valid for what can be done to anything but the directory itself.
func below(op, name string) error {
	if name == "." {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return valid(op, name)
}
