// Tests of rules on gRPC calls as text.

package main

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
)

func TestARuleIsReadFromText(t *testing.T) {
	for _, c := range []struct {
		text, method string
		wants        int
		pass         bool
		code         codes.Code
		message      string
		delay        time.Duration
		cut          int
	}{
		{"*: error UNAVAILABLE", "*", 0, false, codes.Unavailable, "by a rule", 0, 0},
		{"a.B/C: delay 2s", "/a.B/C", 0, true, codes.OK, "", 2 * time.Second, 0},
		{`/a.B/* nth=3 metadata.x="a b": error NotFound "no, \"sir\": no"`, "/a.B/*", 2, false, codes.NotFound,
			`no, "sir": no`, 0, 0},
		{"/a.B/C having=a:b chance=0.5 :cut 2,error cancelled , delay 1ms", "/a.B/C", 2, true, codes.Canceled,
			"by a rule", time.Millisecond, 2},
	} {
		var r callRule
		if err := r.UnmarshalText([]byte(c.text)); err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		a := r.answer
		if r.method != c.method || len(r.wants) != c.wants || a.Pass != c.pass || a.Status.Code() != c.code ||
			a.Status.Message() != c.message || a.Delay != c.delay || a.CutAfter != c.cut {
			t.Errorf("%s: %+v", c.text, r)
		}
	}
}

func TestARuleThatIsWrongSaysWhy(t *testing.T) {
	for text, why := range map[string]string{
		"":                          "want METHOD",
		"/a/b":                      "a colon, and what becomes",
		": error ABORTED":           "want METHOD",
		"/a/b:":                     "behind the colon",
		"Get: delay 1s":             `"Get" is no method`,
		"/a/[: delay 1s":            "is no method",
		"/a/b x: delay 1s":          `"x" is no condition`,
		"/a/b x=1: delay 1s":        `no condition "x"`,
		"/a/b nth=0: delay 1s":      "want a whole number from 1",
		"/a/b chance=2: delay 1s":   "want a number from 0 to 1",
		"/a/b nth=1 every=2: cut 1": "a rule counts once",
		"/a/b: error OK":            "no code of gRPC's",
		"/a/b: error LATE":          "no code of gRPC's",
		"/a/b: delay soon":          "want a duration",
		"/a/b: cut 0":               "error fails a call at once",
		"/a/b: explode":             "want error CODE",
		`/a/b: error ABORTED "x`:    "the quotes are not closed",
		"/a/b: delay 1s,":           "",
	} {
		err := new(callRule).UnmarshalText([]byte(text))
		if (err == nil) != (why == "") || err != nil && !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want ...%s...", text, err, why)
		}
	}
}

func FuzzCallRule(f *testing.F) {
	f.Add(`/a.B/C nth=3 having="x y" metadata.k=v: delay 200ms, error UNAVAILABLE "later"`)
	f.Add("*: cut 1")
	f.Add(`"`)
	f.Add(": ,:,")
	f.Fuzz(func(t *testing.T, text string) {
		var r callRule
		if r.UnmarshalText([]byte(text)) == nil {
			r.rule(1) // what is read can be applied
		}
	})
}
