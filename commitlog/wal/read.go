// Reading: entries by index, records by offset and by time.

package wal

import (
	"io"
	"slices"
	"time"
)

// retry calls read with what there is now, until that has not changed under
// its hands when it fails.
func (l *Log) retry(read func(v *view) error) error {
	for {
		v, done, err := l.view()
		if err != nil {
			return err
		}
		if v.ready != nil {
			done()
			<-v.ready
			continue
		}
		err = read(&v)
		done()
		now := l.peek()
		if err == nil || now.gen == v.gen && !now.closed {
			return err
		}
	}
}

// Entries returns the entries from index lo up to, not including, hi: as many
// as have max bytes of data together, and at least one. Their data must not be
// changed. It fails with [Compacted] or [Unavailable] if the log does not
// hold them all.
func (l *Log) Entries(lo, hi uint64, max int) (es []Entry, err error) {
	if lo >= hi {
		return nil, nil
	}
	err = l.retry(func(v *view) error {
		if err := v.check(lo, hi-1); err != nil {
			return err
		}
		if hot := v.tail.from(lo); hot != nil {
			es = atMost(hot[:min(hi-lo, uint64(len(hot)))], max)
			return nil
		}
		es = nil
		left := max
		return l.readEntries(v, lo, reading{bytes: max, take: func(e Entry) bool {
			if left -= len(e.Data); left < 0 && len(es) > 0 || e.Index >= hi {
				return false
			}
			es = append(es, e)
			return true
		}})
	})
	return es, err
}

// atMost copies the first entries that have max bytes together, one at least.
func atMost(es []Entry, max int) []Entry {
	n := 0
	for ; n < len(es); n++ {
		if max -= len(es[n].Data); max < 0 && n > 0 {
			break
		}
	}
	return slices.Clone(es[:n])
}

// readEntries reads the entries from index on, from disk, until no more are
// wanted or the log ends.
func (l *Log) readEntries(v *view, index uint64, r reading) error {
	for index <= v.active.last {
		s := v.segment(index)
		of := r
		of.after = func(x point) bool { return x.index > index }
		of.take = func(e Entry) bool { return e.Index < index || r.take(e) }
		more, err := l.inSegment(v, s, of)
		if err != nil || !more {
			return err
		}
		index = s.last + 1
	}
	return nil
}

// A reading is which entries are wanted of a segment, and how they are read.
type reading struct {
	after func(point) bool // tells of an index point whether it lies behind the first of them
	take  func(Entry) bool // is handed what there is, and tells whether it wants more
	bytes int              // about how many will do
}

// chunk returns how much to read at once.
func (r *reading) chunk(every int) int { return min(max(r.bytes, 0), 1<<20) + every + 8192 }

// inSegment reads from s, and tells whether more is wanted when it ends.
func (l *Log) inSegment(v *view, s *segment, r reading) (bool, error) {
	h, p := v.handle, points(v.points)
	if s != &v.active {
		var err error
		if h, err = l.openSealed(s, v.gen); err != nil {
			return false, err
		}
		defer l.files.give(h)
		p = h.points
	}
	if p.len() == 0 {
		return true, nil
	}
	w := s.walk(h.file, last(p, r.after), s.size)
	w.chunk = r.chunk(l.config.IndexEvery)
	for {
		e, _, err := w.next()
		if err == io.EOF {
			return true, nil
		}
		if err != nil || !r.take(e) {
			return false, err
		}
	}
}

// holding returns the segment that holds the record of that offset, which
// the log holds.
func (v *view) holding(offset uint64) *segment {
	n, _ := slices.BinarySearchFunc(v.sealed, offset, func(s *segment, offset uint64) int {
		if s.next <= offset {
			return -1
		}
		return 1
	})
	if n < len(v.sealed) {
		return v.sealed[n]
	}
	return &v.active
}

// checkOffset returns an error unless the log holds the record.
func (v *view) checkOffset(offset uint64) error {
	if o := v.oldest(); offset < o.base {
		return Compacted{First: o.first, Low: o.base}
	}
	if offset >= v.active.next {
		return Unavailable{Last: v.active.last, Next: v.active.next}
	}
	return nil
}

