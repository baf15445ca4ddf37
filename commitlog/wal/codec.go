// The records' encoding: groups of batches of records, as they lie in an entry.

package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"math"
	"time"
)

// GroupMark is the first byte of an entry's Data that holds records. Data that is
// empty or begins otherwise holds none, and is none of this package's business.
const GroupMark = 0xb1

// MaxBatch is how many bytes an encoded batch may have: 256 MiB.
const MaxBatch = 1 << 28

// MaxHeaders is how many headers a record may have: 4096, so that a hostile
// record takes no more memory than its bytes make likely.
const MaxHeaders = 1 << 12

// A batch's header: mark, three bytes that are 0, CRC32C of the rest of the
// header and of those, producer, sequence, time, number of records, bytes of
// records. A record: length of what follows the CRC, CRC32C of the length and
// of what follows, key, number of headers, headers, value.
const (
	batchHeader  = 40
	recordHeader = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// An Encoded batch is ready to be put into an entry, but for its time, which
// the leader knows later. It can be used more than once.
type Encoded struct {
	data  []byte // with room for the header
	count uint32
	batch Batch // without records
}

// Len returns how many bytes the batch will take in a group.
func (e Encoded) Len() int { return len(e.data) }

// Count returns how many records it holds.
func (e Encoded) Count() uint32 { return e.count }

// Producer returns who made it, and which of its batches it is.
func (e Encoded) Producer() (id, sequence uint64) { return e.batch.Producer, e.batch.Sequence }

// Encode encodes b. Offsets, times, indexes and terms of its records are
// ignored: the log sets them. An empty key, value or header value is read back
// as nil. It is an error for b to hold no record, to be larger than
// [MaxBatch], or to have a record of more than [MaxHeaders].
func Encode(b Batch) (Encoded, error) {
	size := batchHeader
	for i := range b.Records {
		size += recordHeader + bodySize(&b.Records[i])
		if size > MaxBatch {
			return Encoded{}, fmt.Errorf("wal: a batch of %d records has more than %d bytes: split it",
				len(b.Records), MaxBatch)
		}
		if n := len(b.Records[i].Header); n > MaxHeaders {
			return Encoded{}, fmt.Errorf("wal: record %d of a batch has %d headers; %d are allowed", i, n, MaxHeaders)
		}
	}
	if len(b.Records) == 0 {
		return Encoded{}, errors.New("wal: a batch without records: there is nothing to append")
	}
	data := make([]byte, batchHeader, size)
	for i := range b.Records {
		data = appendRecord(data, &b.Records[i])
	}
	e := Encoded{data: data, count: uint32(len(b.Records)), batch: b}
	e.batch.Records = nil
	return e, nil
}

// bodySize returns how many bytes appendRecord appends behind the CRC.
func bodySize(r *Record) int {
	n := varSize(len(r.Key)) + len(r.Key) + varSize(len(r.Header)) + len(r.Value)
	for i := range r.Header {
		h := &r.Header[i]
		n += varSize(len(h.Name)) + len(h.Name) + varSize(len(h.Value)) + len(h.Value)
	}
	return n
}

func varSize(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

func appendRecord(dst []byte, r *Record) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	dst = append(binary.AppendUvarint(dst, uint64(len(r.Key))), r.Key...)
	dst = binary.AppendUvarint(dst, uint64(len(r.Header)))
	for i := range r.Header {
		h := &r.Header[i]
		dst = append(binary.AppendUvarint(dst, uint64(len(h.Name))), h.Name...)
		dst = append(binary.AppendUvarint(dst, uint64(len(h.Value))), h.Value...)
	}
	dst = append(dst, r.Value...)
	b := dst[start:]
	binary.LittleEndian.PutUint32(b, uint32(len(b)-recordHeader))
	binary.LittleEndian.PutUint32(b[4:], recordSum(b))
	return dst
}

func recordSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:4], castagnoli), castagnoli, b[recordHeader:])
}

// AppendGroup appends the batches to dst, with their time, and returns it: the
// Data of an entry, if dst was empty. A group may be appended to a group.
func AppendGroup(dst []byte, at time.Time, batches ...Encoded) []byte {
	le := binary.LittleEndian
	for i := range batches {
		e := &batches[i]
		start := len(dst)
		dst = append(dst, e.data...)
		b := dst[start:]
		b[0] = GroupMark
		le.PutUint64(b[8:], e.batch.Producer)
		le.PutUint64(b[16:], e.batch.Sequence)
		le.PutUint64(b[24:], uint64(at.UnixNano()))
		le.PutUint32(b[32:], e.count)
		le.PutUint32(b[36:], uint32(len(e.data)-batchHeader))
		le.PutUint32(b[4:], batchSum(b))
	}
	return dst
}

func batchSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:4], castagnoli), castagnoli, b[8:batchHeader])
}

// A BatchInfo is what a batch's header says.
type BatchInfo struct {
	Producer, Sequence uint64
	Time               time.Time
	Count              uint32 // records in it
	First              uint32 // its first record's number within the group
}

// A batch is a batch in a group.
type batch struct {
	producer, sequence uint64
	nano               int64
	count              uint32
	records            []byte
}

