// Writing: append, sync, mark, close.

package wal

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rehearse-go/rehearse/commitlog/wal/internal/frame"
)

// Append appends entries and then, unless it is zero or as before, the hard
// state, in one write. It sets Base and Count in es. Entries that begin at or
// before the last index replace those from there on. Nothing of it is durable
// before Sync, but that what was replaced is gone.
//
// What one Append writes lies in one segment; if there is no room for it in
// the present one, it begins another. [ErrFull] means that there was none on the
// disk either: nothing was done. So it is if s commits what is not in the log, or
// es would replace what is committed, or does not follow. After any other failure of the disk, every
// Append and Sync returns that first error: what is on the disk is not known
// any more, and only opening the log again tells. The data of es must not
// change afterwards.
func (l *Log) Append(s State, es []Entry) error {
	if err := l.usable(); err != nil {
		return err
	}
	if s == (State{}) {
		s = l.state
	}
	if len(es) == 0 && s == l.state {
		return nil
	}
	at, err := l.place(s, es)
	if err != nil {
		return err
	}
	need, runs := room(es, l.lastTermBefore(at, es))
	var next *beginning
	if l.rolls(at, need, runs) {
		if next, err = l.ready(at, need, runs); err != nil {
			return err
		}
	}
	if err := l.change(at, next); err != nil {
		return l.latch(err)
	}
	return l.write(s, es, need)
}

// change cuts the log off at a place, and begins a new segment, if need be.
func (l *Log) change(at *place, next *beginning) error {
	if at != nil {
		if err := l.cut(at); err != nil {
			return errors.Join(err, next.drop())
		}
	}
	if next != nil {
		return l.roll(next)
	}
	return nil
}

// usable returns why nothing can be written.
func (l *Log) usable() error {
	if l.closed {
		return ErrClosed
	}
	return l.failed
}

// latch keeps the first failure.
func (l *Log) latch(err error) error {
	if l.failed == nil {
		l.failed = err
	}
	return l.failed
}

// place checks what is to be appended and sets what the log sets. If entries
// are to be replaced, it returns where those begin.
func (l *Log) place(s State, es []Entry) (at *place, err error) {
	last, next, term := l.active.last, l.active.next, l.active.lastTerm()
	if len(es) > 0 && es[0].Index <= last {
		if at, err = l.find(es[0].Index); err != nil {
			return nil, err
		}
		last, next, term = at.last, at.next, at.lastTerm()
		if l.state.Commit > last {
			return nil, fmt.Errorf("wal: entry %d is committed, as is all up to %d, and cannot be replaced",
				es[0].Index, l.state.Commit)
		}
	}
	l.pending = l.pending[:0]
	for i := range es {
		e := &es[i]
		if e.Index != last+1 || e.Term < term || len(e.Data) > frame.MaxData {
			return nil, fmt.Errorf("wal: entry %d of term %d with %d bytes cannot follow entry %d of term %d",
				e.Index, e.Term, len(e.Data), last, term)
		}
		of, err := spanOf(e.Data)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", e.Index, err)
		}
		l.pending = append(l.pending, of)
		e.Base, e.Count = next, of.count
		last, next, term = e.Index, next+uint64(of.count), e.Term
	}
	if s.Commit > last {
		return nil, fmt.Errorf("wal: a hard state that commits %d, with a log that ends with %d", s.Commit, last)
	}
	return at, nil
}

// lastTermBefore is the term of the entry that es will follow.
func (l *Log) lastTermBefore(at *place, es []Entry) uint64 {
	if at != nil {
		return at.lastTerm()
	}
	return l.active.lastTerm()
}

// room returns how many bytes the entries and a hard state take, and how many
// terms begin with them at most.
func room(es []Entry, term uint64) (need int64, runs int) {
	need, runs = int64(frame.Size(0)), 1
	for i := range es {
		need += int64(frame.Size(len(es[i].Data)))
		if es[i].Term != term {
			runs++
		}
		term = es[i].Term
	}
	return need, runs
}

