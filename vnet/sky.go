// Datagrams that travel over a link: one line, one timer.

package vnet

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// sky is what travels over a link as datagrams, by when it arrives; what
// arrives at one instant, by name. One timer lands them, since two timers of
// one instant may fire in any order. The link's lock guards it.
type sky struct {
	flights []flight
	timer   *time.Timer
	landing bool // somebody is at it
}

// instant returns the first moment from t on that belongs to the link.
func (l *Link) instant(t time.Duration) time.Duration {
	return nextInstant(t, instants-1-l.number%(instants/2))
}

// lane is what one socket sends to one address: what goes elsewhere changes
// neither its order nor its chances. Jitter keeps its order; Reorder does not.
type lane struct {
	count uint64        // datagrams so far
	last  time.Duration // when the newest of those that keep the order arrives
}

// number counts g on its lane, from 1.
func (g *datagram) number() uint64 {
	p := g.socket
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lanes == nil {
		p.lanes = map[netip.AddrPort]*lane{}
	}
	way := p.lanes[g.to]
	if way == nil {
		way = new(lane)
		p.lanes[g.to] = way
	}
	way.count++
	return way.count
}

// inLine returns when g arrives, which could by itself arrive at t: behind
// what was sent on its lane before it.
func (g *datagram) inLine(t time.Duration) time.Duration {
	g.socket.mu.Lock()
	defer g.socket.mu.Unlock()
	way := g.socket.lanes[g.to]
	way.last = g.link.instant(max(t, way.last+1))
	return way.last
}

// launch lets f travel until it is due.
func (l *Link) launch(f flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.sky
	at, _ := slices.BinarySearchFunc(s.flights, f, func(a, b flight) int {
		if a.due != b.due {
			return cmp.Compare(a.due, b.due)
		}
		return cmp.Or(cmp.Compare(a.gram.name(), b.gram.name()), -1) // behind its like
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
