// What people do to a recording by hand, and what they are told when it is wrong.

package text_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/text"
)

// edited returns the tape's text with some replaced, which must stand in it.
func edited(t *testing.T, s string, oldnew ...string) string {
	t.Helper()
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(s, oldnew[i]) {
			t.Fatalf("%q does not stand in\n%s", oldnew[i], s)
		}
	}
	return strings.NewReplacer(oldnew...).Replace(s)
}

func TestTheFormOfLinesMeansNothing(t *testing.T) {
	s := write(t, pay(), payTypes)
	for name, form := range map[string]string{
		"as on Windows":        strings.ReplaceAll(s, "\n", "\r\n"),
		"typed arrows":         edited(t, s, "→", ">", "←", "<"),
		"blanks at ends":       strings.ReplaceAll(s, "\n", " \t\n"),
		"no end":               strings.TrimSuffix(s, "\n"),
		"byte order mark":      "\ufeff" + s,
		"tabs":                 strings.ReplaceAll(s, "  ", "\t"),
		"blank lines":          strings.ReplaceAll(s, "\n  ", "\n\n  "),
		"names of other tools": edited(t, s, "NotFound", "NOT_FOUND"),
		"JSON in lines":        edited(t, s, `{"account": "42"}`, "{\n\"account\"\n:\n\n\"42\"\n}"),
	} {
		t.Run(name, func(t *testing.T) { same(t, read(t, form, payTypes), pay()) })
	}
}

func TestAMessageIsChangedByChangingItsText(t *testing.T) {
	s := edited(t, write(t, pay(), payTypes), `{"state": "paid"}`, `{"state": "unpaid"}`, `{"state": "open"}`, `{"state": "x"}`)
	got := read(t, s, payTypes)
	if m := got.Call(0).Events[2].Message; string(m) != string(state("x")) {
		t.Errorf("a message without exact bytes is %q", m)
	}
	if m := got.Call(1).Events[2].Message; string(m) != string(state("unpaid")) {
		t.Errorf("a message whose exact bytes no longer fit is %q", m)
	}
	if again := write(t, got, payTypes); strings.Contains(again, "digest") {
		t.Errorf("exact bytes stand where JSON gives them back:\n%s", again)
	}
}

func TestExactBytesHoldWhileTheJSONIsOnlyLaidOutAnew(t *testing.T) {
	s := edited(t, write(t, pay(), payTypes), `{"state": "paid"}`, "{\n    \"state\":\"paid\"\n  }")
	same(t, read(t, s, payTypes), pay())
}

func TestExactBytesNeedNoType(t *testing.T) {
	const s = "rehearse grpc recording 1\ncall 1 a/B\n > {\"a\": 1}\n digest 015abd7f  exact CAE=\n < in flight\n"
	if m := read(t, s, nil).Call(0).Events[0].Message; string(m) != "\x08\x01" {
		t.Errorf("it is %q", m)
	}
}

func TestACallIsTakenOutWithItsTimesLeft(t *testing.T) {
	s := write(t, pay(), payTypes)
	from, to := strings.Index(s, "# The first."), strings.Index(s, "call 3")
	s = edited(t, s[:from]+s[to:], "call 1 →2, ", "")
	got := read(t, s, payTypes)
	if got.Len() != pay().Len()-1 || got.Call(0).Number != 3 {
		t.Errorf("%d calls, the first is %d", got.Len(), got.Call(0).Number)
	}
	if refs := got.Call(0).Events[2].After; !slices.Equal(refs, []tape.Ref{{Call: 1, Nth: 1}}) {
		t.Errorf("it waits for %v", refs)
	}
}

func TestAChangedNumberOfEventsHasNoTimes(t *testing.T) {
	s := edited(t, write(t, pay(), payTypes), "  ← {\"state\": \"open\"}\n", "")
	c := read(t, s, payTypes).Call(0)
	if len(c.Events) != 3 || c.Start != 0 || c.Events[2].At != 0 {
		t.Errorf("it is %+v", c)
	}
}