// fromOffset reads the entries from the one on that holds the record of that
// offset, until no more are wanted or the log ends.
func (l *Log) fromOffset(v *view, offset uint64, r reading) error {
	if err := v.checkOffset(offset); err != nil {
		return err
	}
	hot := v.tail.holding(offset)
	for i := range hot {
		if !r.take(hot[i]) {
			return nil
		}
	}
	if hot != nil {
		return nil
	}
	s := v.holding(offset)
	of := r
	of.after = func(x point) bool { return x.base > offset }
	of.take = func(e Entry) bool { return e.Base+uint64(e.Count) <= offset || r.take(e) }
	more, err := l.inSegment(v, s, of)
	if err != nil || !more {
		return err
	}
	return l.readEntries(v, s.last+1, r)
}

// Read returns the records from one offset up to, not including, another: as
// many as have max bytes together, and at least one. Of what they refer to,
// much is shared: it must not be changed, and is kept as long as one of them
// is. Every record is checked. It returns none if below is not behind from;
// else it fails with [Compacted] or [Unavailable] if the log does not hold the
// first of them.
func (l *Log) Read(from, below uint64, max int) (records []Record, err error) {
	if from >= below {
		return nil, nil
	}
	err = l.retry(func(v *view) error {
		records = nil
		left := max
		var bad error
		err := l.fromOffset(v, from, reading{bytes: max, take: func(e Entry) bool {
			var more bool
			records, more, bad = take(records, e, limits{from, below, &left})
			if bad != nil {
				bad = &Corrupt{Segment: v.segment(e.Index).name, Index: e.Index, Offset: e.Base, Why: bad.Error()}
			}
			return more && bad == nil
		}})
		if err == nil {
			err = bad
		}
		return err
	})
	return records, err
}

// limits say which records are wanted.
type limits struct {
	from, below uint64
	left        *int // bytes
}

// take adds an entry's records to others, and tells whether more are wanted.
func take(records []Record, e Entry, l limits) ([]Record, bool, error) {
	if e.Base >= l.below {
		return records, false, nil
	}
	for r, err := range Decode(e) {
		if err != nil {
			return records, false, err
		}
		if r.Offset < l.from {
			continue
		}
		if *l.left -= r.size(); r.Offset >= l.below || *l.left < 0 && len(records) > 0 {
			return records, false, nil
		}
		records = append(records, r)
	}
	return records, *l.left > 0, nil
}

// size is how many bytes of its owner's a record has.
func (r *Record) size() int {
	n := len(r.Key) + len(r.Value)
	for i := range r.Header {
		n += len(r.Header[i].Name) + len(r.Header[i].Value)
	}
	return n
}

// Find returns the entry that holds the record of that offset, without its
// data.
func (l *Log) Find(offset uint64) (e Entry, err error) {
	err = l.retry(func(v *view) error {
		return l.fromOffset(v, offset, reading{take: func(found Entry) bool { e = found; return false }})
	})
	e.Data = nil
	return e, err
}

// At returns the offset of the first record whose time is not before t; if all
// are before it, the offset of the record to be appended next. It relies on
// times never going back.
func (l *Log) At(t time.Time) (offset uint64, err error) {
	nano := t.UnixNano()
	err = l.retry(func(v *view) error {
		offset = v.active.next
		for _, s := range append(slices.Clone(v.sealed), &v.active) {
			if s.newest < nano {
				continue
			}
			_, err := l.inSegment(v, s, reading{
				after: func(x point) bool { return x.newest >= nano },
				take:  func(e Entry) bool { return !firstAt(e, nano, &offset) },
			})
			return err
		}
		return nil
	})
	return offset, err
}

// firstAt sets offset to the first record of e that is not before nano, if
// there is one.
func firstAt(e Entry, nano int64, offset *uint64) bool {
	for b, err := range Batches(e.Data) {
		if err == nil && b.Time.UnixNano() >= nano {
			*offset = e.Base + uint64(b.First)
			return true
		}
	}
	return false
}
