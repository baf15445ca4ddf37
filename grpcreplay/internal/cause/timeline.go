// All that happened in a recording, in one row.

package cause

import (
	"cmp"
	"slices"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A moment is the start of a call or one of its events.
type moment struct {
	order int
	call  int32
	event int32     // the event's index; -1 at the start
	kind  tape.Kind // the event's; started at the start
	tells bool      // it is one that a server may act on
}

const started tape.Kind = 0

// timeline returns the moments of the calls whose order is known, in order.
func timeline(calls []*tape.Call) []moment {
	size := 0
	for _, c := range calls {
		size += 1 + len(c.Events)
	}
	moments := make([]moment, 0, size)
	for i, c := range calls {
		if !ordered(c) {
			continue
		}
		moments = append(moments, moment{order: c.Order, call: int32(i), event: -1})
		for j := range c.Events {
			e := &c.Events[j]
			moments = append(moments, moment{e.Order, int32(i), int32(j), e.Kind, tells(c, j)})
		}
	}
	slices.SortFunc(moments, func(a, b moment) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.call, b.call), cmp.Compare(a.event, b.event))
	})
	return moments
}

// ordered tells whether a call's own events came one after another, and when.
func ordered(c *tape.Call) bool {
	if c.Order <= 0 {
		return false
	}
	last := c.Order - 1 // the start may share the number of the first event
	for i := range c.Events {
		if c.Events[i].Order <= last {
			return false
		}
		last = c.Events[i].Order
	}
	return true
}

// tells tells whether the event at index i is one that a server may act on. A
// half-close that follows the only request of a call says nothing new: who
// waits for it waits for the request.
func tells(c *tape.Call, i int) bool {
	k := c.Events[i].Kind
	if k == tape.CloseSend && c.Shape.OneRequest() {
		return i == 0 || c.Events[i-1].Kind != tape.Send
	}
	return k.FromClient()
}
