// Which schedule is tried next.

package vnettest

import (
	"math/rand/v2"
	"slices"
)

// A plan hands out schedules, each once: the canonical order; then the single
// deviations from it, or as many as half of all that may be tried, evenly
// spread; then in turns a schedule that was run with one deviation more, in
// order, and one that is drawn. The first of these two leaves out nothing, so
// when it comes to its end everything has been tried.
type plan struct {
	seed    uint64
	limit   int
	runs    []*pilot // that were run, the canonical order first
	planned map[string]bool
	singles []schedule // still to be tried
	run     int        // where systematic has come to
	at      deviation  // and after which of its deviations
	turn    int
}

func newPlan(seed uint64, limit int) *plan {
	return &plan{seed: seed, limit: limit, planned: map[string]bool{}}
}

// next returns the next schedule; more is false when there is no other.
func (p *plan) next() (s schedule, more bool) {
	switch {
	case !p.planned[canonical]:
		p.planned[canonical] = true
		return nil, true
	case len(p.singles) > 0:
		s, p.singles = p.singles[0], p.singles[1:]
		p.planned[s.String()] = true
		return s, true
	}
	p.turn++
	if p.turn%2 == 0 {
		if s, found := p.drawn(); found {
			return s, true
		}
	}
	return p.systematic()
}

// ran notes what a run had to choose from.
func (p *plan) ran(run *pilot) {
	p.planned[run.actual().String()] = true
	p.runs = append(p.runs, run)
	if len(p.runs) > 1 {
		return
	}
	var all []schedule
	for i, width := range run.widths {
		for take := 2; take <= width; take++ {
			all = append(all, schedule{{i + 1, take}})
		}
	}
	most := min(len(all), p.limit/2)
	for i := range most {
		p.singles = append(p.singles, all[i*len(all)/most])
	}
}

// systematic goes over the runs, and of each over the deviations after its
// last: so every schedule is come to, from the one without its last.
func (p *plan) systematic() (schedule, bool) {
	for p.run < len(p.runs) {
		run := p.runs[p.run]
		base := run.actual()
		p.at = run.after(p.at, base.last()+1)
		switch {
		case p.at.at > len(run.widths):
			p.run, p.at = p.run+1, deviation{}
		case p.mark(base.with(p.at)):
			return base.with(p.at), true
		}
	}
	return nil, false
}

// after returns the deviation that comes after d, or, when d is zero, the
// first one from that choice on. The last is followed by one at a choice that
// there was not.
func (p *pilot) after(d deviation, first int) deviation {
	switch {
	case d.at == 0:
		return deviation{first, 2}
	case d.take < p.widths[d.at-1]:
		return deviation{d.at, d.take + 1}
	}
	return deviation{d.at + 1, 2}
}

// mark notes that s is going to be tried; it tells whether that is new.
func (p *plan) mark(s schedule) bool {
	name := s.String()
	if p.planned[name] {
		return false
	}
	p.planned[name] = true
	return true
}

// drawn returns a schedule by chance. The draw is keyed by how many turns
// there were.
func (p *plan) drawn() (schedule, bool) {
	r := rand.New(rand.NewPCG(p.seed, uint64(p.turn)))
	strategies := []func(*rand.Rand) schedule{p.extended, p.starved, p.scattered}
	for i := range 3 * len(strategies) {
		s := strategies[(p.turn/2+i)%len(strategies)](r)
		if len(s) > 0 && p.mark(s) {
			return s, true
		}
	}
	return nil, false
}

// extended is any of the runs with one deviation more.
func (p *plan) extended(r *rand.Rand) schedule {
	run := p.runs[r.IntN(len(p.runs))]
	base := run.actual()
	room := len(run.widths) - base.last()
	if room == 0 {
		return nil
	}
	at := base.last() + 1 + r.IntN(room)
	return base.with(deviation{at, 2 + r.IntN(run.widths[at-1]-1)})
}

// longest is how many deviations are drawn at once, at most.
const longest = 12

// starved passes over what would be first, some choices in a row. It is what
// priorities lowered at a random step come to (PCT: Burckhardt et al., "A
// Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", 2010).
func (p *plan) starved(r *rand.Rand) (s schedule) {
	choices := len(p.runs[0].widths)
	if choices < 2 {
		return nil
	}
	from := 1 + r.IntN(choices-1)
	for at := range 2 + r.IntN(min(choices-from, longest-1)) {
		s = s.with(deviation{from + at, 2})
	}
	return s
}

// scattered deviates here and there.
func (p *plan) scattered(r *rand.Rand) (s schedule) {
	widths := p.runs[0].widths
	if len(widths) < 2 {
		return nil
	}
	n := 2 + r.IntN(min(len(widths), longest)-1)
	choices := r.Perm(len(widths))[:n]
	slices.Sort(choices)
	for _, i := range choices {
		s = s.with(deviation{i + 1, 2 + r.IntN(widths[i]-1)})
	}
	return s
}
