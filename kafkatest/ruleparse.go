// Reading the text of a rule.

package kafkatest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A RuleError says what is wrong with the text of a rule, and where.
type RuleError struct {
	Text   string
	Column int // in bytes, from 1
	Msg    string
}

// Error returns the message with the text and the column.
func (e *RuleError) Error() string {
	return fmt.Sprintf("kafkatest: rule %q: column %d: %s", e.Text, e.Column, e.Msg)
}

// A ruleParser reads one rule.
type ruleParser struct {
	text string
	at   int
	rule Rule
}

// ParseRule reads the text of a rule. An error is a *RuleError.
func ParseRule(text string) (Rule, error) {
	p := &ruleParser{text: text}
	if err := p.parse(); err != nil {
		return Rule{}, err
	}
	return p.rule, nil
}

func (p *ruleParser) fail(column int, format string, args ...any) error {
	return &RuleError{p.text, column + 1, fmt.Sprintf(format, args...)}
}

func (p *ruleParser) parse() error {
	p.space()
	start := p.at
	switch word := p.word(); word {
	case "before":
	case "after":
		p.rule.after = true
	default:
		return p.fail(start, "a rule begins with before or after, not %q", word)
	}
	if err := p.conditions(); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return err
	}
	return p.actions()
}

func (p *ruleParser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// word reads up to a space, an equals sign or a colon.
func (p *ruleParser) word() string {
	start := p.at
	for p.at < len(p.text) && !strings.ContainsRune(" \t=:", rune(p.text[p.at])) {
		p.at++
	}
	return p.text[start:p.at]
}

// conditions reads APIs and settings, and the colon behind them.
func (p *ruleParser) conditions() error {
	for {
		p.space()
		switch {
		case p.at == len(p.text):
			return p.fail(p.at, "a colon is missing, and what becomes of the exchange")
		case p.text[p.at] == ':':
			p.at++
			return nil
		}
		if err := p.condition(); err != nil {
			return err
		}
	}
}

func (p *ruleParser) condition() error {
	start := p.at
	word := p.word()
	if p.at == len(p.text) || p.text[p.at] != '=' {
		return p.apis(word, start)
	}
	p.at++
	check, known := checks[word]
	if !known {
		return p.fail(start, "no setting %q; there are %s", word, settingNames())
	}
	column := p.at
	value, err := p.value()
	if err != nil {
		return err
	}
	if err := check(value); err != nil {
		return p.fail(column, "%s=%s: %v", word, value, err)
	}
	if slices.ContainsFunc(p.rule.wants, func(s setting) bool { return s.key == word }) {
		return p.fail(start, "%s is there twice", word)
	}
	p.rule.wants = append(p.rule.wants, setting{word, value, start})
	return nil
}

// value reads what follows an equals sign: text in quotes, or a word. A colon
// at the end of the word is not of it.
func (p *ruleParser) value() (string, error) {
	start := p.at
	if p.at < len(p.text) && p.text[p.at] == '"' {
		prefix, err := strconv.QuotedPrefix(p.text[p.at:])
		if err != nil {
			return "", p.fail(start, "the quotes are not closed, or something in them is not allowed")
		}
		p.at += len(prefix)
		return strconv.Unquote(prefix)
	}
	for p.at < len(p.text) && !strings.ContainsRune(" \t", rune(p.text[p.at])) {
		p.at++
	}
	if p.at > start && p.text[p.at-1] == ':' {
		p.at--
	}
	return p.text[start:p.at], nil
}

// apis reads the names of APIs, separated by commas.
func (p *ruleParser) apis(word string, start int) error {
	for _, name := range strings.Split(word, ",") {
		key, known := apiNamed(name)
		if !known {
			return p.fail(start, "no API %q, and no setting without a value; settings are %s", name, settingNames())
		}
		if !slices.Contains(p.rule.keys, key) {
			p.rule.keys = append(p.rule.keys, key)
		}
		start += len(name) + 1
	}
	return nil
}

// apiNamed returns the API of that name, in whichever case.
func apiNamed(name string) (kmsg.Key, bool) {
	for key := range int16(kmsg.MaxKey + 1) {
		if kmsg.RequestForKey(key) != nil && strings.EqualFold(kmsg.NameForKey(key), name) {
			return kmsg.Key(key), true
		}
	}
	return 0, false
}

// check looks at what the settings say together.
func (p *ruleParser) check() error {
	has := map[string]setting{}
	var counted string
	for _, s := range p.rule.wants {
		has[s.key] = s
		if !slices.Contains(counts, s.key) {
			continue
		}
		if counted != "" {
			return p.fail(s.column, "%s and %s exclude each other", counted, s.key)
		}
		counted = s.key
	}
	if s, ok := has["partition"]; ok && has["topic"].key == "" {
		return p.fail(s.column, "partition needs topic")
	}
	if s, ok := has["seed"]; ok && counted != "chance" {
		return p.fail(s.column, "seed needs chance")
	}
	return nil
}

// actions reads what becomes of the exchange, to the end of the text.
func (p *ruleParser) actions() error {
	for start := p.at; ; {
		text, rest, more := strings.Cut(p.text[start:], ",")
		words := strings.Fields(text)
		column := start + len(text) - len(strings.TrimLeft(text, " \t"))
		if len(words) == 0 {
			return p.fail(column, "an action is missing, such as error NOT_LEADER_OR_FOLLOWER, delay 200ms or close")
		}
		a, err := makeAction(words[0], strings.Join(words[1:], " "))
		if err != nil {
			return p.fail(column, "%v", err)
		}
		if slices.ContainsFunc(p.rule.actions, func(o action) bool { return o.name == a.name }) {
			return p.fail(column, "%s is there twice", a.name)
		}
		p.rule.actions = append(p.rule.actions, a)
		if !more {
			return nil
		}
		start = len(p.text) - len(rest)
	}
}
