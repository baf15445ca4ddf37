// How calls are ordered.

package cause_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/cause"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

var arrangements = []struct{ name, told, want string }{
	{"calls at once stand by method and content", `
c Put unary z
b Get unary y
a Get unary x
`, "a b c"},
	{"calls one after another stay", `
c Put unary z -> ok
b Get unary y -> ok
a Get unary x -> ok
`, "c b a"},
	{"a call that began after another ended stays after it", `
d Get unary d
c Get unary c
c end
b Get unary b
a Get unary a
`, "c d a b"},
	{"a watch stays before the put that it sees", `
w Watch stream create
p Put unary x
w recv x
p end
`, "w p"},
	{"streams at once stand by content", `
b Talk stream two
a Talk stream one
a recv one
`, "a b"},
	{"a stream that began after a message stays after it", `
b Talk stream two
b recv two
a Talk stream one
`, "b a"},
	{"streams that begin alike stand by what follows", `
c Talk stream one
b Talk stream one
a Talk stream one
c send two
b send three
`, "a b c"},
	{"calls that ask the same stay in the order of their starts", `
b Next unary x
a Next unary x
a recv 1
b recv 2
`, "b a"},
}

func TestCallsStandByStartAndInABurstByContent(t *testing.T) {
	for _, s := range arrangements {
		t.Run(s.name, func(t *testing.T) {
			calls, names := story(t, s.told)
			given := slices.Clone(calls)
			got := []string{}
			for i, c := range cause.Arrange(calls) {
				if c.Number != i+1 {
					t.Errorf("call %d has number %d", i+1, c.Number)
				}
				got = append(got, names[slices.Index(given, c)])
			}
			if !slices.Equal(calls, given) {
				t.Error("what was given was reordered")
			}
			if strings.Join(got, " ") != s.want {
				t.Errorf("they stand %v, want %s", got, s.want)
			}
		})
	}
}

func TestTheOrderOfInputDoesNotMatter(t *testing.T) {
	calls, _ := story(t, arrangements[2].told)
	want := cause.Arrange(calls)
	slices.Reverse(calls)
	if got := cause.Arrange(calls); !slices.Equal(got, want) {
		t.Error("given in reverse they stand otherwise")
	}
}

func TestCallsWithoutOrderStay(t *testing.T) {
	calls := []*tape.Call{{Method: "/s/C", Order: 2}, {Method: "/s/B"}, {Method: "/s/A", Order: 1}}
	got := cause.Arrange(calls)
	if !slices.Equal(got, calls) || got[2].Number != 3 {
		t.Errorf("they stand as %v", got)
	}
}

func TestTwoRecordingsOfAFanOutStandAlike(t *testing.T) {
	told := func(d *dice) []string {
		lines, rest := []string{"first Login unary me -> ok"}, []string{}
		for _, i := range shuffled(d, 32) {
			lines = append(lines, fmt.Sprintf("c%d Get unary x%d", i, i))
		}
		for _, i := range shuffled(d, 32) {
			rest = append(rest, fmt.Sprintf("c%d recv %d", i, i), fmt.Sprintf("c%d end", i))
		}
		return append(append(lines, rest...), "last Logout unary me -> ok")
	}
	d := dice(1)
	first := ""
	for range 20 {
		calls, _ := story(t, strings.Join(told(&d), "\n"))
		text := ""
		for _, c := range cause.Arrange(calls) {
			text += fmt.Sprintf("%d %s %s %s\n", c.Number, c.Method, c.Events[0].Message, c.Events[2].Message)
		}
		if first == "" {
			first = text
		}
		if text != first {
			t.Fatalf("two recordings differ:\n%s\nand\n%s", first, text)
		}
	}
}

func shuffled(d *dice, n int) []int {
	order := make([]int, n)
	for i := range order {
		j := d.below(i + 1)
		order[i], order[j] = order[j], i
	}
	return order
}

func TestNoCallComesBeforeOneThatEndedBeforeItBegan(t *testing.T) {
	for seed := range 500 {
		d := dice(seed)
		p := newProgram(&d)
		if p.calls == 0 {
			continue
		}
		began := 0 // the latest start so far
		for _, c := range cause.Arrange(record(p, &d).calls) {
			began = max(began, c.Order)
			if endOrder(c) < began {
				t.Fatalf("seed %d: call %d stands after one that began when it was over", seed, c.Number)
			}
		}
	}
}
