// Which recorded call answers a live one, told in stories.

package match_test

import (
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
)

// caseless takes messages for the same that differ only in case.
func caseless(_ string, dst, msg []byte) []byte {
	return append(dst, strings.ToLower(string(msg))...)
}

func TestStories(t *testing.T) {
	for _, s := range stories {
		t.Run(s.name, s.play)
	}
}

var stories = []story{{
	name:  "a unary call is answered by the call with its message",
	calls: []string{"unary >a > <h <1 !0", "unary >b > <h <2 !0"},
	lines: []string{
		"x open", "x >b > take take take next -> 1:<h 1:<2 1:!0 silent", "x ~", "left -> 0",
		"y open", "y >a > take take take -> 0:<h 0:<1 0:!0", "left ->",
	},
}, {
	name:  "identical requests are answered in recorded order, each once",
	calls: []string{"unary >a > <1 !0", "unary >b > !0", "unary >a > <2 !0"},
	lines: []string{
		"x open", "x >a > take take -> 0:<1 0:!0",
		"y open", "y >a > take take -> 2:<2 2:!0",
		"z open", "z >a -> miss", "left -> 1",
	},
}, {
	name:  "an unknown method, message or a spent method fits nothing",
	calls: []string{"unary >a > !0"},
	lines: []string{
		"x open /t/N -> miss", "x >a -> miss", "x next -> silent", "y open", "y >b -> miss", "y > -> miss",
		"z open", "z >a > take -> 0:!0", "z ~", "v open -> miss", "left ->",
	},
}, {
	name:  "a recorded one-request call half-closes without saying so",
	calls: []string{"unary >a <1 !0"},
	lines: []string{"x open", "x >a > take take -> 0:<1 0:!0", "left ->"},
}, {
	name:  "an event comes only after the client's events before it",
	calls: []string{"<h >a <1 >b > <2 !0"},
	lines: []string{
		"x open", "x take next -> 0:<h client", "x >a take next -> 0:<1 client", "x >b next -> client",
		"x > take take next -> 0:<2 0:!0 silent",
	},
}, {
	name:  "streams that begin alike and part later do not cross",
	calls: []string{"<h >a <1 >b > <2 !0", "<h >a <1 >c > <3 !0"},
	lines: []string{
		"x open", "y open", "x take -> 0:<h", "y take -> 1:<h", "x >a take next call -> 0:<1 client none",
		"y >a take -> 1:<1", "x >c", "y >b", "x next -> client", "x > take take -> 1:<3 1:!0",
		"y > take take -> 0:<2 0:!0", "left ->",
	},
}, {
	name:  "of candidates that disagree none is chosen before the program rests",
	calls: []string{"<1 >a > !0", "<2 >b > !0"},
	lines: []string{
		"x open", "x next call -> undecided none", "x rested -> 0:<1", "x take next -> 0:<1 client",
		"y open", "y next -> 1:<2", "x >a > take -> 0:!0",
	},
}, {
	name:  "a client that goes on decides before the program rests",
	calls: []string{"<1 >a > !0", "<2 >b > !0"},
	lines: []string{"x open", "x next -> undecided", "x >b take > take -> 1:<2 1:!0", "left -> 0"},
}, {
	name:  "a rest chooses among those with something to deliver",
	calls: []string{">a >b <1 > !0", ">a <2 >c > !0"},
	lines: []string{"x open", "x >a next rested -> undecided 1:<2"},
}, {
	name:  "a choice whose answer was not delivered is taken back",
	calls: []string{"<1 >a > !0", "<2 >b > !0"},
	lines: []string{
		"x open", "x rested call -> 0:<1 0", "x >b call take -> none 1:<2", "y open", "y >a take -> 0:<1",
	},
}, {
	name:  "a choice whose answer was delivered is not",
	calls: []string{"<1 >a > !0", "<2 >b > !0"},
	lines: []string{"x open", "x rested take -> 0:<1 0:<1", "x >b -> miss", "left -> 0(0/2,1/2) 1"},
}, {
	name:  "a claim on a part leaves the others to the rest",
	calls: []string{"<1 >a > !0", "<2 >b > !0"},
	lines: []string{"x open", "y open", "x >a", "y next -> 1:<2", "z open -> miss"},
}, {
	name:  "a second talk on what one holds is a mismatch at once",
	calls: []string{">a > <1 !0", ">b > <2 !0"},
	lines: []string{"x open", "y open", "x >a", "y >a -> miss", "x > take -> 0:<1", "left -> 0(2/2,1/2) 1"},
}, {
	name:  "true ties go to recorded order at once",
	calls: []string{">a <1 >b > !0", ">a <2 >b > !0"},
	lines: []string{
		"x open", "y open", "x >a", "y >a", "y next -> 0:<1", "x next -> 1:<2", "x >b > take take -> 1:<2 1:!0",
	},
}, {
	name:  "a changed message, one fewer and one more are mismatches",
	calls: []string{">a >b > <1 !0", ">a >b > <1 !0", ">a >b > <1 !0"},
	lines: []string{
		"x open", "x >a >c -> miss", "y open", "y >a > -> miss", "z open", "z >a >b >c -> miss", "left -> 0 1 2",
	},
}, {
	name:  "a call that its server ended takes late messages and half-closes",
	calls: []string{">a >b <1 !5", ">a >b >c > !0"},
	lines: []string{
		"x open", "x >a >b over -> false", "x >d over > take take -> true 0:<1 0:!5",
		"y open", "y >a >b over >c over > take -> false false 1:!0", "left ->",
	},
}, {
	name:  "a call that its server ended is over when nothing else can answer",
	calls: []string{">a >b <1 !5"},
	lines: []string{
		"x open", "x over >a over >b over -> false false true", "x take over take over -> 0:<1 true 0:!5 true",
	},
}, {
	name:  "a call under way when the recording ended takes a half-close, and no more messages",
	calls: []string{">a <1", ">a <1"},
	lines: []string{
		"x open", "x >a take next > next -> 0:<1 silent silent", "y open", "y >a >b -> miss", "left -> 1",
	},
}, {
	name:  "a call that its client ended stays silent, and is used up with it",
	calls: []string{">a <1 ~ !1", ">a <1 <2 > !0"},
	lines: []string{
		"x open", "x >a take next -> 0:<1 undecided", "x ~", "left -> 1",
		"y open", "y >a take take -> 1:<1 1:<2", "y > take -> 1:!0", "left ->",
	},
}, {
	name:  "what its client cut off is not left over, live as recorded",
	calls: []string{">a <1 <2 ~ !1", ">b <1 >c ~ !1", ">d <1 <2"},
	lines: []string{
		"x open", "x >a take -> 0:<1", "x ~", "left -> 1 2", "y open", "y >b take -> 1:<1", "y ~",
		"z open", "z >d take -> 2:<1", "z ~", "left -> 1(1/2,1/1) 2(1/1,1/2)",
	},
}, {
	name:  "a client that cancels early gives its place back",
	calls: []string{">a <1 >b > !0", ">a <1 >c > !0"},
	lines: []string{"x open", "x >a take -> 0:<1", "x ~", "y open", "z open", "y >a >c > take take -> 1:<1 1:!0"},
}, {
	name:  "an answer that was not delivered is there for the next",
	calls: []string{"unary >a > <1 !0", "unary >a > ~"},
	lines: []string{
		"x open", "x >a > next -> 0:<1", "x ~", "left -> 0", "y open", "y >a > take take -> 0:<1 0:!0", "left ->",
	},
}, {
	name:  "what others took on the ground that a call was in use stays in use",
	calls: []string{"<1 >a > !0", "<2 >b > !0", "<2 >c > !0"},
	lines: []string{
		"x open", "x rested -> 0:<1", "y open", "y take -> 1:<2", "x ~", "left -> 0(0/2,0/2) 1 2",
		"y >b > take -> 1:!0",
	},
}, {
	name:  "keys that must be equal exclude",
	calls: []string{"unary k=1 >a > <1 !0", "unary k=2 >a > <2 !0", "unary >a > <3 !0", "unary k=1 k=2 >a > <4 !0"},
	opts:  match.Options{Metadata: []string{"k"}},
	lines: []string{
		"x open k=2", "x >a > take -> 1:<2", "y open k=2 -> miss", "z open", "z >a > take -> 2:<3",
		"w open k=1 k=2", "w >a > take -> 3:<4", "v open k=3 -> miss", "u open k=1 j=5", "u >a > take -> 0:<1",
	},
}, {
	name:  "other metadata ranks, and excludes nothing",
	calls: []string{"unary t=a >m > <1 !0", "unary t=b >m > <2 !0", "unary t=b u=c >m > <3 !0"},
	lines: []string{
		"x open t=b", "x >m > take -> 1:<2", "y open t=b", "y >m > take -> 2:<3", "z open t=z", "z >m > take -> 0:<1",
	},
}, {
	name:  "volatile keys do not rank",
	calls: []string{"unary x-request-id=a >m > <1 !0", "unary x-request-id=b >m > <2 !0"},
	lines: []string{"x open x-request-id=b", "x >m > take -> 0:<1"},
}, {
	name:  "what is volatile can be said",
	calls: []string{"unary x-request-id=a k=1 >m > <1 !0", "unary x-request-id=b k=2 >m > <2 !0"},
	opts:  match.Options{Volatile: func(key string) bool { return key == "k" }},
	lines: []string{"x open x-request-id=b k=1", "x >m > take -> 1:<2"},
}, {
	name:  "messages are compared by their canonical forms",
	calls: []string{"unary >a > <1 !0", "unary >A > <2 !0", "unary >b > <3 !0", "unary >aa > <4 !0"},
	opts:  match.Options{Canon: caseless},
	lines: []string{
		"x open", "x >A > take -> 0:<1", "y open", "y >a > take -> 1:<2", "z open", "z >B > take -> 2:<3",
		"w open", "w >Aa > take -> 3:<4", "v open -> miss",
	},
}, {
	name:  "calls that are skipped are not on offer",
	calls: []string{"unary >a > <1 !0", "unary >a > <2 !0", "/t/N >a"},
	opts:  match.Options{Skip: func(c int) bool { return c != 1 }},
	lines: []string{"left -> 1", "y open /t/N -> miss", "x open", "x >a > take take -> 1:<2 1:!0", "left ->"},
}, {
	name: "of a lenient tape the server's events come at once after the first message", lenient: true,
	calls: []string{"<1 >a <2 >b !0", "/t/N <1 !0"},
	lines: []string{
		"x open", "x next -> client", "x >a take take -> 0:<1 0:<2", "x >b > take -> 0:!0",
		"y open /t/N", "y take take -> 1:<1 1:!0", "left ->",
	},
}, {
	name: "of a lenient tape fewer messages fit, and more do not", lenient: true,
	calls: []string{"unary >a <1 !0", ">a >b <2 !0", ">a >c <3 !0"},
	lines: []string{
		"x open", "x >a next -> undecided", "x > take take -> 0:<1 0:!0", "y open", "y >a > take take -> 1:<2 1:!0",
		"z open", "z >a >c >d -> miss", "left -> 2",
	},
}, {
	name: "of a lenient tape a message is late where the client was known to be", lenient: true,
	calls: []string{">a <1 !0 >", ">b <2 !0"},
	lines: []string{
		"x open", "x >a take -> 0:<1", "x >late >later take -> 0:!0",
		"y open", "y >b take -> 1:<2", "y >late -> miss",
	},
}, {
	name:  "what a client did is marked, for a presumable call first",
	calls: []string{">a >b > <1 !0", ">a >c > <2 !0", ">z ~"},
	lines: []string{
		"x open", "y open", "x marks -> []", "x >a marks marks -> [{0 1}] []", "y >a marks -> [{1 1}]",
		"x >c marks -> [{1 1} {1 2}]",
		"x > next marks -> 1:<2 [{1 3}]", "y >b > take marks -> 0:<1 [{0 1} {0 2} {0 3}]",
		"z open", "z >z next -> silent", "z ~ marks -> [{2 1} {2 2}]",
	},
}, {
	name:  "of calls that are equally like it the first is chosen",
	calls: []string{"unary t=a >m > <1 !0", "unary t=b >m > <2 !0", "unary >m > <3 !0"},
	lines: []string{"x open t=c", "x >m > take -> 2:<3", "y open t=c", "y >m > take -> 0:<1"},
}, {
	name: "a lenient half-close makes a tie of calls that go on", lenient: true,
	calls: []string{"k=1 >a >b <1 !0", "k=1 >a <2 !0"},
	lines: []string{"x open k=1", "x >a next -> undecided", "x > take -> 0:<1"},
}, {
	name:  "a call that somebody else must have is not presumed",
	calls: []string{">a >b > <1 !0", ">a >c > <2 !0"},
	lines: []string{"x open", "y open", "x >a >b", "y >a marks -> [{1 1}]"},
}, {
	name:  "a call that came free again comes before those behind it",
	calls: []string{"unary >a > <1 !0", "unary >a > <2 !0", "unary >a > <3 !0"},
	lines: []string{
		"x open", "x >a > next -> 0:<1", "y open", "y >a > take -> 1:<2", "x ~", "z open", "z >a > take -> 0:<1",
	},
}, {
	name:  "what a client did behind the end is marked with the end",
	calls: []string{">a !0 > "},
	lines: []string{"x open", "x >a marks -> [{0 1}]", "x take marks -> 0:!0 [{0 2}]", "left ->"},
}, {
	name:  "the end that a client saw of a call it ended can be asked for",
	calls: []string{"unary >a > ~ !4"},
	lines: []string{"x open", "x >a > end -> silent 0:!4"},
}, {
	name:  "ties that differ in what waits for the client are decided when the program rests",
	calls: []string{">a >b <1 > !0", ">a <1 >b > !0"},
	lines: []string{"x open", "x >a next rested call -> undecided 1:<1 1"},
}, {
	name:  "a method without streams is as before when all its calls are spent",
	calls: []string{"!0", "/t/N >a > !0"},
	lines: []string{
		"x open", "x take -> 0:!0", "y open /t/N", "y >a > take -> 1:!0", "x ~", "y ~", "left ->", "z open -> miss",
	},
}}
