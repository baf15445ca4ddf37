// Opening a log: what a crash has left, and what is damage.

package wal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/commitlog/wal/internal/frame"
)

// recover finds the segments, and repairs the end of the last.
func (l *Log) recover() error {
	if err := l.redo(); err != nil {
		return err
	}
	list, err := l.list()
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return l.found()
	}
	var before *segment
	for i := range list {
		s := &list[i]
		if i == len(list)-1 {
			return l.recoverLast(s, before)
		}
		if err := l.recoverSealed(s, before); err != nil {
			return err
		}
		l.sealed = append(l.sealed, s)
		before = s
	}
	return nil
}

// redo finishes what was being done when the log was left.
func (l *Log) redo() error {
	if err := l.redoInstall(); err != nil {
		return err
	}
	return l.redoCut()
}

// list returns the segments there are, in order, and removes what belongs to none.
func (l *Log) list() (list []segment, err error) {
	names, err := l.config.FS.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if first, base, ok := parseName(name); ok {
			list = append(list, newSegment(first, base, 0))
		}
	}
	for _, name := range names {
		segment, isIndex := strings.CutSuffix(name, indexExt)
		orphan := isIndex && !slices.Contains(names, segment+segmentExt)
		if !orphan && name != spareName && !strings.HasSuffix(name, fresh) {
			continue
		}
		if err := remove(l.config.FS, name); err != nil { // a slow reader's index may be gone by itself
			return nil, err
		}
	}
	return list, nil
}

// found makes the first segment of a new log.
func (l *Log) found() error {
	if _, err := l.config.FS.Stat(identityName); !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return err
		}
		return &Corrupt{Segment: segmentName(1, 0), Index: 1, Why: "the log has an identity, and not one segment"}
	}
	return l.begin()
}

