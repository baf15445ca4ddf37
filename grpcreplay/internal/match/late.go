// Messages that are too late to tell anything: the call was over before they came.

package match

import (
	"math"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// margin is by how much a recorded call may have missed its time and yet have
// ended because of it. A proxy learns of the time when it learns of the call,
// on a busy machine a while after it began.
func margin(timeout time.Duration) time.Duration { return timeout/8 + 5*time.Millisecond }

// deadlineExceeded is gRPC's code for a call whose time was over.
const deadlineExceeded = 4

// ranOut tells whether a call that its client ended was ended because its time
// was over: how far the client had come then is chance.
func ranOut(c *tape.Call) bool {
	for i := range c.Events {
		e := &c.Events[i]
		if e.Kind == tape.Cancel && c.Timeout > 0 && e.At-c.Start >= c.Timeout-margin(c.Timeout) {
			return true
		}
		if e.Kind == tape.End {
			return e.Status.Code == deadlineExceeded
		}
	}
	return false
}

// late moves to where a message is too late, if the call may have come so far.
func (t *Talk) late() bool {
	if t.last().late() {
		return true
	}
	node, depth := t.node, t.depth
	if !t.goes(open) {
		return false
	}
	if t.goes(done) || t.goes(lapsed) {
		return true
	}
	for ; t.call < 0 && t.node != node; t.node = t.deck.ix.nodes[t.node].parent {
		t.deck.at(t.node).claims--
	}
	t.depth = depth
	return false
}

// tooLate tells whether a message that both goes on as a recorded call does
// and would be too late for another is too late: the metadata says that the
// live call is more like the other. So a call that was refused before its
// message was recorded, for its credentials perhaps, is not taken for one that
// was granted.
func (t *Talk) tooLate(class int32) bool {
	ix := t.deck.ix
	if n := &ix.nodes[t.node]; t.call >= 0 || t.depth < n.base+n.size {
		return false
	}
	behind := ix.under(t.node, open)
	if behind == 0 {
		return false
	}
	if !ix.edgeAt(behind, t.depth+1).late() {
		if behind = ix.under(behind, done); behind == 0 {
			return false
		}
	}
	goes := ix.under(t.node, message.of(class))
	return goes != 0 && t.deck.room(behind) && t.apart(behind) < t.apart(goes)
}

// apart returns how much the metadata of the free calls under v differs from
// the live one's, at least.
func (t *Talk) apart(v int32) int {
	d := t.deck
	hashes, _ := d.ix.ranks.of(t.pairs)
	w, least := d.walk(v), math.MaxInt
	w.heads = true
	for n := 0; n < mostRanks && least > 0; n++ {
		call, leaf := w.next()
		if call < 0 {
			break
		}
		least = min(least, d.ix.ranks.distance(hashes, d.ix.rankOf(leaf)))
	}
	return least
}
