// Rules survive the lines that stand in a recording.

package redact_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/redact"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

func TestRulesSurviveTheirLines(t *testing.T) {
	for _, want := range []redact.Rules{
		{}, {Off: true}, {NoTokens: true, Cards: true},
		{
			Headers: []string{"x-a", "x-b"}, Names: []string{"nick"}, Fields: []string{"a.B.c"}, Keep: []string{"k"},
			Allow: []string{"zone"}, Tokens: []string{"", ` a b `, "\n", `"q"`, `\d{9}`, "é", "\xff"},
		},
	} {
		lines := want.Lines(salt)
		got, gotSalt, err := redact.ParseRules(lines)
		equal := reflect.DeepEqual(lineSet(got), lineSet(want)) && (want.Off || string(gotSalt) == string(salt))
		if err != nil || !equal {
			t.Errorf("%+v became %+v by way of %q: %v", want, got, lines, err)
		}
	}
}

func lineSet(r redact.Rules) map[string]bool {
	m := map[string]bool{}
	for _, line := range r.Lines(nil) {
		m[line] = true
	}
	return m
}

func TestEqualRulesHaveEqualLines(t *testing.T) {
	a := redact.Rules{Headers: []string{"b", "a", "b"}, Keep: []string{"k"}}.Lines(salt)
	b := redact.Rules{Headers: []string{"a", "b"}, Keep: []string{"k", "k"}}.Lines(salt)
	want := []string{"defaults 1", "header a", "header b", "keep k", "salt 30313233343536373839616263646566"}
	if !reflect.DeepEqual(a, want) || !reflect.DeepEqual(b, want) {
		t.Errorf("they are\n%q\n%q, want\n%q", a, b, want)
	}
}

func TestLinesThatAreNoRulesAreRefused(t *testing.T) {
	for _, row := range []struct{ line, want string }{
		{"defaults 2", "later version"}, {"defaults x", "number"}, {"salt zz", "invalid byte"}, {"header", "a value"},
		{"header ", "a value"}, {`name "a`, "quotes"}, {"off now", "stands alone"}, {"shield x", "does not know"},
		{"", "does not know"},
	} {
		_, _, err := redact.ParseRules([]string{"defaults 1", row.line})
		var format *tape.FormatError
		if !errors.As(err, &format) || format.Line != 2 || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%q: the error is %v, want one of line 2 that says %q", row.line, err, row.want)
		}
	}
	if _, _, err := redact.ParseRules(make([]string, 20_000)); err == nil {
		t.Error("any number of rules is read")
	}
}

func TestPatternsThatCannotBeSoughtAreRefused(t *testing.T) {
	for _, pattern := range []string{"(", "a*", strings.Repeat("a", 5000), "(?=a)"} {
		if _, err := redact.New(redact.Rules{Tokens: []string{pattern}}, nil, salt); err == nil {
			t.Errorf("%.20q is taken", pattern)
		}
	}
	if _, err := redact.New(redact.Rules{Tokens: make([]string, 2000)}, nil, salt); err == nil {
		t.Error("any number of patterns is taken")
	}
}

func TestAnotherSaltMakesOtherPseudonyms(t *testing.T) {
	a := redactor(t, redact.Rules{}, nil)
	b, err := redact.New(redact.Rules{}, nil, []byte("another"))
	if err != nil {
		t.Fatal(err)
	}
	if a.Text(github()) == b.Text(github()) {
		t.Error("they are equal")
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add("defaults 1\nheader a\nsalt 00ff")
	f.Add("off")
	f.Add(`token "\n"` + "\nname  x\nkeep é")
	f.Fuzz(func(t *testing.T, text string) {
		r, salt, err := redact.ParseRules(strings.Split(text, "\n"))
		if err != nil {
			return
		}
		lines := r.Lines(salt)
		again, _, err := redact.ParseRules(lines)
		if err != nil || !reflect.DeepEqual(again.Lines(salt), lines) {
			t.Errorf("%q became %q, %v", lines, again.Lines(salt), err)
		}
	})
}
