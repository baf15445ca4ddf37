// Judging offset by offset: lost, duplicated, unobserved, never produced, phantom, and what is skipped.

package history

import (
	"cmp"
	"slices"
)

// nobody is the producer of what nobody produced.
const nobody = -1

// A home is what is known of one value: who produced it, where it was seen.
type home struct {
	value    string
	producer int32 // index in ops; nobody
	seen     bool
	first    sight // if seen
	again    bool  // seen at another offset too
	early    bool  // seen before it was produced
	isFinal  bool  // the final logs hold it
}

// judge goes through what was seen, offset by offset.
func (c *logCheck) judge() {
	for _, s := range c.sights {
		c.settle(s)
	}
	reaches, top := c.reaches, mark{-1, 0}
	for rest := c.sights; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].offset == rest[0].offset {
			n++
		}
		for len(reaches) > 0 && reaches[0].from <= rest[0].offset {
			top.raise(reaches[0].top.offset, reaches[0].top.op)
			reaches = reaches[1:]
		}
		c.judgeOffset(rest[:n], top)
		rest = rest[n:]
	}
}

// settle notes where a value is at home, and tells at once of values that
// have no right to be anywhere, and of those that have two homes.
func (c *logCheck) settle(s sight) {
	h := &c.homes[s.value]
	if !h.seen {
		h.seen, h.first = true, s
		c.unwelcome(s, h)
	}
	c.early(s, h)
	h.isFinal = h.isFinal || s.from == final
	if h.again || h.first.offset == s.offset {
		return
	}
	h.again = true
	op, other := &c.ops[h.first.op], &c.ops[s.op]
	c.add(Finding{Kind: Duplicated, Offset: s.offset, Op: other.ID, Other: op.ID},
		"%.60q is at offset %d as well: %v; %v", h.value, h.first.offset, other, op)
}

// unwelcome tells of a value that nobody produced, or whose produce failed.
func (c *logCheck) unwelcome(s sight, h *home) {
	op := &c.ops[s.op]
	switch {
	case h.producer == nobody:
		c.add(Finding{Kind: NeverProduced, Offset: s.offset, Op: op.ID}, "nobody produced %.60q: %v", h.value, op)
	case c.ops[h.producer].Outcome == Failed:
		c.add(Finding{Kind: Phantom, Offset: s.offset, Op: op.ID, Other: c.ops[h.producer].ID},
			"%v; was seen by %v", c.ops[h.producer], op)
	}
}

// early tells of a value that was read before anybody asked to produce it.
func (c *logCheck) early(s sight, h *home) {
	op := &c.ops[s.op]
	if h.early || h.producer == nobody || s.from != read || op.Returned >= c.ops[h.producer].Called {
		return
	}
	h.early = true
	c.add(Finding{Kind: NeverProduced, Offset: s.offset, Op: op.ID, Other: c.ops[h.producer].ID},
		"read before it was produced: %v; %v", op, c.ops[h.producer])
}

// judgeOffset holds against each other what is known of one offset: first
// what was acknowledged, then what the final logs hold, then what was read. The
// top is the highest record of the sessions that began no higher than here.
func (c *logCheck) judgeOffset(here []sight, top mark) {
	acks := here[:firstNot(here, acked)]
	seen := here[len(acks):]
	reads := seen[firstNot(seen, final):]
	lost := false
	for _, a := range acks {
		lost = c.lost(a, seen) || lost
	}
	switch {
	case len(acks) == 0:
		c.disagree(seen)
	case len(acks) > 1 && !lost:
		lost = true
		op, other := &c.ops[acks[1].op], &c.ops[acks[0].op]
		c.add(Finding{Kind: Lost, Offset: acks[1].offset, Op: op.ID, Other: other.ID},
			"%v; was acknowledged at the offset of %v", op, other)
	}
	switch {
	case lost:
	case len(reads) > 0:
		c.seen = append(c.seen, reads[0])
	case len(acks) == 0:
		c.seen = append(c.seen, seen[0])
	case acks[0].offset < top.offset:
		op, other := &c.ops[acks[0].op], &c.ops[top.op]
		c.add(Finding{Kind: Unobserved, Offset: acks[0].offset, Op: op.ID, Other: other.ID},
			"%v; no read returned it, but its session read on: %v", op, other)
	}
}

