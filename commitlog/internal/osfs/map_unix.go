// A file's contents as memory.

//go:build unix

package osfs

import (
	"math"
	"sync"
	"syscall"
)

// Map makes file a [Mapper].
func (f *file) Map() (b []byte, unmap func() error, err error) {
	size, err := f.Size()
	if err != nil {
		return nil, nil, err
	}
	if size > math.MaxInt {
		return nil, nil, f.failed("map", syscall.EFBIG)
	}
	err = control(f.f, "map", func(fd uintptr) (err error) {
		b, err = syscall.Mmap(int(fd), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return b, sync.OnceValue(func() error { return syscall.Munmap(b) }), nil
}
