// Rules on gRPC calls as text: one line each.

package main

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/rule"
)

// A callRule says which calls, and what becomes of them:
//
//	/pay.v1.Pay/Get nth=3: error UNAVAILABLE "try later"
//	/pay.v1.Pay/* chance=0.1: delay 200ms
//	* having="\"42\"" metadata.tenant=acme: cut 2, error DATA_LOSS
//
// First the method, in which * stands for anything but a slash, and alone for
// all. What may follow: having, a text in the JSON of the first request;
// metadata.KEY; and, counting those for which all of this holds, one of nth,
// first, after, every and chance. What becomes of them: error with a code and
// perhaps a text; delay; cut, after so many messages of the server.
type callRule struct {
	text   string
	method string
	wants  []callCondition
	answer grpcreplay.Answer
}

// A callCondition is one word key=value of a rule.
type callCondition struct{ key, value string }

// callCounts are the conditions that count; a rule has one at most.
var callCounts = []string{"nth", "first", "after", "every", "chance"}

// UnmarshalText reads a rule.
func (r *callRule) UnmarshalText(text []byte) error {
	words, err := ruleWords(string(text))
	if err != nil {
		return fmt.Errorf("rule %q: %w", text, err)
	}
	colon := slices.Index(words, ":")
	if colon < 1 {
		return fmt.Errorf("rule %q: want METHOD, perhaps conditions, a colon, and what becomes of the call", text)
	}
	*r = callRule{text: string(text)}
	if err = r.readMethod(words[0]); err == nil {
		err = r.readConditions(words[1:colon])
	}
	if err == nil {
		err = r.readActions(words[colon+1:])
	}
	if err != nil {
		return fmt.Errorf("rule %q: %w", text, err)
	}
	return nil
}

// ruleWords parts a rule into words. A colon at either end of a word and a comma
// are words by themselves; what stands in double quotes is one word, or part of
// one.
func ruleWords(text string) (words []string, err error) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimLeft(text, " \t") {
		if text[0] == ',' || text[0] == ':' {
			words = append(words, text[:1])
			text = text[1:]
			continue
		}
		var word strings.Builder
		for text != "" && !strings.ContainsRune(" \t,", rune(text[0])) && !endsInColon(text) {
			if text[0] != '"' {
				word.WriteByte(text[0])
				text = text[1:]
				continue
			}
			prefix, err := strconv.QuotedPrefix(text)
			if err != nil {
				return nil, errors.New("the quotes are not closed, or something in them is not allowed")
			}
			inner, _ := strconv.Unquote(prefix)
			word.WriteString(inner)
			text = text[len(prefix):]
		}
		words = append(words, word.String())
	}
	return words, nil
}

// endsInColon tells whether the colon follows at which the conditions end.
func endsInColon(text string) bool {
	return text[0] == ':' && (len(text) == 1 || text[1] == ' ' || text[1] == '\t')
}

func (r *callRule) readMethod(word string) error {
	r.method = word
	if word == "*" {
		return nil
	}
	if !strings.HasPrefix(word, "/") {
		r.method = "/" + word
	}
	if _, err := path.Match(r.method, ""); err != nil || strings.Count(r.method, "/") != 2 {
		return fmt.Errorf("%q is no method; want one such as /pay.v1.Pay/Get or /pay.v1.Pay/*, or * for all", word)
	}
	return nil
}

func (r *callRule) readConditions(words []string) error {
	counts := 0
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		switch {
		case !ok || value == "":
			return fmt.Errorf("%q is no condition; want having=TEXT, metadata.KEY=VALUE, or one of %s with a number",
				word, orList(callCounts))
		case key == "having" || strings.HasPrefix(key, "metadata.") && key != "metadata.":
		case slices.Contains(callCounts, key):
			if counts++; counts > 1 {
				return fmt.Errorf("%s: a rule counts once", word)
			}
			if err := checkCount(key, value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("no condition %q; there are having, metadata.KEY, %s", key, orList(callCounts))
		}
		r.wants = append(r.wants, callCondition{key, value})
	}
	return nil
}