// rolls tells whether there is no room left in the segment.
func (l *Log) rolls(at *place, need int64, runs int) bool {
	if at == nil {
		a := &l.active
		return a.size+need+a.sealRoom(runs) > a.limit
	}
	return at.size+int64(frame.Size(0))+need+at.sealRoom(runs) > at.limit
}

// write writes the frames, in one piece of at most need bytes.
func (l *Log) write(s State, es []Entry, need int64) error {
	a := &l.active
	b, chain, points := slices.Grow(l.buf[:0], int(need)), a.chain, a.points
	seg := a.segment
	mark := uint64(a.durable)
	for i := range es {
		pos := a.size + int64(len(b))
		points = points.add(point{es[i].Index, es[i].Base, pos, seg.newest, chain.Link}, int64(l.config.IndexEvery))
		f := frameOf(&es[i])
		f.Mark = mark
		b = chain.Append(b, pos, f)
		seg.add(&es[i], l.pending[i])
	}
	if s != l.state {
		f := stateFrame(s)
		f.Mark = mark
		b = chain.Append(b, a.size+int64(len(b)), f)
	}
	if err := a.put(b); err != nil {
		return l.latch(err)
	}
	seg.size += int64(len(b))
	a.segment, a.chain, a.points, a.marked, a.complete = seg, chain, points, int64(mark), false
	a.content = a.size
	l.state = s
	if l.buf = b; cap(b) > 16<<20 {
		l.buf = nil
	}
	l.publish(func(t *tail) { t.append(es, l.config.TailBytes) })
	if a.size > a.limit/2 {
		l.prepare()
	}
	return nil
}

// put writes frames behind the others. When that fails a part of them may be
// there, which no crash would have left: it is taken away, as far as the disk
// does that, so that the next start does not take it for damage.
func (a *active) put(b []byte) error {
	file := a.handle.file
	_, err := file.WriteAt(b, a.size)
	if err == nil {
		return nil
	}
	clear(b)
	_, again := file.WriteAt(b, a.size)
	return errors.Join(err, again, file.Sync())
}

// Sync makes all that was appended durable.
func (l *Log) Sync() error {
	if err := l.usable(); err != nil {
		return err
	}
	a := &l.active
	if a.durable == a.size {
		return nil
	}
	if err := a.handle.file.Sync(); err != nil {
		return l.latch(err)
	}
	a.durable = a.size
	return nil
}

// Mark writes down what is durable, unless that was done. A node does it when
// it is idle: until there is a mark behind a frame, damage to that frame may look as
// if it was never wholly written. It takes no sync: it is stored with what
// comes next, or in time.
func (l *Log) Mark() error {
	if err := l.usable(); err != nil {
		return err
	}
	a := &l.active
	if min(a.durable, a.content) <= a.marked || a.size+int64(frame.Size(0))+a.sealRoom(0) > a.limit {
		return nil
	}
	chain := a.chain
	b := chain.Append(nil, a.size, frame.Frame{Kind: frame.Mark, Mark: uint64(a.durable)})
	if err := a.put(b); err != nil {
		return l.latch(err)
	}
	a.marked, a.chain, a.complete = a.durable, chain, false
	a.size += int64(len(b))
	l.publish()
	return nil
}

// Close syncs the log, marks it as durable, and closes its files. Reads under
// way go on. It returns the failure of the disk, if there was one.
func (l *Log) Close() error {
	if l.closed {
		return ErrClosed
	}
	err := l.Sync()
	if err == nil {
		err = l.Mark()
	}
	if err == nil {
		err = l.Sync()
	}
	l.closed = true
	l.publish()
	l.files.closeAll()
	l.files.end(l.active.handle)
	l.dropSpare()
	return errors.Join(err, l.lock.Close())
}

// ignore returns err unless it is one that does not matter.
func ignore(err, not error) error {
	if errors.Is(err, not) {
		return nil
	}
	return err
}
