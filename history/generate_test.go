// Random histories of a log that is right, and the ten ways to damage them.

package history_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/rehearse-go/rehearse/history"
)

// A deed is one operation of a generated history, still to be changed.
type deed struct {
	client           string
	in               history.LogOp
	out              history.LogResult
	outcome          history.Outcome
	called, returned int
	takesEffect      bool // what became of an unknown one
	effect           bool // it has come
}

func (d *deed) acked() bool  { return d.in.Kind == history.LogProduce && d.outcome == history.Returned }
func (d *deed) isRead() bool { return d.in.Kind == history.LogRead }

// A story is a generated history: its operations, and what each node holds.
type story struct {
	rng    *rand.Rand
	clock  int
	deeds  []*deed
	log    []history.Record
	seen   map[string]int     // by client, how many records it has seen
	finals [][]history.Record // nil: nobody looked
}

// generate lets clients work on a log that is right: linearizable produces and
// reads, other reads behind it by as much as the session allows, failures, and
// operations that nobody knows the end of.
func generate(seed uint64, steps int) *story {
	s := &story{rng: rand.New(rand.NewPCG(seed, 1)), seen: map[string]int{}}
	busy := map[string]*deed{}
	for range steps {
		client := fmt.Sprintf("c%d", s.rng.IntN(5))
		switch d := busy[client]; {
		case d == nil:
			busy[client] = s.call(client)
		case !d.effect:
			s.work(d)
		default:
			s.finish(d)
			delete(busy, client)
		}
	}
	for range 3 {
		s.finals = append(s.finals, slices.Clone(s.log))
	}
	return s
}

func (s *story) call(client string) *deed {
	s.clock++
	d := &deed{client: client, called: s.clock, outcome: history.Returned, takesEffect: true}
	if s.rng.IntN(2) == 0 {
		d.in = history.LogOp{Kind: history.LogProduce, Value: fmt.Sprintf("v%d", len(s.deeds))}
		switch s.rng.IntN(10) {
		case 0:
			d.outcome, d.takesEffect = history.Failed, false
		case 1:
			d.outcome, d.takesEffect = history.Unknown, s.rng.IntN(2) == 0
		}
	} else {
		from := max(0, s.seen[client]-s.rng.IntN(10))
		d.in = history.LogOp{Kind: history.LogRead, From: int64(from), Linearizable: s.rng.IntN(2) == 0}
	}
	s.deeds = append(s.deeds, d)
	return d
}

func (s *story) work(d *deed) {
	d.effect = true
	switch {
	case !d.takesEffect:
	case d.isRead():
		end := len(s.log)
		if seen := s.seen[d.client]; !d.in.Linearizable && end > seen {
			end = seen + s.rng.IntN(end-seen+1)
		}
		d.out = history.Records(s.log[d.in.From:end]...)
		if n := len(d.out.Records); n > 2 && s.rng.IntN(4) == 0 {
			d.out = history.Some(d.out.Records[:n/2]...)
			end = int(d.in.From) + n/2
		}
		s.seen[d.client] = max(s.seen[d.client], end)
	default:
		d.out = history.At(int64(len(s.log)))
		s.log = append(s.log, history.Record{Offset: int64(len(s.log)), Value: d.in.Value})
	}
}

func (s *story) finish(d *deed) {
	s.clock++
	d.returned = s.clock
}

