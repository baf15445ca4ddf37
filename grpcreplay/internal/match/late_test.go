// What comes too late, and what ends too soon, when it is chance how far a client came.

package match_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

var chances = []story{{
	name:  "a message is too late where the time of the recorded call was over",
	calls: []string{"~ !4", ">a ~ !4"},
	lines: []string{
		"x open", "x >a next -> silent", "x >b over next -> false silent", "x > -> ", "x ~",
		"y open", "y >c next -> silent", "y ~", "left ->",
	},
}, {
	name:  "it is not where the client gave the call up",
	calls: []string{">a ~ !1"},
	lines: []string{"x open", "x >a >b -> miss", "left -> 0"},
}, {
	name:  "time may be over sooner than it was",
	calls: []string{">a >b > <1 ~ !4"},
	lines: []string{"x open", "x >a next -> client", "x ~", "left ->"},
}, {
	name:  "a client that gives up sooner does something else",
	calls: []string{">a >b > <1 ~ !1"},
	lines: []string{"x open", "x >a next -> client", "x ~", "left -> 0"},
}, {
	name:  "a call that ended as it did is used up before one whose time was over later",
	calls: []string{">a >b ~ !4", ">a ~ !1"},
	lines: []string{"x open", "x >a ~", "left -> 0"},
}, {
	name:  "a call refused before its message was recorded is not another one granted",
	calls: []string{"k=2 >a > <1 !0", "k=1 !7", "k=3 >a > <2 !0"},
	lines: []string{
		"x open k=1", "x >a take -> 1:!7", "y open k=2", "y >a > take take -> 0:<1 0:!0",
		"z open k=3", "z >a > take take -> 2:<2 2:!0", "left ->",
	},
}, {
	name:  "nor is one granted another refused",
	calls: []string{"k=1 !7", "k=2 >a > <1 !0"},
	lines: []string{
		"x open k=2", "x >a > take take -> 1:<1 1:!0", "y open k=1", "y >a take -> 0:!7", "left ->",
	},
}, {
	name:  "one who is like neither goes on",
	calls: []string{"k=1 !7", "k=2 >a > <1 !0"},
	lines: []string{"x open k=3", "x >a > take -> 1:<1", "y open k=4", "y >a take -> 0:!7"},
}}

func TestHowFarAClientCameMayBeChance(t *testing.T) {
	for _, s := range chances {
		t.Run(s.name, s.play)
	}
}

// A server may notice first that a call's time is over, or its client tell a
// proxy no more than that it gave up.
func TestTimeIsOverWhenItHasPassed(t *testing.T) {
	for _, row := range []struct {
		after time.Duration
		left  int
	}{{time.Second, 0}, {900 * time.Millisecond, 0}, {800 * time.Millisecond, 1}} {
		tp := new(tape.Tape)
		tp.Add(&tape.Call{Method: "/s/M", Start: time.Minute, Timeout: time.Second, Events: []tape.Event{
			{Kind: tape.Send}, {Kind: tape.CloseSend}, {Kind: tape.Cancel, At: time.Minute + row.after},
			{Kind: tape.End, Status: tape.Status{Code: 1}},
		}})
		d := match.New(tp, match.Options{}).Deck()
		d.Open("/s/M", nil).End()
		if left := len(d.Left()); left != row.left {
			t.Errorf("after %v, %d are left, want %d", row.after, left, row.left)
		}
	}
}
