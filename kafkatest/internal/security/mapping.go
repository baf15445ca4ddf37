// Principals from certificates: ssl.principal.mapping.rules.

package security

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/kafkatest/internal/pattern"
)

// A Mapping makes principals of the distinguished names of certificates, by
// rules in the syntax of ssl.principal.mapping.rules (KIP-371): separated by
// commas, each
//
//	RULE:pattern/replacement/[LU]
//
// or DEFAULT, which takes the name as it is. The first rule whose pattern
// matches the whole name wins. In the replacement $1 is the pattern's first
// group; L and U make the result lower or upper case. A slash within a rule
// is written \/.
type Mapping struct {
	rules []mappingRule
}

// A mappingRule is DEFAULT if it has no pattern.
type mappingRule struct {
	pattern     *regexp.Regexp
	replacement string // in Go's syntax
	fold        func(string) string
}

// ParseMapping parses rules; none at all is DEFAULT. Patterns are Go's, which
// lack what RE2 lacks of Java's: back references and look-around.
func ParseMapping(rules string) (*Mapping, error) {
	m := &Mapping{}
	rest := strings.TrimSpace(rules)
	for rest != "" {
		var r mappingRule
		var err error
		if r, rest, err = parseRule(rest); err != nil {
			return nil, err
		}
		m.rules = append(m.rules, r)
		rest = strings.TrimSpace(rest)
		if rest == "" {
			break
		}
		if rest[0] != ',' {
			return nil, &Error{"rules are separated by commas, not by " + strconv.Quote(rest)}
		}
		rest = strings.TrimSpace(rest[1:])
	}
	if len(m.rules) == 0 {
		m.rules = []mappingRule{{}}
	}
	return m, nil
}

func parseRule(s string) (r mappingRule, rest string, err error) {
	if rest, ok := strings.CutPrefix(s, "DEFAULT"); ok {
		return mappingRule{}, rest, nil
	}
	body, ok := strings.CutPrefix(s, "RULE:")
	if !ok {
		return r, "", &Error{"a rule begins with RULE: or is DEFAULT: " + strconv.Quote(s)}
	}
	text, body, ok := cutSlash(body)
	replacement, rest, ok2 := cutSlash(body)
	if !ok || !ok2 {
		return r, "", &Error{"a rule is RULE:pattern/replacement/: " + strconv.Quote(s)}
	}
	if r.pattern, err = pattern.Whole(text); err != nil {
		return r, "", &Error{"rule " + strconv.Quote(s) + ": " + err.Error()}
	}
	r.replacement = goReplacement(replacement, r.pattern.NumSubexp())
	switch {
	case strings.HasPrefix(rest, "L"):
		r.fold, rest = strings.ToLower, rest[1:]
	case strings.HasPrefix(rest, "U"):
		r.fold, rest = strings.ToUpper, rest[1:]
	}
	return r, rest, nil
}

// cutSlash cuts s at the first slash that no backslash escapes.
func cutSlash(s string) (before, after string, found bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '/':
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// goReplacement rewrites a replacement from Java's syntax: $1x is group 1 and
// an x, and a backslash makes the next character plain. As Java does, it takes
// as many digits as still name a group; a dollar that names none is plain.
func goReplacement(s string, groups int) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteString(strings.ReplaceAll(s[i:i+1], "$", "$$"))
		case s[i] == '$':
			n := groupDigits(s[i+1:], groups)
			if n == 0 {
				b.WriteString("$$")
				continue
			}
			b.WriteString("${" + s[i+1:i+1+n] + "}")
			i += n
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func groupDigits(s string, groups int) (n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		if group, err := strconv.Atoi(s[:n+1]); err != nil || group > groups {
			break
		}
		n++
	}
	return n
}

// Principal returns the principal of a distinguished name in the syntax of
// RFC 2253, or false if no rule matches: then the client is refused.
func (m *Mapping) Principal(name string) (string, bool) {
	for _, r := range m.rules {
		if r.pattern == nil {
			return "User:" + name, true
		}
		at := r.pattern.FindStringSubmatchIndex(name)
		if at == nil {
			continue
		}
		mapped := string(r.pattern.ExpandString(nil, r.replacement, name, at))
		if r.fold != nil {
			mapped = r.fold(mapped)
		}
		return "User:" + mapped, true
	}
	return "", false
}
