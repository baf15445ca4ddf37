// A lock that may be held across a wait.

package grpcreplay

// A turnstile lets one in at a time. Waiting for it is waiting for a channel,
// so that a test's clock goes on where a mutex would hold it.
type turnstile chan struct{}

func newTurnstile() turnstile { return make(turnstile, 1) }

func (t turnstile) enter() { t <- struct{}{} }
func (t turnstile) leave() { <-t }

// try enters if nobody is within.
func (t turnstile) try() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}
