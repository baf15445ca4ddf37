// How the real service differs from what was recorded of it.

package grpcreplay

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A Severity says how much a Drift matters.
type Severity string

// The severities, worst first.
const (
	Breaking Severity = "breaking" // another status, fewer or more messages, a call that was not made
	Changed  Severity = "changed"  // another content of a message
	Minor    Severity = "minor"    // other metadata, another text of an error
)

// A Drift is one place where the real service does not do any more what was
// recorded.
type Drift struct {
	Severity Severity
	Call     *Call // as recorded; as made, if it was not recorded
	Difference
}

// A DriftError is what ModeVerify found, worst first.
type DriftError struct{ Drifts []Drift }

// Error lists what was found.
func (e *DriftError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "grpcreplay: the real service differs from the recording in %d places", len(e.Drifts))
	for i, d := range e.Drifts {
		if i == 20 {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Drifts)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s\n    %s: recorded %s, now %s", d.Severity, d.Call, d.Path,
			orNothing(d.Want), orNothing(d.Got))
	}
	return b.String()
}

// drifted compares what was recorded with what was recorded now. It returns
// nil or a *DriftError.
func drifted(old, now *Recording) error {
	ignore, err := schema.ParsePaths(old.tape.Head.Ignore)
	if err != nil {
		return fmt.Errorf("grpcreplay: the recording's ignored fields: %w", err)
	}
	v := &verifier{old: old, now: now, ignore: ignore}
	deck := match.New(old.tape, match.Options{
		Metadata: old.tape.Head.Metadata, Canon: (&canons{set: now.schema.Or(old.schema), ignore: ignore}).append,
	}).Deck()
	for _, c := range now.tape.Calls() {
		v.call(deck, c)
	}
	for _, l := range deck.Left() {
		if !l.Used {
			v.add(Breaking, old.tape.Call(l.Call), Difference{"call", "made", ""})
		}
	}
	if len(v.found) == 0 {
		return nil
	}
	return &DriftError{v.sorted()}
}

// A verifier gathers drifts.
type verifier struct {
	old, now *Recording
	ignore   schema.Paths
	found    []Drift
}

func (v *verifier) add(s Severity, c *tape.Call, d Difference) {
	v.found = append(v.found, Drift{s, newCall(c, v.old.schema), d})
}

// sorted returns what was found, worst first.
func (v *verifier) sorted() (sorted []Drift) {
	for _, s := range []Severity{Breaking, Changed, Minor} {
		for _, d := range v.found {
			if d.Severity == s {
				sorted = append(sorted, d)
			}
		}
	}
	return sorted
}

// call finds the recorded call for one that was made, and compares them.
func (v *verifier) call(deck *match.Deck, c *tape.Call) {
	at, err := fits(deck, c)
	if err != nil {
		v.add(Breaking, c, Difference{"call", "", "made, but not recorded"})
		return
	}
	v.compare(v.old.tape.Call(at), c)
}

var errUnfit = errors.New("nothing recorded fits")

// fits returns the place of the recorded call that answers a call.
func fits(deck *match.Deck, c *tape.Call) (int, error) {
	t := deck.Open(c.Method, c.Pairs)
	defer t.End()
	for _, e := range c.Events {
		ok := true
		switch e.Kind {
		case tape.Send:
			ok = t.Send(e.Message)
		case tape.CloseSend:
			ok = t.CloseSend()
		}
		if !ok {
			return 0, errUnfit
		}
	}
	if drain(t) == match.Client && !closes(c) && t.CloseSend() { // the end overtook the half-close
		drain(t)
	}
	at, ok := t.Call()
	if !ok {
		return 0, errUnfit
	}
	return at, nil
}

// drain takes all that the server does, and returns why it does no more.
func drain(t *match.Talk) match.State {
	for {
		turn := t.Next(true)
		if turn.State != match.Ready {
			return turn.State
		}
		t.Take()
	}
}

// closes tells whether the client's half-close is in a call.
func closes(c *tape.Call) bool {
	return slices.ContainsFunc(c.Events, func(e tape.Event) bool { return e.Kind == tape.CloseSend })
}

// compare compares what the server did in a recorded call and in a new one.
func (v *verifier) compare(old, now *tape.Call) {
	want, got := newCall(old, v.old.schema), newCall(now, v.now.schema)
	if a, b := fmt.Sprint(want.Status.Code()), fmt.Sprint(got.Status.Code()); a != b {
		v.add(Breaking, old, Difference{"status", a, b})
	} else if a, b := want.Status.Message(), got.Status.Message(); a != b {
		v.add(Minor, old, Difference{"status message", a, b})
	}
	if a, b := len(want.Responses), len(got.Responses); a != b {
		v.add(Breaking, old, Difference{"messages", fmt.Sprint(a), fmt.Sprint(b)})
	}
	for i := range min(len(want.Responses), len(got.Responses)) {
		out := v.old.schema.Output(old.Method)
		for _, d := range v.old.schema.Diff(out, want.Responses[i], got.Responses[i], v.ignore.For(old.Method)) {
			v.add(Changed, old, Difference{fmt.Sprintf("response %d: %s", i+1, d.Path), d.Want, d.Got})
		}
	}
	v.metadata("header", old, want.Header, got.Header)
	v.metadata("trailer", old, want.Trailer, got.Trailer)
}

// metadata compares headers or trailers.
func (v *verifier) metadata(what string, c *tape.Call, want, got map[string][]string) {
	for _, key := range keysOf(want, got) {
		a, b := strings.Join(want[key], ","), strings.Join(got[key], ",")
		if a != b && !match.Volatile(key) && key != detailsKey {
			v.add(Minor, c, Difference{what + " " + key, a, b})
		}
	}
}

// keysOf returns the keys of either, sorted.
func keysOf(a, b map[string][]string) []string {
	var keys []string
	for _, m := range []map[string][]string{a, b} {
		for key := range m {
			keys = append(keys, key)
		}
	}
	return union(keys, nil)
}
