// The log: what a program holds, and what readers see of it.

package wal

import (
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/rehearse-go/rehearse/commitlog/wal/internal/frame"
)

// A Log is a log on disk. One goroutine may write it, with Append, Sync, Mark,
// Trim, Install and Close; any number may read it meanwhile.
type Log struct {
	config  Config
	lock    File
	files   files
	staging atomic.Bool // there is an import

	mu  sync.Mutex // held for a few instructions
	pub view       // what readers see

	// The rest is the writer's.
	active  active
	sealed  []*segment // in order; never changed in place
	state   State
	failed  error // the first failure of a write or a sync
	closed  bool
	spare   chan spare // nil unless the next segment's file is being made, or ready
	gen     uint64
	pending []span // of the entries being appended
	buf     []byte
}

// An active segment is the one that is appended to.
type active struct {
	segment
	handle   *handle
	points   pointList
	chain    frame.Chain
	limit    int64 // the file's size
	durable  int64 // up to where it is synced
	marked   int64 // the last durable mark in it
	content  int64 // where the last frame ends that is more than a mark
	complete bool  // it has a seal, and no successor yet
}

// A view is the log at one moment.
type view struct {
	sealed []*segment
	active segment
	points pointList
	handle *handle
	state  State
	tail   tail
	gen    uint64 // changes whenever something is cut, trimmed or installed
	closed bool
	ready  chan struct{} // closed when what is being installed is there
}

// Open opens the log in c.FS, or makes one there. It repairs what a crash may
// have left: a tail that was never synced, a truncation or an installation
// that was half done. Anything else that is wrong is a *[Corrupt].
func Open(c Config) (*Log, error) {
	c, err := c.filled()
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(c.FS)
	if err != nil {
		return nil, err
	}
	l := &Log{config: c, lock: lock, files: files{limit: c.OpenFiles, open: map[string]*handle{}}}
	if err := l.open(); err != nil {
		l.files.closeAll()
		if l.active.handle != nil {
			l.active.handle.close()
		}
		lock.Close()
		return nil, err
	}
	return l, nil
}

// lockDir keeps other processes off the directory.
func lockDir(f FS) (File, error) {
	file, err := f.OpenFile(lockName, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = file.Lock()
	if err == nil || errors.Is(err, errors.ErrUnsupported) {
		return file, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.New("wal: another process has this log open: its directory is locked")
	}
	return nil, err
}

func (l *Log) open() (err error) {
	if err = l.recover(); err != nil {
		return err
	}
	l.publish()
	return nil
}

// publish shows readers what the writer has done, and what it does to the tail.
func (l *Log) publish(change ...func(t *tail)) {
	a := &l.active
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range change {
		f(&l.pub.tail)
	}
	l.pub.sealed, l.pub.active, l.pub.points, l.pub.handle = l.sealed, a.segment, a.points, a.handle
	l.pub.state, l.pub.gen, l.pub.closed = l.state, l.gen, l.closed
	l.files.renew(l.gen)
}

// view returns what there is now. Its active segment can be read until done.
func (l *Log) view() (v view, done func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pub.closed {
		return view{}, nil, ErrClosed
	}
	v = l.pub
	l.files.hold(v.handle)
	return v, func() { l.files.give(v.handle) }, nil
}

// peek returns what there is now, files apart.
func (l *Log) peek() *view {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.pub
	return &v
}

// State returns the hard state appended last.
func (l *Log) State() State { return l.peek().state }

// First returns the first index there is; of an empty log, Last()+1.
func (l *Log) First() uint64 { return l.peek().oldest().first }

// Last returns the last index there is.
func (l *Log) Last() uint64 { return l.peek().active.last }

// Low returns the first offset there is; of an empty log, Next().
func (l *Log) Low() uint64 { return l.peek().oldest().base }

// Next returns the offset of the record to be appended next.
func (l *Log) Next() uint64 { return l.peek().active.next }

// oldest returns the log's first segment.
func (v *view) oldest() *segment {
	if len(v.sealed) > 0 {
		return v.sealed[0]
	}
	return &v.active
}

// segment returns the segment which holds the entry of that index, or would.
func (v *view) segment(index uint64) *segment {
	n, found := slices.BinarySearchFunc(v.sealed, index, func(s *segment, index uint64) int {
		switch {
		case s.last < index:
			return -1
		case s.first > index:
			return 1
		}
		return 0
	})
	if found {
		return v.sealed[n]
	}
	return &v.active
}

// check returns an error unless there are entries of indexes lo to hi.
func (v *view) check(lo, hi uint64) error {
	if o := v.oldest(); lo < o.first {
		return Compacted{First: o.first, Low: o.base}
	}
	if hi > v.active.last {
		return Unavailable{Last: v.active.last, Next: v.active.next}
	}
	return nil
}

// Term returns the term of an entry: of those that are there, and of the one
// before the first, which is 0 in a log that begins at 1.
func (l *Log) Term(index uint64) (uint64, error) {
	v := l.peek()
	if index+1 == v.oldest().first {
		return v.oldest().before, nil
	}
	if err := v.check(index, index); err != nil {
		return 0, err
	}
	return v.segment(index).term(index), nil
}
