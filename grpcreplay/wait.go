// Waiting for a turn: for the client, for others, for time.

package grpcreplay

import "time"

// A reason is why a wait lasts no longer than some time.
type reason int

const (
	forTime   reason = iota // an event is not due before
	forCauses               // other calls' clients have to act first
	forRest                 // several calls fit: what the client does next may tell
	forSign                 // nothing is left to come, unless the client gives a sign
)

// A wait is what one call of next has waited for.
type wait struct {
	part   *part
	timer  *time.Timer
	why    reason // of the timer
	over   [forSign + 1]bool
	yields int       // how often another one was let go first
	limit  time.Time // when waiting for others ends, since half of the client's time is over
}

// client waits for the client alone: no time ends it.
func (w *wait) client() { w.stop() }

// grace waits for others too, but no longer than d in all for one reason.
func (w *wait) grace(why reason, d time.Duration) {
	if w.timer == nil || w.why != why {
		w.set(why, d)
	}
}

// until waits for d to pass.
func (w *wait) until(d time.Duration) { w.set(forTime, d) }

func (w *wait) set(why reason, d time.Duration) {
	w.stop()
	w.timer, w.why = time.NewTimer(d), why
}

// stop ends the timer.
func (w *wait) stop() {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}

// wait returns when something has happened that is worth another try.
func (w *wait) wait() {
	var passed <-chan time.Time
	if w.timer != nil {
		passed = w.timer.C
	}
	select {
	case <-w.part.wake:
	case <-w.part.ctx.Done():
	case <-passed:
		w.over[w.why] = true
		w.timer = nil
	}
}
