// Bytes of an unknown type, by what they look like.

package schema

import (
	"fmt"
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxSketch bounds how long a sketch is, in bytes; what is left out shows as "…".
const maxSketch = 240

// Sketch shows bytes of an unknown type in one line, by what they look like:
//
//	{1: "text", 2: 42, 3: {1: 0.5}, 4: 3 bytes 00ff12}
//
// It is for people: what looks like text may be a message, and numbers may be
// signed otherwise.
func (s *Set) Sketch(wire []byte) string {
	return string(appendSketch(nil, wire, 0))
}

func appendSketch(dst, wire []byte, depth int) []byte {
	if depth > 10 {
		return append(dst, "{…}"...)
	}
	dst = append(dst, '{')
	for rest := wire; len(rest) > 0; {
		r, n := consume(rest)
		if n < 0 {
			return append(appendBytesSketch(dst, rest), '}')
		}
		if len(dst) > maxSketch {
			return append(dst, "…}"...)
		}
		dst = strconv.AppendInt(dst, int64(r.number), 10)
		dst = append(dst, ": "...)
		dst = appendRecordSketch(dst, &r, depth)
		if rest = rest[n:]; len(rest) > 0 {
			dst = append(dst, ", "...)
		}
	}
	return append(dst, '}')
}

func appendRecordSketch(dst []byte, r *record, depth int) []byte {
	switch r.typ {
	case protowire.VarintType:
		return strconv.AppendInt(dst, int64(r.uint()), 10)
	case protowire.Fixed32Type:
		return appendFixedSketch(dst, r.uint(), 32)
	case protowire.Fixed64Type:
		return appendFixedSketch(dst, r.uint(), 64)
	case protowire.StartGroupType:
		return appendSketch(dst, r.value, depth+1)
	}
	switch {
	case len(r.value) == 0:
		return append(dst, `""`...)
	case looksLikeText(r.value):
		return appendTextSketch(dst, r.value)
	case looksLikeMessage(r.value):
		return appendSketch(dst, r.value, depth+1)
	default:
		return appendBytesSketch(dst, r.value)
	}
}

// appendFixedSketch shows what is a likely float as one, and else digits in base 16.
func appendFixedSketch(dst []byte, bits uint64, size int) []byte {
	f := math.Float64frombits(bits)
	if size == 32 {
		f = float64(math.Float32frombits(uint32(bits)))
	}
	if a := math.Abs(f); bits == 0 || a > 1e-5 && a < 1e12 {
		return strconv.AppendFloat(dst, f, 'g', -1, size)
	}
	return fmt.Appendf(dst, "0x%0*x", size/4, bits)
}

// maxShown bounds how much of one string or of bytes is shown.
const maxShown = 48

func appendTextSketch(dst, text []byte) []byte {
	if len(text) <= maxShown {
		return appendQuoted(dst, string(text))
	}
	cut := maxShown
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return append(appendQuoted(dst, string(text[:cut])), "…"...)
}

func appendBytesSketch(dst, b []byte) []byte {
	if len(b) == 0 {
		return append(dst, `""`...)
	}
	dst = fmt.Appendf(dst, "%d bytes %x", len(b), b[:min(len(b), maxShown/3)])
	if len(b) > maxShown/3 {
		dst = append(dst, "…"...)
	}
	return dst
}

// looksLikeText holds for printable text. A message whose first field is a
// string begins with a line feed, as text seldom does.
func looksLikeText(b []byte) bool {
	if !utf8.Valid(b) || b[0] == '\n' {
		return false
	}
	for _, c := range string(b) {
		if !unicode.IsPrint(c) && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

func looksLikeMessage(b []byte) bool {
	for len(b) > 0 {
		r, n := consume(b)
		if n < 0 || r.number > 1<<16 {
			return false
		}
		b = b[n:]
	}
	return true
}
