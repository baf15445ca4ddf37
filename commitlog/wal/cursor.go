// Going through a segment's frames, one after the other.

package wal

import (
	"errors"
	"io"

	"github.com/rehearse-go/rehearse/commitlog/wal/internal/frame"
)

// A cursor reads frames from a file, each checked. What it returns aliases
// buffers that it never writes again.
type cursor struct {
	file     File
	chain    frame.Chain
	pos, end int64  // of the next frame; where the file's frames may end
	chunk    int    // how much to read at once
	buf      []byte // what was read from pos on
}

// next returns the next frame, and where it begins. At the end it returns
// io.EOF. A bad frame is one of the errors of package frame, or errBlank; the
// cursor stays before it.
func (c *cursor) next() (frame.Frame, int64, error) {
	if c.pos >= c.end {
		return frame.Frame{}, c.pos, io.EOF
	}
	f, err := c.parse(frame.HeaderSize)
	if errors.Is(err, frame.ErrShort) && f.Kind != 0 {
		f, err = c.parse(f.Size())
	}
	if err != nil {
		return f, c.pos, err
	}
	at := c.pos
	c.pos += int64(f.Size())
	c.buf = c.buf[f.Size():]
	return f, at, nil
}

// errBlank says that there is no frame, but zeros where its header would be.
var errBlank = errors.New("there is nothing but zeros")

func (c *cursor) parse(need int) (frame.Frame, error) {
	if err := c.fill(need); err != nil {
		return frame.Frame{}, err
	}
	if frame.Blank(c.buf[:frame.HeaderSize]) {
		return frame.Frame{}, errBlank
	}
	return c.chain.Next(c.buf)
}

// fill sees to it that need bytes are in the buffer.
func (c *cursor) fill(need int) error {
	if need <= len(c.buf) {
		return nil
	}
	left := c.end - c.pos
	if int64(need) > left {
		return frame.ErrShort
	}
	b := make([]byte, min(left, int64(max(need, c.chunk))))
	n := copy(b, c.buf)
	if err := readFull(c.file, b[n:], c.pos+int64(n)); err != nil {
		return err
	}
	c.buf = b
	return nil
}

// isBad tells whether err says that a frame is bad, and not that the file
// could not be read.
func isBad(err error) bool {
	for _, bad := range []error{errBlank, frame.ErrShort, frame.ErrHeader, frame.ErrChain, frame.ErrData} {
		if err == bad {
			return true
		}
	}
	return false
}

// A walk goes through a segment's entries from a point on, and checks that
// they follow each other.
type walk struct {
	cursor
	seg         *segment
	index, base uint64 // of the next entry
	link        uint32 // ahead of the entry that next returned last
}

// walk begins at p, which lies in s, of which frames end at end.
func (s *segment) walk(f File, p point, end int64) *walk {
	c := cursor{file: f, chain: frame.Chain{Salt: s.start().Salt, Link: p.link}, pos: p.pos, end: end, chunk: 64 << 10}
	return &walk{cursor: c, seg: s, index: p.index, base: p.base}
}

// next returns the next entry and where it begins; at the end, io.EOF.
func (w *walk) next() (Entry, int64, error) {
	for {
		w.link = w.chain.Link
		f, at, err := w.cursor.next()
		if isBad(err) {
			return Entry{}, at, w.corrupt(at, err.Error())
		}
		if err != nil {
			return Entry{}, at, err
		}
		if f.Kind != frame.Entry {
			continue
		}
		if f.Index != w.index || f.Base != w.base {
			return Entry{}, at, w.corrupt(at, "another entry is there")
		}
		w.index, w.base = w.index+1, w.base+uint64(f.Count)
		return entryOf(f), at, nil
	}
}

func (w *walk) corrupt(at int64, why string) error {
	return &Corrupt{Segment: w.seg.name, Pos: at, Index: w.index, Offset: w.base, Why: why}
}

func entryOf(f frame.Frame) Entry {
	return Entry{Index: f.Index, Term: f.Term, Type: f.Type, Data: f.Data, Base: f.Base, Count: f.Count}
}

func frameOf(e *Entry) frame.Frame {
	return frame.Frame{
		Kind: frame.Entry, Type: e.Type, Count: e.Count, Index: e.Index, Term: e.Term, Base: e.Base, Data: e.Data,
	}
}
