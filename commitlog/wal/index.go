// The sparse index of a segment: where some of its entries begin.

package wal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path"
	"slices"
	"sort"
)

// A point is where a frame begins in a segment, and what is so there.
type point struct {
	index, base uint64 // of the first entry at pos or behind
	pos         int64
	newest      int64  // time of the newest record ahead of pos
	link        uint32 // the chain's, at pos
}

// pointSize is how many bytes a point takes in a file.
const pointSize = 40

// points is the index of a segment, in the order of the file.
type points interface {
	len() int
	at(i int) point
}

type pointList []point

func (p pointList) len() int       { return len(p) }
func (p pointList) at(i int) point { return p[i] }

// pointFile is an index as it lies in a file, mapped or read.
type pointFile []byte

func (p pointFile) len() int { return len(p) / pointSize }

func (p pointFile) at(i int) point {
	b, le := p[i*pointSize:], binary.LittleEndian
	return point{
		index: le.Uint64(b), base: le.Uint64(b[8:]), pos: int64(le.Uint64(b[16:])),
		newest: int64(le.Uint64(b[24:])), link: le.Uint32(b[32:]),
	}
}

// last returns the last point of which after is false. It is false of the first.
func last(p points, after func(point) bool) point {
	n := sort.Search(p.len(), func(i int) bool { return after(p.at(i)) })
	return p.at(max(n-1, 0))
}

// An index's file holds its points, and then, so that it is only taken for the
// segment that it was made of: the segment's size, the link before its seal,
// and a CRC32C of all that.
const indexTrailer = 16

func indexOf(p points, size int64, link uint32) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, p.len()*pointSize+indexTrailer)
	for i := range p.len() {
		x := p.at(i)
		b = le.AppendUint64(le.AppendUint64(b, x.index), x.base)
		b = le.AppendUint64(le.AppendUint64(b, uint64(x.pos)), uint64(x.newest))
		b = le.AppendUint64(b, uint64(x.link))
	}
	b = le.AppendUint32(le.AppendUint64(b, uint64(size)), link)
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// parseIndex returns the points in b, unless it is not this segment's index.
func parseIndex(b []byte, size int64, link uint32) (points, bool) {
	n, le := len(b)-indexTrailer, binary.LittleEndian
	if n < pointSize || n%pointSize != 0 {
		return nil, false
	}
	ok := le.Uint64(b[n:]) == uint64(size) && le.Uint32(b[n+8:]) == link &&
		le.Uint32(b[n+12:]) == crc32.Checksum(b[:n+12], castagnoli)
	return pointFile(b[:n:n]), ok
}

// link reads the link before a sealed segment's seal.
func (s *segment) link(f File) (uint32, error) {
	b := make([]byte, trailer)
	err := readFull(f, b, s.size-trailer)
	return binary.LittleEndian.Uint32(b), err
}

// index returns a sealed segment's index: from its file, or, if that is
// missing or wrong, made anew.
func (l *Log) index(s *segment, f File) (p points, unmap func() error, err error) {
	link, err := s.link(f)
	if err != nil {
		return nil, nil, err
	}
	if p, unmap, ok := l.readIndex(s, link); ok {
		return p, unmap, nil
	}
	list, err := s.scan(f, int64(l.config.IndexEvery), func(Entry) error { return nil })
	if err != nil {
		return nil, nil, err
	}
	l.writeIndex(".", s, list, link)
	return list, nil, nil
}

// readIndex maps the index's file, or reads it.
func (l *Log) readIndex(s *segment, link uint32) (points, func() error, bool) {
	f, err := l.config.FS.OpenFile(indexName(s.name), os.O_RDONLY, 0)
	if err != nil {
		return nil, nil, false
	}
	defer f.Close()
	data, unmap, err := mapped(f, s.size)
	if err != nil {
		return nil, nil, false
	}
	p, ok := parseIndex(data, s.size, link)
	if !ok && unmap != nil {
		unmap()
	}
	return p, unmap, ok
}

// mapped returns what f holds, which should be less than limit.
func mapped(f File, limit int64) (data []byte, unmap func() error, err error) {
	size, err := f.Size()
	if err != nil || size > limit+pointSize+indexTrailer {
		return nil, nil, io.ErrUnexpectedEOF
	}
	if m, ok := f.(interface {
		Map() ([]byte, func() error, error)
	}); ok {
		if data, unmap, err := m.Map(); err == nil {
			return data, unmap, nil
		}
	}
	data = make([]byte, size)
	return data, nil, readFull(f, data, 0)
}

// writeIndex stores the index of a sealed segment. That it may fail, or be
// lost in a crash, does not matter: it is made anew then. A file that may be
// mapped is never written: the new one takes its place.
func (l *Log) writeIndex(dir string, s *segment, p points, link uint32) {
	name := path.Join(dir, indexName(s.name))
	f, err := l.config.FS.OpenFile(name+fresh, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		return
	}
	_, err = f.WriteAt(indexOf(p, s.size, link), 0)
	if errors.Join(err, f.Close()) == nil {
		err = l.config.FS.Rename(name+fresh, name)
	}
	if err != nil {
		l.config.FS.Remove(name + fresh)
	}
}

// scan goes through a sealed segment, checks all of it, entries with check
// besides, and makes its index.
func (s *segment) scan(f File, every int64, check func(Entry) error) (list pointList, err error) {
	t := newSegment(s.first, s.base, s.before)
	w := t.walk(f, point{index: t.first, base: t.base, link: t.start().Link}, s.size)
	w.chunk = 1 << 20
	for {
		e, at, err := w.next()
		if err == io.EOF {
			return list, t.same(s)
		}
		if err != nil {
			return nil, err
		}
		of, err := spanOf(e.Data)
		if err == nil && of.count != e.Count {
			err = errCount
		}
		if err == nil {
			err = check(e)
		}
		if err != nil {
			return nil, (&walk{seg: s, index: e.Index, base: e.Base}).corrupt(at, err.Error())
		}
		list = list.add(point{t.last + 1, t.next, at, t.newest, w.link}, every)
		t.add(&e, of)
	}
}

// errCount says that a frame's header is wrong about its records.
var errCount = errors.New("another number of records than its frame says")

// same returns an error unless s was found to be as its seal says.
func (s *segment) same(seal *segment) error {
	if s.last == seal.last && s.next == seal.next && s.oldest == seal.oldest && s.newest == seal.newest &&
		slices.Equal(s.runs, seal.runs) {
		return nil
	}
	return s.corrupt(seal.size, "the segment's entries are not those that its seal tells of")
}

// add appends p if it lies far enough behind the last point.
func (p pointList) add(x point, every int64) pointList {
	if n := len(p); n > 0 && x.pos < p[n-1].pos+every {
		return p
	}
	return append(p, x)
}

// firstPoint is where a segment's entries begin, at the latest.
func (s *segment) firstPoint() point {
	return point{index: s.first, base: s.base, pos: 0, newest: s.newest, link: s.start().Link}
}
