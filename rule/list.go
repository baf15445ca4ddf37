// The ordered list of rules, asked for every exchange.

package rule

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A List holds rules in the order in which they were added. The zero value is
// ready to use, holds no rules and passes everything. A List may be used from
// any goroutine and must not be copied after its first use.
type List[X, V any] struct {
	// rules is replaced, never changed: whoever loaded it may walk it in peace.
	// It is nil when there are no rules.
	rules atomic.Pointer[[]entry[X, V]]

	mu      sync.Mutex // serialises changes; never held while a rule runs
	added   int
	removed []*tally // of rules taken out, at most keptRemoved; Stats tells those that never fired
}

// keptRemoved bounds what a list remembers of rules that were removed before
// they ever fired, for programs that add and remove rules all day.
const keptRemoved = 64

type entry[X, V any] struct {
	rule  Rule[X, V]
	tally *tally
}

// Add appends r to the list and returns the function that takes it out again.
// The rule is called "rule n" in Stats, n counting what was added to l.
//
// Once remove has returned, no decision asks r any more; a call of r that is
// already running in another goroutine runs to its end. Calling remove more
// than once, or from within a rule, is fine. Add panics if r is nil.
func (l *List[X, V]) Add(r Rule[X, V]) (remove func()) {
	return l.AddNamed("", r)
}

// AddNamed is Add for a rule with a name, by which Stats and String call it.
// Names need not differ. An empty name stands for "rule n", as with Add.
func (l *List[X, V]) AddNamed(name string, r Rule[X, V]) (remove func()) {
	if r == nil {
		panic("rule: Add of a nil Rule")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.added++
	if name == "" {
		name = fmt.Sprintf("rule %d", l.added)
	}
	t := &tally{name: name, number: l.added}
	l.store(append(slices.Clip(l.load()), entry[X, V]{r, t}))
	return func() { l.remove(t) }
}

// Decide asks the rules in the order of adding and returns the first
// decision, or false when every rule passes. A rule added while a decision is
// under way is asked from the next exchange on. With no rules in the list,
// Decide costs one atomic load.
func (l *List[X, V]) Decide(x X) (verdict V, decided bool) {
	if rules := l.rules.Load(); rules != nil {
		return ask(*rules, x)
	}
	return verdict, false
}

// Empty reports whether the list holds no rules. It costs one atomic load.
func (l *List[X, V]) Empty() bool { return l.rules.Load() == nil }

// Len returns the number of rules in the list.
func (l *List[X, V]) Len() int { return len(l.load()) }

// Stats tells how often each rule was asked and fired, in the order of
// adding. A rule removed after it fired is left out: it has done its work. A
// rule removed before it ever fired is told, marked Removed, so that a rule
// that never did anything shows; of those the first 64 are remembered.
func (l *List[X, V]) Stats() []Stat {
	l.mu.Lock()
	defer l.mu.Unlock()
	tallies := slices.DeleteFunc(slices.Clone(l.removed), (*tally).hasFired)
	for _, e := range l.load() {
		tallies = append(tallies, e.tally)
	}
	slices.SortFunc(tallies, func(a, b *tally) int { return a.number - b.number })
	stats := make([]Stat, len(tallies))
	for i, t := range tallies {
		stats[i] = t.stat()
	}
	return stats
}

// String returns the Stats, one to a line; "no rules" if there are none.
func (l *List[X, V]) String() string {
	stats := l.Stats()
	if len(stats) == 0 {
		return "no rules"
	}
	var b strings.Builder
	for i, s := range stats {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(s.String())
	}
	return b.String()
}

func (l *List[X, V]) load() []entry[X, V] {
	if rules := l.rules.Load(); rules != nil {
		return *rules
	}
	return nil
}

func (l *List[X, V]) store(rules []entry[X, V]) {
	if len(rules) == 0 {
		l.rules.Store(nil)
		return
	}
	l.rules.Store(&rules)
}

func (l *List[X, V]) remove(t *tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.removed.Swap(true) {
		return
	}
	l.store(slices.DeleteFunc(slices.Clone(l.load()), func(e entry[X, V]) bool { return e.tally == t }))
	// A rule that removes itself has not fired yet when it gets here, so
	// who has fired is found out when room is needed, or in Stats.
	if len(l.removed) >= keptRemoved {
		l.removed = slices.DeleteFunc(l.removed, (*tally).hasFired)
	}
	if len(l.removed) < keptRemoved {
		l.removed = append(l.removed, t)
	}
}

// ask is apart from Decide so that the way past an empty list stays short.
func ask[X, V any](rules []entry[X, V], x X) (verdict V, decided bool) {
	for _, e := range rules {
		if e.tally.removed.Load() {
			continue
		}
		e.tally.asked.Add(1)
		if v, ok := e.rule(x); ok {
			e.tally.fired.Add(1)
			return v, true
		}
	}
	return verdict, false
}
