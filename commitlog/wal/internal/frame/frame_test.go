// Frames, whole and damaged.

package frame_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog/wal/internal/frame"
)

func sample(data []byte) frame.Frame {
	return frame.Frame{Kind: frame.Entry, Type: 2, Count: 3, Index: 4, Term: 5, Base: 6, Mark: 7, Data: data}
}

// payloads are data of all sizes about a sector's, some of them blank.
func payloads() (all [][]byte) {
	for _, n := range []int{0, 1, 7, 8, 9, 400, 455, 456, 457, 511, 512, 513, 2000} {
		text := bytes.Repeat([]byte("some text. "), n/11+1)[:n]
		one := make([]byte, n)
		if n > 0 {
			one[n-1] = 1
		}
		all = append(all, text, make([]byte, n), one, append(slices.Clone(text), make([]byte, 1500)...))
	}
	return all
}

func TestAFrameIsReadAsItWasWritten(t *testing.T) {
	for _, data := range payloads() {
		c := frame.Start(1, 0)
		b := c.Append(nil, 100, sample(data))
		read := frame.Start(1, 0)
		f, err := read.Next(b)
		if err != nil || f.Size() != len(b) || !bytes.Equal(f.Data, data) || read != c {
			t.Fatalf("%d bytes: %v, %d of %d", len(data), err, f.Size(), len(b))
		}
		if want := sample(nil); f.Kind != want.Kind || f.Type != want.Type || f.Count != want.Count ||
			f.Index != want.Index || f.Term != want.Term || f.Base != want.Base || f.Mark != want.Mark {
			t.Fatalf("%+v is not %+v", f, want)
		}
	}
}

func TestNoSectorOfAFrameIsBlankNorIsItMadeSoByOneBit(t *testing.T) {
	for pos := int64(0); pos < 2*frame.Sector; pos += 8 {
		for _, data := range payloads() {
			c := frame.Start(1, 0)
			b := c.Append(nil, pos, sample(data))
			if frame.Torn(b, pos) {
				t.Fatalf("a frame with %d bytes at %d", len(data), pos)
			}
			for from := 0; from < len(b); { // each sector's part
				end := min(len(b), from+int(frame.Sector-(pos+int64(from))%frame.Sector))
				checkBits(t, b[from:end])
				from = end
			}
		}
	}
}

// checkBits fails if b has only one bit set, or none.
func checkBits(t *testing.T, b []byte) {
	t.Helper()
	bits := 0
	for _, x := range b {
		for ; x != 0; x &= x - 1 {
			bits++
		}
	}
	if bits < 2 {
		t.Fatalf("%d bytes with %d bits set: %x", len(b), bits, b)
	}
}

func TestADamagedFrameIsFound(t *testing.T) {
	c := frame.Start(1, 0)
	whole := c.Append(nil, 0, sample([]byte("thirteen bytes")))
	for bit := range 8 * len(whole) {
		b := bytes.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		at := frame.Start(1, 0)
		if _, err := at.Next(b); err == nil {
			t.Fatalf("bit %d was flipped, and nobody noticed", bit)
		}
	}
	for n := range whole {
		at := frame.Start(1, 0)
		if _, err := at.Next(whole[:n]); err != frame.ErrShort {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

func TestAFrameIsValidInOnePlaceOnly(t *testing.T) {
	c := frame.Start(1, 0)
	first := c.Append(nil, 0, sample([]byte("first")))
	second := c.Append(nil, int64(len(first)), sample([]byte("second")))
	at := frame.Start(1, 0)
	if _, err := at.Next(second); err != frame.ErrChain {
		t.Fatalf("the second frame in the first one's place: %v", err)
	}
	at = frame.Start(1, 1)
	if _, err := at.Next(first); err != frame.ErrHeader {
		t.Fatalf("a frame in another segment: %v", err)
	}
}

func FuzzNext(f *testing.F) {
	for _, data := range payloads()[:20] {
		c := frame.Start(1, 0)
		f.Add(c.Append(nil, 0, sample(data)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := frame.Start(1, 0)
		got, err := c.Next(b)
		if err != nil {
			return
		}
		if got.Size() > len(b) {
			t.Fatalf("a frame of %d bytes in %d", got.Size(), len(b))
		}
	})
}
