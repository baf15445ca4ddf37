// An open file.

package osfs

import (
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
)

// A file has no more methods than it needs: one that embeds an *os.File has
// its WriteTo and ReadFrom as well, which io.Copy finds and which know nothing
// of what is told differently here.
type file struct {
	f      *os.File
	name   string // that it was opened by
	sync   *syncer
	locked atomic.Bool
}

func (f *file) Name() string { return f.name }

func (f *file) Read(b []byte) (int, error)               { return f.f.Read(b) }
func (f *file) ReadAt(b []byte, off int64) (int, error)  { return f.f.ReadAt(b, off) }
func (f *file) Write(b []byte) (int, error)              { return f.f.Write(b) }
func (f *file) WriteAt(b []byte, off int64) (int, error) { return f.f.WriteAt(b, off) }
func (f *file) Truncate(size int64) error                { return f.f.Truncate(size) }

// Sync is fdatasync on Linux; elsewhere it is what os.File.Sync is, which on
// darwin is more than fsync.
func (f *file) Sync() error { return f.sync.file(f.f) }

func (f *file) Size() (int64, error) {
	info, err := f.f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Lock takes the file for this handle alone.
func (f *file) Lock() error {
	err := control(f.f, "lock", lock)
	if err == nil {
		f.locked.Store(true)
	}
	return err
}

// Close does not wait for a Sync that is under way: that one comes to its end
// and tells the truth. The lock is given back here, since the kernel would
// keep it until that end.
func (f *file) Close() error {
	if f.locked.Swap(false) {
		_ = control(f.f, "unlock", unlock) // closing gives it back as well, if later
	}
	return f.f.Close()
}

// Allocate reserves room for n bytes from off and extends the file to them.
// If the disk is full it fails with syscall.ENOSPC and the file has the size
// it had; so nobody else may extend it meanwhile.
//
// Linux has fallocate for it. Elsewhere, and on file systems that do not know
// it, zeros are written from the old end on: room is reserved, but not in
// holes that the file has already.
func (f *file) Allocate(off, n int64) error {
	if off < 0 || n <= 0 {
		return f.failed("allocate", syscall.EINVAL)
	}
	if off+n < off {
		return f.failed("allocate", syscall.EFBIG)
	}
	size, err := f.Size()
	if err != nil {
		return err
	}
	err = f.reserve(max(off, size), off+n)
	if err == nil {
		err = control(f.f, "allocate", func(fd uintptr) error { return allocate(fd, off, n) })
	}
	if errors.Is(err, errors.ErrUnsupported) {
		err = f.fill(max(off, size), off+n)
	}
	if err == nil {
		return nil
	}
	// What is beyond the old end is freed: ext4 for one takes all there is
	// before it says that it is not enough.
	if now, e := f.Size(); e == nil && now > size {
		err = errors.Join(err, f.f.Truncate(size))
	}
	return err
}

// reserve fails at once if what the file will grow by is more than the disk
// has: no need to take it from others first.
func (f *file) reserve(from, to int64) error {
	if to <= from {
		return nil
	}
	return control(f.f, "allocate", func(fd uintptr) error {
		if free, known := free(fd); known && uint64(to-from) > free {
			return syscall.ENOSPC
		}
		return nil
	})
}

// fill writes zeros.
func (f *file) fill(from, to int64) error {
	zeros := make([]byte, min(1<<20, max(0, to-from)))
	for from < to {
		n, err := f.f.WriteAt(zeros[:min(int64(len(zeros)), to-from)], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

func (f *file) failed(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.f.Name(), Err: err}
}

// control calls a system call on the file's descriptor, again if a signal
// interrupts it.
func control(f *os.File, op string, call func(fd uintptr) error) error {
	var failed error
	raw, err := f.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			for failed = call(fd); failed == syscall.EINTR; {
				failed = call(fd)
			}
		})
	}
	if err != nil {
		failed = fs.ErrClosed // the one reason for either to fail
	}
	if failed == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: f.Name(), Err: failed}
}
