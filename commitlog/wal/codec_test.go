// The records' encoding.

package wal_test

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// decode returns an entry's records.
func decode(e wal.Entry) (records []wal.Record, err error) {
	for r, err := range wal.Decode(e) {
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
	return records, nil
}

func encode(t testing.TB, b wal.Batch) wal.Encoded {
	t.Helper()
	e, err := wal.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	first := wal.Batch{Producer: 7, Sequence: 9, Records: []wal.Record{
		{Key: []byte("key"), Value: []byte("value"), Header: []wal.Header{{Name: "name", Value: []byte("x")}, {}}},
		{},
		{Value: bytes.Repeat([]byte("long "), 1000)},
	}}
	second := wal.Batch{Records: []wal.Record{{Key: []byte("another")}}}
	early, late := epoch, epoch.Add(time.Second)
	data := wal.AppendGroup(nil, early, encode(t, first))
	data = wal.AppendGroup(data, late, encode(t, second))

	got, err := decode(wal.Entry{Index: 5, Term: 2, Base: 100, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(first.Records, second.Records)
	for i := range want {
		want[i].Offset, want[i].Index, want[i].Term, want[i].Time = 100+uint64(i), 5, 2, early
	}
	want[3].Time = late
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v\nwant %+v", got, want)
	}
	var infos []wal.BatchInfo
	for info, err := range wal.Batches(data) {
		if err != nil {
			t.Fatal(err)
		}
		infos = append(infos, info)
	}
	if want := []wal.BatchInfo{{7, 9, early, 3, 0}, {0, 0, late, 1, 3}}; !reflect.DeepEqual(infos, want) {
		t.Fatalf("the batches are %+v, not %+v", infos, want)
	}
	if n, err := wal.Count(data); n != 4 || err != nil {
		t.Fatalf("%d records, %v", n, err)
	}
}

func TestAnEntryOfAnotherKindHoldsNoRecords(t *testing.T) {
	for _, data := range [][]byte{nil, {}, []byte("a configuration")} {
		n, err := wal.Count(data)
		records, errs := decode(wal.Entry{Data: data})
		if n != 0 || err != nil || len(records) != 0 || errs != nil {
			t.Fatalf("%q: %d records, %v, %v", data, n, err, errs)
		}
	}
}

func TestAFlippedBitInAGroupIsFound(t *testing.T) {
	whole := group(t, epoch, "one", "two", "")
	for bit := 8; bit < 8*len(whole); bit++ { // the first byte says what it is
		data := bytes.Clone(whole)
		data[bit/8] ^= 1 << (bit % 8)
		if _, err := decode(wal.Entry{Data: data}); err == nil {
			t.Fatalf("bit %d was flipped, and nobody noticed", bit)
		}
	}
	for n := 1; n < len(whole); n++ {
		if _, err := decode(wal.Entry{Data: whole[:n]}); err == nil {
			t.Fatalf("%d bytes of %d are enough", n, len(whole))
		}
	}
}

func TestABatchWithoutRecordsIsNone(t *testing.T) {
	if _, err := wal.Encode(wal.Batch{Producer: 1}); err == nil {
		t.Fatal("it was encoded")
	}
	if _, err := wal.Encode(wal.Batch{Records: make([]wal.Record, 1+wal.MaxBatch/10)}); err == nil {
		t.Fatal("a batch that is too large was encoded")
	}
	many := wal.Record{Header: make([]wal.Header, wal.MaxHeaders+1)}
	if _, err := wal.Encode(wal.Batch{Records: []wal.Record{many}}); err == nil {
		t.Fatal("a record with too many headers was encoded")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(group(f, epoch, "one", "two"))
	f.Add([]byte{wal.GroupMark})
	f.Add(append(group(f, epoch, "one"), group(f, epoch, "two")...))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := decode(wal.Entry{Data: data})
		n, countErr := wal.Count(data)
		if err != nil {
			return
		}
		if countErr != nil || int(n) != len(records) {
			t.Fatalf("%d records, and %d were counted: %v", len(records), n, countErr)
		}
		if len(records) == 0 {
			return
		}
		data = wal.AppendGroup(nil, records[0].Time, encode(t, wal.Batch{Records: records}))
		again, err := decode(wal.Entry{Data: data})
		if err != nil || len(again) != len(records) {
			t.Fatalf("written again: %d records, %v", len(again), err)
		}
	})
}
