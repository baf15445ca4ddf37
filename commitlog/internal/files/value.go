// A value that comes out of files.

package files

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// limit is how large a file may be. Nobody writes a megabyte of certificates
// or rules; whoever names a device or a log by mistake is told.
const limit = 1 << 20

// every is how often files are looked at.
const every = time.Second

// An FS has files. What Stat returns tells a file from the one before it: by
// size, time, mode, and by os.SameFile where that applies.
type FS interface {
	Stat(name string) (fs.FileInfo, error)
	ReadFile(name string) ([]byte, error)
}

// Config configures a [Value].
type Config[T any] struct {
	Names  []string                           // the files
	Load   func(contents [][]byte) (T, error) // makes the value of their contents, in the order of Names
	FS     FS                                 // if nil, the operating system's
	Now    func() time.Time                   // if nil, time.Now
	Logger *slog.Logger                       // told of each change, and of each that fails; if nil, nobody
	What   string                             // what the value is, in messages: "access rules"
}

// A Value is what files hold. It is safe for concurrent use.
type Value[T any] struct {
	c       Config[T]
	present atomic.Pointer[T]
	due     atomic.Int64 // when the files are to be looked at again, in nanoseconds since 1970
	looking sync.Mutex   // only ever tried, never waited for; guards what follows
	seen    []fs.FileInfo
	told    string // the last failure that was told
}

// Load reads the files for the first time. It fails if they cannot be read, or
// as c.Load does.
func Load[T any](c Config[T]) (*Value[T], error) {
	if c.FS == nil {
		c.FS = osFS{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	v := &Value[T]{c: c}
	now := c.Now()
	if err := v.read(); err != nil {
		return nil, err
	}
	v.due.Store(now.Add(every).UnixNano())
	return v, nil
}

// Get returns the value. If the files have changed since they were last read,
// it reads them first; if they do not load, the value stays what it was, the
// logger is told once, and the next look tries again.
func (v *Value[T]) Get() T {
	now := v.c.Now()
	if now.UnixNano() >= v.due.Load() && v.looking.TryLock() {
		v.due.Store(now.Add(every).UnixNano())
		v.look()
		v.looking.Unlock()
	}
	return *v.present.Load()
}

// look reads the files if they have changed.
func (v *Value[T]) look() {
	infos, err := v.stat()
	if err == nil && same(v.seen, infos) {
		v.told = ""
		return
	}
	if err = v.read(); err == nil {
		v.told = ""
		v.c.Logger.Info("read again: "+v.c.What, "files", v.c.Names)
		return
	}
	if err.Error() != v.told {
		v.told = err.Error()
		v.c.Logger.Error("not read again, the old stay in force: "+v.c.What, "error", err)
	}
}

// read reads the files and makes the value of them.
func (v *Value[T]) read() error {
	infos, err := v.stat() // before reading, so that a later change is seen
	if err != nil {
		return err
	}
	contents := make([][]byte, len(v.c.Names))
	for i, name := range v.c.Names {
		if contents[i], err = v.c.FS.ReadFile(name); err != nil {
			return err
		}
	}
	value, err := v.c.Load(contents)
	if err != nil {
		return err
	}
	v.seen = infos
	v.present.Store(&value)
	return nil
}

func (v *Value[T]) stat() ([]fs.FileInfo, error) {
	infos := make([]fs.FileInfo, len(v.c.Names))
	for i, name := range v.c.Names {
		info, err := v.c.FS.Stat(name)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() || info.Size() > limit {
			return nil, fmt.Errorf("%s: want a file of at most %d bytes, not one of %d with mode %v",
				name, limit, info.Size(), info.Mode())
		}
		infos[i] = info
	}
	return infos, nil
}

// same reports whether the files are those that were seen.
func same(seen, now []fs.FileInfo) bool {
	for i, a := range seen {
		b := now[i]
		replaced := os.SameFile(a, a) && !os.SameFile(a, b) // false of infos that are not package os's
		if replaced || a.Size() != b.Size() || !a.ModTime().Equal(b.ModTime()) || a.Mode() != b.Mode() {
			return false
		}
	}
	return true
}

type osFS struct{}

func (osFS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }
func (osFS) ReadFile(name string) ([]byte, error)  { return os.ReadFile(name) }
