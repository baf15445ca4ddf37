// Message sets made of batches, for consumers that know nothing newer.

package batch

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kerr"
)

// DownConvert appends to dst the batches in stored as a message set of format
// magic, 0 or 1, for a consumer at offset from. What the format cannot tell is
// lost: headers and, in format 0, timestamps. Markers are left out. Records
// before from are left out where they can be, which is when they are not
// compressed.
func DownConvert(dst, stored []byte, magic int8, from int64) ([]byte, *kerr.Error) {
	for {
		b, rest := First(stored)
		if b == nil {
			return dst, nil
		}
		stored = rest
		if b.Control() {
			continue
		}
		if b.Codec() == Zstd {
			return dst, kerr.UnsupportedCompressionType
		}
		records, err := b.Decode()
		if err != nil {
			return dst, kerr.CorruptMessage
		}
		s := setWriter{magic: magic, codec: b.Codec(), appendTime: b.AppendTime()}
		dst = s.append(dst, records, from)
	}
}

// A setWriter writes the records of one batch as messages.
type setWriter struct {
	magic      int8
	codec      Codec
	appendTime bool
}

func (s setWriter) append(dst []byte, records []Record, from int64) []byte {
	if len(records) == 0 {
		return dst
	}
	if s.codec != None {
		return s.appendCompressed(dst, records)
	}
	for i := range records {
		if records[i].Offset >= from {
			dst = s.appendMessage(dst, &records[i], None)
		}
	}
	return dst
}

// appendCompressed writes a message that holds the others. It has the offset
// of the last; in format 1 those within count from the first (KIP-31), in
// format 0 they are what they are.
func (s setWriter) appendCompressed(dst []byte, records []Record) []byte {
	outer := Record{Offset: records[len(records)-1].Offset, Timestamp: NoTimestamp}
	var inner []byte
	for i := range records {
		rec := records[i]
		outer.Timestamp = max(outer.Timestamp, rec.Timestamp)
		if s.magic == 1 {
			rec.Offset -= records[0].Offset
		}
		inner = s.appendMessage(inner, &rec, None)
	}
	outer.Value = s.codec.Compress(nil, inner)
	if s.codec == LZ4 && s.magic == 0 {
		breakFrame(outer.Value)
	}
	return s.appendMessage(dst, &outer, s.codec)
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
