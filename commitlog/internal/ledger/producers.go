// What producers have written, so that a retry is told from a new batch.

package ledger

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// Remembered is how many of its last batches are known of each producer.
const Remembered = 5

// MaxProducers is how many producers are remembered; of more, those go first
// whose last batch is the oldest.
const MaxProducers = 10_000

// A Place is where a batch lies: the index of its entry, the offset of its
// first record, and how many there are.
type Place struct {
	Sequence, Index, Offset uint64
	Count                   uint32
}

// A Verdict is what to do with a batch.
type Verdict int

// The verdicts.
const (
	New       Verdict = iota // it is the next one
	Known                    // it is in the log already
	OutOfTurn                // one between the last and this is missing
	Forgotten                // older than what is remembered
)

// Producers knows the last batches of each producer, in the log as far as it
// was told of it. What was told may be taken back, back to what is committed.
type Producers struct {
	last map[uint64][]Place // of each producer, in the order of the log
	undo []change
}

// A change is what to do to take one batch back.
type change struct {
	index    uint64
	producer uint64
	before   []Place
}

// NewProducers returns Producers that know nobody.
func NewProducers() *Producers { return &Producers{last: map[uint64][]Place{}} }

// Judge says what to do with a producer's batch and, if it is Known, where it
// lies, otherwise the place of its last.
func (p *Producers) Judge(producer, sequence uint64) (Verdict, Place) {
	places := p.last[producer]
	if producer == 0 || len(places) == 0 {
		return New, Place{}
	}
	last := places[len(places)-1]
	switch {
	case sequence == last.Sequence+1:
		return New, last
	case sequence > last.Sequence:
		return OutOfTurn, last
	}
	for _, at := range places {
		if at.Sequence == sequence {
			return Known, at
		}
	}
	return Forgotten, last
}

// Add tells of a batch in the log; those of one entry follow one another.
func (p *Producers) Add(producer uint64, at Place) {
	if producer == 0 {
		return
	}
	before := p.last[producer]
	p.undo = append(p.undo, change{at.Index, producer, before})
	keep := before[max(0, len(before)-Remembered+1):]
	p.last[producer] = append(slices.Clip(keep), at)
}

// Truncate takes back what lies at index and behind it.
func (p *Producers) Truncate(index uint64) {
	for len(p.undo) > 0 {
		c := p.undo[len(p.undo)-1]
		if c.index < index {
			return
		}
		p.undo = p.undo[:len(p.undo)-1]
		if c.before == nil {
			delete(p.last, c.producer)
			continue
		}
		p.last[c.producer] = c.before
	}
}

// Commit says that nothing up to index will be taken back.
func (p *Producers) Commit(index uint64) {
	n, _ := slices.BinarySearchFunc(p.undo, index+1, func(c change, i uint64) int { return cmp.Compare(c.index, i) })
	clear(p.undo[:n])
	p.undo = p.undo[n:]
	// So many at least have nothing that may be taken back.
	if over := len(p.last) - len(p.undo) - MaxProducers; over > MaxProducers/8 {
		p.forget(over)
	}
}

// forget removes the n producers that have been silent longest.
func (p *Producers) forget(n int) {
	ids := slices.SortedFunc(maps.Keys(p.last), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(p.newest(a), p.newest(b)), cmp.Compare(a, b))
	})
	for _, id := range ids[:n] {
		delete(p.last, id)
	}
}

func (p *Producers) newest(producer uint64) uint64 {
	places := p.last[producer]
	return places[len(places)-1].Index
}

// Len is how many producers are known.
func (p *Producers) Len() int { return len(p.last) }

// Append appends what p knows to dst, for Parse.
func (p *Producers) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(p.last)))
	for _, id := range slices.Sorted(maps.Keys(p.last)) {
		dst = binary.AppendUvarint(dst, id)
		dst = binary.AppendUvarint(dst, uint64(len(p.last[id])))
		for _, at := range p.last[id] {
			for _, n := range [...]uint64{at.Sequence, at.Index, at.Offset, uint64(at.Count)} {
				dst = binary.AppendUvarint(dst, n)
			}
		}
	}
	return dst
}

// parse reads what Append has written.
func (r *reader) producers() *Producers {
	p := NewProducers()
	for range r.count("producers", len(r.rest)) {
		id := r.number()
		var places []Place
		for range r.count("batches of a producer", Remembered) {
			at := Place{r.number(), r.number(), r.number(), uint32(r.number())}
			places = append(places, at)
		}
		if len(places) == 0 && r.err == nil {
			r.err = fmt.Errorf("producer %d has no batch", id)
		}
		if r.err != nil {
			return p
		}
		p.last[id] = places
	}
	return p
}
