// The files a log lies in, and their names.

package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// An FS is what a log is stored in: the operating system's directory, or a
// test's disk. It is an alias of an interface literal, so that whoever
// declares the identical type fits. Names are those of io/fs.ValidPath; a name
// is stable only after SyncDir of its directory.
type FS = interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Mkdir(name string, perm fs.FileMode) error
	Rename(from, to string) error
	Remove(name string) error
	ReadDir(name string) ([]string, error)
	SyncDir(name string) error
	Stat(name string) (fs.FileInfo, error)
}

// A File is an open file. It is an alias of an interface literal, as [FS] is.
// Sync makes contents and size stable, as fdatasync does; Allocate reserves
// room as fallocate does and extends the file with zeros; Lock takes it for
// this handle alone, and fails at once if another has it. If a file has a
// method Map() (data []byte, unmap func() error, err error), the log uses it
// to read indexes.
type File = interface {
	Name() string
	Read(b []byte) (int, error)
	ReadAt(b []byte, off int64) (int, error)
	Write(b []byte) (int, error)
	WriteAt(b []byte, off int64) (int, error)
	Truncate(size int64) error
	Allocate(off, n int64) error
	Sync() error
	Size() (int64, error)
	Lock() error
	Close() error
}

// What lies in the directory besides segments and their indexes.
const (
	lockName     = "LOCK"
	identityName = "IDENTITY" // its owner's: whose log it is
	cutName      = "CUT"      // a truncation that may be half done
	spareName    = "spare"    // the next segment's file, allocated
	stagingName  = "staging"  // a directory: segments of another node, being checked
	installName  = "install"  // a directory: the same, on their way into the log
	manifestName = "MANIFEST" // in there: what is to be put into the log, and what goes
	fresh        = ".new"     // ends the name of a file that is not whole yet
	segmentExt   = ".seg"
	indexExt     = ".idx"
)

func segmentName(first, base uint64) string {
	return fmt.Sprintf("%020d-%020d%s", first, base, segmentExt)
}

// beyond is where indexes and offsets end: far enough, and short of overflow.
const beyond = 1 << 62

// parseName reads what segmentName returned.
func parseName(name string) (first, base uint64, ok bool) {
	n, err := fmt.Sscanf(name, "%d-%d.seg", &first, &base)
	return first, base, err == nil && n == 2 && name == segmentName(first, base) &&
		first > 0 && first < beyond && base < beyond
}

func indexName(segment string) string { return strings.TrimSuffix(segment, segmentExt) + indexExt }

// writeFile makes name hold data, wholly or not at all, and stable.
func writeFile(f FS, name string, data []byte) error {
	if err := writeSynced(f, name+fresh, data); err != nil {
		return err
	}
	if err := f.Rename(name+fresh, name); err != nil {
		return err
	}
	return f.SyncDir(".")
}

// writeSynced makes a new file of data; its name is not stable yet.
func writeSynced(f FS, name string, data []byte) error {
	file, err := f.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err = file.WriteAt(data, 0); err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// readFile returns what name holds, unless that is more than limit bytes.
func readFile(f FS, name string, limit int64) ([]byte, error) {
	file, err := f.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d it may have", name, size, limit)
	}
	data := make([]byte, size)
	return data, readFull(file, data, 0)
}

// readFull fills b from off, and fails if the file ends before.
func readFull(f File, b []byte, off int64) error {
	n, err := f.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	return fmt.Errorf("reading %d bytes at %d of %s: %w", len(b), off, f.Name(), err)
}

// remove removes name, if it is there.
func remove(f FS, name string) error {
	if err := f.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
