// What Windows has in the place of Unix's system calls.

//go:build windows

package osfs

import (
	"os"
	"syscall"
	"unsafe"
)

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

// blockingSyncDir does nothing: a directory opened to be read cannot be flushed.
func blockingSyncDir(*os.File) error { return nil }

// lock locks one byte far behind any content, since such a lock keeps others
// from reading and writing what it covers.
func lock(fd uintptr) error {
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

// unlock leaves it to closing the handle, which does not outlive a Sync here.
func unlock(uintptr) error { return nil }
