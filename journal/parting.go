// The place where two runs part, told to people.

package journal

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

const (
	shownBefore = 3  // events shown before the first difference
	shownAlone  = 5  // events of one side alone shown in a row
	shownAfter  = 3  // common events shown after it
	windowLen   = 24 // events of either side in which they may meet again
)

// A parting is the place where two journals stop being equal: the last events
// in common, and the next of both, of which the first differ.
type parting struct {
	before, want, got []Event
}

// A diffLine is an event that both have (' '), or only want ('-') or got ('+').
type diffLine struct {
	mark  byte
	event Event
}

// String returns the headline, an empty line, and the marked events.
func (p parting) String() string {
	var b strings.Builder
	script := p.script()
	fmt.Fprintf(&b, "first difference: %s\n\n", p.headline(script))
	for _, e := range p.before {
		fmt.Fprintf(&b, "  %v\n", e)
	}
	same, row := 0, 0
	for i, l := range script {
		if row++; i == 0 || l.mark != script[i-1].mark {
			row = 1
		}
		if l.mark == ' ' {
			if same++; same > shownAfter {
				break
			}
		} else if row > shownAlone {
			if row == shownAlone+1 {
				fmt.Fprintf(&b, "%c     ...\n", l.mark)
			}
			continue
		}
		fmt.Fprintf(&b, "%c %v\n", l.mark, l.event)
	}
	return b.String()
}

// script aligns the two sides. The first events are never common: they differ.
func (p parting) script() []diffLine {
	want, got := p.want, p.got
	var s []diffLine
	if len(want) > 0 && len(got) > 0 && want[0].resembles(got[0]) {
		s = []diffLine{{'-', want[0]}, {'+', got[0]}}
		want, got = want[1:], got[1:]
	}
	s = append(s, align(want, got)...)
	if len(p.want) < windowLen && len(p.got) < windowLen {
		return s
	}
	// What follows the last common event may find its like beyond the window.
	for i, l := range slices.Backward(s) {
		if l.mark == ' ' {
			return s[:i+1]
		}
	}
	return s
}

// align finds the longest sequence of events that resemble each other.
func align(want, got []Event) []diffLine {
	var common [windowLen + 1][windowLen + 1]int // of want[i:] and got[j:]
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if want[i].resembles(got[j]) {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var s []diffLine
	i, j := 0, 0
	for i < len(want) || j < len(got) {
		switch {
		case i < len(want) && j < len(got) && want[i].resembles(got[j]):
			s = append(s, diffLine{' ', want[i]})
			i, j = i+1, j+1
		case j == len(got) || i < len(want) && common[i+1][j] >= common[i][j+1]:
			s = append(s, diffLine{'-', want[i]})
			i++
		default:
			s = append(s, diffLine{'+', got[j]})
			j++
		}
	}
	return s
}

func (p parting) headline(script []diffLine) string {
	switch {
	case len(p.want) == 0:
		return fmt.Sprintf("want ends before event %d, got goes on", p.got[0].Seq)
	case len(p.got) == 0:
		return fmt.Sprintf("got ends before event %d, want goes on", p.want[0].Seq)
	}
	w, g := p.want[0], p.got[0]
	switch minus, plus := run(script); {
	case minus == 0:
		return fmt.Sprintf("at event %d got has %s that want has not", g.Seq, count(plus))
	case plus == 0:
		return fmt.Sprintf("at event %d got lacks %s that want has", w.Seq, count(minus))
	}
	return fmt.Sprintf("event %d, %s", w.Seq, fields(w, g))
}

func count(n int) string {
	switch {
	case n == 1:
		return "an event"
	case n >= windowLen:
		return "many events"
	}
	return fmt.Sprintf("%d events", n)
}

// run counts the marked lines that the script begins with.
func run(script []diffLine) (minus, plus int) {
	for _, l := range script {
		switch l.mark {
		case '-':
			minus++
		case '+':
			plus++
		default:
			return minus, plus
		}
	}
	return minus, plus
}

// fields says in which fields two events differ, and how.
func fields(w, g Event) string {
	var d []string
	add := func(name string, w, g any) {
		if w != g {
			d = append(d, fmt.Sprintf("%s: want %v, got %v", name, w, g))
		}
	}
	add("seq", w.Seq, g.Seq)
	add("step", w.Step, g.Step)
	add("at", w.At, g.At)
	add("kind", shownName(string(w.Kind)), shownName(string(g.Kind)))
	add("where", shownName(w.Where), shownName(g.Where))
	add("peer", shownName(w.Peer), shownName(g.Peer))
	add("subject", shownName(w.Subject), shownName(g.Subject))
	add("cause", w.Cause, g.Cause)
	add("size", w.Size, g.Size)
	if s := bodies(w.Body, g.Body); s != "" {
		d = append(d, s)
	}
	add("notes", shownNotes(w.Notes), shownNotes(g.Notes))
	return strings.Join(d, "; ")
}

func shownName(s string) string {
	if s == "" {
		return "-"
	}
	return plain(s)
}

func shownNotes(notes []Note) string {
	var b []byte
	for _, n := range notes {
		b = appendNote(b, n)
	}
	return shownName(strings.TrimPrefix(string(b), " "))
}

// bodies says where two payloads part.
func bodies(w, g []byte) string {
	switch {
	case w == nil && g == nil:
		return ""
	case w == nil:
		return "body: want none, got " + excerpt(g)
	case g == nil:
		return "body: want " + excerpt(w) + ", got none"
	case bytes.Equal(w, g):
		return ""
	}
	i := 0
	for i < min(len(w), len(g)) && w[i] == g[i] {
		i++
	}
	return fmt.Sprintf("body from byte %d: want %s, got %s", i, excerpt(w[i:]), excerpt(g[i:]))
}
