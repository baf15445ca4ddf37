// Message sets of formats 0 and 1, in and out.

package batch_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"reflect"
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// old returns a message of format 0 or 1 as kmsg writes it.
func old(magic int8, offset int64, attributes int8, key, value []byte) []byte {
	var raw []byte
	if magic == 0 {
		m := kmsg.MessageV0{Offset: offset, Attributes: attributes, Key: key, Value: value}
		raw = m.AppendTo(nil)
	} else {
		m := kmsg.MessageV1{Offset: offset, Magic: 1, Attributes: attributes, Key: key, Value: value}
		m.Timestamp = 50 + offset
		raw = m.AppendTo(nil)
	}
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[12:], crc32.ChecksumIEEE(raw[16:]))
	return raw
}

func TestOldMessagesBecomeABatch(t *testing.T) {
	for magic := range int8(2) {
		inner := append(old(magic, 0, 0, []byte("k"), []byte("v")), old(magic, 1, 0, nil, nil)...)
		for _, codec := range codecs[:4] {
			set := inner
			if codec != batch.None {
				set = old(magic, 1, int8(codec), nil, codec.Compress(nil, inner))
			}
			c, fault := batch.Check(set, 1)
			if fault != nil {
				t.Fatalf("format %d, %v: %v", magic, codec, fault)
			}
			want := []batch.Record{{Timestamp: 50, Key: []byte("k"), Value: []byte("v")}, {Offset: 1, Timestamp: 51}}
			if magic == 0 {
				want[0].Timestamp, want[1].Timestamp = -1, -1
			}
			if got := decode(t, c.Batch); !reflect.DeepEqual(got, want) {
				t.Errorf("format %d, %v: got %v", magic, codec, got)
			}
			if !c.Walked || !c.Keyless || c.MinTimestamp != want[0].Timestamp || c.MaxTimestamp != want[1].Timestamp {
				t.Errorf("format %d, %v: checked %+v", magic, codec, c)
			}
			if c.Batch.Codec() != codec || c.Batch.CRC() != c.Batch.Sum() || c.Batch.ProducerID() != -1 {
				t.Errorf("format %d, %v: header", magic, codec)
			}
		}
	}
}

func TestOldMessagesAreCheckedAsBrokersDo(t *testing.T) {
	good := old(1, 0, 0, []byte("k"), []byte("v"))
	changed := func(at int, v byte) []byte {
		raw := bytes.Clone(good)
		raw[at] = v
		return raw
	}
	resummed := func(at int, v byte) []byte {
		raw := changed(at, v)
		binary.BigEndian.PutUint32(raw[12:], crc32.ChecksumIEEE(raw[16:]))
		return raw
	}
	newer := with(batch.None, true, func(batch.Batch) {})
	for _, c := range []struct {
		name string
		set  []byte
		want *kerr.Error
	}{
		{"good", good, nil},
		{"cut short at the end", append(bytes.Clone(good), good[:20]...), nil},
		{"checksum", changed(len(good)-1, 'w'), kerr.CorruptMessage},
		{"key longer than the message", resummed(29, 200), kerr.CorruptMessage},
		{"value shorter than the message", resummed(34, 0), kerr.CorruptMessage},
		{"log append time", old(1, 0, 8, nil, nil), kerr.InvalidTimestamp},
		{"zstd", old(1, 0, 4, nil, nil), kerr.UnsupportedCompressionType},
		{"not compressed at all", old(1, 0, 1, nil, []byte("plain")), kerr.CorruptMessage},
		{"compressed twice", old(1, 0, 1, nil, batch.Gzip.Compress(nil, old(1, 0, 1, nil, nil))), kerr.InvalidRecord},
		{"formats mixed", old(1, 0, 1, nil, batch.Gzip.Compress(nil, old(0, 0, 0, nil, nil))), kerr.InvalidRecord},
		{"half a message within", old(1, 0, 1, nil, batch.Gzip.Compress(nil, good[:20])), kerr.CorruptMessage},
		{"a batch among messages", append(bytes.Clone(good), newer...), kerr.InvalidRecord},
	} {
		t.Run(c.name, func(t *testing.T) { wantFault(t, c.set, 2, c.want) })
	}
}

