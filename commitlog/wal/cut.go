// Cutting off entries that another leader's replace.

package wal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"

	"github.com/rehearse-go/rehearse/commitlog/wal/internal/frame"
)

// A place is the log as it will be without the entries from some index on: its
// active segment, whose size is where the first of those begins.
type place struct {
	active
	sealed []*segment // those before
}

// find returns the place where the entry of that index begins.
func (l *Log) find(index uint64) (*place, error) {
	v := l.peek()
	if err := v.check(index, index); err != nil {
		return nil, err
	}
	s := v.segment(index)
	p := &place{sealed: l.sealed}
	if s == &v.active {
		p.active = l.active
		return p, p.backTo(index, s.size)
	}
	h, err := l.openSealed(s, l.gen)
	if err != nil {
		return nil, err
	}
	defer l.files.give(h)
	p.segment, p.limit, p.handle = *s, s.size, h
	for i := range h.points.len() {
		p.points = append(p.points, h.points.at(i))
	}
	n := slices.Index(l.sealed, s)
	p.sealed = l.sealed[:n:n]
	return p, p.backTo(index, s.size)
}

// backTo forgets the entries from index on.
func (p *place) backTo(index uint64, end int64) error {
	from := p.firstPoint()
	if len(p.points) > 0 {
		from = last(p.points, func(x point) bool { return x.index > index })
	}
	w := p.walk(p.handle.file, from, end)
	newest := from.newest
	for w.index < index {
		e, at, err := w.next()
		if err != nil {
			return err
		}
		of, err := spanOf(e.Data)
		if err != nil {
			return w.corrupt(at, err.Error())
		}
		if of.count > 0 {
			newest = max(newest, of.newest)
		}
	}
	if w.base == p.base { // no record is left; else the oldest is, since times never go back
		p.oldest, newest = math.MaxInt64, math.MinInt64
	}
	// States and marks between the entry before and this one stay.
	p.last, p.next, p.newest, p.complete = index-1, w.base, newest, false
	if err := p.skip(w); err != nil {
		return err
	}
	for len(p.points) > 0 && p.points[len(p.points)-1].index >= index {
		p.points = p.points[:len(p.points)-1]
	}
	for len(p.runs) > 0 && p.runs[len(p.runs)-1].index >= index {
		p.runs = p.runs[:len(p.runs)-1]
	}
	p.points = p.points[:len(p.points):len(p.points)] // readers still use what lies behind
	p.runs = p.runs[:len(p.runs):len(p.runs)]
	return nil
}

// skip goes on to where the next entry begins.
func (p *place) skip(w *walk) error {
	for {
		link := w.chain.Link
		f, at, err := w.cursor.next()
		if isBad(err) || err == io.EOF {
			return w.corrupt(at, err.Error())
		}
		if err != nil {
			return err
		}
		if f.Kind == frame.Entry {
			p.size, p.chain = at, frame.Chain{Salt: w.chain.Salt, Link: link}
			return nil
		}
	}
}

// A cutting is a truncation as it is written down before it is done, so that a
// crash in the midst of it loses neither the hard state behind the cut nor
// segments out of order.
type cutting struct {
	first, base uint64 // of the segment that will be the last
	pos         int64  // where it is cut off
	link        uint32 // the chain's there
	state       State
}

const cutForm = "cut %d-%d at %d link %d term %d vote %d commit %d\n"

func (c cutting) text() string {
	s := c.state
	line := fmt.Sprintf(cutForm, c.first, c.base, c.pos, c.link, s.Term, s.Vote, s.Commit)
	return fmt.Sprintf("%ssum %d\n", line, crc32.Checksum([]byte(line), castagnoli))
}

func parseCutting(data []byte) (c cutting, err error) {
	s := &c.state
	_, err = fmt.Sscanf(string(data), cutForm, &c.first, &c.base, &c.pos, &c.link, &s.Term, &s.Vote, &s.Commit)
	if err == nil && c.text() != string(data) || err != nil {
		return c, &Corrupt{Segment: cutName, Why: fmt.Sprintf("it does not match its checksum: %q", data)}
	}
	return c, nil
}