func TestTimesAreRead(t *testing.T) {
	c := read(t, "rehearse grpc recording 1\ncall 5 a/B\n<OK\ntimes\n  5 2ms -1.5ms\n", nil).Call(0)
	if c.Start != 2*time.Millisecond || c.Events[0].At != 500*time.Microsecond {
		t.Errorf("it is %+v", c)
	}
}

func TestAShapeThatIsNotSaidIsThatOfTheMethod(t *testing.T) {
	c := read(t, "rehearse grpc recording 1\ncall 1 pay.v1.Pay/List\n  > {}\n  < OK\n", payTypes).Call(0)
	if c.Shape != tape.ServerStream || len(c.Events) != 3 || c.Events[1].Kind != tape.CloseSend {
		t.Errorf("it is %+v", c)
	}
}

func TestMessagesOfWellKnownTypesAreNotTakenForWords(t *testing.T) {
	const s = "rehearse grpc recording 1\n\ncall 1  pay.v1.Pay/Now  unary\n  → \"close\"\n" +
		"  ← \"2026-01-02T03:04:05Z\"\n  ← OK\n"
	tp := read(t, s, payTypes)
	if m := tp.Call(0).Events[0].Message; string(m) != string(req("close")) {
		t.Errorf("it is %q", m)
	}
	if again := write(t, tp, payTypes); again != s {
		t.Errorf("written again it is\n%s", again)
	}
}

