// The file system that the log is kept on.

package walfs

import "io/fs"

// An FS is where the log is kept: a vdisk's mount as it is, since the types are
// aliases of the same literals, and without importing it.
type FS = interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Mkdir(name string, perm fs.FileMode) error
	Rename(from, to string) error
	Remove(name string) error
	ReadDir(name string) ([]string, error)
	SyncDir(name string) error
	Stat(name string) (fs.FileInfo, error)
}

// A File is an open file of an [FS].
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
