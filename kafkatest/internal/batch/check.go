// Checking what a producer sent, as far as that needs no partition.

package batch

import (
	"encoding/binary"
	"math"

	"github.com/twmb/franz-go/pkg/kerr"
)

// A Checked batch has passed every check that needs to know nothing of the
// partition.
type Checked struct {
	Batch Batch // nil if there are no records, as formats 0 and 1 allow
	Size  int   // of the largest batch or message as it was sent

	// What the records say. The records of a compressed batch are not looked
	// at: Walked is false, and the timestamps are those of the header.
	Walked       bool
	Keyless      bool // some record has no key
	MinTimestamp int64
	MaxTimestamp int64
}

// The smallest things there are: a batch must be long enough to tell its
// format, and a message long enough to be one.
const (
	upToMagic  = 17
	minMessage = 14
)

// Check checks the records that a Produce request of the version has for one
// partition, and makes one batch of the message sets of old. Bytes that follow
// the last whole batch are ignored, as brokers do. What it returns aliases
// records unless that is compressed or of an old format.
func Check(records []byte, version int16) (Checked, *Fault) {
	size, fault := sizeOfNext(records)
	if fault != nil {
		return Checked{}, fault
	}
	if size == 0 && version >= 3 {
		return Checked{}, Refuse(kerr.InvalidRecord, "produce version %d needs a batch for each partition", version)
	}
	if size == 0 {
		return Checked{}, nil
	}
	if records[atMagic] < 2 {
		if version >= 3 {
			return Checked{}, Refuse(kerr.InvalidRecord, "produce version %d takes message format 2 only", version)
		}
		return checkSet(records)
	}
	if rest, fault := sizeOfNext(records[size:]); fault != nil || rest > 0 {
		return Checked{}, Refuse(kerr.InvalidRecord, "a produce request takes exactly one batch for each partition")
	}
	b := Batch(records[:size:size])
	if fault := checkHeader(b, version); fault != nil {
		return Checked{}, fault
	}
	return walk(b)
}

// sizeOfNext returns the size of the batch or message that records begin
// with; 0 if there is no whole one.
func sizeOfNext(records []byte) (int, *Fault) {
	if len(records) < overhead {
		return 0, nil
	}
	n := int(int32(binary.BigEndian.Uint32(records[atLength:])))
	if n < minMessage {
		return 0, Refuse(kerr.CorruptMessage, "a record batch of %d bytes is too small", n)
	}
	if len(records) < upToMagic {
		return 0, nil
	}
	if magic := int8(records[atMagic]); magic < 0 || magic > 2 {
		return 0, Refuse(kerr.CorruptMessage, "there is no message format %d", magic)
	}
	if n > len(records)-overhead {
		return 0, nil
	}
	return overhead + n, nil
}

// checkHeader checks all but the records, in the order in which brokers do.
func checkHeader(b Batch, version int16) *Fault {
	switch {
	case len(b) < HeaderSize:
		return Refuse(kerr.CorruptMessage, "a batch of %d bytes has no room for its header", len(b))
	case b.Codec() == Zstd && version < 7:
		return Refuse(kerr.UnsupportedCompressionType, "zstd needs a produce request of version 7 or later")
	case b.BaseOffset() != 0:
		return Refuse(kerr.InvalidRecord, "the base offset of a produced batch is 0, not %d", b.BaseOffset())
	case b.CRC() != b.Sum():
		return Refuse(kerr.CorruptMessage, "the batch's checksum is %08x, computed is %08x", b.CRC(), b.Sum())
	case !b.Codec().Known():
		return Refuse(kerr.UnsupportedCompressionType, "there is no %v", b.Codec())
	case b.LastDelta() < 0:
		return Refuse(kerr.InvalidRecord, "the batch has an invalid offset range")
	case b.Count() <= 0:
		return Refuse(kerr.InvalidRecord, "the batch claims %d records", b.Count())
	case int64(b.Count()) != int64(b.LastDelta())+1:
		return Refuse(kerr.InvalidRecord, "the batch claims %d records up to delta %d", b.Count(), b.LastDelta())
	case b.Control():
		return Refuse(kerr.InvalidRecord, "clients may not write control records")
	case b.ProducerID() >= 0 && b.Sequence() < 0:
		return Refuse(kerr.InvalidRecord, "sequence number %d of producer %d is negative", b.Sequence(), b.ProducerID())
	case b.Transactional() && b.ProducerID() < 0:
		return Refuse(kerr.InvalidRecord, "a transactional batch needs a producer")
	case b.AppendTime():
		return Refuse(kerr.InvalidTimestamp, "a producer may not claim log append time")
	}
	return nil
}

