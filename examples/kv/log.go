// The write-ahead log, and what it says.

package kv

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strings"
)

// An FS is where the log is kept: a vdisk's mount as it is, since the types are
// aliases of the same literals, and without importing it.
type FS = interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Mkdir(name string, perm fs.FileMode) error
	Rename(from, to string) error
	Remove(name string) error
	ReadDir(name string) ([]string, error)
	SyncDir(name string) error
	Stat(name string) (fs.FileInfo, error)
}

// A File is an open file of an [FS].
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

// A log is a file of lines, "CHECKSUM KEY VALUE", and the map that they make.
type log struct {
	turn   chan struct{} // holds a token while somebody uses what follows
	file   File
	size   int64
	data   map[string]string
	failed error // the first failure; after one, nobody knows what is stored
}

// openLog reads the log and cuts off what a crash left half written.
func openLog(disk FS) (*log, error) {
	f, err := disk.OpenFile("log", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	l := &log{file: f, data: map[string]string{}, turn: make(chan struct{}, 1)}
	err = l.replay()
	if err == nil {
		err = errors.Join(f.Truncate(l.size), f.Sync(), disk.SyncDir("."))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return l, nil
}

// replay takes lines into the map up to the first that is none. What follows
// was never acknowledged, unless the disk has changed what it had stored.
func (l *log) replay() error {
	size, err := l.file.Size()
	if err != nil {
		return err
	}
	text := make([]byte, size)
	if _, err := l.file.ReadAt(text, 0); err != nil && err != io.EOF {
		return err
	}
	for line := range strings.Lines(string(text)) {
		var key, value string
		if n, _ := fmt.Sscanf(line, "%s %s %s\n", new(string), &key, &value); n < 3 || line != encode(key, value) {
			return nil
		}
		l.data[key] = value
		l.size += int64(len(line))
	}
	return nil
}

// encode is the line of one pair.
func encode(key, value string) string {
	pair := key + " " + value
	return fmt.Sprintf("%08x %s\n", crc32.ChecksumIEEE([]byte(pair)), pair)
}

// put appends a pair, and lets it be read once it is stored as safely as asked.
func (l *log) put(key, value string, safe bool) error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	line := encode(key, value)
	if l.failed == nil {
		_, l.failed = l.file.WriteAt([]byte(line), l.size)
	}
	if l.failed == nil && safe {
		l.failed = l.file.Sync()
	}
	if l.failed == nil {
		l.size += int64(len(line))
		l.data[key] = value
	}
	return l.failed
}

// sync makes everything that was put safe.
func (l *log) sync() {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	if l.failed == nil {
		l.failed = l.file.Sync()
	}
}

func (l *log) get(key string) (value string, ok bool) {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	value, ok = l.data[key]
	return value, ok
}

func (l *log) close() { l.file.Close() }
