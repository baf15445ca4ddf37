// A file system in memory, for the tests of the log.

package wal_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// A memFS keeps files and what went before them. It never forgets; fail, if
// set, is asked before each operation.
type memFS struct {
	mu    sync.Mutex
	files map[string]*memData // directories are nil
	fail  func(op, name string) error
}

type memData struct{ b []byte }

// errShort is for fail to say of a write that half of it is done.
var errShort = errors.New("a short write")

func newMemFS() *memFS { return &memFS{files: map[string]*memData{".": nil}} }

// clone returns a copy, for a test to damage.
func (m *memFS) clone() *memFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := newMemFS()
	for name, d := range m.files {
		if d != nil {
			d = &memData{slices.Clone(d.b)}
		}
		c.files[name] = d
	}
	return c
}

// names returns the names of the files that end so, in order.
func (m *memFS) names(suffix string) (names []string) {
	for name, d := range m.files {
		if d != nil && strings.HasSuffix(name, suffix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *memFS) begin(op, name string) (func(), error) {
	if m.fail != nil {
		if err := m.fail(op, name); err != nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	m.mu.Lock()
	return m.mu.Unlock, nil
}

func (m *memFS) OpenFile(name string, flag int, _ fs.FileMode) (wal.File, error) {
	end, err := m.begin("open", name)
	if err != nil {
		return nil, err
	}
	defer end()
	d, ok := m.files[name]
	if _, dir := m.files[path.Dir(name)]; !dir || !ok && flag&os.O_CREATE == 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
	}
	if !ok {
		d = &memData{}
		m.files[name] = d
	}
	if flag&os.O_TRUNC != 0 {
		d.b = nil
	}
	return &memFile{fs: m, name: name, d: d}, nil
}

func (m *memFS) Mkdir(name string, _ fs.FileMode) error {
	end, err := m.begin("mkdir", name)
	if err != nil {
		return err
	}
	defer end()
	if _, ok := m.files[name]; ok {
		return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.EEXIST}
	}
	m.files[name] = nil
	return nil
}

func (m *memFS) Rename(from, to string) error {
	end, err := m.begin("rename", from)
	if err != nil {
		return err
	}
	defer end()
	d, ok := m.files[from]
	if !ok {
		return &fs.PathError{Op: "rename", Path: from, Err: syscall.ENOENT}
	}
	delete(m.files, from)
	m.files[to] = d
	for name, inner := range m.files {
		if rest, below := strings.CutPrefix(name, from+"/"); below {
			delete(m.files, name)
			m.files[to+"/"+rest] = inner
		}
	}
	return nil
}

func (m *memFS) Remove(name string) error {
	end, err := m.begin("remove", name)
	if err != nil {
		return err
	}
	defer end()
	if _, ok := m.files[name]; !ok {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOENT}
	}
	for other := range m.files {
		if strings.HasPrefix(other, name+"/") {
			return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
		}
	}
	delete(m.files, name)
	return nil
}

func (m *memFS) ReadDir(name string) (names []string, err error) {
	end, err := m.begin("readdir", name)
	if err != nil {
		return nil, err
	}
	defer end()
	if d, ok := m.files[name]; !ok || d != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOENT}
	}
	for other := range m.files {
		if path.Dir(other) == name && other != "." {
			names = append(names, path.Base(other))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (m *memFS) SyncDir(name string) error {
	end, err := m.begin("syncdir", name)
	if err == nil {
		end()
	}
	return err
}

func (m *memFS) Stat(name string) (fs.FileInfo, error) {
	end, err := m.begin("stat", name)
	if err != nil {
		return nil, err
	}
	defer end()
	d, ok := m.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: syscall.ENOENT}
	}
	return memInfo{name, d}, nil
}

type memInfo struct {
	name string
	d    *memData
}

func (i memInfo) Name() string { return i.name }
func (i memInfo) Size() int64 {
	if i.d == nil {
		return 0
	}
	return int64(len(i.d.b))
}
func (i memInfo) Mode() fs.FileMode  { return 0o644 }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return i.d == nil }
func (i memInfo) Sys() any           { return nil }

type memFile struct {
	fs   *memFS
	name string
	d    *memData
	at   int64
}

func (f *memFile) Name() string { return f.name }

func (f *memFile) Read(b []byte) (int, error) {
	n, err := f.ReadAt(b, f.at)
	f.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	end, err := f.fs.begin("read", f.name)
	if err != nil {
		return 0, err
	}
	defer end()
	if off >= int64(len(f.d.b)) {
		return 0, io.EOF
	}
	n := copy(b, f.d.b[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) Write(b []byte) (int, error) {
	n, err := f.WriteAt(b, f.at)
	f.at += int64(n)
	return n, err
}

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	end, err := f.fs.begin("write", f.name)
	if errors.Is(err, errShort) {
		end, b = func() {}, b[:len(b)/2]
	} else if err != nil {
		return 0, err
	}
	defer end()
	f.grow(off + int64(len(b)))
	return copy(f.d.b[off:], b), err
}

func (f *memFile) grow(size int64) {
	if n := size - int64(len(f.d.b)); n > 0 {
		f.d.b = append(f.d.b, make([]byte, n)...)
	}
}

func (f *memFile) Truncate(size int64) error {
	end, err := f.fs.begin("truncate", f.name)
	if err != nil {
		return err
	}
	defer end()
	f.grow(size)
	f.d.b = f.d.b[:size:size]
	return nil
}

func (f *memFile) Allocate(off, n int64) error {
	end, err := f.fs.begin("allocate", f.name)
	if err != nil {
		return err
	}
	defer end()
	f.grow(off + n)
	return nil
}

func (f *memFile) Sync() error {
	end, err := f.fs.begin("sync", f.name)
	if err == nil {
		end()
	}
	return err
}

func (f *memFile) Size() (int64, error) {
	end, err := f.fs.begin("size", f.name)
	if err != nil {
		return 0, err
	}
	defer end()
	return int64(len(f.d.b)), nil
}

func (f *memFile) Lock() error  { return nil }
func (f *memFile) Close() error { return nil }