// walk looks at the records of an uncompressed batch. It needs no memory.
func walk(b Batch) (Checked, *Fault) {
	c := Checked{Batch: b, Size: len(b), MinTimestamp: b.BaseTimestamp(), MaxTimestamp: b.MaxTimestamp()}
	if b.Codec() != None {
		return c, nil
	}
	return look(c, b.payload())
}

// Look decompresses the records and looks at them, if that has not been done.
// A broker needs it before it can tell keyless records.
func (c Checked) Look() (Checked, *Fault) {
	if c.Walked || c.Batch == nil {
		return c, nil
	}
	plain, err := c.Batch.inflated()
	if err != nil {
		return c, Refuse(kerr.CorruptMessage, "the %v records cannot be read: %v", c.Batch.Codec(), err)
	}
	return look(c, plain)
}

func look(c Checked, plain []byte) (Checked, *Fault) {
	b := c.Batch
	r := reader{buf: plain, left: b.Count(), baseTime: b.BaseTimestamp()}
	c.Walked, c.MinTimestamp, c.MaxTimestamp = true, math.MaxInt64, math.MinInt64
	compressed := b.Codec() != None
	for i := int64(0); r.left > 0; i++ {
		s, ok := r.sight()
		if !ok {
			return c, Refuse(kerr.InvalidRecord, "record %d is malformed", i)
		}
		if compressed && s.delta != i {
			return c, Refuse(kerr.InvalidRecord, "record %d of a compressed batch has offset delta %d", i, s.delta)
		}
		c.Keyless = c.Keyless || s.keyless
		c.MinTimestamp, c.MaxTimestamp = min(c.MinTimestamp, s.timestamp), max(c.MaxTimestamp, s.timestamp)
	}
	if len(r.buf) > 0 {
		return c, Refuse(kerr.InvalidRecord, "%d bytes follow the last of %d records", len(r.buf), b.Count())
	}
	return c, nil
}

// A sight is what there is to see of a record in passing.
type sight struct {
	timestamp int64
	delta     int64
	keyless   bool
}

// sight passes a record by, checking its form. Every record of every batch
// that is not compressed comes by here, so it goes by positions and makes
// nothing.
func (r *reader) sight() (sight, bool) {
	n, at := varintAt(r.buf, 0)
	if at < 0 || n < 1 || n > int64(len(r.buf)-at) {
		return sight{}, false
	}
	rec := r.buf[at : at+int(n)]
	r.buf, r.left = r.buf[at+int(n):], r.left-1
	var s sight
	timeDelta, at := varintAt(rec, 1) // behind the attributes
	s.delta, at = varintAt(rec, at)
	s.timestamp = r.baseTime + timeDelta
	key, at := passAt(rec, at)
	s.keyless = key < 0
	_, at = passAt(rec, at)
	headers, at := varintAt(rec, at)
	if at < 0 || headers < 0 {
		return s, false
	}
	for ; headers > 0 && at >= 0; headers-- {
		if key, at = passAt(rec, at); key < 0 {
			return s, false
		}
		_, at = passAt(rec, at)
	}
	return s, at == len(rec)
}

// varintAt reads a number at a position, and returns the one behind it: -1 if
// there is none, or the position was -1 already.
func varintAt(p []byte, at int) (int64, int) {
	if uint(at) < uint(len(p)) && p[at] < 0x80 { // the usual case: one byte
		u := p[at]
		return int64(u>>1) ^ -int64(u&1), at + 1
	}
	return longVarintAt(p, at)
}

func longVarintAt(p []byte, at int) (int64, int) {
	if at < 0 || at > len(p) {
		return 0, -1
	}
	v, n := binary.Varint(p[at:])
	if n <= 0 {
		return 0, -1
	}
	return v, at + n
}

// passAt passes bytes with their length by. The length is -1 if they are nil.
func passAt(p []byte, at int) (length int64, behind int) {
	n, at := varintAt(p, at)
	switch {
	case at < 0 || n < -1 || n > int64(len(p)-at):
		return n, -1
	case n == -1:
		return n, at
	}
	return n, at + int(n)
}

// Faulty returns a fault for each record that wrong calls so, by its message.
func (b Batch) Faulty(wrong func(Record) string) []RecordFault {
	var faults []RecordFault
	index := int32(0)
	for rec, err := range b.Records() {
		if err != nil {
			break
		}
		if message := wrong(rec); message != "" {
			faults = append(faults, RecordFault{Index: index, Message: message})
		}
		index++
	}
	return faults
}
