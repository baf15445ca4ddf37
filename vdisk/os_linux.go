// System calls of Linux: fdatasync and fallocate.

package vdisk

import (
	"os"
	"syscall"
)

func syncFile(f *osFile) error {
	return f.do("sync", func(fd uintptr) error { return syscall.Fdatasync(int(fd)) })
}

func allocate(fd uintptr, off, n int64) error { return syscall.Fallocate(int(fd), 0, off, n) }

func syncDir(dir *os.File) error { return dir.Sync() }
