// What is taken out of a call when its recording is over.

package tape_test

import (
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

func TestWhatNobodyMayHaveSeenIsTakenOut(t *testing.T) {
	const (
		send, half, cancel = tape.Send, tape.CloseSend, tape.Cancel
		recv, lost         = tape.Recv, tape.Lost
	)
	for name, test := range map[string]struct {
		shape      tape.Shape
		have, want []tape.Kind
	}{
		"a message that was lost": {tape.Bidi, []tape.Kind{send, send, lost, recv}, []tape.Kind{send, recv}},
		"a half-close that is seen": {
			tape.Bidi, []tape.Kind{send, half, recv, cancel}, []tape.Kind{send, half, recv, cancel},
		},
		"a half-close that may not be": {
			tape.Bidi, []tape.Kind{send, recv, half, cancel}, []tape.Kind{send, recv, cancel},
		},
		"by a proxy that knows no shape": {
			tape.Unknown, []tape.Kind{send, recv, half, cancel}, []tape.Kind{send, recv, cancel},
		},
		"that of the only request": {
			tape.ServerStream, []tape.Kind{send, half, cancel}, []tape.Kind{send, half, cancel},
		},
		"what is tried afterwards": {
			tape.Bidi, []tape.Kind{send, cancel, send, lost, half, recv}, []tape.Kind{send, cancel, recv},
		},
	} {
		c := &tape.Call{Shape: test.shape}
		for _, k := range test.have {
			c.Events = append(c.Events, tape.Event{Kind: k})
		}
		c.Settle()
		var got []tape.Kind
		for _, e := range c.Events {
			got = append(got, e.Kind)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v is left of %v, want %v", name, got, test.have, test.want)
		}
	}
}
