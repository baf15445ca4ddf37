// What a log stores its files in, as aliases that other modules can declare too.

package osfs

import "io/fs"

// An FS is a file system. It is an alias of an interface literal: package
// vdisk, which knows nothing of this module's log and of which the log knows
// nothing, declares the identical type and documents its methods.
type FS = interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Mkdir(name string, perm fs.FileMode) error
	Rename(from, to string) error
	Remove(name string) error
	ReadDir(name string) ([]string, error)
	SyncDir(name string) error
	Stat(name string) (fs.FileInfo, error)
}

// A File is an open file: an alias of an interface literal, as [FS] is.
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

// A Mapper is what a [Dir]'s files are as well where files can be mapped into
// memory: everywhere but on Windows.
//
// Map returns the file's contents, as long as the file is now, to be read
// only. Later writes within that length show in it; a read beyond the end of a
// file that was truncated kills the program. unmap ends it and may be called
// again; closing the file does not end it. An empty file is refused with
// syscall.EINVAL.
type Mapper interface {
	Map() (b []byte, unmap func() error, err error)
}