// firstNot returns how many sights of one source here begins with.
func firstNot(here []sight, from source) int {
	n := slices.IndexFunc(here, func(s sight) bool { return s.from != from })
	if n < 0 {
		return len(here)
	}
	return n
}

// lost tells of an acknowledged record that is not there: no final log holds
// its value anywhere, or something else was read in its place.
func (c *logCheck) lost(a sight, seen []sight) bool {
	op := &c.ops[a.op]
	f := Finding{Kind: Lost, Offset: a.offset, Op: op.ID}
	h := c.homes[a.value]
	if len(c.finals) > 0 && !h.isFinal {
		last := &c.ops[c.finals[0]]
		if len(seen) > 0 && seen[0].from == final {
			last = &c.ops[seen[0].op]
		}
		f.Other = last.ID
		c.add(f, "%v; is in no final log: %v", op, last)
		return true
	}
	i := slices.IndexFunc(seen, func(s sight) bool { return s.from == read && s.value != a.value })
	if i < 0 {
		return false
	}
	other := &c.ops[seen[i].op]
	f.Other = other.ID
	c.add(f, "%v; but %.60q was read there: %v", op, c.homes[seen[i].value].value, other)
	return true
}

// disagree tells of two values seen at an offset where nothing was
// acknowledged, or of one that was read and is in no final log.
func (c *logCheck) disagree(seen []sight) {
	first := seen[0]
	op := &c.ops[first.op]
	if len(c.finals) > 0 && first.from == read && !c.homes[first.value].isFinal {
		other := &c.ops[c.finals[0]]
		c.add(Finding{Kind: Divergent, Offset: first.offset, Op: op.ID, Other: other.ID},
			"%.60q was read and is in no final log: %v; %v", c.homes[first.value].value, op, other)
		return
	}
	for _, s := range seen[1:] {
		if s.value != first.value {
			other := &c.ops[s.op]
			c.add(Finding{Kind: Divergent, Offset: s.offset, Op: other.ID, Other: op.ID},
				"%.60q was read where %.60q is: %v; %v",
				c.homes[s.value].value, c.homes[first.value].value, other, op)
			return
		}
	}
}

// skips holds each read against what others have seen between its records.
func (c *logCheck) skips() {
	for _, i := range c.reads {
		if op := &c.ops[i]; descent(op) < 0 {
			c.skipsOf(op)
		}
	}
}

func (c *logCheck) skipsOf(op *Op[LogOp, LogResult]) {
	next := c.seenFrom(op.In.From)
	for _, r := range op.Out.Records {
		at := next
		if at >= len(c.seen) || c.seen[at].offset != r.Offset {
			at = c.seenFrom(r.Offset)
		}
		if at > next {
			c.skipped(op, c.seen[next:at])
		}
		next = at
		if at < len(c.seen) && c.seen[at].offset == r.Offset {
			next++
		}
	}
}

// seenFrom returns the place of the first offset in seen that is not lower.
func (c *logCheck) seenFrom(offset int64) int {
	at, _ := slices.BinarySearchFunc(c.seen, offset, func(s sight, o int64) int { return cmp.Compare(s.offset, o) })
	return at
}

func (c *logCheck) skipped(op *Op[LogOp, LogResult], missing []sight) {
	other := &c.ops[missing[0].op]
	c.add(Finding{Kind: Skipped, Offset: missing[0].offset, Op: op.ID, Other: other.ID},
		"%d records are passed over by %v; %v", len(missing), op, other)
}
