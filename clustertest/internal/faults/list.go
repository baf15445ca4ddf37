// Lists of faults, as text and as the name of a subtest.

package faults

import (
	"fmt"
	"strconv"
	"strings"
)

// A List is what a nemesis does. Its order counts only where two faults begin
// at one instant.
type List []Fault

// String returns the faults joined by "; ", which ParseList reads.
func (l List) String() string { return l.join("; ") }

func (l List) join(separator string) string {
	texts := make([]string, len(l))
	for i, f := range l {
		texts[i] = f.String()
	}
	return strings.Join(texts, separator)
}

// ParseList reads faults that are joined by semicolons. A text without words
// is the empty list. An error tells at which byte of the text, from 0, it went
// wrong.
func ParseList(text string) (List, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var l List
	at := 0
	for part := range strings.SplitSeq(text, ";") {
		f, _, wrong := read(part)
		if wrong != nil {
			wrong.at += at
			return nil, wrong.in(text)
		}
		l = append(l, f)
		at += len(part) + len(";")
	}
	return l, nil
}

// nobody is the name of the empty list: a subtest without a name would be
// given a number.
const nobody = "none"

// ToName writes l so that it can be the name of a subtest: testing leaves it
// as it is, it has no slash, and it needs no more than single quotes in a
// shell. A space is an underscore, and what cannot stand for itself is written
// as in a URL: "2.1s+5s_part_n0;7s+1s_crash_n1". The empty list is "none".
// However long the name is, testing takes it.
func ToName(l List) string {
	if len(l) == 0 {
		return nobody
	}
	var b strings.Builder
	for _, r := range l.join(";") {
		switch {
		case r == ' ':
			b.WriteByte('_')
		case strings.ContainsRune(quoted, r):
			fmt.Fprintf(&b, "%%%02X", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// quoted are the characters that a name holds only as %XX: those that mean
// something to it, to testing, or to a shell's single quotes.
const quoted = "_/%'"

// FromName reads what ToName writes. Times may be written otherwise, as "1000ms".
func FromName(name string) (List, error) {
	if name == nobody {
		return nil, nil
	}
	if name == "" {
		return nil, fmt.Errorf("faults: a list of faults has no empty name; that of no fault is %q", nobody)
	}
	text, wrong := unquote(name)
	if wrong != nil {
		return nil, wrong.in(name)
	}
	l, err := ParseList(text)
	if err == nil && len(l) == 0 {
		return nil, fmt.Errorf("faults: %q names no fault; that of none is %q", name, nobody)
	}
	return l, err
}

// unquote undoes what ToName does to a text.
func unquote(name string) (string, *misreading) {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch c := name[i]; c {
		case '_':
			b.WriteByte(' ')
		case '%':
			code, err := strconv.ParseUint(name[i+1:min(i+3, len(name))], 16, 8)
			if err != nil || !strings.ContainsRune(quoted, rune(code)) {
				return "", &misreading{i, fmt.Errorf("%% is followed by the code of one of %s", quoted)}
			}
			b.WriteByte(byte(code))
			i += 2
		case ' ', '/', '\'':
			return "", &misreading{i, fmt.Errorf("a name holds no %q", c)}
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}
