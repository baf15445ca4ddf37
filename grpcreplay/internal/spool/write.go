// Writing the whole form.

package spool

import (
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// The whole form is a header of 32 bytes and a body. The header holds the
// magic, the version (4 bytes), how the body is compressed (4), and its size
// when it is not (8). The body is this message and a trailer of 12 bytes: the
// number of calls (8) and the CRC-32C (4) of all before it, the header and the
// body as it is when not compressed. A reader passes over unknown fields.
//
//	message Tape {
//	  Head head = 1;
//	  bytes schema = 2;                           // a google.protobuf.FileDescriptorSet
//	  bytes calls = 3;                            // Call messages, one after another
//	  repeated uint64 lengths = 4 [packed=true];  // of each call, in bytes
//	}
const (
	wholeHeader  = magicLen + 16
	wholeTrailer = 12

	fieldHead, fieldSchema, fieldCalls, fieldLengths = 1, 2, 3, 4
)

// How a body is compressed.
const (
	compressNone = iota
	compressGzip // one member, as RFC 1952 has it
)

// Write writes the whole form of a tape. If compress is set, its body is
// compressed by gzip, for files that are kept long; loading one takes about
// twice as long. It errs on a tape that Read would refuse whatever the limits.
func Write(w io.Writer, t *tape.Tape, compress bool) error {
	if err := t.Check(tape.Limits{Message: math.MaxInt64}); err != nil {
		return fmt.Errorf("the recording cannot be written: %w", err)
	}
	before, after := frame(t)
	size := len(before) + callsSize(t) + len(after) + wholeTrailer
	header := binary.LittleEndian.AppendUint32([]byte(MagicWhole), version)
	header = binary.LittleEndian.AppendUint32(header, compression(compress))
	header = binary.LittleEndian.AppendUint64(header, uint64(size))
	if _, err := w.Write(header); err != nil {
		return err
	}
	body := &summed{w: w, sum: sum(header)}
	if !compress {
		return body.write(t, before, after)
	}
	zw := gzip.NewWriter(w)
	body.w = zw
	if err := body.write(t, before, after); err != nil {
		return err
	}
	return zw.Close()
}

func compression(compress bool) uint32 {
	if compress {
		return compressGzip
	}
	return compressNone
}

// frame returns what stands in the body before the calls and behind them, but
// for the trailer.
func frame(t *tape.Tape) (before, after []byte) {
	before = appendBytes(nil, fieldHead, tape.AppendHead(nil, t.Head))
	if len(t.Schema) > 0 {
		before = appendBytes(before, fieldSchema, t.Schema)
	}
	before = protowire.AppendTag(before, fieldCalls, protowire.BytesType)
	before = protowire.AppendVarint(before, uint64(callsSize(t)))
	var lengths []byte
	for i := range t.Len() {
		lengths = protowire.AppendVarint(lengths, uint64(len(t.Packed(i))))
	}
	return before, appendBytes(nil, fieldLengths, lengths)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func callsSize(t *tape.Tape) (n int) {
	for i := range t.Len() {
		n += len(t.Packed(i))
	}
	return n
}

// summed writes a body and keeps its CRC. It gathers what is small.
type summed struct {
	w   io.Writer
	sum uint32
	buf []byte
}

func (s *summed) write(t *tape.Tape, before, after []byte) error {
	s.buf = make([]byte, 0, 64<<10)
	if err := s.add(before); err != nil {
		return err
	}
	for i := range t.Len() {
		if err := s.add(t.Packed(i)); err != nil {
			return err
		}
	}
	if err := s.add(binary.LittleEndian.AppendUint64(after, uint64(t.Len()))); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	_, err := s.w.Write(binary.LittleEndian.AppendUint32(nil, s.sum))
	return err
}

func (s *summed) add(b []byte) error {
	if len(s.buf)+len(b) > cap(s.buf) {
		if err := s.flush(); err != nil {
			return err
		}
	}
	if len(b) <= cap(s.buf) {
		s.buf = append(s.buf, b...)
		return nil
	}
	return s.put(b)
}

func (s *summed) flush() error {
	b := s.buf
	s.buf = b[:0]
	return s.put(b)
}

func (s *summed) put(b []byte) error {
	s.sum = crc32.Update(s.sum, castagnoli, b)
	_, err := s.w.Write(b)
	return err
}
