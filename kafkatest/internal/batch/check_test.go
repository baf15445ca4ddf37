// What producers send, and what they are told.

package batch_test

import (
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/twmb/franz-go/pkg/kerr"
)

// with returns a good batch of ten records, changed and, if seal, sealed.
func with(c batch.Codec, seal bool, change func(b batch.Batch)) []byte {
	f := form(c)
	b := batch.Batch(f.Append(nil, some(0, 10)))
	change(b)
	if seal {
		b.Seal()
	}
	return b
}

func put32(at int, v uint32) func(batch.Batch) {
	return func(b batch.Batch) { binary.BigEndian.PutUint32(b[at:], v) }
}

func put8(at int, v byte) func(batch.Batch) { return func(b batch.Batch) { b[at] = v } }

func TestBatchesAreCheckedAsBrokersDo(t *testing.T) {
	same := func(batch.Batch) {}
	good := with(batch.None, true, same)
	for _, c := range []struct {
		name    string
		records []byte
		version int16
		want    *kerr.Error
	}{
		{"good", good, 9, nil},
		{"good in an old request", good, 2, nil},
		{"bytes after it", append(append([]byte{}, good...), 1, 2, 3), 9, nil},
		{"none", nil, 3, kerr.InvalidRecord},
		{"none in an old request", nil, 2, nil},
		{"cut short", good[:len(good)-1], 9, kerr.InvalidRecord},
		{"two", append(append([]byte{}, good...), good...), 9, kerr.InvalidRecord},
		{"length too small", with(batch.None, true, put32(8, 13)), 9, kerr.CorruptMessage},
		{"length negative", with(batch.None, true, put32(8, 1<<31)), 9, kerr.CorruptMessage},
		{"no room for a header", with(batch.None, true, put32(8, 20))[:32], 9, kerr.CorruptMessage},
		{"magic 3", with(batch.None, true, put8(16, 3)), 9, kerr.CorruptMessage},
		{"magic 1 in a new request", with(batch.None, true, put8(16, 1)), 3, kerr.InvalidRecord},
		{"checksum", with(batch.None, false, put8(70, 0xff)), 9, kerr.CorruptMessage},
		{"zstd", with(batch.Zstd, true, same), 7, nil},
		{"zstd too early", with(batch.Zstd, true, same), 6, kerr.UnsupportedCompressionType},
		{"codec 5", with(batch.None, true, put8(22, 5)), 9, kerr.UnsupportedCompressionType},
		{"base offset", with(batch.None, true, put8(7, 1)), 9, kerr.InvalidRecord},
		{"offset range", with(batch.None, true, put32(23, 1<<31)), 9, kerr.InvalidRecord},
		{"count 0", with(batch.None, true, put32(57, 0)), 9, kerr.InvalidRecord},
		{"count and range differ", with(batch.None, true, put32(57, 11)), 9, kerr.InvalidRecord},
		{"control", with(batch.None, true, put8(22, 0x20)), 9, kerr.InvalidRecord},
		{"producer without sequence", with(batch.None, true, put32(43, 0)), 9, kerr.InvalidRecord},
		{"transaction without producer", with(batch.None, true, put8(22, 0x10)), 9, kerr.InvalidRecord},
		{"log append time", with(batch.None, true, put8(22, 8)), 9, kerr.InvalidTimestamp},
		{"a record too long", with(batch.None, true, put8(61, 0x7e)), 9, kerr.InvalidRecord},
	} {
		t.Run(c.name, func(t *testing.T) { wantFault(t, c.records, c.version, c.want) })
	}
}

func wantFault(t *testing.T, records []byte, version int16, want *kerr.Error) {
	t.Helper()
	_, fault := batch.Check(records, version)
	switch {
	case want == nil && fault != nil:
		t.Errorf("refused: %v", fault)
	case want != nil && fault == nil:
		t.Errorf("taken, want %v", want)
	case want != nil && fault.Err != want:
		t.Errorf("got %v, want %v", fault, want)
	}
}

func TestACheckedBatchTellsWhatItsRecordsSay(t *testing.T) {
	c, fault := batch.Check(with(batch.None, true, func(batch.Batch) {}), 9)
	if fault != nil {
		t.Fatal(fault)
	}
	if !c.Walked || !c.Keyless || c.MinTimestamp != 1_700_000_000_000 || c.MaxTimestamp != 1_700_000_000_004 {
		t.Errorf("got %+v", c)
	}
}

func TestCompressedRecordsAreLookedAtOnRequest(t *testing.T) {
	for _, codec := range codecs[1:] {
		c, fault := batch.Check(with(codec, true, func(batch.Batch) {}), 9)
		if fault != nil || c.Walked {
			t.Fatalf("%v: walked %v, %v", codec, c.Walked, fault)
		}
		if c, fault = c.Look(); fault != nil || !c.Walked || !c.Keyless {
			t.Errorf("%v: %+v, %v", codec, c, fault)
		}
	}
}

func TestLookingFindsWhatCompressionHides(t *testing.T) {
	records := some(0, 10)
	records[3].Offset = 4
	f := form(batch.Gzip)
	for name, raw := range map[string][]byte{
		"garbage":     with(batch.Gzip, true, put8(62, 0xff)),
		"wrong delta": f.Append(nil, records),
	} {
		c, fault := batch.Check(raw, 9)
		if fault != nil {
			t.Fatal(fault)
		}
		if _, fault = c.Look(); fault == nil {
			t.Errorf("%s: not found", name)
		}
	}
}

func TestTheRecordsToBlameAreNamed(t *testing.T) {
	f := form(batch.Snappy)
	got := batch.Batch(f.Append(nil, some(0, 6))).Faulty(func(r batch.Record) string {
		if r.Key == nil {
			return "keyless"
		}
		return ""
	})
	want := []batch.RecordFault{{Index: 1, Message: "keyless"}, {Index: 5, Message: "keyless"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestCheckingNeedsNoMemory(t *testing.T) {
	raw := with(batch.None, true, func(batch.Batch) {})
	if n := testing.AllocsPerRun(100, func() { _, _ = batch.Check(raw, 9) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzCheck(f *testing.F) {
	for _, c := range codecs {
		f.Add(with(c, true, func(batch.Batch) {}), int16(9))
	}
	for magic := range int8(2) {
		for _, c := range codecs[:4] {
			set, _ := downConvert(with(c, true, func(batch.Batch) {}), magic, 0)
			f.Add(set, int16(1))
		}
	}
	f.Fuzz(func(t *testing.T, records []byte, version int16) {
		c, fault := batch.Check(records, version)
		if fault != nil || c.Batch == nil {
			return
		}
		if c.Batch.CRC() != c.Batch.Sum() {
			t.Error("a batch with a wrong checksum was taken")
		}
		if c, fault = c.Look(); fault != nil {
			return
		}
		decoded, err := c.Batch.Decode()
		if err != nil || len(decoded) != int(c.Batch.Count()) {
			t.Errorf("checked, but %d of %d records can be read: %v", len(decoded), c.Batch.Count(), err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	for _, codec := range codecs {
		b.Run(codec.String(), func(b *testing.B) {
			f := form(codec)
			raw := f.Append(nil, some(0, 1000))
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, fault := batch.Check(raw, 9); fault != nil {
					b.Fatal(fault)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, codec := range codecs {
		b.Run(codec.String(), func(b *testing.B) {
			f := form(codec)
			raw := batch.Batch(f.Append(nil, some(0, 1000)))
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range raw.Records() {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
