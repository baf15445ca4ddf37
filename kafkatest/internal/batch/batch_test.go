// Batches built, read, patched and compared with kmsg's view of them.

package batch_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var codecs = []batch.Codec{batch.None, batch.Gzip, batch.Snappy, batch.LZ4, batch.Zstd}

// some returns n records of all kinds, at offsets from base on.
func some(base int64, n int) []batch.Record {
	records := make([]batch.Record, n)
	for i := range records {
		r := batch.Record{
			Offset:    base + int64(i),
			Timestamp: 1_700_000_000_000 + int64(i*7%5),
			Key:       fmt.Appendf(nil, "key %d", i),
			Value:     []byte(strings.Repeat("value ", i%50)),
		}
		switch i % 4 {
		case 1:
			r.Key = nil
		case 2:
			r.Value = nil
		case 3:
			r.Headers = []batch.Header{{Key: "a", Value: []byte("b")}, {Key: "none"}, {Key: "", Value: []byte{}}}
		}
		records[i] = r
	}
	return records
}

func form(c batch.Codec) batch.Form {
	f := batch.NewForm()
	f.Codec = c
	return f
}

func decode(t *testing.T, b batch.Batch) []batch.Record {
	t.Helper()
	records, err := b.Decode()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func TestRecordsComeBackFromEveryCodec(t *testing.T) {
	for _, c := range codecs {
		t.Run(c.String(), func(t *testing.T) {
			want := some(40, 300)
			f := form(c)
			f.Base = 40
			b := batch.Batch(f.Append(nil, want))
			if got := decode(t, b); !reflect.DeepEqual(got, want) {
				t.Errorf("got %d records that differ from the %d written", len(got), len(want))
			}
			if b.CRC() != b.Sum() || b.Codec() != c || b.LastOffset() != 339 || b.Count() != 300 {
				t.Errorf("header: crc %x, sum %x, codec %v, last %d, count %d",
					b.CRC(), b.Sum(), b.Codec(), b.LastOffset(), b.Count())
			}
			if b.MaxTimestamp() != 1_700_000_000_004 {
				t.Errorf("max timestamp %d", b.MaxTimestamp())
			}
		})
	}
}

func TestABatchIsWhatTheProtocolSaysItIs(t *testing.T) {
	f := batch.Form{
		Base: 7, LeaderEpoch: 3, AppendTime: true, Transactional: true,
		ProducerID: 1 << 40, ProducerEpoch: 9, Sequence: 11,
	}
	raw := f.Append([]byte("before"), some(7, 4))[len("before"):]
	var b kmsg.RecordBatch
	if err := b.ReadFrom(raw); err != nil {
		t.Fatal(err)
	}
	if b.FirstOffset != 7 || int(b.Length) != len(raw)-12 || b.PartitionLeaderEpoch != 3 || b.Magic != 2 ||
		b.Attributes != 0x18 || b.LastOffsetDelta != 3 || b.ProducerID != 1<<40 || b.ProducerEpoch != 9 ||
		b.FirstSequence != 11 || b.NumRecords != 4 {
		t.Errorf("got %+v", b)
	}
	if sum := crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)); uint32(b.CRC) != sum {
		t.Errorf("crc %x, want %x", uint32(b.CRC), sum)
	}
	var r kmsg.Record
	if err := r.ReadFrom(b.Records); err != nil || string(r.Key) != "key 0" {
		t.Errorf("first record %+v, %v", r, err)
	}
}

func TestABatchGivesItsFormBack(t *testing.T) {
	f := batch.Form{
		Base: 5, Last: 90, LeaderEpoch: 1, Codec: batch.Gzip, Transactional: true,
		Horizon: 1234, ProducerID: 4, ProducerEpoch: 5, Sequence: 6,
	}
	records := some(5, 9)
	b := batch.Batch(f.Append(nil, records))
	if got := b.Form(); got != f {
		t.Errorf("got %+v, want %+v", got, f)
	}
	if got := decode(t, b); !reflect.DeepEqual(got, records) {
		t.Error("a delete horizon changes the records' timestamps")
	}
}

