// Linux AIO: one operation at a time, its end told by an eventfd under Go's poller.

package osfs

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

// The operations, from linux/aio_abi.h.
const (
	opFsync     uint16 = 2 // IOCB_CMD_FSYNC
	opFdatasync uint16 = 3 // IOCB_CMD_FDSYNC
)

// errNotTaken: the kernel did not begin the operation.
var errNotTaken = errors.New("not taken")

// An iocb is the kernel's struct iocb. The two halves of its second word,
// which change places with the byte order, are both zero here.
type iocb struct {
	data           uint64
	key, flags     uint32
	op             uint16
	prio           int16
	fd             uint32
	buf, n, offset uint64
	reserved       uint64
	tell           uint32 // IOCB_FLAG_RESFD: resfd is told the end
	resfd          uint32
}

// An ioEvent is the kernel's struct io_event.
type ioEvent struct {
	data, obj uint64
	res, res2 int64
}

// A wait is a context of the kernel's for one operation at a time, and the
// eventfd that tells its end.
type wait struct {
	context uintptr // aio_context_t
	fd      int
	end     *os.File // of fd
	cb      iocb     // here, since neither may be moved while the kernel reads it
	cbs     [1]*iocb
	event   ioEvent
}

func newWait() (*wait, error) {
	w := &wait{}
	const flags = syscall.O_NONBLOCK | syscall.O_CLOEXEC // which EFD_NONBLOCK and EFD_CLOEXEC are
	fd, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, flags, 0)
	if errno != 0 {
		return nil, errno
	}
	_, _, errno = syscall.Syscall(syscall.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&w.context)), 0)
	if errno != 0 {
		syscall.Close(int(fd))
		return nil, errno
	}
	w.fd = int(fd)
	w.end = os.NewFile(fd, "eventfd")
	w.cbs[0] = &w.cb
	return w, nil
}

// sync does op to f and returns when the kernel has told its end. The kernel
// keeps the file meanwhile, also if it is closed.
func (w *wait) sync(f *os.File, op uint16) error {
	err := control(f, "sync", func(fd uintptr) error { return w.submit(fd, op) })
	if err != nil {
		if errors.Is(err, os.ErrClosed) {
			return err
		}
		return errNotTaken
	}
	if errno := w.await(); errno != 0 {
		return &os.PathError{Op: "sync", Path: f.Name(), Err: errno}
	}
	return nil
}

func (w *wait) submit(fd uintptr, op uint16) error {
	w.cb = iocb{op: op, fd: uint32(fd), tell: 1, resfd: uint32(w.fd)}
	n, _, errno := syscall.Syscall(syscall.SYS_IO_SUBMIT, w.context, 1, uintptr(unsafe.Pointer(&w.cbs[0])))
	switch {
	case errno != 0:
		return errno
	case n != 1:
		return syscall.EAGAIN
	}
	return nil
}

// await parks the goroutine until the eventfd can be read; io_getevents then
// has the result at hand. Should the read fail, io_getevents waits for it.
func (w *wait) await() syscall.Errno {
	var count [8]byte
	_, _ = w.end.Read(count[:])
	for {
		n, _, errno := syscall.Syscall6(syscall.SYS_IO_GETEVENTS, w.context, 1, 1,
			uintptr(unsafe.Pointer(&w.event)), 0, 0)
		switch {
		case n == 1 && errno == 0 && w.event.res < 0:
			return syscall.Errno(-w.event.res)
		case n == 1 && errno == 0:
			return 0
		case errno != 0 && errno != syscall.EINTR:
			return errno
		}
	}
}

// close gives both back. Nothing is under way.
func (w *wait) close() {
	_, _, _ = syscall.Syscall(syscall.SYS_IO_DESTROY, w.context, 0, 0)
	_ = w.end.Close()
}
