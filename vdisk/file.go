// An open file of a mount.

package vdisk

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"syscall"
)

// A file is a handle. The lock of its mount's disk guards its fields.
type file struct {
	m      *mount
	node   *inode
	name   string
	flag   int
	pos    int64 // of Read and Write
	closed bool
}

var errAppending = errors.New("WriteAt on a file opened with O_APPEND")

func writable(flag int) bool { return flag&(os.O_WRONLY|os.O_RDWR) != 0 }

func (f *file) Name() string { return f.name }

// begin is mount.begin, and looks whether f is still open.
func (f *file) begin(op Op) (Verdict, error) {
	v, err := f.m.begin(op)
	if err == nil && f.closed {
		return v, f.m.settle(op, 0, fs.ErrClosed)
	}
	return v, err
}

func (f *file) ReadAt(b []byte, off int64) (int, error) {
	op := Op{Kind: Read, Name: f.name, Off: off, Len: int64(len(b))}
	if _, err := f.begin(op); err != nil {
		return 0, err
	}
	n, err := f.read(b, off)
	if err == io.EOF {
		f.m.settle(op, n, nil)
		return n, io.EOF
	}
	return n, f.m.settle(op, n, err)
}

func (f *file) Read(b []byte) (int, error) {
	op := Op{Kind: Read, Name: f.name, Off: -1, Len: int64(len(b))}
	if _, err := f.begin(op); err != nil {
		return 0, err
	}
	op.Off = f.pos
	n, err := f.read(b, f.pos)
	f.pos += int64(n)
	if err == io.EOF {
		f.m.settle(op, n, nil)
		if n > 0 {
			return n, nil
		}
		return 0, io.EOF
	}
	return n, f.m.settle(op, n, err)
}

// read fills b from off; at the end of the file it says io.EOF.
func (f *file) read(b []byte, off int64) (int, error) {
	switch {
	case off < 0:
		return 0, syscall.EINVAL
	case len(b) == 0:
		return 0, nil
	case f.flag&os.O_WRONLY != 0:
		return 0, syscall.EBADF
	}
	n := int(min(int64(len(b)), max(f.node.size-off, 0)))
	f.node.read(b[:n], off)
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(b []byte, off int64) (int, error) {
	op := Op{Kind: Write, Name: f.name, Off: off, Len: int64(len(b))}
	v, err := f.begin(op)
	if err != nil {
		return 0, err
	}
	n, err := 0, error(errAppending)
	if f.flag&os.O_APPEND == 0 {
		n, err = f.write(b, off, v)
	}
	return n, f.written(op, n, err)
}

func (f *file) Write(b []byte) (int, error) {
	op := Op{Kind: Write, Name: f.name, Off: -1, Len: int64(len(b))}
	v, err := f.begin(op)
	if err != nil {
		return 0, err
	}
	if f.flag&os.O_APPEND != 0 && writable(f.flag) {
		f.pos = f.node.size
	}
	op.Off = f.pos
	n, err := f.write(b, f.pos, v)
	f.pos += int64(n)
	return n, f.written(op, n, err)
}

// write puts b at off as far as the verdict and the room allow.
func (f *file) write(b []byte, off int64, v Verdict) (int, error) {
	switch {
	case off < 0:
		return 0, syscall.EINVAL
	case !writable(f.flag):
		return 0, syscall.EBADF
	case off > math.MaxInt64-int64(len(b))-pageSize:
		return 0, syscall.EFBIG
	case len(b) == 0:
		return 0, nil
	}
	var err error
	if v.Short > 0 && v.Short < len(b) {
		b, err = b[:v.Short], v.Err
		if err == nil {
			err = syscall.ENOSPC
		}
	}
	d := f.m.d()
	n := d.reserve(f.node, off, int64(len(b)))
	if n < int64(len(b)) {
		err = syscall.ENOSPC
	}
	if n > 0 {
		f.node.write(b[:n], off, d.cfg.Sector)
	}
	return int(n), err
}

// written settles a write, and syncs what was written if f was opened so.
func (f *file) written(op Op, n int, err error) error {
	if err = f.m.settle(op, n, err); err != nil || f.flag&os.O_SYNC == 0 {
		return err
	}
	return f.Sync()
}

func (f *file) Truncate(size int64) error {
	op := Op{Kind: Truncate, Name: f.name, Off: size}
	if _, err := f.begin(op); err != nil {
		return err
	}
	if size < 0 || !writable(f.flag) {
		return f.m.settle(op, 0, syscall.EINVAL)
	}
	f.m.d().truncate(f.node, size)
	return f.m.settle(op, 0, nil)
}

// truncate makes a file so long and gives back the room that it had beyond.
func (d *Disk) truncate(node *inode, size int64) {
	node.truncate(size, d.cfg.Sector)
	rest, pages := node.room.cut(pagesTo(size))
	node.room = rest
	d.used -= pages * pageSize
}

func (f *file) Allocate(off, n int64) error {
	op := Op{Kind: Allocate, Name: f.name, Off: off, Len: n}
	if _, err := f.begin(op); err != nil {
		return err
	}
	return f.m.settle(op, 0, f.allocate(off, n))
}

func (f *file) allocate(off, n int64) error {
	switch {
	case off < 0 || n <= 0:
		return syscall.EINVAL
	case !writable(f.flag):
		return syscall.EBADF
	case off > math.MaxInt64-n-pageSize:
		return syscall.EFBIG
	}
	d := f.m.d()
	if f.node.room.missing(off/pageSize, pagesTo(off+n)) > d.free()/pageSize {
		return syscall.ENOSPC
	}
	d.reserve(f.node, off, n)
	f.node.grow(off+n, off+n)
	return nil
}

func (f *file) Sync() error {
	op := Op{Kind: Sync, Name: f.name}
	v, err := f.begin(op)
	switch {
	case err != nil:
		return err
	case v.Err != nil:
		f.node.fail()
	case !v.Lie:
		f.m.d().sync(f.node)
	}
	return f.m.settle(op, 0, v.Err)
}

// sync makes a file stable, and its name too if the disk is of that sort.
func (d *Disk) sync(node *inode) {
	node.sync(d.cfg.Sector)
	if d.cfg.SyncNames && !node.gone {
		d.syncName(node)
	}
}

func (f *file) Size() (int64, error) {
	op := Op{Kind: Size, Name: f.name}
	if _, err := f.begin(op); err != nil {
		return 0, err
	}
	size := f.node.size
	return size, f.m.settle(op, 0, nil)
}

func (f *file) Lock() error {
	op := Op{Kind: Lock, Name: f.name}
	if _, err := f.begin(op); err != nil {
		return err
	}
	if f.node.locked != nil && f.node.locked != f {
		return f.m.settle(op, 0, syscall.EWOULDBLOCK)
	}
	f.node.locked = f
	return f.m.settle(op, 0, nil)
}

// Close never waits and reaches no rule: it gives back the handle and stores
// nothing.
func (f *file) Close() error {
	d := f.m.lock()
	defer d.mu.Unlock()
	switch {
	case f.m.crashed:
		return &fs.PathError{Op: "close", Path: f.name, Err: ErrCrashed}
	case f.closed:
		return &fs.PathError{Op: "close", Path: f.name, Err: fs.ErrClosed}
	}
	f.closed = true
	delete(f.m.files, f)
	if f.node.locked == f {
		f.node.locked = nil
	}
	f.node.opens--
	d.release(f.node)
	return nil
}