func TestPlacingABatchKeepsItsChecksum(t *testing.T) {
	f := form(batch.Snappy)
	b := batch.Batch(f.Append(nil, some(0, 5)))
	b.Place(1000, 17)
	if b.CRC() != b.Sum() || b.BaseOffset() != 1000 || b.LeaderEpoch() != 17 {
		t.Errorf("crc %x, sum %x, offset %d, epoch %d", b.CRC(), b.Sum(), b.BaseOffset(), b.LeaderEpoch())
	}
	if records := decode(t, b); records[4].Offset != 1004 {
		t.Errorf("the last record is at %d", records[4].Offset)
	}
}

func TestLogAppendTimeIsThatOfAllRecords(t *testing.T) {
	f := form(batch.None)
	b := batch.Batch(f.Append(nil, some(0, 5)))
	b.StampAppendTime(99)
	if b.CRC() != b.Sum() || !b.AppendTime() || b.MaxTimestamp() != 99 {
		t.Errorf("crc %x, sum %x, max %d", b.CRC(), b.Sum(), b.MaxTimestamp())
	}
	for _, r := range decode(t, b) {
		if r.Timestamp != 99 {
			t.Errorf("record %d has time %d", r.Offset, r.Timestamp)
		}
	}
}

func TestSequenceNumbersBeginAgainAfterTheLargest(t *testing.T) {
	f := batch.Form{ProducerID: 1, Sequence: 1<<31 - 2}
	for n, want := range map[int]int32{1: 1<<31 - 2, 2: 1<<31 - 1, 3: 0, 4: 1} {
		if got := batch.Batch(f.Append(nil, some(0, n))).LastSequence(); got != want {
			t.Errorf("%d records: last sequence %d, want %d", n, got, want)
		}
	}
}

func TestRecompressingKeepsTheRecords(t *testing.T) {
	for _, from := range codecs {
		for _, to := range codecs {
			f := form(from)
			b, err := batch.Batch(f.Append(nil, some(0, 20))).Recompress(to)
			if err != nil {
				t.Fatal(err)
			}
			if got := decode(t, b); !reflect.DeepEqual(got, some(0, 20)) || b.Codec() != to || b.CRC() != b.Sum() {
				t.Errorf("%v to %v: codec %v, %d records, crc %x, sum %x",
					from, to, b.Codec(), len(got), b.CRC(), b.Sum())
			}
		}
	}
}

func TestMarkersAreReadAsTheyWereWritten(t *testing.T) {
	for _, commit := range []bool{true, false} {
		want := batch.Marker{ProducerID: 8, ProducerEpoch: 2, CoordinatorEpoch: 5, Commit: commit, Timestamp: 77}
		b := batch.Batch(want.Append(nil, 30, 4))
		if got, ok := b.Marker(); !ok || got != want {
			t.Errorf("got %+v, %v", got, ok)
		}
		if b.BaseOffset() != 30 || b.LeaderEpoch() != 4 || !b.Control() || !b.Transactional() || b.Sequence() != -1 {
			t.Errorf("header of %+v", want)
		}
		key := decode(t, b)[0].Key
		if want := []byte{0, 0, 0, map[bool]byte{true: 1}[commit]}; !bytes.Equal(key, want) {
			t.Errorf("key % x, want % x", key, want)
		}
	}
	f := form(batch.None)
	if _, ok := batch.Batch(f.Append(nil, some(0, 1))).Marker(); ok {
		t.Error("records are a marker")
	}
}

func TestBatchesAreCutFromWhatIsStored(t *testing.T) {
	f := form(batch.None)
	stored := f.Append(nil, some(0, 2))
	first := len(stored)
	stored = f.Append(stored, some(0, 3))
	a, rest := batch.First(stored)
	b, end := batch.First(rest)
	if len(a) != first || a.Count() != 2 || b.Count() != 3 || len(end) != 0 {
		t.Errorf("cut %d, %d bytes; %d left", len(a), len(b), len(end))
	}
	if c, _ := batch.First(rest[:len(rest)-1]); c != nil {
		t.Error("half a batch was cut")
	}
	if cap(a) != len(a) {
		t.Error("a batch can be appended to over the next")
	}
}
