// What events are presumed to wait for, story by story.

package cause_test

import (
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/cause"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

var stories = []struct{ name, told, want string }{
	{"a subscriber's message waits for the publish", `
s Subscribe server topic
s header
p Publish unary hello -> ok
s recv hello
q Publish unary bye -> ok
s recv bye
`, `
s recv hello: p1
s recv bye: q1
`},
	{"a watch event that comes before the put returns waits for it too", `
w Watch stream create
w recv created
p Put unary a
w recv a
p header
p recv ok
p end
`, `
w recv a: p1
`},
	{"conversations that began alike go on side by side", `
a Chat stream hello
a recv hello
b Chat stream hello
b recv hello
a send 1
b send 2
a recv 1
b recv 2
`, `
a recv 1: b2
`},
	{"in a room that was entered by another name one hears the others", `
a Chat stream ann
a recv ann
b Chat stream bob
b recv bob
a send 1
b send 2
b recv 1
`, `
b recv 1: a2
`},
	{"a long poll waits for the publish that feeds it", `
l Pull unary sub
p Publish unary hello -> ok
l header
l recv hello
l end
`, `
l header : p1
`},
	{"a long poll whose header came early waits with its message", `
l Pull unary sub
l header
p Publish unary hello -> ok
l recv hello
l end
`, `
l recv hello: p1
`},
	{"a poll that sees something new waits for the write between", `
a Get unary job -> pending
b Get unary job -> pending
p Finish unary job -> ok
c Get unary job -> done
d Get unary job -> done
`, `
c header : p1
`},
	{"a read of something else does not hide the write", `
a Get unary x -> 1
p Put unary x -> ok
b Get unary y -> 7
c Get unary x -> 2
`, `
c header : p1 b1
`},
	{"a write in one method and reads through it", `
a Run unary select -> 0
b Run unary insert -> ok
c Run unary select -> 1
`, `
c header : b1
`},
	{"a poll that began before the write is no barrier", `
a Get unary job
p Finish unary job -> ok
b Get unary job -> done
a recv pending
a end
`, `
a recv pending: p1
`},
	{"a parallel fan-out makes no clauses", `
a Get unary x
b Get unary y
c Get unary z
b recv 1
b end
a recv 2
a end
c recv 3
c end
`, ``},
	{"a fan-out through a proxy without a schema makes none", `
a Get unknown x
b Get unknown y
b recv 1
b end
a recv 2
a end
`, ``},
	{"ping-pong makes no clauses", `
a Talk stream one
a header
a recv one
a send two
a recv two
a close
a end
`, ``},
	{"two subscribers that ask the same do not wait for each other", `
a Subscribe server topic
b Subscribe server topic
a recv hello
b recv hello
`, ``},
	{"calls one after another make no clauses", `
a Put unary x -> ok
b Get unary x -> 1
c Delete unary x -> ok
d Get unary y -> none
`, ``},
	{"of a stream the latest message is named, a half-close by its own number", `
w Watch stream create
w recv created
u Upload stream one
u send two
w recv two
u close
w recv closed
`, `
w recv two: u2
w recv closed: u3
`},
	{"a half-close after the only request is not waited for", `
s Subscribe server topic
s header
p Publish unary hello
s recv hello
s recv more
`, `
s recv hello: p1
`},
	{"a cancel is a cause", `
s Subscribe server who
s header
c Join stream me
s recv joined
c cancel
s recv left
c end cancelled
`, `
s recv joined: c1
s recv left: c2
`},
	{"the end that the client asked for waits for nothing", `
s Subscribe server topic
s header
p Publish unary hello -> ok
s cancel
s end cancelled
`, ``},
	{"the end of a stream waits like a message", `
s Subscribe server topic
s header
d Drop unary topic -> ok
s end dropped
`, `
s end : d1
`},
	{"what was waited for is not repeated", `
w Watch stream create
w recv created
p Put unary a -> ok
w recv a
w recv b
`, `
w recv a: p1
`},
	{"of calls in turn the last four stand", `
w Watch stream create
w recv created
a Put unary 1 -> ok
b Put unary 2 -> ok
c Put unary 3 -> ok
d Put unary 4 -> ok
e Put unary 5 -> ok
g Get unary 5 -> ok
w recv late
`, `
w recv late: b1 c1 d1 e1 g1
`},
	{"of calls that ran at once all stand", `
w Watch stream create
w recv created
a Put unary 1
b Put unary 2
a end
b end
c Put unary 3 -> ok
d Put unary 4 -> ok
e Put unary 5 -> ok
w recv late
`, `
w recv late: a1 b1 c1 d1 e1
`},
}

func TestAnEventWaitsForWhatMayHaveCausedIt(t *testing.T) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			calls, names := story(t, s.told)
			for range 2 { // the second time changes nothing
				cause.Presume(calls)
				if got, want := clauses(calls, names), strings.TrimPrefix(s.want, "\n"); got != want {
					t.Errorf("these wait:\n%s\nwant\n%s", got, want)
				}
			}
		})
	}
}

func TestACallWithoutOrderTakesNoPart(t *testing.T) {
	calls, names := story(t, stories[0].told)
	calls[1].Events[1].Order = 0
	calls[1].Events[2].After = []tape.Ref{{Call: 0, Nth: 1}}
	cause.Presume(calls)
	if got, want := clauses(calls, names), "s recv bye: q1\np header : s1\n"; got != want {
		t.Errorf("these wait:\n%s\nwant\n%s", got, want)
	}
	for _, c := range calls {
		c.Order = 0
	}
	calls[0].Events[2].After = []tape.Ref{{Call: 2, Nth: 2}}
	before := clauses(calls, names)
	cause.Presume(calls)
	if got := clauses(calls, names); got != before {
		t.Errorf("without Order these wait:\n%s\nbefore it were\n%s", got, before)
	}
}

func TestThereMayBeNoCalls(t *testing.T) {
	cause.Presume(nil)
	cause.Agree(nil, nil)
	if got := cause.Arrange(nil); len(got) != 0 {
		t.Errorf("no calls are arranged as %d", len(got))
	}
}

func TestInACrowdTheLatestAreNamed(t *testing.T) {
	small, crowd := talking(60, 10), talking(300, 40)
	cause.Presume(small)
	cause.Presume(crowd)
	if got := len(small[0].Events[3].After); got != 59 {
		t.Errorf("of 60 streams an event names %d others", got)
	}
	last := crowd[0].Events[3].After
	if got := len(last); got < 16 || got > 32 {
		t.Errorf("of 300 streams an event names %d others", got)
	}
	for _, r := range last {
		if r.Call < len(crowd)-32 || r.Nth != 2 {
			t.Errorf("%v is named, and later ones are not", r)
		}
	}
}
