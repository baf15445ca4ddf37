// The history: operations in the order of their calls.

package history

import (
	"fmt"
	"slices"
	"sync"

	"github.com/rehearse-go/rehearse/journal"
)

// A History holds operations that ask In and are answered Out. The zero value
// is ready to use, from any goroutine.
type History[In, Out any] struct {
	// Limit is how many operations are kept; if not positive, all. Those that
	// come later are counted by Dropped, and no checker passes a history that
	// dropped some. Set it before the first Call.
	Limit int

	// Journal, if not nil, is told of each operation as well: "op.call",
	// "op.return", "op.fail" and "op.unknown", with the client as Where, what
	// was asked as Subject and the answer as Body. Set it before the first
	// Call.
	Journal *journal.Journal

	mu      sync.Mutex // held for a few instructions only
	clock   int
	ops     []Op[In, Out]
	dropped int
}

// A Call is an operation under way. It ends once, by Return, Fail or Unknown;
// one that is never ended counts as unknown.
type Call[In, Out any] struct {
	history *History[In, Out]
	client  string
	in      In
	event   int
	index   int  // -1 for one that is not kept
	ended   bool // guarded by the history's mu
}

// Call begins an operation. Call it before the request is sent, so that no
// effect comes before it.
func (h *History[In, Out]) Call(client string, in In) *Call[In, Out] {
	c := &Call[In, Out]{history: h, client: client, in: in, index: -1}
	c.event = c.tell("op.call", nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.Limit > 0 && len(h.ops) >= h.Limit {
		h.dropped++
		return c
	}
	c.index = len(h.ops)
	h.clock++
	h.ops = append(h.ops, Op[In, Out]{ID: c.index + 1, Client: client, In: in, Called: h.clock, Event: c.event})
	return c
}

// Return ends the operation: it happened, and was answered out. Call it after
// the answer came. It panics if the operation has ended before.
func (c *Call[In, Out]) Return(out Out) {
	c.end(Op[In, Out]{Outcome: Returned, Out: out})
	if c.history.Journal != nil {
		c.tell("op.return", []byte(fmt.Sprint(out)))
	}
}

// Fail ends the operation: it did not happen and never will, err says why. A
// timeout or a lost connection is not that: see Unknown. It panics if the
// operation has ended before.
func (c *Call[In, Out]) Fail(err error) {
	c.end(Op[In, Out]{Outcome: Failed, Err: fmt.Sprint(err)})
	c.tell("op.fail", fmt.Append(nil, err))
}

// Unknown ends the operation without an answer: it may have happened, and may
// happen at any time from its call on. On an operation that has ended it does
// nothing, so that it can be deferred.
func (c *Call[In, Out]) Unknown() {
	h := c.history
	h.mu.Lock()
	ended := c.ended
	c.ended = true
	h.mu.Unlock()
	if !ended {
		c.tell("op.unknown", nil)
	}
}

// end writes how the operation ended.
func (c *Call[In, Out]) end(how Op[In, Out]) {
	h := c.history
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.ended {
		panic(fmt.Sprintf("history: %s's operation %v ended twice", c.client, c.in))
	}
	c.ended = true
	if c.index < 0 {
		return
	}
	h.clock++
	op := &h.ops[c.index]
	op.Outcome, op.Out, op.Err, op.Returned = how.Outcome, how.Out, how.Err, h.clock
}

// tell appends an event to the journal, if there is one.
func (c *Call[In, Out]) tell(kind journal.Kind, body []byte) int {
	if c.history.Journal == nil {
		return 0
	}
	return c.history.Journal.Append(journal.Event{
		Kind: kind, Where: c.client, Subject: fmt.Sprint(c.in), Cause: c.event, Body: body,
	})
}

// Ops returns the operations so far, in the order of their calls. Those under
// way are Unknown.
func (h *History[In, Out]) Ops() []Op[In, Out] {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ops)
}

// Len returns how many operations are kept.
func (h *History[In, Out]) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ops)
}

// Dropped returns how many operations were not kept because of Limit.
func (h *History[In, Out]) Dropped() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.dropped
}
