// A segment: what is known of it, its preface and its summary.

package wal

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/rehearse-go/rehearse/commitlog/wal/internal/frame"
)

// A run is where a term begins in a segment.
type run struct{ index, term uint64 }

// A segment is one file. Once sealed it does not change. Its file begins with
// the preface: a head, a checkpoint, a hard state.
type segment struct {
	name        string
	first, base uint64 // index and offset that it begins with
	before      uint64 // term of the entry before first
	last, next  uint64 // its last index, first-1 if none; the offset behind it
	size        int64  // where its last frame ends
	runs        []run
	oldest      int64 // times of its records; MaxInt64 and MinInt64 if there are none
	newest      int64
}

func newSegment(first, base, before uint64) segment {
	return segment{
		name: segmentName(first, base), first: first, base: base, before: before,
		last: first - 1, next: base, oldest: math.MaxInt64, newest: math.MinInt64,
	}
}

func (s *segment) start() frame.Chain { return frame.Start(s.first, s.base) }

// headFrame is the segment's first frame.
func (s *segment) headFrame() frame.Frame {
	return frame.Frame{Kind: frame.Head, Index: s.first, Term: s.before, Base: s.base}
}

func stateFrame(s State) frame.Frame {
	return frame.Frame{Kind: frame.State, Index: s.Commit, Term: s.Term, Base: s.Vote}
}

func stateOf(f frame.Frame) State { return State{Term: f.Term, Vote: f.Base, Commit: f.Index} }

// preface returns what the segment's file begins with, and the chain behind it.
func (s *segment) preface(state State, checkpoint []byte) ([]byte, frame.Chain) {
	c := s.start()
	b := c.Append(nil, 0, s.headFrame())
	b = c.Append(b, int64(len(b)), frame.Frame{Kind: frame.Checkpoint, Index: s.first, Data: checkpoint})
	return c.Append(b, int64(len(b)), stateFrame(state)), c
}

// add takes note of an entry with its records.
func (s *segment) add(e *Entry, of span) {
	if s.lastTerm() != e.Term || len(s.runs) == 0 {
		s.runs = append(s.runs, run{e.Index, e.Term})
	}
	s.last, s.next = e.Index, e.Base+uint64(e.Count)
	if of.count > 0 {
		s.oldest, s.newest = min(s.oldest, of.oldest), max(s.newest, of.newest)
	}
}

// lastTerm is the term of the segment's last entry, or of the one before it.
func (s *segment) lastTerm() uint64 {
	if n := len(s.runs); n > 0 {
		return s.runs[n-1].term
	}
	return s.before
}

// term returns the term of an entry in the segment, or of the one before it.
func (s *segment) term(index uint64) uint64 {
	t := s.before
	for _, r := range s.runs {
		if r.index > index {
			break
		}
		t = r.term
	}
	return t
}

// sealData is the segment's summary: its last index and offset, times, term
// runs; then, for who reads from the end, the link before the seal and the
// seal's length.
func (s *segment) sealData(link uint32) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, s.sealDataSize(len(s.runs)))
	for _, x := range []uint64{s.last, s.next, uint64(s.oldest), uint64(s.newest)} {
		b = le.AppendUint64(b, x)
	}
	for _, r := range s.runs {
		b = le.AppendUint64(le.AppendUint64(b, r.index), r.term)
	}
	b = le.AppendUint32(b, link)
	return le.AppendUint32(b, uint32(frame.Size(cap(b))))
}

func (s *segment) sealDataSize(runs int) int { return 4*8 + 16*runs + 8 }

// sealRoom is what must stay free to seal the segment after more runs.
func (s *segment) sealRoom(more int) int64 {
	return int64(frame.Size(s.sealDataSize(len(s.runs) + more)))
}

// errSeal says that a seal is not one.
var errSeal = errors.New("its seal makes no sense")

// unseal sets what a seal says.
func (s *segment) unseal(b []byte) error {
	if len(b) < s.sealDataSize(0) || len(b)%16 != s.sealDataSize(0)%16 {
		return errSeal
	}
	le := binary.LittleEndian
	s.last, s.next = le.Uint64(b), le.Uint64(b[8:])
	s.oldest, s.newest = int64(le.Uint64(b[16:])), int64(le.Uint64(b[24:]))
	s.runs = nil
	at, term := s.first, s.before
	for b = b[32:]; len(b) > 8; b = b[16:] {
		r := run{le.Uint64(b), le.Uint64(b[8:])}
		if r.index < at || r.index > s.last || r.term < term {
			return errSeal
		}
		at, term = r.index+1, r.term
		s.runs = append(s.runs, r)
	}
	if s.last+1 < s.first || s.next < s.base || (len(s.runs) == 0) != (s.last+1 == s.first) {
		return errSeal
	}
	return nil
}

// trailer is how many bytes at the end of a sealed file tell where its seal begins.
const trailer = 8

// readSealed fills in a segment whose file is complete, from its two ends.
func (s *segment) readSealed(f File) error {
	size, err := f.Size()
	if err != nil {
		return err
	}
	s.size = size
	if err := s.readHead(f); err != nil {
		return err
	}
	why := "a sealed segment does not end with its seal"
	end := make([]byte, trailer)
	if size < int64(frame.Size(0))+trailer || size%8 != 0 {
		return s.corrupt(size, why)
	}
	if err := readFull(f, end, size-trailer); err != nil {
		return err
	}
	length := int64(binary.LittleEndian.Uint32(end[4:]))
	if length > size || length < int64(frame.Size(s.sealDataSize(0))) {
		return s.corrupt(size, why)
	}
	b := make([]byte, length)
	if err := readFull(f, b, size-length); err != nil {
		return err
	}
	c := frame.Chain{Salt: s.start().Salt, Link: binary.LittleEndian.Uint32(end)}
	seal, err := c.Next(b)
	if err == nil && (seal.Kind != frame.Seal || int64(seal.Size()) != length) {
		err = errSeal
	}
	if err == nil {
		err = s.unseal(seal.Data)
	}
	if err != nil {
		return s.corrupt(size-length, why+": "+err.Error())
	}
	return nil
}

// readHead reads a file's first frame.
func (s *segment) readHead(f File) error {
	b := make([]byte, frame.Size(0))
	if s.size < int64(len(b)) {
		return s.corrupt(0, "the file ends within its head")
	}
	if err := readFull(f, b, 0); err != nil {
		return err
	}
	c := s.start()
	head, err := c.Next(b)
	if err == nil && (head.Kind != frame.Head || head.Index != s.first || head.Base != s.base) {
		err = errors.New("it is not that of a segment of this name")
	}
	if err != nil {
		return s.corrupt(0, "the head: "+err.Error())
	}
	s.before = head.Term
	return nil
}

// corrupt returns the error for damage at pos, behind all that s knows of.
func (s *segment) corrupt(pos int64, why string) error {
	return &Corrupt{Segment: s.name, Pos: pos, Index: s.last + 1, Offset: s.next, Why: why}
}
