// Events of a recorded call: where one stands in them, and which are the same.

package match

import (
	"bytes"
	"slices"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A cursor stands in a call's events, behind so many of the client's.
type cursor struct{ at, client int }

// skip returns the cursor behind n more of the server's events.
func (c cursor) skip(call *tape.Call, n int) cursor {
	for ; n > 0 && c.at < len(call.Events); c.at++ {
		if call.Events[c.at].Kind.FromClient() {
			c.client++
		} else {
			n--
		}
	}
	return c
}

// next returns the cursor before what is neither Send nor CloseSend.
func (c cursor) next(call *tape.Call) cursor {
	for c.at < len(call.Events) && (call.Events[c.at].Kind == tape.Send || call.Events[c.at].Kind == tape.CloseSend) {
		c.at, c.client = c.at+1, c.client+1
	}
	return c
}

// same tells whether two events are the same but for when they came.
func same(a, b *tape.Event) bool {
	return a.Kind == b.Kind && bytes.Equal(a.Message, b.Message) && slices.Equal(a.Pairs, b.Pairs) &&
		a.Status.Code == b.Status.Code && a.Status.Message == b.Status.Message && a.Status.Plain == b.Status.Plain &&
		slices.EqualFunc(a.Status.Details, b.Status.Details, func(x, y tape.Any) bool {
			return x.Type == y.Type && bytes.Equal(x.Value, y.Value)
		})
}
