// The rules of redaction, and how they stand in a recording.

package redact

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// Rules say what is secret, besides what always is. The zero Rules redact the
// usual.
type Rules struct {
	Off      bool     // nothing is redacted
	Headers  []string // keys of metadata, besides those of credentials
	Names    []string // names of fields and of map keys, besides the usual ones, whose texts and bytes are secret
	Fields   []string // full names of fields, such as pay.v1.Card.number, with all that is in them
	Keep     []string // metadata keys, names and full names of fields that are never redacted; before all else
	Allow    []string // if not empty: all metadata is redacted but these keys, and of these what is secret
	Tokens   []string // regular expressions besides the shapes; of one with a group, what the first group matched
	NoTokens bool     // the shapes of tokens are not looked for
	Cards    bool     // numbers of payment cards are looked for: many other numbers look like one
}

// Defaults is the version of what is always secret. A recording tells it, so
// that a later version can redact as an earlier one did.
const Defaults = 1

// The words that begin the lines, in their order.
const (
	wordDefaults = "defaults"
	wordOff      = "off"
	wordHeader   = "header"
	wordName     = "name"
	wordField    = "field"
	wordKeep     = "keep"
	wordAllow    = "allow"
	wordToken    = "token"
	wordNoTokens = "no-tokens"
	wordCards    = "cards"
	wordSalt     = "salt"
)

// lists returns the lists by their words, in order.
func (r *Rules) lists() []wordList {
	return []wordList{
		{wordHeader, &r.Headers}, {wordName, &r.Names}, {wordField, &r.Fields},
		{wordKeep, &r.Keep}, {wordAllow, &r.Allow}, {wordToken, &r.Tokens},
	}
}

type wordList struct {
	word   string
	values *[]string
}

// Lines returns what stands of the rules and the salt in a recording: a line
// each, equal for equal rules, whatever their order. ParseRules reads it.
func (r Rules) Lines(salt []byte) (lines []string) {
	if r.Off {
		return []string{wordOff}
	}
	lines = append(lines, wordDefaults+" "+strconv.Itoa(Defaults))
	for _, l := range r.lists() {
		for _, v := range slices.Compact(slices.Sorted(slices.Values(*l.values))) {
			lines = append(lines, l.word+" "+quote(v))
		}
	}
	if r.NoTokens {
		lines = append(lines, wordNoTokens)
	}
	if r.Cards {
		lines = append(lines, wordCards)
	}
	if len(salt) > 0 {
		lines = append(lines, wordSalt+" "+hex.EncodeToString(salt))
	}
	return lines
}

// quote returns v as it is if it reads well on a line, else as Go quotes it.
func quote(v string) string {
	odd := func(c rune) bool { return !unicode.IsPrint(c) || c == unicode.ReplacementChar }
	if v == "" || v[0] == '"' || strings.TrimSpace(v) != v || strings.ContainsFunc(v, odd) {
		return strconv.Quote(v)
	}
	return v
}

// mostRules bounds the rules of a recording.
const mostRules = 10_000

// ParseRules reads what Lines returned. Errors are *tape.FormatError, whose
// Line counts the lines given, from 1.
func ParseRules(lines []string) (r Rules, salt []byte, err error) {
	if len(lines) > mostRules {
		return Rules{}, nil, &tape.FormatError{Line: mostRules + 1, Msg: fmt.Sprintf(
			"there are %d rules of redaction: at most %d are read", len(lines), mostRules)}
	}
	for i, line := range lines {
		word, value, _ := strings.Cut(line, " ")
		if err := r.parse(word, value, &salt); err != nil {
			return Rules{}, nil, &tape.FormatError{Line: i + 1, Msg: fmt.Sprintf("redaction rule %q: %v", line, err)}
		}
	}
	return r, salt, nil
}

func (r *Rules) parse(word, value string, salt *[]byte) (err error) {
	switch word {
	case wordDefaults:
		return checkDefaults(value)
	case wordSalt:
		*salt, err = hex.DecodeString(value)
		return err
	case wordOff, wordNoTokens, wordCards:
		return r.turn(word, value)
	}
	for _, l := range r.lists() {
		if l.word == word {
			value, err = unquote(value)
			*l.values = append(*l.values, value)
			return err
		}
	}
	return fmt.Errorf("this version does not know %q; it knows "+
		"defaults, off, header, name, field, keep, allow, token, no-tokens, cards and salt", word)
}

func (r *Rules) turn(word, value string) error {
	if value != "" {
		return fmt.Errorf("%q stands alone", word)
	}
	r.Off = r.Off || word == wordOff
	r.NoTokens = r.NoTokens || word == wordNoTokens
	r.Cards = r.Cards || word == wordCards
	return nil
}

func checkDefaults(value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		return fmt.Errorf("the version of the defaults is a number from 1 to %d", Defaults)
	}
	if n > Defaults {
		return fmt.Errorf("it was redacted by a later version: this one knows the defaults up to %d", Defaults)
	}
	return nil
}

func unquote(v string) (string, error) {
	if v == "" {
		return "", fmt.Errorf("after the word comes a value")
	}
	if v[0] != '"' {
		return v, nil
	}
	text, err := strconv.Unquote(v)
	if err != nil {
		return "", fmt.Errorf("the quotes do not fit: write it as Go does")
	}
	return text, nil
}
