// Waiting at an end, in the bubble's time, for what comes next.

package vnet

import (
	"net"
	"time"
)

// EndOf returns the test's handle on a connection that a program holds, or
// nil when it is not one of a virtual network's.
func EndOf(c net.Conn) *End {
	s, _ := c.(*stream)
	return (*End)(s)
}

// glimpse is what Wait compares.
type glimpse struct {
	unread int
	state  uint32
}

func (s *stream) glimpse() glimpse {
	return glimpse{s.in.Unread(), s.state & (finIn | dead)}
}

// Wait lets what waits for this end arrive, and when that is nothing, lets
// time pass until something does: bytes, an end, a reset. It returns false
// when nothing came within d.
func (e *End) Wait(d time.Duration) bool {
	s, n := e.stream(), e.c.net
	s.c.mu.Lock()
	before := s.glimpse()
	s.c.mu.Unlock()
	if !n.is(holding) {
		return s.waitFree(before, d)
	}
	end := time.NewTimer(d)
	defer end.Stop()
	for {
		if e.Deliver() > 0 {
			return true
		}
		if over := n.awaitMore(end.C); over || n.isClosed() {
			return false
		}
	}
}

// waitFree is Wait on a network that runs freely.
func (s *stream) waitFree(before glimpse, d time.Duration) bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	var limit deadline
	limit.set(time.Now().Add(d), &s.cond)
	defer limit.stop()
	for s.glimpse() == before && !limit.over {
		s.cond.Wait()
	}
	return s.glimpse() != before
}
