// Building batches out of records.

package batch

import "math"

// A Form is what a batch has besides its records.
type Form struct {
	Base          int64 // the base offset; records have offsets from it on
	Last          int64 // the last offset, if it is larger than that of the last record
	LeaderEpoch   int32
	Codec         Codec
	AppendTime    bool // the records have the broker's time, that of the first
	Transactional bool
	Control       bool
	Horizon       int64 // when tombstones may go (KIP-534); 0 if not known yet
	ProducerID    int64
	ProducerEpoch int16
	Sequence      int32
}

// NewForm returns the form of a batch from no producer in particular.
func NewForm() Form {
	return Form{ProducerID: NoProducer, ProducerEpoch: -1, Sequence: -1}
}

// Form returns what b has besides its records.
func (b Batch) Form() Form {
	f := Form{
		Base:          b.BaseOffset(),
		Last:          b.LastOffset(),
		LeaderEpoch:   b.LeaderEpoch(),
		Codec:         b.Codec(),
		AppendTime:    b.AppendTime(),
		Transactional: b.Transactional(),
		Control:       b.Control(),
		ProducerID:    b.ProducerID(),
		ProducerEpoch: b.ProducerEpoch(),
		Sequence:      b.Sequence(),
	}
	if horizon, ok := b.Horizon(); ok {
		f.Horizon = horizon
	}
	return f
}

// Append appends to dst a batch of the records, whose offsets must rise from
// f.Base on. dst may be nil.
func (f Form) Append(dst []byte, records []Record) []byte {
	baseTime, maxTime := f.times(records)
	start := len(dst)
	dst = append(dst, make([]byte, HeaderSize)...)
	if f.Codec == None {
		dst = appendRecords(dst, records, f.Base, baseTime)
	} else {
		dst = f.Codec.Compress(dst, appendRecords(nil, records, f.Base, baseTime))
	}
	b := Batch(dst[start:])
	last := max(f.Last, f.Base)
	if len(records) > 0 {
		last = max(last, records[len(records)-1].Offset)
	}
	b.put64(atBaseOffset, f.Base)
	b.put32(atLength, int32(len(b)-overhead))
	b.put32(atLeaderEpoch, f.LeaderEpoch)
	b[atMagic] = 2
	b.put16(atAttributes, f.attributes())
	b.put32(atLastDelta, int32(last-f.Base))
	b.put64(atBaseTimestamp, baseTime)
	b.put64(atMaxTimestamp, maxTime)
	b.put64(atProducerID, f.ProducerID)
	b.put16(atProducerEpoch, f.ProducerEpoch)
	b.put32(atSequence, f.Sequence)
	b.put32(atCount, int32(len(records)))
	b.Seal()
	return dst
}

func (f Form) times(records []Record) (base, largest int64) {
	if len(records) == 0 {
		return NoTimestamp, NoTimestamp
	}
	base, largest = records[0].Timestamp, math.MinInt64
	for i := range records {
		largest = max(largest, records[i].Timestamp)
	}
	if f.Horizon != 0 {
		base = f.Horizon
	}
	return base, largest
}

func (f Form) attributes() int16 {
	return int16(f.Codec) | bit(appendTimeBit, f.AppendTime) | bit(transactionalBit, f.Transactional) |
		bit(controlBit, f.Control) | bit(horizonBit, f.Horizon != 0)
}

func bit(mask int16, on bool) int16 {
	if on {
		return mask
	}
	return 0
}

func appendRecords(dst []byte, records []Record, baseOffset, baseTime int64) []byte {
	for i := range records {
		dst = appendRecord(dst, &records[i], baseOffset, baseTime)
	}
	return dst
}

// Recompress returns the batch with its records compressed by codec, in
// memory of its own, as a broker does for a topic whose compression.type is
// not "producer".
func (b Batch) Recompress(codec Codec) (Batch, error) {
	plain, err := b.inflated()
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, HeaderSize+len(plain)), b[:HeaderSize]...)
	if codec == None {
		out = append(out, plain...)
	} else {
		out = codec.Compress(out, plain)
	}
	again := Batch(out)
	again.put32(atLength, int32(len(again)-overhead))
	again.put16(atAttributes, b.int16(atAttributes)&^codecBits|int16(codec))
	again.Seal()
	return again, nil
}
