// Drawing a list of faults from a seed.

package faults

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/internal/chance"
)

// A Plan says what to draw. Only Nodes must be set.
type Plan struct {
	Seed   uint64        // decides every draw
	Nodes  []string      // whom it may befall
	Within time.Duration // faults begin before this, and may end after it; if 0, 30 s
	Pause  time.Duration // mean time from when a fault may begin until one does; if 0, 2 s
	Length time.Duration // mean time that a fault lasts; if 0, 3 s
	Kinds  []Kind        // what is drawn, and how often; if nil, Menu()
	Most   int           // faults in force at one time; if 0, 2: more hides what did it

	// Majority keeps, at each instant, more than half of the nodes well and
	// reaching each other both ways, so that a cluster that must go on can be
	// asked to. Not well is who suffers crash, kill, poweroff, stop, pause,
	// restart, full or a fault of its disk, and who is parted from everybody. A
	// disk's lie and flip are for good. Links, clocks and resets do not count,
	// and neither does the time a node needs to come back.
	Majority bool
}

// step is what every drawn time is a multiple of, so that texts stay short.
const step = 10 * time.Millisecond

// longest is the longest mean that can be drawn.
const longest = 24 * time.Hour

// with returns p with its zero fields filled in.
func (p Plan) with() Plan {
	p.Within = cmp.Or(p.Within, 30*time.Second)
	p.Pause = cmp.Or(p.Pause, 2*time.Second)
	p.Length = cmp.Or(p.Length, 3*time.Second)
	p.Most = cmp.Or(p.Most, 2)
	if p.Kinds == nil {
		p.Kinds = Menu()
	}
	return p
}

// Check tells what is wrong with p, for which Draw would panic.
func (p Plan) Check() error {
	p = p.with()
	if len(p.Nodes) == 0 {
		return errors.New("faults: a Plan without Nodes")
	}
	for i, name := range p.Nodes {
		if !isName(name) || slices.Contains(p.Nodes[:i], name) {
			return fmt.Errorf("faults: Plan.Nodes %q: %q cannot be a name, or is there twice", p.Nodes, name)
		}
	}
	if p.Within < 0 || p.Pause < 0 || p.Length < 0 || p.Most < 0 {
		return fmt.Errorf("faults: a Plan with Within %v, Pause %v, Length %v, Most %d: none may be negative",
			p.Within, p.Pause, p.Length, p.Most)
	}
	if p.Pause > longest || p.Length > longest || p.Within > 365*longest {
		return fmt.Errorf("faults: a Plan with Within %v, Pause %v, Length %v: "+
			"means are at most %v, all is at most a year", p.Within, p.Pause, p.Length, longest)
	}
	return checkKinds(p.Kinds)
}

// Draw draws faults, sorted by when they begin. The same plan gives the same
// list; one that is the same but for a longer Within gives a list that begins
// with it. Times are multiples of 10 ms; each is the product of two uniform
// draws, so that most are shorter than their mean and some up to four times as
// long.
//
// A fault may begin when fewer than Most are in force. What cannot befall
// anybody just then, because of Majority or of what is in force, is drawn
// again, eight times at most; then nothing begins at that instant.
//
// It panics if p.Check returns an error.
func Draw(p Plan) List {
	if err := p.Check(); err != nil {
		panic(err.Error())
	}
	p = p.with()
	var list List
	var c scene
	at := time.Duration(0)
	for i := uint64(0); ; i++ {
		d := dice{key: chance.Mix(chance.Mix(p.Seed) + i*chance.Golden)}
		at = c.free(p.Most, at) + d.time(p.Pause)
		if at >= p.Within {
			return list
		}
		c.over(func(s standing) bool { return s.fault.end() <= at })
		length := d.time(p.Length)
		if deed, ok := p.draw(&c, &d); ok {
			f := Fault{At: at, For: length, What: deed.String()}
			if deed.Momentary() {
				f.For = 0
			}
			c.begin(standing{len(list), f, deed})
			list = append(list, f)
		}
	}
}

// free returns when, from at on, fewer than most are in force.
func (c *scene) free(most int, at time.Duration) time.Duration {
	var ends []time.Duration
	for _, s := range c.now {
		if end := s.fault.end(); end > at {
			ends = append(ends, end)
		}
	}
	if len(ends) < most {
		return at
	}
	return slices.Min(ends)
}

// attempts is how often a deed is drawn for one instant.
const attempts = 8

// draw draws a deed that may come to what is in force.
func (p Plan) draw(c *scene, d *dice) (Deed, bool) {
	for range attempts {
		deed, ok := choose(p.Kinds, d).draw(p.Nodes, d)
		if ok && p.fits(c, deed) {
			return deed, true
		}
	}
	return Deed{}, false
}

// fits tells whether d may come to what is in force.
func (p Plan) fits(c *scene, d Deed) bool {
	text := d.String()
	if slices.ContainsFunc(c.now, func(s standing) bool { return s.fault.What == text }) {
		return false
	}
	if _, _, found := c.clash(d); found {
		return false
	}
	return !p.Majority || c.leavesMajority(p.Nodes, d)
}
