// Message sets of formats 0 and 1, as producers before KIP-98 send them.

package batch

import (
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Where the fields of a message lie. Format 1 has a timestamp (KIP-32), which
// moves the key along; the checksum covers everything from the magic on.
const (
	atMessageCRC        = 12
	atMessageMagic      = 16
	atMessageAttributes = 17
	atMessageTimestamp  = 18
)

// maxNested bounds how many records a message set may stand for.
const maxNested = 1 << 20

// converting is held while a message set is converted: that needs up to some
// hundred times the memory of what was sent, and many may come at once.
var converting sync.Mutex

// A message is one message of a set.
type message struct {
	offset     int64
	magic      int8
	attributes int8
	timestamp  int64
	key, value []byte
}

func (m message) codec() Codec { return Codec(m.attributes & codecBits) }

// checkSet checks a message set and makes a batch of it.
func checkSet(set []byte) (Checked, *Fault) {
	converting.Lock()
	defer converting.Unlock()
	var (
		records []Record
		codec   = None
		largest int
	)
	for {
		size, fault := sizeOfNext(set)
		if fault != nil {
			return Checked{}, fault
		}
		if size == 0 {
			break
		}
		largest = max(largest, size)
		m, fault := readMessage(set[:size])
		if fault != nil {
			return Checked{}, fault
		}
		if m.codec() != None {
			codec = m.codec()
		}
		if records, fault = flatten(records, m); fault != nil {
			return Checked{}, fault
		}
		set = set[size:]
	}
	return fromRecords(records, codec, largest), nil
}

func fromRecords(records []Record, codec Codec, largest int) Checked {
	if len(records) == 0 {
		return Checked{Size: largest}
	}
	f := NewForm()
	f.Codec = codec
	c := Checked{
		Batch:        f.Append(nil, records),
		Size:         largest,
		Walked:       true,
		MinTimestamp: records[0].Timestamp,
		MaxTimestamp: records[0].Timestamp,
	}
	for i := range records {
		c.Keyless = c.Keyless || records[i].Key == nil
		c.MinTimestamp = min(c.MinTimestamp, records[i].Timestamp)
		c.MaxTimestamp = max(c.MaxTimestamp, records[i].Timestamp)
	}
	return c
}

// flatten appends the records that a message stands for: itself, or those in
// it if it is compressed.
func flatten(records []Record, m message) ([]Record, *Fault) {
	if m.magic == 1 && m.attributes&appendTimeBit != 0 {
		return nil, Refuse(kerr.InvalidTimestamp, "a producer may not claim log append time")
	}
	if m.codec() == None {
		return append(records, m.record(int64(len(records)))), nil
	}
	if m.codec() > LZ4 {
		return nil, Refuse(kerr.UnsupportedCompressionType, "message format %d knows no %v", m.magic, m.codec())
	}
	inner, err := m.codec().Decompress(m.value)
	if err != nil {
		return nil, Refuse(kerr.CorruptMessage, "the %v messages cannot be read: %v", m.codec(), err)
	}
	return flattenInner(records, m, inner)
}

func flattenInner(records []Record, outer message, inner []byte) ([]Record, *Fault) {
	for len(inner) > 0 {
		size, fault := sizeOfNext(inner)
		if fault != nil {
			return nil, fault
		}
		if size == 0 || len(records) == maxNested {
			return nil, Refuse(kerr.CorruptMessage, "a compressed message ends amid a message")
		}
		m, fault := readMessage(inner[:size])
		switch {
		case fault != nil:
			return nil, fault
		case m.magic != outer.magic:
			return nil, Refuse(kerr.InvalidRecord, "a message of format %d holds one of %d", outer.magic, m.magic)
		case m.codec() != None:
			return nil, Refuse(kerr.InvalidRecord, "a compressed message holds another")
		}
		records = append(records, m.record(int64(len(records))))
		inner = inner[size:]
	}
	return records, nil
}

func (m message) record(offset int64) Record {
	return Record{Offset: offset, Timestamp: m.timestamp, Key: m.key, Value: m.value}
}

// readMessage reads the one message that raw is.
func readMessage(raw []byte) (message, *Fault) {
	m := message{
		offset:     int64(binary.BigEndian.Uint64(raw)),
		magic:      int8(raw[atMessageMagic]),
		attributes: int8(raw[atMessageAttributes]),
		timestamp:  NoTimestamp,
	}
	if m.magic > 1 {
		return m, Refuse(kerr.InvalidRecord, "a message set holds a batch of format %d", m.magic)
	}
	crc := binary.BigEndian.Uint32(raw[atMessageCRC:])
	if sum := crc32.ChecksumIEEE(raw[atMessageMagic:]); sum != crc {
		return m, Refuse(kerr.CorruptMessage, "the message's checksum is %08x, computed is %08x", crc, sum)
	}
	rest := raw[atMessageTimestamp:]
	if m.magic == 1 {
		if len(rest) < 8 {
			return m, Refuse(kerr.CorruptMessage, "the message is too short for its timestamp")
		}
		m.timestamp = int64(binary.BigEndian.Uint64(rest))
		rest = rest[8:]
	}
	var ok bool
	if m.key, rest, ok = cutBytes(rest); !ok {
		return m, Refuse(kerr.CorruptMessage, "the message is too short for its key")
	}
	if m.value, rest, ok = cutBytes(rest); !ok || len(rest) > 0 {
		return m, Refuse(kerr.CorruptMessage, "the message's size and its value's differ")
	}
	return m, nil
}

// cutBytes cuts a length of four bytes, -1 for nil, and as many bytes.
func cutBytes(p []byte) (v, rest []byte, ok bool) {
	if len(p) < 4 {
		return nil, nil, false
	}
	n := int32(binary.BigEndian.Uint32(p))
	p = p[4:]
	if n == -1 {
		return nil, p, true
	}
	if n < 0 || int(n) > len(p) {
		return nil, nil, false
	}
	return p[:n:n], p[n:], true
}
