// Frames: their encoding, and what is wrong with one.

package frame

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A Kind says what a frame holds.
type Kind byte

// The kinds.
const (
	Head       Kind = 1 + iota // a segment's first frame: first index, term before it, first offset
	Checkpoint                 // data: the owner's state before Index
	State                      // the hard state: Term, Base is the vote, Index is the commit index
	Entry                      // an entry of the log
	Mark                       // nothing but a durable mark
	Seal                       // the last frame of a sealed segment; data: its summary
	kinds
)

// HeaderSize is how many bytes stand before the data.
const HeaderSize = 56

// MaxData is how many bytes of data a frame may hold.
const MaxData = 1 << 30

// A Frame is what lies in a segment. What the fields mean depends on the kind.
type Frame struct {
	Kind              Kind
	Type              byte
	Count             uint32
	Index, Term, Base uint64
	Mark              uint64
	Data              []byte

	mask   byte
	length uint32
	sum    uint32
}

// What may be wrong with a frame.
var (
	ErrShort  = errors.New("the file ends within the frame")
	ErrHeader = errors.New("the frame's header does not match its checksum")
	ErrChain  = errors.New("the frame does not follow the one before it")
	ErrData   = errors.New("the frame's data does not match its checksum")
)

const cover = 0xa5a5a5a5a5a5a5a5

var table = crc32.MakeTable(crc32.Castagnoli)

// Size returns how many bytes a frame with n bytes of data takes.
func Size(n int) int { return (HeaderSize + n + 7) &^ 7 }

// A Chain is a place between two frames of a segment: what the next one is
// checked against.
type Chain struct {
	Salt uint32 // of the segment
	Link uint32 // of the frame before
}

// Start returns the chain at the beginning of the segment of that first index
// and first offset.
func Start(first, base uint64) Chain {
	b := []byte("rehearse log 1\n\x00")
	b = binary.LittleEndian.AppendUint64(b, first)
	b = binary.LittleEndian.AppendUint64(b, base)
	salt := crc32.Checksum(b, table)
	return Chain{Salt: salt, Link: ^salt}
}

// Append appends f to dst, which is to lie in its segment so that f begins at
// pos, and moves the chain behind it. The data must be of at most MaxData bytes.
func (c *Chain) Append(dst []byte, pos int64, f Frame) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, HeaderSize)...)
	dst = append(dst, f.Data...)
	for (len(dst)-start)%8 != 0 {
		dst = append(dst, 0xa5)
	}
	b := dst[start:]
	data := b[HeaderSize : HeaderSize+len(f.Data)]
	f.sum = crc32.Checksum(data, table)
	c.header(b, f)
	if len(data) > 0 && thin(b, pos) {
		c.thicken(b, pos, f)
	}
	c.Link = binary.LittleEndian.Uint32(b)
	return dst
}

// thicken masks the data of the frame in b in the first way that leaves no
// sector's part thin. If there is none, which takes a forger, it leaves it.
func (c *Chain) thicken(b []byte, pos int64, f Frame) {
	data := b[HeaderSize : HeaderSize+len(f.Data)]
	for f.mask = 1; f.mask < masks; f.mask++ {
		mask(data, f.mask)
		f.sum = crc32.Checksum(data, table)
		c.header(b, f)
		if !thin(b, pos) {
			return
		}
		mask(data, f.mask)
	}
	f.mask, f.sum = 0, crc32.Checksum(data, table)
	c.header(b, f)
}

// header writes f's header.
func (c *Chain) header(b []byte, f Frame) {
	le := binary.LittleEndian
	kinds := uint64(f.Kind) | uint64(f.Type)<<8 | uint64(f.mask)<<16
	le.PutUint64(b[8:], cover^(kinds|uint64(len(f.Data))<<32))
	le.PutUint64(b[16:], cover^(uint64(f.Count)|uint64(f.sum)<<32))
	le.PutUint64(b[24:], cover^f.Index)
	le.PutUint64(b[32:], cover^f.Term)
	le.PutUint64(b[40:], cover^f.Base)
	le.PutUint64(b[48:], cover^f.Mark)
	le.PutUint32(b[4:], crc32.Update(c.Salt, table, b[8:HeaderSize]))
	le.PutUint32(b, crc32.Update(c.Link, table, b[4:HeaderSize]))
}

// Header reads a header, without its data, and tells whether it is one of this
// segment's, wherever in it. It reports ErrShort or ErrHeader.
func (c Chain) Header(b []byte) (f Frame, err error) {
	if len(b) < HeaderSize {
		return f, ErrShort
	}
	le := binary.LittleEndian
	word := cover ^ le.Uint64(b[8:])
	f.Kind, f.Type, f.mask, f.length = Kind(word), byte(word>>8), byte(word>>16), uint32(word>>32)
	if f.Kind == 0 || f.Kind >= kinds || f.mask >= masks || byte(word>>24) != 0 || f.length > MaxData {
		return f, ErrHeader
	}
	if le.Uint32(b[4:]) != crc32.Update(c.Salt, table, b[8:HeaderSize]) {
		return f, ErrHeader
	}
	word = cover ^ le.Uint64(b[16:])
	f.Count, f.sum = uint32(word), uint32(word>>32)
	f.Index, f.Term = cover^le.Uint64(b[24:]), cover^le.Uint64(b[32:])
	f.Base, f.Mark = cover^le.Uint64(b[40:]), cover^le.Uint64(b[48:])
	return f, nil
}

// Size returns how many bytes the frame takes whose header this is.
func (f *Frame) Size() int { return Size(int(f.length)) }

// Follows tells whether the header at the start of b follows in the chain.
func (c Chain) Follows(b []byte) bool {
	return binary.LittleEndian.Uint32(b) == crc32.Update(c.Link, table, b[4:HeaderSize])
}

// Fill checks the data behind f's header in b, which holds the whole frame,
// and sets f.Data. It aliases b, unless the data had to be masked.
func (f *Frame) Fill(b []byte) error {
	if len(b) < f.Size() {
		return ErrShort
	}
	data := b[HeaderSize : HeaderSize+int(f.length) : HeaderSize+int(f.length)]
	if crc32.Checksum(data, table) != f.sum {
		return ErrData
	}
	for _, pad := range b[HeaderSize+len(data) : f.Size()] {
		if pad != 0xa5 {
			return ErrData
		}
	}
	if f.mask != 0 {
		data = append([]byte(nil), data...)
		mask(data, f.mask)
	}
	f.Data = data
	return nil
}

// Next reads the frame at the start of b and moves the chain behind it. With
// ErrShort, f.Size is how many bytes it takes, if that is known, else
// HeaderSize.
func (c *Chain) Next(b []byte) (f Frame, err error) {
	if f, err = c.Header(b); err != nil {
		return f, err
	}
	if !c.Follows(b) {
		return f, ErrChain
	}
	if err = f.Fill(b); err == nil {
		c.Link = binary.LittleEndian.Uint32(b)
	}
	return f, err
}
