// Message sets made of batches, for consumers that know nothing newer.

package batch

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kerr"
)

// A Conversion makes message sets of format Magic, 0 or 1, of batches. What the
// format cannot tell is lost: headers and, in format 0, timestamps. Markers are
// left out.
type Conversion struct {
	Magic int8

	// Room is how many bytes of plain records may still be converted. When it
	// is used up, what is left is left to another request: compressed records
	// must be inflated and compressed again, and a small request for many of
	// them is not to keep a broker busy for hours.
	Room int
}

// Append appends the batches in stored to dst as a message set, for a consumer
// at offset from. Records before from are left out where they can be, which is
// when they are not compressed. While there is room the next batch comes whole.
func (c *Conversion) Append(dst, stored []byte, from int64) ([]byte, *kerr.Error) {
	for c.Room > 0 {
		b, rest := First(stored)
		if b == nil {
			break
		}
		stored = rest
		if b.Control() {
			continue
		}
		if b.Codec() == Zstd {
			return dst, kerr.UnsupportedCompressionType
		}
		r, err := b.reader()
		if err != nil {
			return dst, kerr.CorruptMessage
		}
		c.Room -= len(r.buf)
		s := setWriter{magic: c.Magic, codec: b.Codec(), appendTime: b.AppendTime()}
		if dst, err = s.append(dst, r, from); err != nil {
			return dst, kerr.CorruptMessage
		}
	}
	return dst, nil
}

// A setWriter writes the records of one batch as messages.
type setWriter struct {
	magic      int8
	codec      Codec
	appendTime bool
}

// append writes the records that r reads. An error leaves dst as it was.
func (s setWriter) append(dst []byte, r *reader, from int64) ([]byte, error) {
	if r.left <= 0 {
		return dst, nil
	}
	if s.codec != None {
		return s.appendCompressed(dst, r)
	}
	out := dst
	for r.left > 0 {
		rec, err := r.next()
		if err != nil {
			return dst, err
		}
		if rec.Offset >= from {
			out = s.appendMessage(out, &rec, None)
		}
	}
	return out, nil
}

// appendCompressed writes a message that holds the others. It has the offset
// of the last; in format 1 those within count from the first (KIP-31), in
// format 0 they are what they are.
func (s setWriter) appendCompressed(dst []byte, r *reader) ([]byte, error) {
	outer := Record{Timestamp: NoTimestamp}
	var inner []byte
	for first := int64(-1); r.left > 0; {
		rec, err := r.next()
		if err != nil {
			return dst, err
		}
		if first < 0 {
			first = rec.Offset
		}
		outer.Offset, outer.Timestamp = rec.Offset, max(outer.Timestamp, rec.Timestamp)
		if s.magic == 1 {
			rec.Offset -= first
		}
		inner = s.appendMessage(inner, &rec, None)
	}
	outer.Value = s.codec.Compress(nil, inner)
	if s.codec == LZ4 && s.magic == 0 {
		breakFrame(outer.Value)
	}
	return s.appendMessage(dst, &outer, s.codec), nil
}

func (s setWriter) appendMessage(dst []byte, rec *Record, codec Codec) []byte {
	start := len(dst)
	attributes := byte(codec)
	if s.magic == 1 && s.appendTime {
		attributes |= appendTimeBit
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(rec.Offset))
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0, byte(s.magic), attributes)
	if s.magic == 1 {
		dst = binary.BigEndian.AppendUint64(dst, uint64(rec.Timestamp))
	}
	dst = appendSized(dst, rec.Key)
	dst = appendSized(dst, rec.Value)
	m := dst[start:]
	binary.BigEndian.PutUint32(m[atLength:], uint32(len(m)-overhead))
	binary.BigEndian.PutUint32(m[atMessageCRC:], crc32.ChecksumIEEE(m[atMessageMagic:]))
	return dst
}

func appendSized(dst, v []byte) []byte {
	if v == nil {
		return append(dst, 0xff, 0xff, 0xff, 0xff)
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(v))), v...)
}
