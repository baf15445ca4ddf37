// Waiting for a turn: for the client, for others, for time.

package grpcreplay

import "time"

// A wait is what one call of next has waited for.
type wait struct {
	part    *part
	timer   *time.Timer
	grace0  bool // the timer is that of grace
	expired bool // grace is over
	rested  bool // the program has come to rest: who is undecided decides
}

// client waits for the client alone: no time ends it.
func (w *wait) client() { w.stop() }

// grace waits for others too, but no longer than d in all.
func (w *wait) grace(d time.Duration) {
	if w.timer == nil || !w.grace0 {
		w.stop()
		w.timer, w.grace0 = time.NewTimer(d), true
	}
}

// until waits for d to pass.
func (w *wait) until(d time.Duration) {
	w.stop()
	w.timer, w.grace0 = time.NewTimer(d), false
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
		if w.grace0 {
			w.expired, w.rested = true, true
		}
		w.timer = nil
	}
}
