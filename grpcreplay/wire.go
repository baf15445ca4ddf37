// Calls that come over a connection, and are given up before they are answered.

package grpcreplay

import (
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// wireKey is where a context tells that its call came over a connection. Of a
// call that its client gives up as it begins, it is chance then how much is
// seen, if anything: the recorded call and the live one may well differ.
type wireKey struct{}

// hesitation is how long a miss is held back on a connection, to learn whether
// the client gives the call up, and so would never know.
const hesitation = 20 * time.Millisecond

// parting is how long Close waits for calls over connections to be over: the
// program may have given them up just now, and that is still on its way.
const parting = 100 * time.Millisecond

// over returns how a call ended. If nothing recorded fits, and the client has
// not given the call up before it is told so, that is an error. The caller
// holds mu.
func (x *part) over(w *wait) (tape.Event, bool) {
	if x.lost == nil || x.lenient || !x.wired || x.told {
		return *x.failed, true
	}
	if err := x.ctx.Err(); err != nil {
		x.lost = nil
		return x.cancelled(err), true
	}
	if d := time.Until(x.held); d > 0 {
		w.until(d)
		x.listen()
		return tape.Event{}, false
	}
	x.report()
	return *x.failed, true
}

// hesitates returns how long a miss is held back: until the call's time is
// over, if that is soon.
func (x *part) hesitates() time.Duration {
	if deadline, ok := x.ctx.Deadline(); ok && time.Until(deadline) < 10*hesitation {
		return max(hesitation, time.Until(deadline))
	}
	return hesitation
}

// stillborn tells whether nothing is known to have come of a call but that it
// began, because its client ended it as good as at once, or the recording
// ended: on a connection nothing of it may be seen another time.
func stillborn(c *tape.Call) bool {
	brief := 0 < c.Timeout && c.Timeout < hesitation
	for i := range c.Events {
		switch kind := c.Events[i].Kind; {
		case kind == tape.Cancel:
			return true
		case kind != tape.CloseSend && !(brief && kind == tape.Send):
			return false
		}
	}
	return true
}

// givenUp notes that the client ended a call, and whether that came over a
// connection. The caller holds mu.
func (x *part) givenUp() {
	if at, decided := x.talk.Call(); decided {
		x.player.resets[at] = x.wired
	}
}

// crossed tells whether all that is left of a recorded call may have crossed
// the client's giving up, live or as it was recorded. Its client had sent every
// message, and only the end had not come; or it came over a connection, where a
// reset overtakes what the server said last and the half-close, as chance will
// have it. The caller holds mu.
func (p *player) crossed(l match.Left, c *tape.Call) bool {
	wire, gaveUp := p.resets[l.Call]
	if !gaveUp || !wire && l.Delivered+1 < l.Of {
		return false
	}
	sent := 0
	for i := range c.Events {
		switch c.Events[i].Kind {
		case tape.Send:
			sent++
		case tape.End:
			return l.Seen >= sent
		}
	}
	return l.Seen >= sent
}
