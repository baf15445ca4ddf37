// A slow reader: bytes that have arrived are read no faster than so.

package vnet

import "time"

// pace limits how fast one end reads. The nil pace does not.
type pace struct {
	rate int // bytes a second
	next time.Time
}

func (p *pace) ready() bool { return p == nil || !time.Now().Before(p.next) }

// spend takes time for n bytes and wakes s's readers when it is over.
func (p *pace) spend(s *stream, n int) {
	if p == nil {
		return
	}
	d := time.Duration(float64(n) / float64(p.rate) * float64(time.Second))
	p.next = time.Now().Add(d)
	time.AfterFunc(d, s.wake)
}

// wake lets everybody who waits on s look again.
func (s *stream) wake() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.wakeLocked()
}
