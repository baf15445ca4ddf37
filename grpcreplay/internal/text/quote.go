// Words, quoted strings and base64, as they stand in lines.

package text

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"
)

// wrapped is how many bytes stand in a line of wrapped base64: 96 columns.
const wrapped = 72

// isWord tells whether s can stand between blanks as it is.
func isWord(s string) bool {
	return s != "" && s[0] != '"' && s[0] != '#' && isPrintable(s) && !strings.Contains(s, " ")
}

// isPlain tells whether s can stand at the end of a line as it is.
func isPlain(s string) bool {
	return s != "" && s[0] != '"' && s[0] != ' ' && s[len(s)-1] != ' ' && isPrintable(s)
}

// isPrintable tells whether a text shows what it holds: of blanks it has the
// space alone.
func isPrintable(s string) bool {
	for i := 0; i < len(s); {
		c, size := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(s[i:])
		}
		if c == utf8.RuneError && size == 1 || !strconv.IsPrint(c) {
			return false
		}
		i += size
	}
	return true
}

// isReadable tells whether s reads well when quoted: it is text, with line
// ends and tabs perhaps.
func isReadable(s string) bool {
	for _, c := range s {
		if c == utf8.RuneError || c != '\n' && c != '\t' && c != '\r' && !strconv.IsPrint(c) {
			return false
		}
	}
	return true
}

func appendWord(dst []byte, s string) []byte {
	if isWord(s) {
		return append(dst, s...)
	}
	return strconv.AppendQuote(dst, s)
}

// isKey tells whether a key of metadata can stand as it is.
func isKey(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != ""
}

func appendKey(dst []byte, key string) []byte {
	if isKey(key) {
		return append(dst, key...)
	}
	return strconv.AppendQuote(dst, key)
}

// appendQuoted appends s as a Go string: between backquotes if it has quotes.
func appendQuoted(dst []byte, s string) []byte {
	if strings.Contains(s, `"`) && strconv.CanBackquote(s) {
		return append(append(append(dst, '`'), s...), '`')
	}
	return strconv.AppendQuote(dst, s)
}

// appendQuotedLines appends s as quoted strings, one a line, each after the
// indent: what reads well when a text has many lines.
func appendQuotedLines(dst []byte, s, indent string) []byte {
	for s != "" {
		n := lineLength(s)
		dst = append(append(dst, '\n'), indent...)
		dst = appendQuoted(dst, s[:n])
		s = s[n:]
	}
	return dst
}

// lineLength returns how much of s to put into one line: all up to a line
// end, or as much as is about a line.
func lineLength(s string) int {
	most := min(len(s), columns-8)
	if i := strings.IndexByte(s[:most], '\n'); i >= 0 {
		return i + 1
	}
	for most < len(s) && !utf8.RuneStart(s[most]) {
		most++
	}
	return most
}

// appendBase64Lines appends b in base64, wrapped, each line after the indent.
func appendBase64Lines(dst, b []byte, indent string) []byte {
	for len(b) > 0 {
		n := min(len(b), wrapped)
		dst = append(append(dst, '\n'), indent...)
		dst = base64.StdEncoding.AppendEncode(dst, b[:n])
		b = b[n:]
	}
	return dst
}

// decodeBase64 decodes the usual and the URL alphabet, padded or not.
func decodeBase64(s []byte) ([]byte, error) {
	for len(s) > 0 && s[len(s)-1] == '=' {
		s = s[:len(s)-1]
	}
	encoding := base64.RawStdEncoding
	for _, c := range s {
		if c == '-' || c == '_' {
			encoding = base64.RawURLEncoding
		}
	}
	return encoding.AppendDecode(nil, s)
}

// isBase64 tells whether a line holds nothing but letters of base64.
func isBase64(line []byte) bool {
	for _, c := range line {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
			c != '+' && c != '/' && c != '=' && c != '-' && c != '_' {
			return false
		}
	}
	return len(line) > 0
}
