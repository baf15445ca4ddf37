// What two recordings agree on.

package cause_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/cause"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

const watched = `
w Watch stream create
w recv created
p Put unary x -> ok
t Tick unary now -> ok
w recv x
`

var agreements = []struct{ name, told, want string }{
	{"with itself", watched, "w recv x: p1 t1"},
	{"what came later there is no cause", `
p Put unary x -> ok
w Watch stream create
w recv created
w recv x
t Tick unary now -> ok
`, "w recv x: p1"},
	{"a call that is not there bears nothing out", `
w Watch stream create
w recv created
t Tick unary now -> ok
w recv x
`, "w recv x: t1"},
	{"an event that is not there bears nothing out", `
w Watch stream create
w recv created
p Put unary x -> ok
t Tick unary now -> ok
`, ""},
	{"a call whose message differs is found by its place", `
w Watch stream create
w recv created
p Put unary other -> ok
w recv x
t Tick unary now -> ok
`, "w recv x: p1"},
	{"a stream that is not there", `
p Put unary x -> ok
t Tick unary now -> ok
`, ""},
}

func TestAClauseStaysIfTheOtherRecordingBearsItOut(t *testing.T) {
	for _, s := range agreements {
		t.Run(s.name, func(t *testing.T) {
			a, names := story(t, watched)
			b, _ := story(t, s.told)
			cause.Presume(a)
			cause.Presume(b)
			cause.Agree(a, b)
			if got := strings.TrimSpace(clauses(a, names)); got != s.want {
				t.Errorf("there stay %q, want %q", got, s.want)
			}
		})
	}
}

func TestWithoutOrderTheClausesThereDecide(t *testing.T) {
	a, names := story(t, watched)
	b, _ := story(t, watched)
	cause.Presume(a)
	cause.Presume(b)
	for _, c := range b {
		c.Order = 0
		for i := range c.Events {
			c.Events[i].Order = 0
		}
	}
	keep := func(want string) {
		t.Helper()
		cause.Agree(a, b)
		if got := strings.TrimSpace(clauses(a, names)); got != want {
			t.Errorf("there stay %q, want %q", got, want)
		}
	}
	keep("w recv x: p1 t1")
	last := &b[0].Events[2]
	last.After = slices.DeleteFunc(last.After, func(r tape.Ref) bool { return r.Call == 2 }) // by hand
	b[0].Events[1].After, last.After = last.After, nil                                       // waited for earlier still
	keep("w recv x: p1")
	b[0].Events[1].After = nil
	keep("")
}

func TestAWildClauseIsBorneOutByNothing(t *testing.T) {
	a, names := story(t, watched)
	b, _ := story(t, watched)
	a[0].Events[2].After = refs(-1, 1, 99, 1, 1, 0, 1, 99, 1, -3, 1, 1)
	cause.Agree(a, b)
	if got := strings.TrimSpace(clauses(a, names)); got != "w recv x: p1" {
		t.Errorf("there stay %q", got)
	}
}
