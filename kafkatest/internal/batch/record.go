// Records: reading them one by one, and writing them.

package batch

import (
	"encoding/binary"
	"errors"
	"iter"
)

// A Record is one record of a batch.
type Record struct {
	Offset    int64
	Timestamp int64  // milliseconds; NoTimestamp if there is none
	Key       []byte // nil if there is none
	Value     []byte // nil for a tombstone
	Headers   []Header
}

// A Header is a name and a value that a record carries besides its own.
type Header struct {
	Key   string
	Value []byte // nil if there is none
}

var errRecord = errors.New("batch: malformed record")

// Records reads the records of the batch. Keys and values alias the batch, or
// memory of their own if it is compressed. An error ends the iteration.
func (b Batch) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		r, err := b.reader()
		if err != nil {
			yield(Record{}, err)
			return
		}
		for r.left > 0 {
			rec, err := r.next()
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// Decode returns the records of the batch.
func (b Batch) Decode() ([]Record, error) {
	r, err := b.reader()
	if err != nil {
		return nil, err
	}
	records := make([]Record, 0, min(max(int(r.left), 0), len(r.buf)/minRecord))
	for r.left > 0 {
		rec, err := r.next()
		if err != nil {
			return nil, err
		}
		records = append(records, rec)
	}
	return records, nil
}

// minRecord is the length of the shortest record, in bytes: its own length,
// attributes, two deltas, two lengths and a count.
const minRecord = 7

// A reader reads the records of one batch.
type reader struct {
	buf        []byte
	left       int32 // records still to come
	baseOffset int64
	baseTime   int64
	appendTime bool
	maxTime    int64
}

func (b Batch) reader() (*reader, error) {
	buf, err := b.inflated()
	if err != nil {
		return nil, err
	}
	return &reader{
		buf:        buf,
		left:       b.Count(),
		baseOffset: b.BaseOffset(),
		baseTime:   b.BaseTimestamp(),
		appendTime: b.AppendTime(),
		maxTime:    b.MaxTimestamp(),
	}, nil
}

// inflated returns the records as plain bytes.
func (b Batch) inflated() ([]byte, error) {
	if b.Codec() == None {
		return b.payload(), nil
	}
	return b.Codec().Decompress(b.payload())
}

// next reads one record. There must be one left.
func (r *reader) next() (Record, error) {
	d, err := r.cut()
	if err != nil {
		return Record{}, err
	}
	d.skip(1) // attributes, of which none are in use
	rec := Record{Timestamp: r.baseTime + d.varint(), Offset: r.baseOffset + d.varint()}
	if r.appendTime {
		rec.Timestamp = r.maxTime
	}
	rec.Key, rec.Value = d.bytes(), d.bytes()
	rec.Headers = d.headers()
	if d.bad || len(d.buf) != 0 {
		return Record{}, errRecord
	}
	return rec, nil
}

// cut takes the bytes of the next record.
func (r *reader) cut() (decoder, error) {
	d := decoder{buf: r.buf}
	n := d.varint()
	if d.bad || n < 0 || n > int64(len(d.buf)) {
		return decoder{}, errRecord
	}
	r.left--
	r.buf = d.buf[n:]
	return decoder{buf: d.buf[:n]}, nil
}

// A decoder reads the fields of a record. Once bad, it reads nothing more.
type decoder struct {
	buf []byte
	bad bool
}

func (d *decoder) fail() {
	d.bad, d.buf = true, nil
}

func (d *decoder) skip(n int64) {
	if n < 0 || n > int64(len(d.buf)) {
		d.fail()
		return
	}
	d.buf = d.buf[n:]
}

func (d *decoder) varint() int64 {
	if len(d.buf) > 0 && d.buf[0] < 0x80 { // the usual case: one byte
		u := d.buf[0]
		d.buf = d.buf[1:]
		return int64(u>>1) ^ -int64(u&1)
	}
	v, n := binary.Varint(d.buf)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.buf = d.buf[n:]
	return v
}

// bytes reads a length, -1 for nil, and as many bytes.
func (d *decoder) bytes() []byte {
	n := d.varint()
	if n < -1 || n > int64(len(d.buf)) {
		d.fail()
	}
	if n < 0 || d.bad {
		return nil
	}
	v := d.buf[:n:n]
	d.buf = d.buf[n:]
	return v
}

func (d *decoder) headers() []Header {
	n := d.varint()
	if n < 0 || n > int64(len(d.buf)) { // each takes two bytes at least
		d.fail()
	}
	if n == 0 || d.bad {
		return nil
	}
	headers := make([]Header, 0, min(n, 16))
	for range n {
		length := d.varint()
		if length < 0 || length > int64(len(d.buf)) {
			d.fail()
			return nil
		}
		key := string(d.buf[:length])
		d.skip(length)
		headers = append(headers, Header{Key: key, Value: d.bytes()})
		if d.bad {
			return nil
		}
	}
	return headers
}

// appendRecord writes a record relative to a base offset and timestamp.
func appendRecord(dst []byte, rec *Record, baseOffset, baseTime int64) []byte {
	timeDelta, offsetDelta := rec.Timestamp-baseTime, rec.Offset-baseOffset
	n := 1 + varintSize(timeDelta) + varintSize(offsetDelta) +
		bytesSize(rec.Key) + bytesSize(rec.Value) + varintSize(int64(len(rec.Headers)))
	for _, h := range rec.Headers {
		n += varintSize(int64(len(h.Key))) + len(h.Key) + bytesSize(h.Value)
	}
	dst = binary.AppendVarint(dst, int64(n))
	dst = append(dst, 0)
	dst = binary.AppendVarint(dst, timeDelta)
	dst = binary.AppendVarint(dst, offsetDelta)
	dst = appendBytes(dst, rec.Key)
	dst = appendBytes(dst, rec.Value)
	dst = binary.AppendVarint(dst, int64(len(rec.Headers)))
	for _, h := range rec.Headers {
		dst = binary.AppendVarint(dst, int64(len(h.Key)))
		dst = append(dst, h.Key...)
		dst = appendBytes(dst, h.Value)
	}
	return dst
}

func appendBytes(dst, v []byte) []byte {
	if v == nil {
		return append(dst, 1) // -1
	}
	return append(binary.AppendVarint(dst, int64(len(v))), v...)
}

func bytesSize(v []byte) int {
	if v == nil {
		return 1
	}
	return varintSize(int64(len(v))) + len(v)
}

func varintSize(v int64) int {
	u, n := uint64(v)<<1^uint64(v>>63), 1
	for ; u >= 0x80; u >>= 7 {
		n++
	}
	return n
}
