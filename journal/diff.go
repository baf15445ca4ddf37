// Choosing events, and comparing two runs.

package journal

import "iter"

// Select yields the events that keep wants.
func Select(events iter.Seq[Event], keep func(Event) bool) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for e := range events {
			if keep(e) && !yield(e) {
				return
			}
		}
	}
}

// Shapes yields the shape of each event, so that Diff(Shapes(want),
// Shapes(got)) compares what was done, without time and payload.
func Shapes(events iter.Seq[Event]) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for e := range events {
			if !yield(e.Shape()) {
				return
			}
		}
	}
}

// Diff compares two journals exactly, event by event, and returns "" if they
// are equal. Otherwise it returns lines for people: where the two part and in
// what, some events before it, then those of want alone marked with -, those
// of got alone with +, and some events after. Behind the first difference,
// events that differ in nothing but numbers, time and payload are shown as
// common. Diff reads no further than it must.
func Diff(want, got iter.Seq[Event]) string {
	nextWant, stopWant := iter.Pull(want)
	defer stopWant()
	nextGot, stopGot := iter.Pull(got)
	defer stopGot()

	var before []Event
	for {
		w, wok := nextWant()
		g, gok := nextGot()
		if !wok && !gok {
			return ""
		}
		if !wok || !gok || !w.Equal(g) {
			p := parting{before: before, want: window(w, wok, nextWant), got: window(g, gok, nextGot)}
			return p.String()
		}
		if before = append(before, w); len(before) > shownBefore {
			before = before[1:]
		}
	}
}

// window returns the events of one side from the difference on, as many as
// are needed to find where the two sides meet again.
func window(e Event, ok bool, next func() (Event, bool)) []Event {
	var w []Event
	for ; ok; e, ok = next() {
		if w = append(w, e); len(w) == windowLen {
			break
		}
	}
	return w
}
