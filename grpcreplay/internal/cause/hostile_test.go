// Tapes that no recorder makes.

package cause_test

import (
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/cause"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// wildCalls makes calls of bytes: any kinds, any orders, few methods.
func wildCalls(b []byte) (calls []*tape.Call) {
	for i := 0; i+2 < len(b); i += 3 {
		if b[i]%8 == 7 || len(calls) == 0 {
			calls = append(calls, &tape.Call{
				Method: "/s.S/" + string('A'+rune(b[i+1]%3)), Shape: tape.Shape(b[i+1] / 3 % 6), Order: int(b[i+2]) - 1,
			})
			continue
		}
		c := calls[len(calls)-1]
		order := int(b[i+2]) - 1
		if n := len(c.Events); b[i+1]%4 > 0 { // mostly they rise
			order = c.Order + n + 1 + int(b[i+1]%4)*n
		}
		c.Events = append(c.Events, tape.Event{Kind: tape.Kind(b[i] % 8), Order: order, Message: b[i+1 : i+2]})
	}
	return calls
}

func FuzzAnyTape(f *testing.F) {
	f.Add([]byte("\x07\x00\x01\x01\x01\x02\x05\x01\x03\x07\x01\x02\x01\x01\x03\x02\x01\x04\x06\x01\x09"))
	f.Add([]byte("\x07\x0c\x01\x01\x00\x02\x07\x0c\x01\x01\x00\x02\x05\x00\x02\x06\x00\x02"))
	f.Fuzz(func(t *testing.T, b []byte) {
		calls := cause.Arrange(wildCalls(b))
		cause.Presume(calls)
		checkBackwards(t, calls)
		other := wildCalls(b[len(b)/2:])
		cause.Presume(other)
		cause.Agree(calls, other)
		cause.Agree(calls, calls)
	})
}
