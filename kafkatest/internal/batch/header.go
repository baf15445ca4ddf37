// The header of a batch: where its fields lie, reading and patching them.

package batch

import (
	"encoding/binary"
	"hash/crc32"
)

// Where the fields of a batch lie. The checksum covers everything from the
// attributes on, so the base offset and the leader epoch can be set without
// computing it anew.
const (
	atBaseOffset    = 0
	atLength        = 8
	atLeaderEpoch   = 12
	atMagic         = 16
	atCRC           = 17
	atAttributes    = 21
	atLastDelta     = 23
	atBaseTimestamp = 27
	atMaxTimestamp  = 35
	atProducerID    = 43
	atProducerEpoch = 51
	atSequence      = 53
	atCount         = 57

	// HeaderSize is the size of a batch without records.
	HeaderSize = 61

	overhead = 12 // the base offset and the length, which the length does not count
)

// Bits of the attributes.
const (
	codecBits        = 0x07
	appendTimeBit    = 0x08
	transactionalBit = 0x10
	controlBit       = 0x20
	horizonBit       = 0x40 // KIP-534: the base timestamp is a delete horizon
)

// NoTimestamp is the timestamp of a record that has none, as all of format 0.
const NoTimestamp = -1

// NoProducer is the producer id of a batch that is not idempotent.
const NoProducer = -1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Batch is the bytes of one whole batch of format 2.
type Batch []byte

// First returns the first whole batch in stored, which holds batches one
// after the other, and what follows it. It returns nil at the end, and where
// no whole batch follows.
func First(stored []byte) (Batch, []byte) {
	if len(stored) < HeaderSize {
		return nil, nil
	}
	n := overhead + int(int32(binary.BigEndian.Uint32(stored[atLength:])))
	if n < HeaderSize || n > len(stored) {
		return nil, nil
	}
	return Batch(stored[:n:n]), stored[n:]
}

func (b Batch) int16(at int) int16 { return int16(binary.BigEndian.Uint16(b[at:])) }
func (b Batch) int32(at int) int32 { return int32(binary.BigEndian.Uint32(b[at:])) }
func (b Batch) int64(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }

func (b Batch) put16(at int, v int16) { binary.BigEndian.PutUint16(b[at:], uint16(v)) }
func (b Batch) put32(at int, v int32) { binary.BigEndian.PutUint32(b[at:], uint32(v)) }
func (b Batch) put64(at int, v int64) { binary.BigEndian.PutUint64(b[at:], uint64(v)) }

// BaseOffset returns the offset that the records' deltas count from.
func (b Batch) BaseOffset() int64 { return b.int64(atBaseOffset) }

// LastOffset returns the last offset the batch stands for. Compaction may
// have removed the record that had it.
func (b Batch) LastOffset() int64 { return b.BaseOffset() + int64(b.LastDelta()) }

// LastDelta returns LastOffset less BaseOffset.
func (b Batch) LastDelta() int32 { return b.int32(atLastDelta) }

// LeaderEpoch returns the epoch of the leader that appended the batch.
func (b Batch) LeaderEpoch() int32 { return b.int32(atLeaderEpoch) }

// Codec returns how the records are compressed.
func (b Batch) Codec() Codec { return Codec(b.int16(atAttributes) & codecBits) }

// AppendTime reports whether the records have the broker's time
// (LogAppendTime) rather than the producer's (CreateTime).
func (b Batch) AppendTime() bool { return b.int16(atAttributes)&appendTimeBit != 0 }

// Transactional reports whether the batch is part of a transaction.
func (b Batch) Transactional() bool { return b.int16(atAttributes)&transactionalBit != 0 }

// Control reports whether the batch holds a marker instead of records.
func (b Batch) Control() bool { return b.int16(atAttributes)&controlBit != 0 }

// Horizon returns when compaction may remove the tombstones of the batch, and
// false if compaction has not come upon them yet (KIP-534).
func (b Batch) Horizon() (int64, bool) {
	return b.int64(atBaseTimestamp), b.int16(atAttributes)&horizonBit != 0
}

// BaseTimestamp returns what the records' timestamp deltas count from.
func (b Batch) BaseTimestamp() int64 { return b.int64(atBaseTimestamp) }

// MaxTimestamp returns the largest timestamp of the records.
func (b Batch) MaxTimestamp() int64 { return b.int64(atMaxTimestamp) }

// ProducerID returns the producer's id, or NoProducer.
func (b Batch) ProducerID() int64 { return b.int64(atProducerID) }

// ProducerEpoch returns the producer's epoch.
func (b Batch) ProducerEpoch() int16 { return b.int16(atProducerEpoch) }

// Sequence returns the sequence number of the first record; -1 if none.
func (b Batch) Sequence() int32 { return b.int32(atSequence) }

// LastSequence returns the sequence number of the last record. Numbers begin
// at 0 again after the largest int32.
func (b Batch) LastSequence() int32 {
	if b.Sequence() < 0 {
		return b.Sequence()
	}
	return int32((int64(b.Sequence()) + int64(b.LastDelta())) & 0x7fffffff)
}

// Count returns how many records the header says there are.
func (b Batch) Count() int32 { return b.int32(atCount) }

// CRC returns the checksum the header has.
func (b Batch) CRC() uint32 { return binary.BigEndian.Uint32(b[atCRC:]) }

// Sum computes the checksum the header should have.
func (b Batch) Sum() uint32 { return crc32.Checksum(b[atAttributes:], castagnoli) }

// payload returns the records as they are stored, compressed or not.
func (b Batch) payload() []byte { return b[HeaderSize:] }

// Place sets what a broker sets of every batch it appends: the offset of the
// first record and the leader epoch.
func (b Batch) Place(offset int64, leaderEpoch int32) {
	b.put64(atBaseOffset, offset)
	b.put32(atLeaderEpoch, leaderEpoch)
}

// StampAppendTime makes ms the time of all records.
func (b Batch) StampAppendTime(ms int64) {
	b.put16(atAttributes, b.int16(atAttributes)|appendTimeBit)
	b.put64(atMaxTimestamp, ms)
	b.Seal()
}

// SetMaxTimestamp corrects the largest timestamp.
func (b Batch) SetMaxTimestamp(ms int64) {
	b.put64(atMaxTimestamp, ms)
	b.Seal()
}

// Seal sets the checksum after a change.
func (b Batch) Seal() { binary.BigEndian.PutUint32(b[atCRC:], b.Sum()) }
