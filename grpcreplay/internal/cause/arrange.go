// A stable order of calls.

package cause

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// Arrange returns the calls in the order in which they stand on a tape, and
// numbers them from 1. They stand by their start, and those of a burst by
// method and by what their clients said: goroutines that start calls at once
// do so in another order each time. A burst is a run of calls, all unary or
// all streams, that were started before the client had a message or a status
// of any of them. So a call that began after another ended stays after it.
//
// Calls that ask the same stay in the order of their starts, for that is the
// order in which they are answered. If a call's Order is unknown, all stay as
// they are. Order fields are not touched and references not translated: they
// are made afterwards.
func Arrange(calls []*tape.Call) []*tape.Call {
	arranged := slices.Clone(calls)
	if !slices.ContainsFunc(arranged, func(c *tape.Call) bool { return c.Order <= 0 }) {
		slices.SortStableFunc(arranged, func(a, b *tape.Call) int { return cmp.Compare(a.Order, b.Order) })
		for rest := arranged; len(rest) > 0; {
			n := burst(rest)
			slices.SortStableFunc(rest[:n], compareRequests)
			rest = rest[n:]
		}
	}
	for i, c := range arranged {
		c.Number = i + 1
	}
	return arranged
}

// burst returns the length of the burst with which calls begin: at least 1.
func burst(calls []*tape.Call) int {
	alike, until := unary(calls[0]), heard(calls[0])
	for n, c := range calls[1:] {
		if c.Order > until || unary(c) != alike {
			return n + 1
		}
		until = min(until, heard(c))
	}
	return len(calls)
}

// compareRequests orders by method, then by the client's messages.
func compareRequests(a, b *tape.Call) int {
	if n := strings.Compare(a.Method, b.Method); n != 0 {
		return n
	}
	i, j := nextSend(a, 0), nextSend(b, 0)
	for i < len(a.Events) && j < len(b.Events) {
		if n := bytes.Compare(a.Events[i].Message, b.Events[j].Message); n != 0 {
			return n
		}
		i, j = nextSend(a, i+1), nextSend(b, j+1)
	}
	return cmp.Compare(len(a.Events)-i, len(b.Events)-j)
}

// nextSend returns the index of the first message that the client sent from
// i on, or the number of events.
func nextSend(c *tape.Call, i int) int {
	for i < len(c.Events) && c.Events[i].Kind != tape.Send {
		i++
	}
	return i
}
