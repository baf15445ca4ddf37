// Finding where a token may begin, at gigabytes a second.

package redact

import (
	"encoding/binary"
	"math/bits"
)

// anchors finds the three bytes of each shape that tell it best. It looks at
// every second pair of bytes: of two pairs that overlap, one is among them.
type anchors struct {
	pairs [1 << 16]uint8 // what the pair may be of an anchor; its first byte is the lower one
	slots [slots]slot    // anchors by a hash of them, with linear probing
}

// What a pair of bytes may be of an anchor.
const (
	back  = 1 // the lower bit, since it begins first
	front = 2
)

const slots = 1 << 10

// A slot holds the shapes of one anchor, at least one; none if it is empty.
type slot struct {
	anchor uint32
	shapes []*shape
}

func newAnchors(shapes []*shape) *anchors {
	a := &anchors{}
	for _, s := range shapes {
		three := []byte(s.prefix[s.anchor : s.anchor+3])
		a.pairs[pair(three)] |= front
		a.pairs[pair(three[1:])] |= back
		key := triple(three)
		at := a.slot(key)
		at.anchor, at.shapes = key, append(at.shapes, s)
	}
	return a
}

func pair(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }

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

// block is how many bytes are looked at together.
const block = 16

// next returns the first place from pos on where an anchor stands, and the
// shapes that have it; none if there is no such place.
func (a *anchors) next(b []byte, pos int) (at int, shapes []*shape) {
	if len(b)-pos < block {
		return a.oneByOne(b, pos)
	}
	for i := pos; ; i += block {
		i = min(i, len(b)-block)
		v, w := binary.LittleEndian.Uint64(b[i:]), binary.LittleEndian.Uint64(b[i+8:])
		hit := a.pairs[uint16(v)] | a.pairs[uint16(v>>16)] | a.pairs[uint16(v>>32)] | a.pairs[uint16(v>>48)] |
			a.pairs[uint16(w)] | a.pairs[uint16(w>>16)] | a.pairs[uint16(w>>32)] | a.pairs[uint16(w>>48)]
		if hit != 0 {
			if at, shapes = a.within(b, i, pos); shapes != nil {
				return at, shapes
			}
		}
		if i == len(b)-block {
			return 0, nil
		}
	}
}

// within returns the first anchor that begins at pos or later and of which a
// pair stands at an even place of the block at i.
func (a *anchors) within(b []byte, i, pos int) (int, []*shape) {
	v, w := binary.LittleEndian.Uint64(b[i:]), binary.LittleEndian.Uint64(b[i+8:])
	found := uint64(a.pairs[uint16(v)]) | uint64(a.pairs[uint16(v>>16)])<<8 |
		uint64(a.pairs[uint16(v>>32)])<<16 | uint64(a.pairs[uint16(v>>48)])<<24 |
		uint64(a.pairs[uint16(w)])<<32 | uint64(a.pairs[uint16(w>>16)])<<40 |
		uint64(a.pairs[uint16(w>>32)])<<48 | uint64(a.pairs[uint16(w>>48)])<<56
	for ; found != 0; found &= found - 1 {
		bit := bits.TrailingZeros64(found)
		at := i + bit/8*2
		if 1<<(bit%8) == back { // the back of one that begins before
			at--
		}
		if shapes := a.at(b, at); at >= pos && shapes != nil {
			return at, shapes
		}
	}
	return 0, nil
}

// at returns the shapes whose anchor stands at a place.
func (a *anchors) at(b []byte, at int) []*shape {
	if at < 0 || at+3 > len(b) || a.pairs[pair(b[at:])]&front == 0 || a.pairs[pair(b[at+1:])]&back == 0 {
		return nil
	}
	return a.slot(triple(b[at:])).shapes
}

func (a *anchors) oneByOne(b []byte, pos int) (int, []*shape) {
	for at := pos; at+3 <= len(b); at++ {
		if a.pairs[pair(b[at:])]&front == 0 {
			continue
		}
		if shapes := a.at(b, at); shapes != nil {
			return at, shapes
		}
	}
	return 0, nil
}

// hint returns the first place from pos on where a token may be, whatever
// stands around it; a negative one if no part of b has a token from there on.
func (a *anchors) hint(b []byte, pos int) int {
	for {
		at, shapes := a.next(b, pos)
		if shapes == nil {
			return -1
		}
		for _, s := range shapes {
			if s.mayBe(b, at-s.anchor) {
				return at
			}
		}
		pos = at + 1
	}
}

func (a *anchors) hinted(b []byte) bool { return a.hint(b, 0) >= 0 }

// hints returns all places where a token may be.
func (a *anchors) hints(b []byte) (places []int) {
	for at := a.hint(b, 0); at >= 0; at = a.hint(b, at+1) {
		places = append(places, at)
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
