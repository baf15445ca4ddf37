// The agenda: what is due later, in an order that repeats.

package call

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// An Agenda holds the present and what is due later. The shell moves it on
// with Tick and keeps one timer, for Next.
type Agenda struct {
	now      time.Time
	due      entries
	parked   uint64 // requests so far
	answered []*Parked
}

// NewAgenda returns an agenda whose present is now.
func NewAgenda(now time.Time) *Agenda { return &Agenda{now: now} }

// Now returns the present. It never goes back.
func (a *Agenda) Now() time.Time { return a.now }

// An Entry is something that is due at an instant.
type Entry struct {
	agenda *Agenda
	at     time.Time
	kind   string
	name   string
	f      func()
	index  int // in the heap; -1 when not in it
}

// At has f called by the first Tick that reaches t. Entries of one instant run
// in the order of their kind, then their name; entries alike in all three are
// told apart by nothing, so give them names.
func (a *Agenda) At(t time.Time, kind, name string, f func()) *Entry {
	e := &Entry{agenda: a, at: t, kind: kind, name: name, f: f}
	heap.Push(&a.due, e)
	return e
}

// After is At, d from now.
func (a *Agenda) After(d time.Duration, kind, name string, f func()) *Entry {
	return a.At(a.now.Add(d), kind, name, f)
}

// Stop takes the entry off the agenda and reports whether it was on it. A nil
// entry is on none.
func (e *Entry) Stop() bool {
	if e == nil || e.index < 0 {
		return false
	}
	heap.Remove(&e.agenda.due, e.index)
	return true
}

// Pending reports whether the entry is still on the agenda.
func (e *Entry) Pending() bool { return e != nil && e.index >= 0 }

// Tick moves the present to now, if that is later, and runs what is due,
// including what is put on the agenda meanwhile for an instant not after now.
func (a *Agenda) Tick(now time.Time) {
	if now.After(a.now) {
		a.now = now
	}
	for len(a.due) > 0 && !a.due[0].at.After(a.now) {
		heap.Pop(&a.due).(*Entry).f()
	}
}

// Next returns when the next entry is due, or false if there is none.
func (a *Agenda) Next() (time.Time, bool) {
	if len(a.due) == 0 {
		return time.Time{}, false
	}
	return a.due[0].at, true
}

// TakeAnswered returns the parked requests answered since it was last called,
// in the order in which they were parked: that in which they were answered may
// hang on the order of partitions in some request, which clients have from maps.
func (a *Agenda) TakeAnswered() []*Parked {
	answered := a.answered
	a.answered = nil
	if len(answered) > 1 {
		slices.SortFunc(answered, func(p, q *Parked) int { return cmp.Compare(p.number, q.number) })
	}
	return answered
}

// entries is a heap, the earliest first.
type entries []*Entry

func (h entries) Len() int { return len(h) }

func (h entries) Less(i, j int) bool {
	a, b := h[i], h[j]
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name)) < 0
}

func (h entries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *entries) Push(x any) {
	e := x.(*Entry)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *entries) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	e.index = -1
	return e
}