func checkCount(key, value string) error {
	if key == "chance" {
		if p, err := strconv.ParseFloat(value, 64); err != nil || !(p >= 0 && p <= 1) {
			return fmt.Errorf("chance=%s: want a number from 0 to 1", value)
		}
		return nil
	}
	if n, err := strconv.Atoi(value); err != nil || n < 1 {
		return fmt.Errorf("%s=%s: want a whole number from 1", key, value)
	}
	return nil
}

// readActions reads what becomes of a call: actions with commas between.
func (r *callRule) readActions(words []string) error {
	r.answer.Pass = true
	for len(words) > 0 {
		end := slices.Index(words, ",")
		action, rest := words, []string(nil)
		if end >= 0 {
			action, rest = words[:end], words[end+1:]
		}
		if err := r.readAction(action); err != nil {
			return err
		}
		words = rest
	}
	if a := r.answer; a.Pass && a.Delay == 0 && a.CutAfter == 0 && a.Status == nil {
		return errors.New("behind the colon stands what becomes of the call: error, delay or cut")
	}
	r.answer.Pass = r.answer.Status == nil || r.answer.CutAfter > 0
	return nil
}

func (r *callRule) readAction(words []string) error {
	name, args := "", []string(nil)
	if len(words) > 0 {
		name, args = words[0], words[1:]
	}
	switch {
	case name == "error" && (len(args) == 1 || len(args) == 2):
		code, ok := codeNamed(args[0])
		if !ok || code == codes.OK {
			return fmt.Errorf("error %s: no code of gRPC's; want one such as UNAVAILABLE", args[0])
		}
		r.answer.Status = status.New(code, strings.Join(append(args[1:], "by a rule")[:1], ""))
	case name == "delay" && len(args) == 1:
		d, err := time.ParseDuration(args[0])
		if err != nil || d <= 0 {
			return fmt.Errorf("delay %s: want a duration such as 200ms", args[0])
		}
		r.answer.Delay = d
	case name == "cut" && len(args) == 1:
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 {
			return fmt.Errorf("cut %s: want a number of messages from 1; error fails a call at once", args[0])
		}
		r.answer.CutAfter = n
	default:
		return fmt.Errorf("%q: want error CODE \"TEXT\", delay DURATION or cut MESSAGES", strings.Join(words, " "))
	}
	return nil
}

// codeNamed returns the status code of that name, written in either way.
func codeNamed(name string) (codes.Code, bool) {
	flat := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	for c := codes.OK; c <= codes.Unauthenticated; c++ {
		if flat(c.String()) == flat(name) || flat(name) == "cancelled" && c == codes.Canceled {
			return c, true
		}
	}
	return 0, false
}

// rule returns the rule as a service takes it. Its chances are drawn from
// seed.
func (r callRule) rule(seed uint64) rule.Rule[*grpcreplay.Call, grpcreplay.Answer] {
	pattern := r.method
	if pattern == "*" {
		pattern = "/*/*"
	}
	when := grpcreplay.Method(pattern)
	for _, c := range r.wants {
		if key, ok := strings.CutPrefix(c.key, "metadata."); ok {
			when = when.And(func(call *grpcreplay.Call) bool {
				return slices.Contains(call.Metadata.Get(key), c.value)
			})
		} else if c.key == "having" {
			when = when.And(grpcreplay.Having(c.value))
		}
	}
	for _, c := range r.wants { // behind the others, so that those are counted for which they hold
		when = counting(when, c, seed)
	}
	return rule.Then(when, r.answer)
}

// counting makes a condition one that counts, if c says so.
func counting(when rule.When[*grpcreplay.Call], c callCondition, seed uint64) rule.When[*grpcreplay.Call] {
	n, _ := strconv.Atoi(c.value) // checked as it was read
	switch c.key {
	case "nth":
		return when.Nth(n)
	case "first":
		return when.Between(1, n)
	case "after":
		return when.After(n)
	case "every":
		return when.Every(n)
	case "chance":
		p, _ := strconv.ParseFloat(c.value, 64)
		return when.Chance(p, seed)
	}
	return when
}
