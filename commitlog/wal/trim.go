// Segments as a whole: what there is, what may go, what a segment begins with.

package wal

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"

	"github.com/rehearse-go/rehearse/commitlog/wal/internal/frame"
)

// Segments returns the log's segments, in order.
func (l *Log) Segments() []Segment {
	v := l.peek()
	list := make([]Segment, 0, len(v.sealed)+1)
	for _, s := range v.sealed {
		list = append(list, s.public(true))
	}
	return append(list, v.active.public(false))
}

func (s *segment) public(sealed bool) Segment {
	p := Segment{
		Name: s.name, First: s.first, Last: s.last, Offset: s.base, Records: s.next - s.base,
		Bytes: s.size, Oldest: s.oldest, Newest: s.newest, Sealed: sealed,
	}
	if s.oldest == math.MaxInt64 {
		p.Oldest, p.Newest = 0, 0
	}
	return p
}

// Sealed returns the last entry, and its term, of the last sealed segment that
// holds nothing beyond atMost; false if there is none.
func (l *Log) Sealed(atMost uint64) (last, term uint64, ok bool) {
	v := l.peek()
	for i := len(v.sealed) - 1; i >= 0; i-- {
		if s := v.sealed[i]; s.last <= atMost {
			return s.last, s.lastTerm(), true
		}
	}
	return 0, 0, false
}

// Trim removes the segments that hold nothing at index before or behind. The
// last segment always stays. They are removed one by one, each for good before
// the next, so that a crash leaves no hole.
func (l *Log) Trim(before uint64) error {
	if err := l.usable(); err != nil {
		return err
	}
	for len(l.sealed) > 0 && l.sealed[0].last < before {
		s := l.sealed[0]
		l.sealed = l.sealed[1:]
		l.gen++
		l.publish()
		l.files.forget(s.name)
		if err := l.removeSegment(s.name); err != nil {
			return l.latch(err)
		}
	}
	return nil
}

// removeSegment removes a segment and its index for good.
func (l *Log) removeSegment(name string) error {
	if err := ignore(l.config.FS.Remove(indexName(name)), fs.ErrNotExist); err != nil {
		return err
	}
	if err := l.config.FS.Remove(name); err != nil {
		return err
	}
	return l.config.FS.SyncDir(".")
}

// Checkpoint returns what the last segment begins with: what its owner said
// was the state of all entries before that index. From there on it reads the
// entries.
func (l *Log) Checkpoint() (before uint64, state []byte, err error) {
	return l.CheckpointAt(math.MaxUint64)
}

// CheckpointAt returns what the segment begins with that holds the entry of
// that index, or the last one if none does: where its owner starts from when
// the log is cut off there. It fails with [Compacted] before the log's
// beginning.
func (l *Log) CheckpointAt(index uint64) (before uint64, state []byte, err error) {
	err = l.retry(func(v *view) (err error) {
		if err := v.check(index, 0); err != nil {
			return err
		}
		s := v.segment(index)
		before = s.first
		if s == &v.active {
			state, err = s.checkpoint(v.handle.file)
			return err
		}
		f, err := l.config.FS.OpenFile(s.name, os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		state, err = s.checkpoint(f)
		return err
	})
	return before, state, err
}

// checkpoint reads the segment's checkpoint.
func (s *segment) checkpoint(f File) ([]byte, error) {
	c := cursor{file: f, chain: s.start(), end: s.size, chunk: 4096}
	for {
		f, at, err := c.next()
		if isBad(err) {
			return nil, (&segment{name: s.name, last: s.first - 1, next: s.base}).corrupt(at, err.Error())
		}
		if err != nil || f.Kind == frame.Checkpoint {
			return f.Data, err
		}
	}
}

// Verify reads all that the log holds, and returns the first damage it finds.
// Reads check what they read; this is for what nobody reads. It may take
// long: it reads the whole log. It may be called from any goroutine.
func (l *Log) Verify() error {
	v := l.peek()
	for _, s := range v.sealed {
		if err := l.verify(s); err != nil {
			return err
		}
	}
	var bad error
	err := l.retry(func(v *view) error {
		_, err := l.inSegment(v, &v.active, reading{
			after: func(p point) bool { return p.index > v.active.first },
			take:  func(e Entry) bool { bad = checkRecords(e); return bad == nil },
		})
		return err
	})
	return errors.Join(err, bad)
}

// verify reads a sealed segment, unless it is gone.
func (l *Log) verify(s *segment) error {
	return l.retry(func(v *view) error {
		if !slices.Contains(v.sealed, s) {
			return nil
		}
		f, err := l.config.FS.OpenFile(s.name, os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = s.scan(f, math.MaxInt64/2, checkRecords)
		return err
	})
}
