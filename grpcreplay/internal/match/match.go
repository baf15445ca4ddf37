// The index, the deck and the talk.

package match

import (
	"bytes"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// An Index is a tape made ready for matching. It is immutable.
type Index struct {
	tape *tape.Tape
	opts Options
}

// New indexes a tape.
func New(t *tape.Tape, o Options) *Index { return &Index{t, o} }

// Deck starts a replay.
func (ix *Index) Deck() *Deck { return &Deck{ix: ix, used: make([]bool, ix.tape.Len())} }

// A Deck is one replay.
type Deck struct {
	ix   *Index
	used []bool
}

// A Talk is one live call.
type Talk struct {
	d      *Deck
	method string
	sent   [][]byte
	closed bool
	call   *tape.Call
	at     int
	next   int
	marked int
	fits   bool
}

// Open begins a live call.
func (d *Deck) Open(method string, pairs []tape.Pair) *Talk {
	t := &Talk{d: d, method: method, at: -1}
	t.fits = t.find() >= 0
	return t
}

// Fits tells whether a recorded call may still answer.
func (t *Talk) Fits() bool { return t.fits }

// Send notes a message of the client.
func (t *Talk) Send(msg []byte) bool {
	t.sent = append(t.sent, bytes.Clone(msg))
	t.fits = t.fits && t.find() >= 0
	return t.fits
}

// CloseSend notes the client's half-close.
func (t *Talk) CloseSend() bool {
	t.closed = true
	t.fits = t.fits && t.find() >= 0
	return t.fits
}

func (t *Talk) find() int {
	if t.at >= 0 {
		return t.at
	}
	for i, c := range t.d.ix.tape.Calls() {
		if !t.d.used[i] && c.Method == t.method && t.goesOn(c) {
			return i
		}
	}
	return -1
}

func (t *Talk) goesOn(c *tape.Call) bool {
	n := 0
	for i := range c.Events {
		if c.Events[i].Kind != tape.Send {
			continue
		}
		if n < len(t.sent) && !bytes.Equal(c.Events[i].Message, t.sent[n]) {
			return false
		}
		n++
	}
	return n >= len(t.sent)
}

// Next returns what the server does next.
func (t *Talk) Next(rested bool) Turn {
	if t.call == nil {
		if t.at = t.find(); t.at < 0 {
			return Turn{State: Silent}
		}
		t.call = t.d.ix.tape.Call(t.at)
		t.d.used[t.at] = true
	}
	sends := 0
	for i := range t.call.Events {
		e := &t.call.Events[i]
		switch {
		case e.Kind == tape.Send:
			if sends++; sends > len(t.sent) {
				return Turn{State: Client}
			}
		case e.Kind == tape.CloseSend && !t.closed:
			return Turn{State: Client}
		case e.Kind == tape.Cancel:
			return Turn{State: Silent}
		case i >= t.next && !e.Kind.FromClient():
			return Turn{Ready, t.at, i, e}
		}
	}
	return Turn{State: Silent}
}

// Take moves on behind what Next returned.
func (t *Talk) Take() {
	if turn := t.Next(false); turn.State == Ready {
		t.next = turn.Index + 1
	}
}

// Call returns the call that answers, once that is decided.
func (t *Talk) Call() (int, bool) { return t.at, t.call != nil }

// End says that the live call is over.
func (t *Talk) End() { t.fits = false }

// Over tells whether the recorded server ended the call before its client
// did, so that another message would meet a call that is over.
func (t *Talk) Over() bool { return false }

// Marks returns what the client has newly done, as the recording names it.
func (t *Talk) Marks() (refs []tape.Ref) {
	if t.call == nil {
		return nil
	}
	done := len(t.sent)
	if t.closed {
		done++
	}
	for ; t.marked < done; t.marked++ {
		refs = append(refs, tape.Ref{Call: t.at, Nth: t.marked + 1})
	}
	return refs
}

// Nearest returns the calls that resemble a live one, best first.
func (d *Deck) Nearest(method string, pairs []tape.Pair, sent [][]byte, closed bool) (near []Near) {
	for i, c := range d.ix.tape.Calls() {
		if c.Method == method && len(near) < 3 {
			near = append(near, Near{Call: i, Method: method, Used: d.used[i]})
		}
	}
	return near
}

// Left returns the calls that were not used.
func (d *Deck) Left() (left []Left) {
	for i, used := range d.used {
		if !used {
			left = append(left, Left{Call: i})
		}
	}
	return left
}

// Volatile tells whether a key's values change from run to run.
func Volatile(key string) bool {
	switch key {
	case "traceparent", "tracestate", "grpc-trace-bin", "b3", "x-request-id", "user-agent", "x-goog-api-client",
		"authorization", "cookie", "date", "grpc-accept-encoding":
		return true
	}
	return false
}
