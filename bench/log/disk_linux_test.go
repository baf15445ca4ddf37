// What Linux alone can do with a file: fdatasync, fallocate, and telling memory from a disk.

package log_test

import (
	"os"
	"syscall"
)

// fdatasync blocks until the file's bytes, and as much of its size as is
// needed to read them, are on the disk.
func fdatasync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// allocate reserves the file's blocks from off on, and makes it so much longer.
func allocate(f *os.File, off, size int64) error {
	return os.NewSyscallError("fallocate", syscall.Fallocate(int(f.Fd()), 0, off, size))
}

// inMemory tells whether dir lies on tmpfs or ramfs.
func inMemory(dir string) bool {
	const tmpfs, ramfs = 0x01021994, 0x858458f6
	var fs syscall.Statfs_t
	if syscall.Statfs(dir, &fs) != nil {
		return false
	}
	return fs.Type == tmpfs || fs.Type == ramfs
}