func TestCommentsSurvive(t *testing.T) {
	const s = `rehearse grpc recording 1
# head
lenient
# head too

# one
call 1 a/B
  # within
  < OK
# two, in two
# lines
call 2 a/B
# before an event
  < OK
# at the end
times
# in a block
`
	tp := read(t, s, nil)
	for _, c := range []struct{ got, want []string }{
		{tp.Head.Comments, []string{" head", " head too", " at the end", " in a block"}},
		{tp.Call(0).Comments, []string{" one", " within"}},
		{tp.Call(1).Comments, []string{" two, in two", " lines", " before an event"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	same(t, read(t, write(t, tp, nil), nil), tp)
}

// wrong are texts behind the first line, and what is said of them.
var wrong = []struct {
	s    string
	line int
	says string
}{
	{"cal 1 a/B", 2, `did you mean "call"?`},
	{"matc ignore x", 2, `did you mean "match"?`},
	{"match x", 2, "match metadata KEY"},
	{"match ignore", 2, "missing"},
	{"lenient now", 2, "does not belong"},
	{"initial base64:A", 2, "not base64"},
	{"initial \"a", 2, "closing quote"},
	{"initial \"\\q\"", 2, "backslashes"},
	{"initial a", 2, "stands in quotes"},
	{"  → {}", 2, "belongs to no call"},
	{"call a/B", 2, "no number from 1"},
	{"call 0 a/B\n<OK", 2, "no number from 1"},
	{"call 99999999999 a/B\n<OK", 2, "no number from 1"},
	{"call 1", 2, "no method"},
	{"call 1 a/B unari\n<OK", 2, `did you mean "unary"?`},
	{"call 1 a/B deadlin=5s\n<OK", 2, `did you mean "deadline"?`},
	{"call 1 a/B deadline=5\n<OK", 2, "like 5s"},
	{"call 1 a/B\n<OK\ncall 1 a/B", 4, "line 2 already"},
	{"call 1 a/B\nlenient", 2, "does not end"},
	{"call 1 a/B\n<OK\nlenient", 4, "not known here"},
	{"call 1 a/B\n  x", 3, "no key:value"},
	{"call 1 a/B\n  x-bin: ?\n<OK", 3, "not base64"},
	{"call 1 a/B\n > {}", 2, "does not end"},
	{"call 1 a/B\n < in flight\n < OK", 4, "remove one"},
	{"call 1 a/B\n < OK\n < in flight", 4, "remove one"},
	{"call 1 a/B\n < OK\n x", 4, "no key:value"},
	{"call 1 a/B\n > clos", 3, `did you mean "close"?`},
	{"call 1 a/B\n > close now", 3, "too much"},
	{"call 1 a/B\n > close\n x: y\n < OK", 4, "no event"},
	{"call 1 a/B\n < Notfond", 3, `did you mean "NotFound"?`},
	{"call 1 a/B\n < code x", 3, "status code"},
	{"call 1 a/B\n < OK trailer x", 3, "no key=value"},
	{"call 1 a/B\n < OK\n detail a/b", 4, "JSON or bytes"},
	{"call 1 a/B\n < OK\n detail a/b {\"a\": 1}", 4, "a/b are not known"},
	{"call 1 a/B\n < {\"a\": 1}", 3, "/a/B are not known"},
	{"call 1 pay.v1.Pay/Get\n < {\"stat\": 1}", 3, "pay.v1.State"},
	{"call 1 pay.v1.Pay/Get\n < {\n \"of\": {\n \"amount\": \"x\"\n }}\n < OK", 5, "Get: of.amount: "},
	{"call 1 pay.v1.Pay/Get\n < {\"state\": \"a\"} x", 3, "too much"},
	{"call 1 pay.v1.Pay/Get\n < {\"state\":\n \"a} \n}", 4, "closing quote"},
	{"call 1 pay.v1.Pay/Get\n < {\"state\":\n \"a\"\n < OK", 5, "not closed above"},
	{"call 1 pay.v1.Pay/Get\n < {\"state\":", 3, "not closed"},
	{"call 1 a/B codec=json\n < {}", 3, "text"},
	{"call 1 a/B\n < bytes ?", 3, "not base64"},
	{"call 1 a/B\n < bytes A", 3, "not base64"},
	{"call 1 a/B\n < bytes AA AA", 3, "too much"},
	{"call 1 a/B\n < text a", 3, "too much"},
	{"call 1 a/B\n < {}\n digest 00", 4, "exact"},
	{"call 1 a/B\n < {} after call 7 →1\n < OK", 3, "no call 7"},
	{"call 1 a/B\n < {} after call 1 →1\n < OK", 3, "itself"},
	{"call 1 a/B\n < {} after call 2\n < OK", 3, "call 2 →1"},
	{"call 1 a/B\n < {} after call 2 →0\n < OK", 3, "from 1"},
	{"call 1 a/B\n < {} after call 2 →2\n < OK\ncall 2 a/B\n > {}\n < OK", 3, "there is no →2"},
	{"call 1 a/B\n > {} after call 2 →1\n < OK\ncall 2 a/B\n > {}\n < OK", 3, "only what a server does"},
	{"times\n x", 3, "no number"},
	{"times\n 1 0s\n 1 0s", 4, "line 3 already"},
	{"times x", 2, "next line"},
	{"call 1 a/B\n < OK\ntimes\n 1 x", 5, "no time"},
	{"call 1 a/B\n < OK\ntimes\n 1 -1s", 5, "no time"},
	{"call 1 a/B\n < OK\ntimes\n 1 1s -2s", 5, "no time"},
	{"call 1 a/B\n < OK\ntimes\n 1 2000000h 2000000h", 5, "no time"},
	{"descriptors\n ?", 2, "not base64"},
	{"descriptors\n AAAA", 2, "do not unpack"},
	{"descriptors\n\ndescriptors", 4, "second block"},
}

func TestWhatIsWrongIsSaidWithItsLineAndWhatToDo(t *testing.T) {
	for _, c := range wrong {
		_, err := text.Read([]byte("rehearse grpc recording 1\n"+c.s), payTypes, tape.Limits{})
		f, ok := errors.AsType[*tape.FormatError](err)
		if !ok || f.Line != c.line || !strings.Contains(f.Msg, c.says) {
			t.Errorf("%q:\n\t%v\n\twant line %d: … %s …", c.s, err, c.line, c.says)
		}
	}
}

func TestWhatIsNoRecordingIsRefused(t *testing.T) {
	for s, says := range map[string]string{
		"":                            "no recording",
		"RPCReTxt1\n":                 "no recording",
		"rehearse grpc recording 2\n": "version 2 is newer than 1",
		"rehearse grpc recording x\n": "no version",
		"rehearse grpc recording 0\n": "no version",
	} {
		_, err := text.Read([]byte(s), nil, tape.Limits{})
		if f, ok := errors.AsType[*tape.FormatError](err); !ok || f.Line != 1 || !strings.Contains(f.Msg, says) {
			t.Errorf("%q: %v, want line 1: … %s …", s, err, says)
		}
	}
}
