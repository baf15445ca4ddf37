// What a program holds: a file system and its files.

package vdisk

import (
	"fmt"
	"io/fs"
)

// An FS is what a program stores files in. It is an alias of an interface
// literal, so that a module that must not import this one can declare the
// identical type and take a Disk's mount as it is.
//
// Names are those of io/fs.ValidPath: "wal/0001", slashes on every system, no
// "..", and "." for the root; others are refused with fs.ErrInvalid. Errors
// are *fs.PathError, of Rename *os.LinkError, round what the operating system
// says (syscall.ENOENT, ENOTDIR, ENOSPC, EIO, ...).
//
//   - OpenFile opens a file, never a directory, with the flags of package os.
//     A new file's name is stable only after SyncDir of its directory.
//   - Mkdir makes one directory.
//   - Rename puts a file in the place of another at once, or moves a
//     directory to a name that is free.
//   - Remove takes away a file or an empty directory. Open files live on.
//   - ReadDir returns the names in a directory, sorted.
//   - SyncDir makes the names in a directory stable, those that are gone too.
//   - Stat tells size, mode and whether it is a directory.
type FS = interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Mkdir(name string, perm fs.FileMode) error
	Rename(from, to string) error
	Remove(name string) error
	ReadDir(name string) ([]string, error)
	SyncDir(name string) error
	Stat(name string) (fs.FileInfo, error)
}

// A File is an open file. It is an alias of an interface literal, as [FS] is.
//
//   - Read and Write go on from where the last of them ended, in a file opened
//     with os.O_APPEND Write at the end; ReadAt and WriteAt are apart from
//     them. WriteAt is refused with os.O_APPEND, as package os does.
//   - Truncate cuts the file off or extends it with zeros.
//   - Allocate reserves room for n bytes from off, as fallocate does, and
//     extends the file to off+n if it is shorter; what is new reads as zeros.
//   - Sync makes the contents and the size stable, as fdatasync does, but not
//     the file's name. After a Sync that failed, nobody knows what is stable,
//     and another Sync will not tell: the only remedy is to write elsewhere.
//   - Lock takes the file for this handle alone, until it is closed or its
//     program dies, and fails at once with syscall.EWOULDBLOCK if another
//     handle has it. It does not keep others from reading and writing. It is
//     here because a second process on the same directory ruins a log, and
//     because a lock made of a file's existence outlives a crash.
type File = interface {
	Name() string
	Read(b []byte) (int, error)
	ReadAt(b []byte, off int64) (int, error)
	Write(b []byte) (int, error)
	WriteAt(b []byte, off int64) (int, error)
	Truncate(size int64) error
	Allocate(off, n int64) error
	Sync() error
	Size() (int64, error)
	Lock() error
	Close() error
}

// ErrCrashed is what operations fail with on a mount, and on files opened on
// it, once their disk has crashed without Crash.Ghost. It wraps fs.ErrClosed.
var ErrCrashed = fmt.Errorf("the disk crashed: %w", fs.ErrClosed)

// valid returns an error unless op can be done to name.
func valid(op, name string) error {
	if fs.ValidPath(name) {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
}

// below is valid for what can be done to anything but the root.
func below(op, name string) error {
	if name == "." {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return valid(op, name)
}
