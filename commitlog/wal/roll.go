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
	to := l.spare
	go func() { to <- makeSpare(l.config.FS, l.config.SegmentSize) }()
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

// makeRoom waits until the next segment's file is there. If that failed when it
// was begun early, it is tried once more. ErrFull leaves all as it was.
func (l *Log) makeRoom() error {
	early := l.spare != nil
	l.prepare()
	s := <-l.spare
	if s.err != nil && early {
		l.spare = nil
		l.prepare()
		s = <-l.spare
	}
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

// A beginning is what a new segment begins with, and the file for it.
type beginning struct {
	segment
	state      State
	checkpoint []byte
	file       File
	room       int64 // the size of the file
}

// ready returns the beginning of a segment behind the active one, or behind at,
// with room for what is to be appended. ErrFull leaves all as it was.
func (l *Log) ready(at *place, need int64, runs int) (*beginning, error) {
	a := &l.active
	if at != nil {
		a = &at.active
	}
	if err := l.makeRoom(); err != nil {
		return nil, err
	}
	b := &beginning{segment: newSegment(a.last+1, a.next, a.lastTerm()), state: l.state}
	if l.config.Checkpoint != nil {
		b.checkpoint = l.config.Checkpoint(b.first)
	}
	preface, _ := b.preface(b.state, b.checkpoint)
	return b, l.takeSpare(b, int64(len(preface))+need+b.sealRoom(runs))
}

// takeSpare gives b the file that makeRoom has made, of size bytes at least.
func (l *Log) takeSpare(b *beginning, size int64) error {
	s := <-l.spare
	if size = (size + 511) &^ 511; size > s.size {
		if err := allocate(s.file, s.size, size-s.size); err != nil {
			l.spare <- s
			if err := full(err); errors.Is(err, ErrFull) {
				return err
			}
			return l.latch(err)
		}
		s.size = size
	}
	l.spare = nil
	b.file, b.room = s.file, s.size
	return nil
}

// drop closes the file of a beginning that comes to nothing.
func (b *beginning) drop() error {
	if b == nil {
		return nil
	}
	return b.file.Close()
}

// roll makes b the active segment.
func (l *Log) roll(b *beginning) error {
	old := l.active
	if old.last >= old.first && !old.complete {
		if err := old.seal(); err != nil {
			return errors.Join(err, b.file.Close())
		}
	}
	if err := l.start(b); err != nil {
		return errors.Join(err, b.file.Close())
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

// begin makes the log's first segment.
func (l *Log) begin() error {
	s := makeSpare(l.config.FS, l.config.SegmentSize)
	if s.err != nil {
		return full(s.err)
	}
	b := &beginning{segment: newSegment(1, 0, 0), file: s.file, room: s.size}
	if err := l.start(b); err != nil {
		return errors.Join(err, s.file.Close())
	}
	return nil
}

// start makes the spare file the active segment. Its beginning is durable
// before it gets its name.
func (l *Log) start(b *beginning) error {
	data, chain := b.preface(b.state, b.checkpoint)
	if _, err := b.file.WriteAt(data, 0); err != nil {
		return err
	}
	if err := b.file.Sync(); err != nil {
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
		segment: b.segment, handle: &handle{name: b.name, file: b.file, refs: 1}, chain: chain, limit: b.room,
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
	if err := a.put(b); err != nil {
		return err
	}
	a.size += int64(len(b))
	if err := a.handle.file.Truncate(a.size); err != nil {
		return err
	}
	if err := a.handle.file.Sync(); err != nil {
		return err
	}
	a.durable, a.limit, a.complete = a.size, a.size, true
	return nil
}

// retire puts a sealed segment behind the others, open to be read.
func (l *Log) retire(old *active) {
	s := old.segment
	l.sealed = append(l.sealed[:len(l.sealed):len(l.sealed)], &s)
	if link, err := s.link(old.handle.file); err == nil {
		l.writeIndex(".", &s, old.points, link)
	}
	old.handle.points = old.points
	l.files.keep(old.handle)
}

// dropSpare waits until the next segment's file is made, and removes it. If
// that fails, it is removed when the log is opened.
func (l *Log) dropSpare() {
	if l.spare == nil {
		return
	}
	if s := <-l.spare; s.err == nil {
		s.file.Close()
		l.config.FS.Remove(spareName)
	}
	l.spare = nil
}
