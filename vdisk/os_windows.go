// What Windows has in the place of Unix's system calls.

package vdisk

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

func syncFile(f *osFile) error { return f.File.Sync() }

func allocate(uintptr, int64, int64) error { return errors.ErrUnsupported }

// syncDir does nothing: a directory opened to be read cannot be flushed.
func syncDir(*os.File) error { return nil }

// lockFile locks one byte far behind any content, since such a lock keeps
// others from reading and writing what it covers.
func lockFile(fd uintptr) error {
	const exclusive, atOnce = 2, 1
	const violation = syscall.Errno(33)
	at := syscall.Overlapped{OffsetHigh: 1 << 30}
	done, _, err := lockFileEx.Call(fd, exclusive|atOnce, 0, 1, 0, uintptr(unsafe.Pointer(&at)))
	switch {
	case done != 0:
		return nil
	case err == violation:
		return syscall.EWOULDBLOCK
	}
	return err
}
