// Deadlines of reads, writes, accepts: one timer each, made when first set.

package vnet

import (
	"net"
	"sync"
	"time"
)

// deadline is a moment past which operations fail. The nil deadline never
// passes. The lock of what it belongs to guards it.
type deadline struct {
	at    time.Time
	over  bool
	timer *time.Timer
}

func (d *deadline) passed() bool { return d != nil && d.over }

// set moves d to t and wakes the waiters of cond when it passes; cond.L is
// held, now and when the timer fires.
func (d *deadline) set(t time.Time, cond *sync.Cond) {
	d.at, d.over = t, false
	left := time.Until(t)
	switch {
	case t.IsZero():
		d.stop()
	case left <= 0:
		d.stop()
		d.over = true
		cond.Broadcast()
	case d.timer == nil:
		d.timer = time.AfterFunc(left, func() { d.fire(cond) })
	default:
		d.timer.Reset(left)
	}
}

// fire marks d as passed unless it was moved meanwhile.
func (d *deadline) fire(cond *sync.Cond) {
	cond.L.Lock()
	defer cond.L.Unlock()
	if d.at.IsZero() || d.over {
		return
	}
	if left := time.Until(d.at); left > 0 {
		d.timer.Reset(left)
		return
	}
	d.over = true
	cond.Broadcast()
}

func (d *deadline) stop() {
	if d != nil && d.timer != nil {
		d.timer.Stop()
	}
}

// setDeadlines moves those of the stream's deadlines that are named.
func (s *stream) setDeadlines(t time.Time, read, write **deadline) error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.has(closed) {
		return s.settingError(net.ErrClosed)
	}
	set(read, t, &s.cond)
	set(write, t, &s.peer().cond)
	return nil
}

// set makes the deadline when it is first needed.
func set(d **deadline, t time.Time, cond *sync.Cond) {
	switch {
	case d == nil || *d == nil && t.IsZero():
		return
	case *d == nil:
		*d = new(deadline)
	}
	(*d).set(t, cond)
}

func (s *stream) stopDeadlines() {
	s.read.stop()
	s.write.stop()
}
