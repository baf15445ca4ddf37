// What a rule did: how often it was asked, how often it fired.

package rule

import (
	"fmt"
	"sync/atomic"
)

// A Stat tells what became of one rule of a list. A rule that was never asked
// or never fired usually means that the test does not test what it says.
type Stat struct {
	Name    string // as given to AddNamed, or "rule n"
	Asked   int    // how many exchanges it was asked about
	Fired   int    // how many of them it decided
	Removed bool   // it was taken out of the list again
}

// String returns the Stat as a line of a report, such as
// "lose the second: asked 3 times, fired once".
func (s Stat) String() string {
	line := s.Name + ": never asked"
	if s.Asked > 0 {
		line = fmt.Sprintf("%s: asked %s, %s", s.Name, times(s.Asked), fired(s.Fired))
	}
	if s.Removed {
		line += ", removed"
	}
	return line
}

func fired(n int) string {
	if n == 0 {
		return "never fired"
	}
	return "fired " + times(n)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// A tally is a Stat in the making. It outlives its rule in the list.
type tally struct {
	name         string
	number       int // in the order of adding
	asked, fired atomic.Int64
	removed      atomic.Bool
}

func (t *tally) hasFired() bool { return t.fired.Load() > 0 }

func (t *tally) stat() Stat {
	return Stat{
		Name:    t.name,
		Asked:   int(t.asked.Load()),
		Fired:   int(t.fired.Load()),
		Removed: t.removed.Load(),
	}
}
