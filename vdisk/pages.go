// Pages: what a file reads as, what the medium holds, and what lay between.

package vdisk

import (
	"bytes"
	"slices"
)

const pageSize = 4096

type block [pageSize]byte

// blank is the page that nobody wrote. It is never written to.
var blank = new(block)

// maxPast is how many contents of one sector between the stable and the
// present one are remembered: the first so many. More would only add states.
const maxPast = 3

// A page is a piece of a file. Invariants:
//
//  1. what stable points to never changes, so copies of a disk may share it;
//  2. now is stable unless some sector is dirty or lost;
//  3. a sector that is neither dirty nor lost is the same in both.
type page struct {
	now, stable *block
	dirty       uint64      // sectors that the next sync stores
	lost        uint64      // sectors that differ and that no sync will store
	past        [][]version // of each sector, oldest first; nil if there are none
	queued      bool        // in its file's list of what a sync has to look at
}

// A version is what became of a sector before its present content: it had
// data, or the cut-th unsynced truncation left the first keep bytes of it.
type version struct {
	cut  int // 0 for data
	keep int
	data []byte
}

func newPage() *page { return &page{now: blank, stable: blank} }

// clean reports whether nothing of the page is waiting or lost.
func (p *page) clean() bool { return p.dirty|p.lost == 0 && p.past == nil }

// ownNow makes now a block that may be written to.
func (p *page) ownNow() {
	if p.now == p.stable || p.now == blank {
		c := *p.now
		p.now = &c
	}
}

// write puts b at off.
func (p *page) write(off int, b []byte, sector int) {
	p.ownNow()
	for s := off / sector; s*sector < off+len(b); s++ {
		p.touch(s, sector)
	}
	copy(p.now[off:], b)
}

// touch remembers sector s as it is, if a sync would store it, and marks it
// as changed.
func (p *page) touch(s, sector int) {
	bit := uint64(1) << s
	if p.dirty&bit != 0 && p.remembered(s) < maxPast {
		p.remember(s, version{data: bytes.Clone(p.now[s*sector : (s+1)*sector])}, sector)
	}
	p.dirty |= bit
	p.lost &^= bit
}

// remembered counts the contents of sector s that are remembered.
func (p *page) remembered(s int) (n int) {
	for _, v := range p.before(s) {
		if v.cut == 0 {
			n++
		}
	}
	return n
}

// before returns what became of sector s before its present content.
func (p *page) before(s int) []version {
	if p.past == nil {
		return nil
	}
	return p.past[s]
}

func (p *page) remember(s int, v version, sector int) {
	if p.past == nil {
		p.past = make([][]version, pageSize/sector)
	}
	p.past[s] = append(p.past[s], v)
}

// cut zeroes what lies behind from, as the file's n-th unsynced truncation.
func (p *page) cut(from, n, sector int) {
	old := p.now
	if from > 0 {
		p.ownNow()
	}
	for s := from / sector; s < pageSize/sector; s++ {
		keep := max(from-s*sector, 0)
		if rest := old[s*sector+keep : (s+1)*sector]; p.untouched(s) && bytes.Equal(rest, blank[:len(rest)]) {
			continue
		}
		p.touch(s, sector)
		p.mark(s, version{cut: n, keep: keep}, sector)
	}
	switch {
	case p.dirty|p.lost == 0:
		p.now = p.stable
	case from == 0:
		p.now = blank
	default:
		clear(p.now[from:])
	}
}

func (p *page) untouched(s int) bool { return (p.dirty|p.lost)&(1<<s) == 0 }

// mark remembers a truncation of sector s. Two with one number are one, at
// the lower end, and what was written between them is forgotten.
func (p *page) mark(s int, v version, sector int) {
	same := func(w version) bool { return w.cut == v.cut }
	if i := slices.IndexFunc(p.before(s), same); i >= 0 {
		v.keep = min(v.keep, p.past[s][i].keep)
		p.past[s] = p.past[s][:i]
	}
	p.remember(s, v, sector)
}

// sync stores what is dirty.
func (p *page) sync(sector int) {
	if p.lost == 0 {
		p.stable = p.now
	} else {
		p.stable = p.stored(sector)
	}
	p.past, p.dirty = nil, 0
}

// stored returns what the medium holds after a sync that stores all but what
// is lost.
func (p *page) stored(sector int) *block {
	b := *p.now
	for s := range pageSize / sector {
		if p.lost&(1<<s) != 0 {
			copy(b[s*sector:(s+1)*sector], p.truncated(s, sector))
		}
	}
	return &b
}

// truncated returns the stable content of sector s after the truncations since.
func (p *page) truncated(s, sector int) []byte {
	b := bytes.Clone(p.stable[s*sector : (s+1)*sector])
	for _, v := range p.before(s) {
		if v.cut > 0 {
			clear(b[v.keep:])
		}
	}
	return b
}

// fail takes from what is dirty the prospect of being stored. Truncations
// belong to the file, not to its data, and stay.
func (p *page) fail() {
	p.lost |= p.dirty
	p.dirty = 0
	for s := range p.past {
		p.past[s] = slices.DeleteFunc(p.past[s], func(v version) bool { return v.cut == 0 })
	}
}

// contents returns what sector s may hold after a crash that left the first
// cuts truncations done: first what is there if nothing written since arrived,
// last the newest. No two are equal.
func (p *page) contents(s, cuts, sector int) (list [][]byte) {
	list = append(list, bytes.Clone(p.stable[s*sector:(s+1)*sector]))
	for _, v := range p.before(s) {
		switch {
		case v.cut == 0:
			list = append(list, bytes.Clone(v.data))
		case v.cut <= cuts:
			for _, b := range list {
				clear(b[v.keep:])
			}
		case v.keep == 0:
			// What came later went to other sectors of the medium.
			return distinct(list)
		}
	}
	if p.dirty&(1<<s) != 0 {
		list = append(list, bytes.Clone(p.now[s*sector:(s+1)*sector]))
	}
	return distinct(list)
}

// distinct keeps of equal contents the first, but the first of all and the
// last of all keep their places.
func distinct(list [][]byte) (kept [][]byte) {
	for i, b := range list {
		same := func(c []byte) bool { return bytes.Equal(b, c) }
		if i == len(list)-1 && len(kept) > 0 && !same(kept[0]) {
			kept = slices.DeleteFunc(kept, same)
		}
		if !slices.ContainsFunc(kept, same) {
			kept = append(kept, b)
		}
	}
	return kept
}
