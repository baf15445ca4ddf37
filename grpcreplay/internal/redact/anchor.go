// Finding where a token may begin, at gigabytes a second.

package redact

import "encoding/binary"

// anchors finds the three bytes of each shape that tell it best. It looks at
// every second pair of bytes: of two pairs that overlap, one is among them.
type anchors struct {
	pairs [1 << 16]uint8 // 1 if the pair is part of an anchor; the first byte is the lower one
	slots [slots]slot    // anchors by a hash of them, with linear probing
}

const slots = 1 << 10

// A slot holds the shapes of one anchor, at least one; of none if it is empty.
type slot struct {
	anchor uint32
	shapes []*shape
}

func newAnchors(shapes []*shape) *anchors {
	a := &anchors{}
	for _, s := range shapes {
		three := s.prefix[s.anchor : s.anchor+3]
		a.pairs[uint16(three[0])|uint16(three[1])<<8] = 1
		a.pairs[uint16(three[1])|uint16(three[2])<<8] = 1
		key := triple([]byte(three))
		at := a.slot(key)
		at.anchor, at.shapes = key, append(at.shapes, s)
	}
	return a
}

func triple(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }

// slot returns the slot of an anchor, or the empty one where it would be.
func (a *anchors) slot(anchor uint32) *slot {
	for i := anchor * 0x9E3779B1 >> 22; ; i++ {
		s := &a.slots[i%slots]
		if s.anchor == anchor || s.shapes == nil {
			return s
		}
	}
}

// next returns the first place from pos on where an anchor stands, and the
// shapes that have it; none if there is no such place.
func (a *anchors) next(b []byte, pos int) (at int, shapes []*shape) {
	i := pos
	for ; i+16 <= len(b); i += 16 {
		v, w := binary.LittleEndian.Uint64(b[i:]), binary.LittleEndian.Uint64(b[i+8:])
		hit := a.pairs[uint16(v)] | a.pairs[uint16(v>>16)] | a.pairs[uint16(v>>32)] | a.pairs[uint16(v>>48)] |
			a.pairs[uint16(w)] | a.pairs[uint16(w>>16)] | a.pairs[uint16(w>>32)] | a.pairs[uint16(w>>48)]
		if hit == 0 {
			continue
		}
		if at, shapes = a.within(b, max(i-1, pos), i+15); shapes != nil {
			return at, shapes
		}
	}
	return a.within(b, max(i-1, pos), len(b))
}

// within returns the first anchor that begins in b[from:to].
func (a *anchors) within(b []byte, from, to int) (int, []*shape) {
	for at := from; at < min(to, len(b)-2); at++ {
		if a.pairs[uint16(b[at])|uint16(b[at+1])<<8] == 0 {
			continue
		}
		if s := a.slot(triple(b[at:])); s.shapes != nil {
			return at, s.shapes
		}
	}
	return 0, nil
}

// hints returns the places where a token may be, whatever stands around them.
// Where there are none no part of b has a token.
func (a *anchors) hints(b []byte, enough int) (places []int) {
	for pos := 0; len(places) < enough; {
		at, shapes := a.next(b, pos)
		if shapes == nil {
			break
		}
		for _, s := range shapes {
			if begin := at - s.anchor; s.mayBe(b, begin) {
				places = append(places, at)
				break
			}
		}
		pos = at + 1
	}
	return places
}

// A span is a part of a text that is a secret.
type span struct {
	from, to int
	what     string
}

// spans returns the tokens in a text, in order and apart from each other.
func (a *anchors) spans(b []byte) (found []span) {
	end := 0
	for pos := 0; ; {
		at, shapes := a.next(b, pos)
		if shapes == nil {
			return found
		}
		pos = at + 1
		if s, ok := oneOf(b, at, shapes); ok && s.from >= end {
			found = append(found, s)
			end, pos = s.to, max(pos, s.to)
		}
	}
}

func oneOf(b []byte, at int, shapes []*shape) (span, bool) {
	for _, s := range shapes {
		begin := at - s.anchor
		if !s.mayBe(b, begin) {
			continue
		}
		if from, to := s.find(b, begin); from < to && !isPseudonym(b[from:to]) {
			return span{from, to, s.what}, true
		}
	}
	return span{}, false
}
