// JSON as it stands in a file: laid out, found again, compared by digest.

package text

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"unicode/utf8"
)

// deepest is the indent from which on JSON is not broken any more: there it
// would be no help to the eye, and cost its depth squared.
const deepest = columns / 2

// layout appends a JSON text, given in one line. What does not fit into a
// line is broken: the members of an object and the elements of a list then
// stand in lines of their own, two columns further in than indent. Used is
// how much of the first line is taken.
func layout(dst, json []byte, indent, used int) []byte {
	if fits(json, used) || indent >= deepest || json[0] != '{' && json[0] != '[' {
		return append(dst, json...)
	}
	dst = append(dst, json[0])
	rest := bytes.TrimLeft(json[1:], " ")
	for len(rest) > 1 {
		n := memberEnd(rest)
		if n == 0 {
			break
		}
		dst = appendNewLine(dst, indent+2)
		dst = layoutMember(dst, rest[:n], indent+2)
		rest = rest[n:]
		if rest[0] == ',' {
			dst = append(dst, ',')
			rest = bytes.TrimLeft(rest[1:], " ")
		}
	}
	return append(appendNewLine(dst, indent), json[len(json)-1])
}

// fits tells whether b has room in a line of which some is used.
func fits(b []byte, used int) bool {
	return len(b) <= utf8.UTFMax*columns && used+utf8.RuneCount(b) <= columns
}

// layoutMember appends an element of a list, or a key and its value.
func layoutMember(dst, member []byte, indent int) []byte {
	colon := 0
	if end, err := stringEnd(member); err == nil && end < len(member) {
		colon = end + 1
		dst = append(append(dst, member[:colon]...), ' ')
		member = bytes.TrimLeft(member[colon:], " ")
		return layout(dst, member, indent, indent+colon+2)
	}
	return layout(dst, member, indent, indent+1)
}

// memberEnd returns where the member ends with which b begins: at a comma or
// at the bracket that closes what it is a member of.
func memberEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			n, err := stringEnd(b[i:])
			if err != nil {
				return 0
			}
			i += n - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return 0
}

func appendNewLine(dst []byte, indent int) []byte {
	dst = append(dst, '\n')
	for range indent {
		dst = append(dst, ' ')
	}
	return dst
}

// stringEnd returns where the string ends with which b begins.
func stringEnd(b []byte) (int, error) {
	if len(b) == 0 || b[0] != '"' {
		return 0, errors.New("a text stands in quotes: write it so")
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '\n':
			return i, errors.New("a string has no closing quote in its line: add it, or write the line's end as \\n")
		case '"':
			return i + 1, nil
		}
	}
	return len(b), errors.New("a string has no closing quote: add it")
}

// isJSON tells whether a value begins here: JSON, and none of our words.
func isJSON(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	switch b[0] {
	case '{', '[', '"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return true
	}
	word := string(b[:wordEnd(b)])
	return word == "true" || word == "false" || word == "null"
}

// valueEnd returns where the value ends with which b begins, lines further
// down perhaps. With an error it returns where that is.
func valueEnd(b []byte) (int, error) {
	if b[0] == '"' {
		return stringEnd(b)
	}
	if b[0] != '{' && b[0] != '[' {
		return wordEnd(b), nil
	}
	depth := 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			n, err := stringEnd(b[i:])
			if err != nil {
				return i, err
			}
			i += n - 1
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1, nil
			}
		case !betweenStrings[c]:
			return i, errors.New("this is not JSON: a bracket is not closed above, or something is misspelt here")
		}
	}
	return 0, errors.New("the JSON that begins here is not closed: add what is missing of brackets")
}

// betweenStrings are the bytes that occur in JSON outside its strings, other
// than brackets.
var betweenStrings = func() (set [256]bool) {
	for _, c := range ":, \t\r\n+-.0123456789abcdefghijklmnopqrstuvwxyzE" {
		set[c] = true
	}
	return set
}()

// digest returns a short digest of a JSON text that does not depend on its
// layout.
func digest(json []byte) string {
	var compact []byte
	for len(json) > 0 {
		n := 1
		if json[0] == '"' {
			n, _ = stringEnd(json)
		}
		if n > 1 || json[0] > ' ' {
			compact = append(compact, json[:n]...)
		}
		json = json[n:]
	}
	sum := sha256.Sum256(compact)
	return hex.EncodeToString(sum[:4])
}
