// Parties that answer from the recording, and ask the real service for the rest.

package grpcreplay

import (
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A hybrid answers from a recording. If nothing there fits, before anything
// was answered, the call is made at the real service from its beginning.
type hybrid struct {
	part *part
	live func() party

	lock     turnstile
	sent     [][]byte // by the client, while it may still be the real service's
	closed   bool
	answered bool
	asked    party // the real service, once nothing recorded fitted
}

// newHybrid returns a hybrid of a part, which reports no mismatch then.
func newHybrid(p *part, live func() party) *hybrid {
	p.lenient = true
	return &hybrid{part: p, live: live, lock: newTurnstile()}
}

func (h *hybrid) send(b []byte) bool {
	h.lock.enter()
	if h.asked == nil && !h.answered {
		h.sent = append(h.sent, b)
	}
	real := h.asked
	h.lock.leave()
	if real != nil {
		return real.send(b)
	}
	sent := h.part.send(b)
	return h.turn() != nil || sent
}

func (h *hybrid) closeSend() {
	h.lock.enter()
	if h.asked == nil {
		h.closed = true
	}
	real := h.asked
	h.lock.leave()
	if real != nil {
		real.closeSend()
		return
	}
	h.part.closeSend()
	h.turn()
}

// turn asks the real service if nothing recorded fits and nothing was
// answered yet. It returns the real service's party, if it is asked.
func (h *hybrid) turn() party {
	h.lock.enter()
	defer h.lock.leave()
	if h.asked != nil || h.answered || !h.part.missed() {
		return h.asked
	}
	h.asked = h.live()
	for _, b := range h.sent {
		h.asked.send(b)
	}
	if h.closed {
		h.asked.closeSend()
	}
	h.sent = nil
	return h.asked
}

func (h *hybrid) next() tape.Event {
	h.lock.enter()
	real := h.asked
	h.lock.leave()
	if real != nil {
		return real.next()
	}
	e := h.part.next()
	if real := h.turn(); real != nil {
		return real.next()
	}
	h.lock.enter()
	h.answered, h.sent = true, nil
	h.lock.leave()
	h.part.strict()
	return e
}

func (h *hybrid) abandon() {
	h.lock.enter()
	real := h.asked
	h.lock.leave()
	if real != nil {
		real.abandon()
		return
	}
	h.part.abandon()
}

func (h *hybrid) real() bool {
	h.lock.enter()
	defer h.lock.leave()
	return h.asked != nil
}
