// Strings and floats as JSON has them.

package schema

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// appendQuoted appends a string of JSON. What would break a line or hide in a
// terminal is escaped, and what is no UTF-8 is replaced.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', byte(c))
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case hides(c):
			dst = append(dst, `\u`...)
			dst = append(dst, hex4(uint16(c))...)
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return append(dst, '"')
}

// hides tells whether a character steers rather than shows: controls, line
// separators, marks of direction, the byte order mark.
func hides(c rune) bool {
	return c < 0x20 || 0x7f <= c && c < 0xa0 || 0x200b <= c && c <= 0x200f ||
		0x2028 <= c && c <= 0x202e || 0x2066 <= c && c <= 0x2069 || c == 0xfeff
}

func hex4(c uint16) []byte {
	const digits = "0123456789abcdef"
	return []byte{digits[c>>12], digits[c>>8&15], digits[c>>4&15], digits[c&15]}
}

// appendFloat appends a float of 32 or 64 bits, by the fewest digits that tell it.
func appendFloat(dst []byte, bits uint64, size int) []byte {
	f := math.Float64frombits(bits)
	if size == 32 {
		f = float64(math.Float32frombits(uint32(bits)))
	}
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	form := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		form = 'e'
	}
	return strconv.AppendFloat(dst, f, form, -1, size)
}