// cutBatch takes the first batch off a group, which is not empty.
func cutBatch(data []byte) (b batch, rest []byte, err error) {
	le := binary.LittleEndian
	switch {
	case data[0] != GroupMark:
		return b, nil, fmt.Errorf("wal: a batch begins with byte %#x, not %#x", data[0], GroupMark)
	case len(data) < batchHeader:
		return b, nil, fmt.Errorf("wal: a batch's header of %d bytes is cut short after %d", batchHeader, len(data))
	case le.Uint32(data[4:]) != batchSum(data):
		return b, nil, errors.New("wal: a batch's header does not match its checksum")
	}
	b = batch{
		producer: le.Uint64(data[8:]), sequence: le.Uint64(data[16:]),
		nano: int64(le.Uint64(data[24:])), count: le.Uint32(data[32:]),
	}
	size := uint64(le.Uint32(data[36:]))
	if rest = data[batchHeader:]; size > uint64(len(rest)) {
		return b, nil, fmt.Errorf("wal: a batch of %d bytes is cut short after %d", size, len(rest))
	}
	if uint64(b.count)*recordHeader > size || b.count == 0 {
		return b, nil, fmt.Errorf("wal: a batch of %d bytes cannot hold %d records", size, b.count)
	}
	b.records = rest[:size:size]
	return b, rest[size:], nil
}

// holdsRecords tells whether an entry's data is a group.
func holdsRecords(data []byte) bool { return len(data) > 0 && data[0] == GroupMark }

// Batches yields what the headers of a group's batches say; nothing, if data
// holds no records. It does not check the records. After an error it ends.
func Batches(data []byte) iter.Seq2[BatchInfo, error] {
	return func(yield func(BatchInfo, error) bool) {
		if !holdsRecords(data) {
			return
		}
		for first, rest := uint32(0), data; len(rest) > 0; {
			b, after, err := cutBatch(rest)
			if err != nil {
				yield(BatchInfo{}, err)
				return
			}
			info := BatchInfo{b.producer, b.sequence, time.Unix(0, b.nano).UTC(), b.count, first}
			if !yield(info, nil) {
				return
			}
			first, rest = first+b.count, after
		}
	}
}

// A span is what the log must know of an entry's records.
type span struct {
	count          uint32
	oldest, newest int64 // times, if count is not 0
}

func spanOf(data []byte) (s span, err error) {
	if !holdsRecords(data) {
		return s, nil
	}
	s.oldest, s.newest = math.MaxInt64, math.MinInt64
	for rest := data; len(rest) > 0; {
		b, after, err := cutBatch(rest)
		if err != nil {
			return span{}, err
		}
		if b.count > math.MaxUint32-s.count {
			return span{}, errors.New("wal: a group of more records than can be counted")
		}
		s.count += b.count
		s.oldest, s.newest = min(s.oldest, b.nano), max(s.newest, b.nano)
		rest = after
	}
	return s, nil
}

// Count returns how many records an entry's data holds. It checks the headers
// of its batches, not the records.
func Count(data []byte) (uint32, error) {
	s, err := spanOf(data)
	return s.count, err
}

// Decode yields an entry's records, in order, each checked. Their offsets
// count from e.Base. They alias e.Data. After an error it ends.
func Decode(e Entry) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if !holdsRecords(e.Data) {
			return
		}
		r := Record{Offset: e.Base, Index: e.Index, Term: e.Term}
		for rest := e.Data; len(rest) > 0; {
			b, after, err := cutBatch(rest)
			if err == nil {
				r.Time = time.Unix(0, b.nano).UTC()
				err = b.decode(&r, yield)
			}
			if err == errEnough {
				return
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			rest = after
		}
	}
}

// errEnough ends a decode whose caller wants no more.
var errEnough = errors.New("enough")

// decode yields the batch's records; r is what they have in common, and the
// next one's offset.
func (b *batch) decode(r *Record, yield func(Record, error) bool) error {
	rest := b.records
	for i := range b.count {
		body, after, err := cutRecord(rest)
		if err == nil {
			err = r.parse(body)
		}
		if err != nil {
			return fmt.Errorf("wal: record %d of %d in a batch: %w", i, b.count, err)
		}
		if !yield(*r, nil) {
			return errEnough
		}
		r.Offset++
		rest = after
	}
	if len(rest) > 0 {
		return fmt.Errorf("wal: %d bytes behind the last record of a batch", len(rest))
	}
	return nil
}

// cutRecord takes the first record off a batch's, and checks it.
func cutRecord(b []byte) (body, rest []byte, err error) {
	if len(b) < recordHeader {
		return nil, nil, errors.New("it is cut short")
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	if n > uint64(len(b)-recordHeader) {
		return nil, nil, errors.New("it is cut short")
	}
	b, rest = b[:recordHeader+n:recordHeader+n], b[recordHeader+n:]
	if binary.LittleEndian.Uint32(b[4:]) != recordSum(b) {
		return nil, nil, errors.New("it does not match its checksum")
	}
	return b[recordHeader:], rest, nil
}

// parse sets what a record's body says.
func (r *Record) parse(b []byte) (err error) {
	r.Header = nil
	if r.Key, b, err = cutBytes(b); err != nil {
		return err
	}
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b))/2 || n > MaxHeaders {
		return errors.New("its number of headers makes no sense")
	}
	b = b[size:]
	if n > 0 {
		r.Header = make([]Header, n)
	}
	for i := range r.Header {
		var name []byte
		if name, b, err = cutBytes(b); err != nil {
			return err
		}
		r.Header[i].Name = string(name)
		if r.Header[i].Value, b, err = cutBytes(b); err != nil {
			return err
		}
	}
	if r.Value = b; len(b) == 0 {
		r.Value = nil
	}
	return nil
}

// cutBytes takes bytes that follow their length off b; nil if there are none.
func cutBytes(b []byte) (value, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, errors.New("a length in it makes no sense")
	}
	if b = b[size:]; n > 0 {
		value = b[:n:n]
	}
	return value, b[n:], nil
}
