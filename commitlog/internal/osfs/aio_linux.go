// Linux AIO: one operation at a time, its end told by an eventfd under Go's poller.

package osfs

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// The operations, from linux/aio_abi.h.
const (
	opFsync     uint16 = 2 // IOCB_CMD_FSYNC
	opFdatasync uint16 = 3 // IOCB_CMD_FDSYNC
)

// errNotTaken: the kernel did not begin the operation.
var errNotTaken = errors.New("not taken")

// unhurried is longer than it takes to come back to a goroutine that lets others
// run when there are none.
const unhurried = 2 * time.Microsecond

// An iocb is the kernel's struct iocb; what a sync has no use for stays zero.
type iocb struct {
	_     uint64    // aio_data
	_     [2]uint32 // aio_key, aio_rw_flags
	op    uint16    // aio_lio_opcode
	_     int16     // aio_reqprio
	fd    uint32    // aio_fildes
	_     [4]uint64 // aio_buf, aio_nbytes, aio_offset, aio_reserved2
	tell  uint32    // aio_flags: IOCB_FLAG_RESFD, that resfd is told the end
	resfd uint32    // aio_resfd
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

// await returns what the operation came to. While other goroutines have work it
// lets them do it and looks again and again: with all processors busy the
// runtime asks its poller only every 10 ms. When nobody else wants to run it
// parks until the eventfd can be read.
func (w *wait) await() syscall.Errno {
	var count [8]byte
	for alone := 0; ; {
		if done, errno := w.result(0); done {
			return errno
		}
		if alone < 8 {
			began := time.Now()
			runtime.Gosched()
			alone++
			if time.Since(began) > unhurried {
				alone = 0
			}
			continue
		}
		if _, err := w.end.Read(count[:]); err != nil {
			_, errno := w.result(1)
			return errno
		}
	}
}

// result asks for the end of the operation, and waits for it if least is 1.
// The eventfd is told after it, so that one may find it told already of what
// came before; hence the loop in await.
func (w *wait) result(least uintptr) (done bool, errno syscall.Errno) {
	var atOnce syscall.Timespec
	timeout := &atOnce
	if least > 0 {
		timeout = nil
	}
	n, _, errno := syscall.Syscall6(syscall.SYS_IO_GETEVENTS, w.context, least, 1,
		uintptr(unsafe.Pointer(&w.event)), uintptr(unsafe.Pointer(timeout)), 0)
	switch {
	case errno == syscall.EINTR:
		return false, 0
	case errno != 0:
		return true, errno
	}
	return n == 1, syscall.Errno(max(0, -w.event.res))
}

// close gives both back. Nothing is under way.
func (w *wait) close() {
	_, _, _ = syscall.Syscall(syscall.SYS_IO_DESTROY, w.context, 0, 0)
	_ = w.end.Close()
}
