// A schedule: which of the waiting segments went out of turn, as text and in words.

package vnettest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/internal/again"
	"github.com/rehearse-go/rehearse/vnet"
)

// canonical is the name of the schedule without deviations.
const canonical = "default"

// A deviation takes a later one of the waiting segments. Both numbers count
// from 1; taking the first is no deviation.
type deviation struct {
	at   int // the choice, of those where there was more than one to choose from
	take int // the segment, among those that wait
}

// A schedule is a run's deviations from the canonical order, by rising choice.
type schedule []deviation

// String is the schedule's name, a subtest's: "3:2,17-19:4". Choices in a row
// at which the same is taken are written as one.
func (s schedule) String() string {
	if len(s) == 0 {
		return canonical
	}
	var parts []string
	for from := 0; from < len(s); {
		to := from
		for to+1 < len(s) && s[to+1] == (deviation{s[to].at + 1, s[to].take}) {
			to++
		}
		choices := strconv.Itoa(s[from].at)
		if to > from {
			choices += "-" + strconv.Itoa(s[to].at)
		}
		parts = append(parts, choices+":"+strconv.Itoa(s[from].take))
		from = to + 1
	}
	return strings.Join(parts, ",")
}

// last is the choice of the last deviation, or 0.
func (s schedule) last() int {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].at
}

// with returns s with one more deviation, which comes after all others.
func (s schedule) with(d deviation) schedule { return append(s[:len(s):len(s)], d) }

// most is how many deviations a name may stand for.
const most = 1 << 16

// parseSchedule reads what String wrote, and nothing else.
func parseSchedule(name string) (s schedule, err error) {
	if name == canonical {
		return nil, nil
	}
	for part := range strings.SplitSeq(name, ",") {
		choices, take, _ := strings.Cut(part, ":")
		from, to, several := strings.Cut(choices, "-")
		if !several {
			to = from
		}
		for at := number(from); at <= number(to) && len(s) <= most; at++ {
			s = append(s, deviation{at, number(take)})
		}
	}
	strictly := func(later, d deviation) int { return cmp.Compare(later.at, d.at+1) }
	rising := slices.IsSortedFunc(s, strictly)
	wrong := func(d deviation) bool { return d.at < 1 || d.take < 2 }
	if len(s) > most || !rising || slices.ContainsFunc(s, wrong) || s.String() != name {
		return nil, fmt.Errorf("%q names no schedule: that is %q, or deviations by rising choice such as 3:2,17-19:4 "+
			"(at choice 3 the second of those that wait goes first, at 17 to 19 the fourth)", name, canonical)
	}
	return s, nil
}

// number reads a number; of what is none it is 0.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// A pilot steers one run by a schedule and notes what there was to choose. It
// is used on the goroutine that steps, and by others when that has ended.
type pilot struct {
	left   schedule // to come
	widths []int    // how many waited at each choice
	made   []made
}

// made is a deviation that fitted, and what it did.
type made struct {
	deviation
	went, before string // the segments: taken, and first in turn
}

func (m made) String() string { return m.went + " went before " + m.before }

// atChoice begins the line about a deviation.
const atChoice = "at choice "

// order is a [vnet.Order]. A deviation that does not fit, since fewer wait, is
// left out.
func (p *pilot) order(waiting []vnet.Segment) int {
	if len(waiting) == 1 {
		return 0
	}
	p.widths = append(p.widths, len(waiting))
	if len(p.left) == 0 || p.left[0].at != len(p.widths) {
		return 0
	}
	d := p.left[0]
	p.left = p.left[1:]
	if d.take > len(waiting) {
		return 0
	}
	m := made{d, unnumbered(waiting[d.take-1]), unnumbered(waiting[0])}
	p.made = append(p.made, m)
	if again.Inside() { // the process may not come to its end
		fmt.Printf("\n%s%d, %v\n", atChoice, m.at, m)
	}
	return d.take - 1
}

// unnumbered is a segment's text without the number it has while it waits.
func unnumbered(s vnet.Segment) string {
	s.ID = 0
	return s.String()
}

// actual is the schedule that was run: the deviations that fitted.
func (p *pilot) actual() (s schedule) {
	for _, m := range p.made {
		s = append(s, m.deviation)
	}
	return s
}