func TestOldConsumersGetMessageSets(t *testing.T) {
	for magic := range int8(2) {
		for _, codec := range codecs[:4] {
			f := form(codec)
			f.Base = 100
			stored := f.Append(nil, some(100, 8))
			stored = batch.Marker{ProducerID: 1}.Append(stored, 108, 0)
			set, err := downConvert(stored, magic, 0)
			if err != nil {
				t.Fatal(err)
			}
			c, fault := batch.Check(set, 0)
			if fault != nil {
				t.Fatalf("format %d, %v: %v", magic, codec, fault)
			}
			got := decode(t, c.Batch)
			want := some(0, 8)
			forget(want, magic)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("format %d, %v: got %v, want %v", magic, codec, got, want)
			}
		}
	}
}

// forget takes from the records what the format cannot tell.
func forget(records []batch.Record, magic int8) {
	for i := range records {
		records[i].Headers = nil
		if magic == 0 {
			records[i].Timestamp = batch.NoTimestamp
		}
	}
}

func TestDownConvertedOffsetsAreThoseOfTheLog(t *testing.T) {
	f := form(batch.None)
	f.Base = 100
	set, err := downConvert(f.Append(nil, some(100, 8)), 1, 103)
	if err != nil {
		t.Fatal(err)
	}
	if first := binary.BigEndian.Uint64(set); first != 103 {
		t.Errorf("the first message is at %d, not where the consumer is", first)
	}
	f.Codec = batch.Gzip
	if set, err = downConvert(f.Append(nil, some(100, 8)), 1, 103); err != nil {
		t.Fatal(err)
	}
	if outer := binary.BigEndian.Uint64(set); outer != 107 {
		t.Errorf("the compressed message is at %d, not at its last offset", outer)
	}
	inner, gerr := batch.Gzip.Decompress(set[34:])
	if gerr != nil {
		t.Fatal(gerr)
	}
	if first := binary.BigEndian.Uint64(inner); first != 0 {
		t.Errorf("the first message within is at %d, want it relative (KIP-31)", first)
	}
}

func TestZstdCannotBeDownConverted(t *testing.T) {
	f := form(batch.Zstd)
	if _, err := downConvert(f.Append(nil, some(0, 1)), 1, 0); err != kerr.UnsupportedCompressionType {
		t.Errorf("got %v", err)
	}
}

func TestOldLZ4HasTheChecksumThatOldClientsExpect(t *testing.T) {
	f := form(batch.LZ4)
	stored := f.Append(nil, some(0, 8))
	v0, _ := downConvert(stored, 0, 0)
	v1, _ := downConvert(stored, 1, 0)
	frame0, frame1 := v0[26:], v1[34:]
	if !bytes.Equal(frame0[:6], frame1[:6]) || frame0[6] == frame1[6] {
		t.Errorf("headers % x and % x", frame0[:7], frame1[:7])
	}
}

// downConvert makes a message set of batches.
func downConvert(stored []byte, magic int8, from int64) ([]byte, *kerr.Error) {
	c := batch.Conversion{Magic: magic, Room: 1 << 20}
	return c.Append(nil, stored, from)
}

func TestAConversionEndsWhenItsRoomIsUsedUp(t *testing.T) {
	for _, codec := range []batch.Codec{batch.None, batch.Gzip} {
		stored := form(codec).Append(nil, some(0, 8))
		second := form(codec)
		second.Base = 8
		both := second.Append(slices.Clone(stored), some(8, 8))
		one, _ := downConvert(stored, 1, 0)
		c := batch.Conversion{Magic: 1, Room: 1}
		got, err := c.Append(nil, both, 0)
		if err != nil || !bytes.Equal(got, one) {
			t.Errorf("%v: %d bytes, %v; want the first batch's %d", codec, len(got), err, len(one))
		}
		if got, err = c.Append(nil, both, 0); err != nil || len(got) > 0 {
			t.Errorf("%v: %d bytes and %v without room", codec, len(got), err)
		}
	}
}
