// What users have looked for: regular expressions, and card numbers.

package redact

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
)

// A seeker returns the secrets in a text, in order and apart from each other.
type seeker func(b []byte) []span

const (
	mostPattern  = 4096 // bytes of a regular expression
	mostPatterns = 1000
)

func newSeekers(r Rules) (all []seeker, err error) {
	if len(r.Tokens) > mostPatterns {
		return nil, fmt.Errorf("redact: %d regular expressions: at most %d", len(r.Tokens), mostPatterns)
	}
	for _, pattern := range r.Tokens {
		s, err := newPattern(pattern)
		if err != nil {
			return nil, fmt.Errorf("redact: regular expression %.80q: %w", pattern, err)
		}
		all = append(all, s)
	}
	if r.Cards {
		all = append(all, cards)
	}
	return all, nil
}

// newPattern compiles a regular expression in Go's syntax, which takes time
// linear in the text.
func newPattern(pattern string) (seeker, error) {
	if len(pattern) > mostPattern {
		return nil, fmt.Errorf("it has %d bytes: at most %d", len(pattern), mostPattern)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	if re.MatchString("") {
		return nil, errors.New("it matches what is empty: let it match a secret only")
	}
	group := 0
	if re.NumSubexp() > 0 {
		group = 1
	}
	return func(b []byte) (found []span) {
		for _, at := range re.FindAllSubmatchIndex(b, -1) {
			if from, to := at[2*group], at[2*group+1]; from >= 0 && from < to {
				found = append(found, span{from, to, "what /" + pattern + "/ matches"})
			}
		}
		return found
	}, nil
}

// cards finds numbers of payment cards: 13 to 19 digits whose first is of a
// card network's range and whose last is the check digit (ISO/IEC 7812), in
// groups parted by single spaces or dashes.
func cards(b []byte) (found []span) {
	for at := 0; at < len(b); {
		if b[at] < '0' || b[at] > '9' {
			at++
			continue
		}
		end, card := cardAt(b, at)
		if card && (at == 0 || !alnum[b[at-1]]) && (end == len(b) || !alnum[b[end]]) {
			found = append(found, span{at, end, "a card number"})
		}
		at = end
	}
	return found
}

// cardAt returns where the groups of digits end that begin at at.
func cardAt(b []byte, at int) (end int, card bool) {
	var number []byte
	for end = at; end < len(b); end++ {
		c := b[end]
		isDigit := c >= '0' && c <= '9'
		parts := (c == ' ' || c == '-') && end+1 < len(b) && b[end+1] >= '0' && b[end+1] <= '9'
		if !isDigit && !parts {
			break
		}
		if isDigit && len(number) < 20 {
			number = append(number, c)
		}
	}
	n := len(number)
	return end, n >= 13 && n <= 19 && bytes.IndexByte([]byte("23456"), number[0]) >= 0 && luhn(number)
}

func luhn(number []byte) bool {
	sum := 0
	for i, c := range number {
		d := int(c - '0')
		if (len(number)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// away returns the spans that do not touch a pseudonym in b: what is found in
// a pseudonym is no secret.
func away(b []byte, spans []span) (clear []span) {
	if len(spans) == 0 || !bytes.Contains(b, []byte(mark)) && !bytes.Contains(b, []byte{shortEdge}) {
		return spans
	}
	begin, end := 0, 0 // the pseudonym at hand
	for _, s := range spans {
		for end <= s.from && begin < s.to {
			next := bytes.Index(b[max(begin, end):], []byte(mark))
			if next < 0 {
				begin, end = len(b), len(b)
				break
			}
			begin = max(begin, end) + next
			end = max(pseudonymAt(b, begin), begin+1)
		}
		touches := begin < s.to && end > s.from && end > begin+1
		if !touches && !isPseudonym(b[s.from:s.to]) {
			clear = append(clear, s)
		}
	}
	return clear
}
