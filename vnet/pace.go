// A slow reader: bytes that have arrived are read no faster than so.

package vnet

import "time"

// pace limits how fast one end reads. The nil pace does not.
type pace struct {
	rate int // bytes a second; at least 1
	next time.Time
}

// newPace returns the pace of so many bytes a second; 0 does not limit.
func newPace(rate int) *pace {
	if rate == 0 {
		return nil
	}
	return &pace{rate: rate}
}

func (p *pace) ready() bool { return p == nil || !time.Now().Before(p.next) }

// portion is the part of b that one read may fill: a second's bytes.
func (p *pace) portion(b []byte) []byte {
	if p == nil {
		return b
	}
	return b[:min(len(b), p.rate)]
}

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