// replay makes the calls and returns in their order.
func (s *story) replay() *history.Log {
	type moment struct {
		at int
		do func()
	}
	var log history.Log
	var moments []moment
	for _, d := range s.deeds {
		var call *history.LogCall
		moments = append(moments, moment{d.called, func() { call = log.Call(d.client, d.in) }})
		if d.returned == 0 {
			continue
		}
		moments = append(moments, moment{d.returned, func() {
			switch d.outcome {
			case history.Returned:
				call.Return(d.out)
			case history.Failed:
				call.Fail(errors.New("refused"))
			default:
				call.Unknown()
			}
		}})
	}
	slices.SortFunc(moments, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	for _, m := range moments {
		m.do()
	}
	for i, records := range s.finals {
		log.Final(fmt.Sprintf("n%d", i), records...)
	}
	return &log
}

// done tells whether a deed was answered within the story.
func (d *deed) done() bool { return d.returned > 0 && d.outcome == history.Returned }

// readers counts the reads, but for the one left out, that returned an offset.
func (s *story) readers(offset int64, but *deed) (n int) {
	for _, d := range s.deeds {
		if d != but && d.done() && d.isRead() && has(d.out.Records, offset) {
			n++
		}
	}
	return n
}

func has(records []history.Record, offset int64) bool {
	return slices.ContainsFunc(records, func(r history.Record) bool { return r.Offset == offset })
}

func without(records []history.Record, offset int64) []history.Record {
	return slices.DeleteFunc(slices.Clone(records), func(r history.Record) bool { return r.Offset == offset })
}

// pick returns one of the deeds that pass, or nil.
func (s *story) pick(ok func(*deed) bool) *deed {
	var able []*deed
	for _, d := range s.deeds {
		if d.done() && ok(d) {
			able = append(able, d)
		}
	}
	if len(able) == 0 {
		return nil
	}
	return able[s.rng.IntN(len(able))]
}

// A damage changes a story into one that cannot be, in one way only. It
// returns false if the story has no place for it.
type damage struct {
	kind  history.Kind
	plant func(s *story) bool
}

var damages = []damage{
	{history.Lost, (*story).lose},
	{history.Duplicated, (*story).duplicate},
	{history.Reordered, (*story).reorder},
	{history.Skipped, (*story).skip},
	{history.NonMonotonic, func(s *story) bool { return s.shorten(false) }},
	{history.Unobserved, (*story).hide},
	{history.NeverProduced, func(s *story) bool { return s.appendToAll("nobody's") }},
	{history.Stale, func(s *story) bool { return s.shorten(true) }},
	{history.Divergent, (*story).diverge},
	{history.Phantom, (*story).phantom},
}

func (s *story) appendToAll(value string) bool {
	for i := range s.finals {
		s.finals[i] = append(s.finals[i], history.Record{Offset: int64(len(s.log)), Value: value})
	}
	return true
}

func (s *story) lose() bool {
	d := s.pick((*deed).acked)
	if d == nil {
		return false
	}
	for i := range s.finals {
		s.finals[i] = without(s.finals[i], d.out.Offset)
	}
	return true
}

func (s *story) duplicate() bool {
	return len(s.log) > 0 && s.appendToAll(s.log[s.rng.IntN(len(s.log))].Value)
}

func (s *story) phantom() bool {
	for _, d := range s.deeds {
		if d.outcome == history.Failed && d.returned > 0 {
			return s.appendToAll(d.in.Value)
		}
	}
	return false
}

func (s *story) diverge() bool {
	if len(s.log) == 0 {
		return false
	}
	at := s.rng.IntN(len(s.log))
	node := &s.finals[s.rng.IntN(len(s.finals))]
	switch s.rng.IntN(3) {
	case 0:
		(*node)[at].Value = "something else"
	case 1:
		*node = without(*node, int64(at))
	default:
		*node = append(*node, history.Record{Offset: int64(len(s.log)), Value: s.log[at].Value})
	}
	return true
}

// reorder swaps two acknowledged records of which one came before the other,
// such that no read tells of it.
func (s *story) reorder() bool {
	for _, a := range s.deeds {
		b := s.pick(func(b *deed) bool {
			return a.done() && a.acked() && b.acked() && a.returned < b.called && !s.watched(a, b)
		})
		if b == nil {
			continue
		}
		one, two := a.out.Offset, b.out.Offset
		a.out, b.out = b.out, a.out
		swap := func(records []history.Record) {
			for i := range records {
				switch records[i].Offset {
				case one:
					records[i].Value = b.in.Value
				case two:
					records[i].Value = a.in.Value
				}
			}
		}
		for _, d := range s.deeds {
			swap(d.out.Records)
		}
		for _, records := range s.finals {
			swap(records)
		}
		return true
	}
	return false
}

// watched tells whether a read called between a's call and b's return saw one of
// them, or had to.
func (s *story) watched(a, b *deed) bool {
	return slices.ContainsFunc(s.deeds, func(d *deed) bool {
		return d.done() && d.isRead() && d.called < b.returned && d.returned > a.called &&
			(d.in.Linearizable || has(d.out.Records, a.out.Offset) || has(d.out.Records, b.out.Offset))
	})
}

// skip takes a record out of one read that goes on behind it.
func (s *story) skip() bool {
	passable := func(d *deed) (offsets []int64) {
		for i, r := range d.out.Records {
			if i < len(d.out.Records)-1 && s.readers(r.Offset, d) > 0 {
				offsets = append(offsets, r.Offset)
			}
		}
		return offsets
	}
	d := s.pick(func(d *deed) bool { return len(passable(d)) > 0 })
	if d == nil {
		return false
	}
	offsets := passable(d)
	d.out.Records = without(d.out.Records, offsets[s.rng.IntN(len(offsets))])
	return true
}

// hide takes an acknowledged record out of every read, none of which ended
// with it.
func (s *story) hide() bool {
	d := s.pick(func(d *deed) bool { return d.acked() && s.readers(d.out.Offset, nil) > 0 && !s.isLast(d.out.Offset) })
	if d == nil {
		return false
	}
	for _, o := range s.deeds {
		if o.isRead() {
			o.out.Records = without(o.out.Records, d.out.Offset)
		}
	}
	return true
}

func (s *story) isLast(offset int64) bool {
	return slices.ContainsFunc(s.deeds, func(d *deed) bool {
		n := len(d.out.Records)
		return n > 0 && d.out.Records[n-1].Offset == offset
	})
}

// shorten takes the last record from a read to the end that had to return it:
// because it was acknowledged before, or because its session had seen it.
func (s *story) shorten(linearizable bool) bool {
	d := s.pick(func(d *deed) bool {
		n := len(d.out.Records)
		if !d.isRead() || d.in.Linearizable != linearizable || d.out.More || n == 0 {
			return false
		}
		last := d.out.Records[n-1].Offset
		return s.readers(last, d) > 0 && slices.ContainsFunc(s.deeds, func(o *deed) bool {
			before := o.done() && o.returned < d.called
			if linearizable {
				return before && o.acked() && o.out.Offset == last
			}
			return before && o.client == d.client && has(o.out.Records, last)
		})
	})
	if d == nil {
		return false
	}
	d.out.Records = d.out.Records[:len(d.out.Records)-1]
	return true
}
