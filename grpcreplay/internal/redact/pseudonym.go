// The pseudonyms of texts and bytes.

package redact

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

// mark begins a pseudonym; hexadecimal digits follow.
const mark = "redacted-"

const (
	digits    = 16            // of a pseudonym whose length is free
	leastFit  = len(mark) + 5 // shorter ones that must fit have another form
	leastHex  = leastFit - len(mark)
	shortEdge = '*'
)

// A salter makes pseudonyms. It holds what HMAC puts before a message: the
// key, masked in two ways (RFC 2104, section 2).
type salter struct{ inner, outer [sha256.BlockSize]byte }

func newSalter(salt []byte) (s salter) {
	if len(salt) > sha256.BlockSize {
		sum := sha256.Sum256(salt)
		salt = sum[:]
	}
	copy(s.inner[:], salt)
	copy(s.outer[:], salt)
	for i := range s.inner {
		s.inner[i] ^= 0x36
		s.outer[i] ^= 0x5C
	}
	return s
}

// digest is HMAC-SHA256, at half the price of crypto/hmac for short values.
func (s *salter) digest(value []byte) [sha256.Size]byte {
	b := make([]byte, 0, 4*sha256.BlockSize)
	inner := sha256.Sum256(append(append(b, s.inner[:]...), value...))
	return sha256.Sum256(append(append(b, s.outer[:]...), inner[:]...))
}

// text returns the pseudonym of a value that may change its length.
func (s *salter) text(value []byte) []byte {
	if len(value) == 0 || isPseudonym(value) {
		return value
	}
	sum := s.digest(value)
	return hex.AppendEncode([]byte(mark), sum[:digits/2])
}

// fit returns the pseudonym of a value that must keep its length. It begins
// as that of text does. Values of less than 14 bytes have too little room for
// that: theirs are letters between asterisks, and those of the shortest are
// not all different.
func (s *salter) fit(value []byte) []byte {
	if len(value) == 0 || isPseudonym(value) {
		return value
	}
	sum := s.digest(value)
	if len(value) < leastFit {
		return short(sum, len(value))
	}
	out := append(make([]byte, 0, len(value)+2*len(sum)), mark...)
	for len(out) < len(value) {
		out = hex.AppendEncode(out, sum[:])
	}
	return out[:len(value)]
}

func short(sum [sha256.Size]byte, n int) []byte {
	out := bytes.Repeat([]byte{shortEdge}, n)
	for i := 1; i < n-1; i++ {
		out[i] = 'g' + sum[i]&15
	}
	return out
}

// isPseudonym tells whether the whole of b is a pseudonym.
func isPseudonym(b []byte) bool {
	if hexDigits, ok := bytes.CutPrefix(b, []byte(mark)); ok {
		return len(hexDigits) >= leastHex && count(hexDigits, lowerHex) == len(hexDigits)
	}
	n := len(b)
	if n == 0 || n >= leastFit || b[0] != shortEdge || b[n-1] != shortEdge {
		return false
	}
	for _, c := range b[min(1, n-1) : n-1] {
		if c < 'g' || c > 'v' {
			return false
		}
	}
	return true
}

// pseudonymAt returns where the pseudonym ends that begins at from; not after
// from if there is none.
func pseudonymAt(b []byte, from int) (to int) {
	if !bytes.HasPrefix(b[from:], []byte(mark)) {
		return from
	}
	n := count(b[from+len(mark):], lowerHex)
	if n < leastHex {
		return from
	}
	return from + len(mark) + n
}
