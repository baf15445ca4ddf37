// From one segment to the next.

package wal

import (
	"errors"
	"os"

	"github.com/rehearse-go/rehearse/commitlog/wal/internal/frame"
)

// A spare is the next segment's file, allocated, or why there is none.
type spare struct {
	file File
	size int64
	err  error
}

// prepare begins to make the next segment's file, unless that was begun. It is
// made on a goroutine that ends when it is done; Close waits for it.
func (l *Log) prepare() {
	if l.spare != nil {
		return
	}
	l.spare = make(chan spare, 1)
	go func(to chan<- spare, fs FS, size int64) { to <- makeSpare(fs, size) }(l.spare, l.config.FS, l.config.SegmentSize)
}

func makeSpare(f FS, size int64) spare {
	file, err := f.OpenFile(spareName, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		return spare{err: err}
	}
	if err = allocate(file, 0, size); err == nil {
		err = file.Sync()
	}
	if err == nil {
		return spare{file: file, size: size}
	}
	return spare{err: errors.Join(err, file.Close(), f.Remove(spareName))}
}

// allocate reserves room, where there is a way to, else just extends the file.
func allocate(f File, off, n int64) error {
	err := f.Allocate(off, n)
	if errors.Is(err, errors.ErrUnsupported) {
		return f.Truncate(off + n)
	}
	return err
}

// makeRoom waits until the next segment's file is there. ErrFull leaves all as
// it was.
func (l *Log) makeRoom() error {
	l.prepare()
	s := <-l.spare
	if s.err == nil {
		l.spare <- s
		return nil
	}
	l.spare = nil
	if err := full(s.err); errors.Is(err, ErrFull) {
		return err
	}
	return l.latch(s.err)
}

// A beginning is what a new segment is to begin with.
type beginning struct {
	segment
	state      State
	checkpoint []byte
	need       int64 // bytes that it must have room for, besides
}

// roll begins a segment behind the active one, with room for need bytes.
// Of those only the first segmentsize are there for certain; ErrFull leaves
// all as it was.
func (l *Log) roll(need int64) error {
	a := &l.active
	b := beginning{segment: newSegment(a.last+1, a.next, a.lastTerm()), state: l.state, need: need}
	if l.config.Checkpoint != nil {
		b.checkpoint = l.config.Checkpoint(b.first)
	}
	file, size, err := l.takeSpare(b)
	if err != nil {
		return err
	}
	old := l.active
	if old.last >= old.first && !(old.sealed && old.size == old.limit) {
		if err := old.seal(); err != nil {
			return l.latch(errors.Join(err, file.Close()))
		}
	}
	if err := l.start(b, file, size); err != nil {
		return l.latch(errors.Join(err, file.Close()))
	}
	if old.last < old.first {
		l.files.end(old.handle)
	} else {
		l.retire(&old)
	}
	l.publish()
	if l.config.Rolled != nil {
		l.config.Rolled(b.first)
	}
	return nil
}

// takeSpare returns the file that makeRoom has made, with room for b.
func (l *Log) takeSpare(b beginning) (File, int64, error) {
	s := <-l.spare
	preface, _ := b.preface(b.state, b.checkpoint)
	size := (int64(len(preface)) + b.need + 511) &^ 511
	if size > s.size {
		if err := allocate(s.file, s.size, size-s.size); err != nil {
			l.spare <- s
			if err := full(err); errors.Is(err, ErrFull) {
				return nil, 0, err
			}
			return nil, 0, l.latch(err)
		}
		s.size = size
	}
	l.spare = nil
	return s.file, s.size, nil
}

// begin makes the log's first segment.
func (l *Log) begin(b beginning) error {
	s := makeSpare(l.config.FS, l.config.SegmentSize)
	if s.err != nil {
		return full(s.err)
	}
	if err := l.start(b, s.file, s.size); err != nil {
		return errors.Join(err, s.file.Close())
	}
	return nil
}

// start makes the spare file the active segment. Its beginning is durable
// before it gets its name.
func (l *Log) start(b beginning, file File, size int64) error {
	data, chain := b.preface(b.state, b.checkpoint)
	if _, err := file.WriteAt(data, 0); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := l.config.FS.Rename(spareName, b.name); err != nil {
		return err
	}
	if err := l.config.FS.SyncDir("."); err != nil {
		return err
	}
	b.size = int64(len(data))
	l.active = active{
		segment: b.segment, handle: &handle{name: b.name, file: file, refs: 1}, chain: chain, limit: size,
		durable: b.size, marked: b.size, content: b.size,
	}
	return nil
}

// seal ends the segment: nothing is added to it any more, and its file ends
// with its summary.
func (a *active) seal() error {
	link := a.chain.Link
	f := frame.Frame{Kind: frame.Seal, Mark: uint64(a.durable), Data: a.sealData(link)}
	b := a.chain.Append(nil, a.size, f)
	if _, err := a.handle.file.WriteAt(b, a.size); err != nil {
		return err
	}
	a.size += int64(len(b))
	if err := a.handle.file.Truncate(a.size); err != nil {
		return err
	}
	if err := a.handle.file.Sync(); err != nil {
		return err
	}
	a.durable, a.limit, a.sealed = a.size, a.size, true
	return nil
}

// retire puts a sealed segment behind the others, open to be read.
func (l *Log) retire(old *active) {
	s := old.segment
	l.sealed = append(l.sealed[:len(l.sealed):len(l.sealed)], &s)
	if link, err := s.link(old.handle.file); err == nil {
		l.writeIndex(&s, old.points, link)
	}
	old.handle.points = old.points
	l.files.keep(old.handle)
}
