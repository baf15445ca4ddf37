// What befalls a whole host: killed, crashed, paused, slow.

package vnet

import (
	"cmp"
	"slices"
)

// strain is what befalls a host at present. Faults of one kind may overlap, so
// they are counted. The network's lock guards it.
type strain struct {
	kills, crashes, pauses int
	rates                  []*int
	ends                   []*func() // what Up calls
}

// strained changes h's strain and what follows from it.
func (h *Host) strained(change func(s *strain)) {
	h.net.mu.Lock()
	s := &h.strain
	change(s)
	h.down.Store(s.kills+s.crashes > 0)
	h.crashed.Store(s.crashes > 0)
	h.paused.Store(s.pauses > 0)
	slowest := 0
	for _, r := range s.rates {
		slowest = min(cmp.Or(slowest, *r), *r)
	}
	h.rate.Store(int64(slowest))
	h.net.mu.Unlock()
}

// Down kills the host's process: its listeners and connections are gone,
// peers see resets, dials to it are refused, and nothing can be opened on it
// until Up.
func (h *Host) Down() { h.net.must(Fault{Kind: "down", A: h.name}) }

// Crash takes the host's power: its listeners and connections are gone and
// nobody is told. What it had sent and had not arrived is gone too. Dials to
// it and bytes for it wait and time out; after Up, who writes to a lost
// connection is reset.
func (h *Host) Crash() { h.net.must(Fault{Kind: "crash", A: h.name}) }

// Up ends every Down and Crash of the host, also as a Fault. What lived on it
// must be started again. Without such a fault, Up does nothing.
func (h *Host) Up() {
	h.net.mu.Lock()
	ends := slices.Clone(h.strain.ends)
	h.net.mu.Unlock()
	for _, end := range ends {
		(*end)()
	}
}

// Pause makes the host alive but silent: its programs' reads and accepts see
// nothing, what they write does not leave, and what they send as datagrams is
// lost, until resume is called. Their clocks go on, and so do the clocks of
// those who wait for them.
func (h *Host) Pause() (resume func()) { return h.net.must(Fault{Kind: "pause", A: h.name}) }

func (h *Host) kill() (undo func()) {
	h.strained(func(s *strain) { s.kills++ })
	h.shut()
	return func() {
		h.strained(func(s *strain) { s.kills-- })
		h.net.changed()
	}
}

func (h *Host) crash() (undo func()) {
	h.strained(func(s *strain) { s.crashes++ })
	h.net.changed()
	h.shut()
	h.eachStream(func(s *stream) {
		s.unset(told)
		s.peer().vanish()
	})
	return func() {
		h.strained(func(s *strain) { s.crashes-- })
		h.net.changed()
	}
}

// vanish takes back what travels towards p: who sent it will not send it again.
func (p *stream) vanish() {
	if !p.wire.pending() {
		return
	}
	p.in.Recall()
	for _, e := range p.c.net.held.snapshot() {
		if e.to == p {
			p.c.net.held.remove(e)
		}
	}
	w := p.wire
	w.marks, w.open, w.openFin, w.openRst, w.entries, w.sealed = nil, nil, false, false, 0, 0
}

func (h *Host) pause() (undo func()) {
	h.strained(func(s *strain) { s.pauses++ })
	h.net.changed()
	return func() {
		h.strained(func(s *strain) { s.pauses-- })
		h.wake()
		h.net.changed()
	}
}

// wake lets every waiting operation on h look again.
func (h *Host) wake() {
	h.eachStream((*stream).wakeLocked)
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	for _, l := range h.listeners {
		l.mu.Lock()
		l.cond.Broadcast()
		l.mu.Unlock()
	}
	for _, p := range h.packets {
		p.mu.Lock()
		p.cond.Broadcast()
		p.mu.Unlock()
	}
}

// slowDown makes everything h reads slow.
func (h *Host) slowDown(rate int) (undo func()) {
	shift := func(change func(s *strain)) {
		h.strained(change)
		rate := int(h.rate.Load())
		h.eachStream(func(s *stream) {
			s.slow = newPace(rate)
			s.wakeLocked()
		})
	}
	shift(func(s *strain) { s.rates = append(s.rates, &rate) })
	return func() {
		shift(func(s *strain) { s.rates = without(s.rates, &rate) })
	}
}

// eachStream does f to every stream on h, under its connection's lock.
func (h *Host) eachStream(f func(*stream)) {
	for c := range h.net.internalConns() {
		c.mu.Lock()
		for i := range c.ends {
			if c.ends[i].host == h {
				f(&c.ends[i])
			}
		}
		c.unlock()
	}
}