// recoverSealed reads what the seal of a complete segment says.
func (l *Log) recoverSealed(s, before *segment) error {
	f, err := l.config.FS.OpenFile(s.name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := s.readSealed(f); err != nil {
		return err
	}
	return s.follows(before)
}

// follows returns an error unless s begins where the one before it ends.
func (s *segment) follows(before *segment) error {
	if before == nil || s.first == before.last+1 && s.base == before.next && s.before == before.lastTerm() {
		return nil
	}
	at := *s
	at.last, at.next = before.last, before.next
	return at.corrupt(0, fmt.Sprintf("the segment before ends with entry %d, before offset %d; one is missing between",
		before.last, before.next))
}

// A recovery goes through the last segment.
type recovery struct {
	active
	cursor cursor
	state  State
	every  int64
}

// recoverLast goes through the last segment, cuts off what was never synced
// and makes the rest durable, whatever it was before.
func (l *Log) recoverLast(s, before *segment) error {
	f, err := l.config.FS.OpenFile(s.name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	l.active.handle = &handle{name: s.name, file: f, refs: 1}
	r := recovery{active: active{segment: *s, handle: l.active.handle}, every: int64(l.config.IndexEvery)}
	if r.limit, err = f.Size(); err != nil {
		return err
	}
	r.size = r.limit
	if err := r.readHead(f); err != nil {
		return err
	}
	r.size = 0
	if err := r.segment.follows(before); err != nil {
		return err
	}
	r.cursor = cursor{file: f, chain: r.start(), end: r.limit, chunk: 1 << 20}
	if err := r.run(); err != nil {
		return err
	}
	l.active, l.state = r.active, r.state
	return nil
}

// run reads the frames, judges what lies behind them, and repairs it.
func (r *recovery) run() error {
	if err := r.readPreface(); err != nil {
		return err
	}
	for {
		link := r.cursor.chain.Link
		f, at, err := r.cursor.next()
		switch {
		case err == io.EOF:
		case isBad(err):
			err = r.judge(f, at, err)
		case err == nil:
			err = r.take(f, at, link)
			if err == nil {
				continue
			}
		}
		if err != nil && err != io.EOF {
			return err
		}
		break
	}
	r.chain = r.cursor.chain
	if err := r.consistent(); err != nil {
		return err
	}
	return r.repair()
}

// readPreface reads what every segment begins with. It was synced before the
// segment got its name, so nothing in it may be bad.
func (r *recovery) readPreface() error {
	for _, kind := range []frame.Kind{frame.Head, frame.Checkpoint, frame.State} {
		f, at, err := r.cursor.next()
		if err == io.EOF {
			err = frame.ErrShort
		}
		if err == nil && f.Kind != kind {
			err = errors.New("another frame is there")
		}
		if isBad(err) || err == nil && f.Kind != kind {
			return r.corrupt(at, "the segment's beginning: "+err.Error())
		}
		if err != nil {
			return err
		}
		r.state = stateOf(f)
	}
	r.size = r.cursor.pos
	r.durable, r.marked = r.size, r.size
	return nil
}

// take takes note of a good frame.
func (r *recovery) take(f frame.Frame, at int64, link uint32) error {
	if int64(f.Mark) > at || f.Mark > 0 && int64(f.Mark) < 0 {
		return r.corrupt(at, "its durable mark lies behind it")
	}
	if r.complete {
		return r.corrupt(at, "a frame behind the seal")
	}
	r.durable = max(r.durable, int64(f.Mark))
	r.marked, r.size, r.complete = r.durable, r.cursor.pos, f.Kind == frame.Seal
	if f.Kind != frame.Mark {
		r.content = r.size
	}
	switch f.Kind {
	case frame.State:
		r.state = stateOf(f)
	case frame.Entry:
		return r.takeEntry(f, at, link)
	case frame.Head, frame.Checkpoint:
		return r.corrupt(at, "a segment's beginning is there")
	}
	return nil
}

func (r *recovery) takeEntry(f frame.Frame, at int64, link uint32) error {
	if f.Index != r.last+1 || f.Base != r.next || f.Term < r.lastTerm() {
		return r.corrupt(at, "an entry that does not follow the one before it")
	}
	of, err := spanOf(f.Data)
	if err == nil && of.count != f.Count {
		err = errCount
	}
	if err != nil {
		return r.corrupt(at, err.Error())
	}
	e := entryOf(f)
	r.points = r.points.add(point{f.Index, f.Base, at, r.newest, link}, r.every)
	r.add(&e, of)
	return nil
}

// judge returns nil if what is bad at pos was never synced: there is nothing,
// or a frame that was being written when the power went.
func (r *recovery) judge(f frame.Frame, pos int64, bad error) error {
	b := make([]byte, 1<<16)
	rest, err := lastByte(r.cursor.file, pos, r.limit, b)
	if err != nil || rest == pos {
		return err
	}
	later, err := r.laterMark(pos)
	if err != nil {
		return err
	}
	if later {
		return r.corrupt(pos, bad.Error()+", though a later one says that it was synced")
	}
	size := int64(frame.HeaderSize)
	if bad == frame.ErrData {
		size = int64(f.Size())
	}
	end := min((pos+size+frame.Sector-1)/frame.Sector*frame.Sector, r.limit)
	b = make([]byte, end-pos)
	if err := readFull(r.cursor.file, b, pos); err != nil {
		return err
	}
	if !frame.Torn(b, pos) {
		return r.corrupt(pos, bad.Error()+", though every sector of it was written")
	}
	return nil
}

// lastByte returns the position behind the last byte from pos to end that is
// not 0; pos, if there is none.
func lastByte(f File, pos, end int64, b []byte) (int64, error) {
	for end > pos {
		b = b[:min(int64(len(b)), end-pos)]
		if err := readFull(f, b, end-int64(len(b))); err != nil {
			return 0, err
		}
		if !frame.Blank(b) {
			return end, nil
		}
		end -= int64(len(b))
	}
	return pos, nil
}

// laterMark tells whether behind pos there is a frame of this segment which
// says that the segment was synced beyond pos.
func (r *recovery) laterMark(pos int64) (bool, error) {
	b := make([]byte, 1<<20)
	for from := pos + 8; from+frame.HeaderSize <= r.limit; from += int64(len(b)) - frame.HeaderSize + 8 {
		b = b[:min(int64(len(b)), r.limit-from)]
		if err := readFull(r.cursor.file, b, from); err != nil {
			return false, err
		}
		for i := 0; i+frame.HeaderSize <= len(b); i += 8 {
			f, err := r.cursor.chain.Header(b[i:])
			if err == nil && f.Mark > uint64(pos) && f.Mark <= uint64(from)+uint64(i) {
				return true, nil
			}
		}
		if int64(len(b)) == r.limit-from {
			break
		}
	}
	return false, nil
}

// consistent returns an error if what was found cannot be all.
func (r *recovery) consistent() error {
	if !r.complete && r.limit-r.size < r.sealRoom(0) {
		return r.corrupt(r.limit, "the file is shorter than it was made")
	}
	if r.state.Commit > r.last {
		return r.corrupt(r.size, fmt.Sprintf("entries up to %d were committed", r.state.Commit))
	}
	if t := r.lastTerm(); t > r.state.Term {
		r.state.Term, r.state.Vote = t, 0 // its hard state was behind it, and is lost with the rest
	}
	return nil
}

// repair zeroes what lies behind the last good frame, cuts it off where that is
// a seal, and stores again what may be in memory only: after a sync that
// failed, a kernel takes for stored what is not.
func (r *recovery) repair() error {
	f := r.handle.file
	if err := zero(f, r.size, r.limit); err != nil {
		return err
	}
	if r.complete && r.size < r.limit {
		if err := f.Truncate(r.size); err != nil {
			return err
		}
		r.limit = r.size
	}
	b := make([]byte, 1<<16)
	for pos := r.durable; pos < r.size; pos += int64(len(b)) {
		b = b[:min(int64(cap(b)), r.size-pos)]
		if err := readFull(f, b, pos); err != nil {
			return err
		}
		if _, err := f.WriteAt(b, pos); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	r.durable = r.size
	return nil
}
