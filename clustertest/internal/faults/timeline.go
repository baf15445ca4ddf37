// The timeline of a list, and what is in force at each instant of it.

package faults

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A Moment is the begin or the end of a fault.
type Moment struct {
	At    time.Duration // since the nemesis began
	Index int           // of the fault in its list
	End   bool          // it ends; otherwise it begins
}

// Timeline returns the moments of a list in the order in which they come. At
// one instant ends come before begins, and else the list's order counts. What
// is momentary, or lasts until the nemesis ends, has no end here.
func Timeline(list List) []Moment {
	var moments []Moment
	for i, f := range list {
		moments = append(moments, Moment{At: f.At, Index: i})
		if f.For > 0 {
			moments = append(moments, Moment{At: f.end(), Index: i, End: true})
		}
	}
	slices.SortStableFunc(moments, func(a, b Moment) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.rank(), b.rank()))
	})
	return moments
}

// rank puts ends before begins.
func (m Moment) rank() int {
	if m.End {
		return 0
	}
	return 1
}

// end returns when f ends: never, if it is the nemesis that ends it.
func (f Fault) end() time.Duration {
	if f.For == 0 || f.At > math.MaxInt64-f.For {
		return math.MaxInt64
	}
	return f.At + f.For
}

// A scene is what is in force at one instant.
type scene struct {
	now   []standing
	scars []Deed // what outlives its fault, of those that are over
}

type standing struct {
	index int // of the fault in its list
	fault Fault
	deed  Deed
}

// begin takes s into force. What is momentary is over at once.
func (c *scene) begin(s standing) {
	c.now = append(c.now, s)
	if s.deed.Momentary() {
		c.over(func(t standing) bool { return t.index == s.index })
	}
}

// over ends those that are chosen.
func (c *scene) over(chosen func(standing) bool) {
	c.now = slices.DeleteFunc(c.now, func(s standing) bool {
		if !chosen(s) {
			return false
		}
		if s.deed.scars() {
			c.scars = append(c.scars, s.deed)
		}
		return true
	})
}

// clash finds who stands in the way of d: the program of a node suffers one
// thing at a time.
func (c *scene) clash(d Deed) (with standing, host string, found bool) {
	if !d.ofProgram() {
		return standing{}, "", false
	}
	for _, s := range c.now {
		if !s.deed.ofProgram() {
			continue
		}
		for _, host := range d.Hosts {
			if slices.Contains(s.deed.Hosts, host) {
				return s, host, true
			}
		}
	}
	return standing{}, "", false
}

// among returns those of nodes that are in list, in the order of nodes.
func among(nodes, list []string) []string {
	return slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return !slices.Contains(list, n) })
}