// cut cuts the log off at p.
func (l *Log) cut(p *place) error {
	if err := l.Sync(); err != nil {
		return err
	}
	c := cutting{p.first, p.base, p.size, p.chain.Link, l.state}
	if err := writeFile(l.config.FS, cutName, []byte(c.text())); err != nil {
		return err
	}
	file, err := l.config.FS.OpenFile(p.name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	l.gen++
	old := l.active
	p.handle = &handle{name: p.name, file: file, refs: 1}
	l.active, l.sealed = p.active, p.sealed
	l.publish(func(t *tail) { t.cut(p.last) })
	l.files.forget(p.name)
	l.files.end(old.handle)
	b, err := c.finish(l.config.FS, file)
	if err != nil {
		return err
	}
	a := &l.active
	a.chain.Append(nil, a.size, stateAt(c.state, a.size))
	a.size += int64(b)
	a.durable, a.marked, a.content, a.complete = a.size, a.size, a.size, false
	l.publish()
	return nil
}

func stateAt(s State, pos int64) frame.Frame {
	f := stateFrame(s)
	f.Mark = uint64(pos)
	return f
}

// finish does what the cutting says, as often as it takes, and returns how
// many bytes it has written behind the cut.
func (c cutting) finish(f FS, file File) (int, error) {
	limit, err := file.Size()
	if err != nil {
		return 0, err
	}
	chain := frame.Start(c.first, c.base)
	chain.Link = c.link
	b := chain.Append(nil, c.pos, stateAt(c.state, c.pos))
	if c.pos < 0 || c.pos+int64(len(b)) > limit {
		return 0, &Corrupt{
			Segment: segmentName(c.first, c.base), Pos: c.pos, Index: c.first, Offset: c.base,
			Why: fmt.Sprintf("the file is to be cut there and has %d bytes", limit),
		}
	}
	if err := c.erase(file, b, limit); err != nil {
		return 0, err
	}
	if err := removeBehind(f, c.first); err != nil {
		return 0, err
	}
	if err := f.Remove(cutName); err != nil {
		return 0, err
	}
	return len(b), f.SyncDir(".")
}

// erase zeroes what is cut off, and then puts state there. If that is there,
// all was done before a crash, and what lies behind is new.
func (c cutting) erase(file File, state []byte, limit int64) error {
	have := make([]byte, len(state))
	if err := readFull(file, have, c.pos); err != nil {
		return err
	}
	if string(have) == string(state) {
		return nil
	}
	if err := zero(file, c.pos, limit); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if _, err := file.WriteAt(state, c.pos); err != nil {
		return err
	}
	return file.Sync()
}

// zero writes zeros over all of f from pos to end that is not zero.
func zero(f File, pos, end int64) error {
	for b := make([]byte, 1<<16); pos < end; pos += int64(len(b)) {
		b = b[:min(int64(len(b)), end-pos)]
		if err := readFull(f, b, pos); err != nil {
			return err
		}
		if frame.Blank(b) {
			continue
		}
		clear(b)
		if _, err := f.WriteAt(b, pos); err != nil {
			return err
		}
	}
	return nil
}

// removeBehind removes the segments that begin behind index, and the index of
// the one that begins there.
func removeBehind(f FS, index uint64) error {
	names, err := f.ReadDir(".")
	if err != nil {
		return err
	}
	for _, name := range names {
		first, _, ok := parseName(name)
		if !ok || first < index {
			continue
		}
		if err := remove(f, indexName(name)); err != nil {
			return err
		}
		if first == index {
			continue
		}
		if err := f.Remove(name); err != nil {
			return err
		}
	}
	return f.SyncDir(".")
}

// redoCut finishes a truncation that was written down.
func (l *Log) redoCut() error {
	data, err := readFile(l.config.FS, cutName, 1<<12)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := parseCutting(data)
	if err != nil {
		return err
	}
	name := segmentName(c.first, c.base)
	file, err := l.config.FS.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &Corrupt{Segment: name, Index: c.first, Offset: c.base, Why: "it is to be cut, and is not there"}
	}
	if err != nil {
		return err
	}
	_, err = c.finish(l.config.FS, file)
	return errors.Join(err, file.Close())
}
