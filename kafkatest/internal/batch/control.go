// Control batches: how a transaction ended.

package batch

import "encoding/binary"

// A Marker ends a transaction in one partition (KIP-98).
type Marker struct {
	ProducerID       int64
	ProducerEpoch    int16
	CoordinatorEpoch int32
	Commit           bool
	Timestamp        int64
}

// Types of control records.
const (
	abortType  = 0
	commitType = 1
)

// Append appends to dst the control batch that the marker is.
func (m Marker) Append(dst []byte, offset int64, leaderEpoch int32) []byte {
	kind := int16(abortType)
	if m.Commit {
		kind = commitType
	}
	key := binary.BigEndian.AppendUint16(make([]byte, 2, 4), uint16(kind))
	value := binary.BigEndian.AppendUint32(make([]byte, 2, 6), uint32(m.CoordinatorEpoch))
	f := NewForm()
	f.Base, f.LeaderEpoch = offset, leaderEpoch
	f.Transactional, f.Control = true, true
	f.ProducerID, f.ProducerEpoch = m.ProducerID, m.ProducerEpoch
	return f.Append(dst, []Record{{Offset: offset, Timestamp: m.Timestamp, Key: key, Value: value}})
}

// Marker reads the marker that a control batch holds. It returns false if
// there is none, or one of a type that ends no transaction.
func (b Batch) Marker() (Marker, bool) {
	if !b.Control() || b.Count() < 1 {
		return Marker{}, false
	}
	for rec, err := range b.Records() {
		if err != nil || len(rec.Key) < 4 || len(rec.Value) < 6 {
			return Marker{}, false
		}
		kind := binary.BigEndian.Uint16(rec.Key[2:])
		return Marker{
			ProducerID:       b.ProducerID(),
			ProducerEpoch:    b.ProducerEpoch(),
			CoordinatorEpoch: int32(binary.BigEndian.Uint32(rec.Value[2:])),
			Commit:           kind == commitType,
			Timestamp:        rec.Timestamp,
		}, kind == commitType || kind == abortType
	}
	return Marker{}, false
}
