// Blank sectors: how they are kept out of frames, and found in torn ones.

package frame

import (
	"encoding/binary"
	"math/bits"
)

// Sector is the unit, in bytes, that a disk writes wholly or not at all.
const Sector = 512

// masks is how many ways there are to store data; the first is as it is.
const masks = 5

// mask masks data, or unmasks it: it is its own inverse.
func mask(data []byte, m byte) {
	if m == 0 {
		return
	}
	x := uint64(m) * 0x9e3779b97f4a7c15
	for len(data) >= 8 {
		x = x*6364136223846793005 + 1442695040888963407
		binary.LittleEndian.PutUint64(data, binary.LittleEndian.Uint64(data)^x^x>>29)
		data = data[8:]
	}
	for i := range data {
		data[i] ^= byte(0x9d + int(m) + i)
	}
}

// thin tells whether some sector's part of b, which begins at pos, is so empty
// that one flipped bit could make it blank, or is blank.
func thin(b []byte, pos int64) bool {
	for len(b) > 0 {
		n := min(len(b), int(Sector-pos%Sector))
		if sparse(b[:n]) {
			return true
		}
		b, pos = b[n:], pos+int64(n)
	}
	return false
}

// sparse tells whether fewer than two bits of b are set.
func sparse(b []byte) bool {
	n := 0
	for ; len(b) >= 8 && n < 2; b = b[8:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(b))
	}
	for i := 0; i < len(b) && n < 2; i++ {
		n += bits.OnesCount8(b[i])
	}
	return n < 2
}

// Torn tells whether some sector's part of b, which begins at pos, is blank.
func Torn(b []byte, pos int64) bool {
	for len(b) > 0 {
		n := min(len(b), int(Sector-pos%Sector))
		if Blank(b[:n]) {
			return true
		}
		b, pos = b[n:], pos+int64(n)
	}
	return false
}

// Blank tells whether b is all zeros.
func Blank(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
