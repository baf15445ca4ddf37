// Datagrams that travel over a link: one line, one timer.

package vnet

import (
	"cmp"
	"slices"
	"time"
)

// sky is what travels over a link as datagrams, by when it arrives; what
// arrives at one instant, by when it was sent. One timer lands them, since two
// timers of one instant may fire in any order. The link's lock guards it.
type sky struct {
	flights []flight
	timer   *time.Timer
	landing bool          // somebody is at it
	last    time.Duration // when the newest of those that keep the order arrives
}

// instant returns the first moment from t on that belongs to the link.
func (l *Link) instant(t time.Duration) time.Duration {
	return nextInstant(t, instants-1-l.number%(instants/2))
}

// inLine returns when a datagram arrives that could by itself arrive at t:
// behind those before it. Jitter thus never changes the order; Reorder does.
func (l *Link) inLine(t time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sky.last = l.instant(max(t, l.sky.last+1))
	return l.sky.last
}

// launch lets f travel until it is due.
func (l *Link) launch(f flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.sky
	at, _ := slices.BinarySearchFunc(s.flights, f.due, func(g flight, due time.Duration) int {
		return cmp.Or(cmp.Compare(g.due, due), -1) // behind those of its instant
	})
	s.flights = slices.Insert(s.flights, at, f)
	if at == 0 && !s.landing {
		l.arm()
	}
}

// arm sets the timer for the first flight; l.mu is held.
func (l *Link) arm() {
	s := &l.sky
	if len(s.flights) == 0 {
		return
	}
	left := s.flights[0].due - l.net.now()
	if s.timer == nil {
		s.timer = time.AfterFunc(left, l.land)
		return
	}
	s.timer.Reset(left)
}

// land lets every flight arrive whose time has come.
func (l *Link) land() {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.sky
	if s.landing {
		return
	}
	s.landing = true
	for len(s.flights) > 0 && s.flights[0].due <= l.net.now() {
		f := s.flights[0]
		s.flights[0] = flight{}
		s.flights = s.flights[1:]
		l.mu.Unlock()
		l.net.land(f)
		l.mu.Lock()
	}
	s.landing = false
	l.arm()
}

// clear takes away all that travels, for a hold or for good. The news of
// refusals goes on.
func (s *sky) clear() (flights []flight) {
	for _, f := range s.flights {
		if !f.refusal {
			flights = append(flights, f)
		}
	}
	s.flights = slices.DeleteFunc(s.flights, func(f flight) bool { return !f.refusal })
	return flights
}

// seizeGrams makes the datagrams that travel freely wait for the test, link by
// link.
func (n *Network) seizeGrams() {
	n.mu.Lock()
	links := make([]*Link, 0, len(n.links))
	for _, l := range n.links {
		links = append(links, l)
	}
	n.mu.Unlock()
	slices.SortFunc(links, func(a, b *Link) int { return cmp.Compare(a.number, b.number) })
	for _, l := range links {
		l.mu.Lock()
		flights := l.sky.clear()
		l.mu.Unlock()
		for _, f := range flights {
			n.held.push(f.entry())
		}
	}
}

// freeGram lets a datagram go that waited for the test; when the hold is over,
// it travels on until it is due.
func (n *Network) freeGram(e *entry) {
	f := flight{gram: e.gram, data: e.seg.Data, cause: e.cause}
	if !n.is(holding) && e.due > n.now() {
		f.due = e.due
	}
	f.depart()
}
