// What the topic's configs make of records, and times.

package partition_test

import (
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/partition"
	"github.com/twmb/franz-go/pkg/kerr"
)

func TestLogAppendTimeIsGivenAndTold(t *testing.T) {
	l := newLog(t)
	l.settings.AppendTime = true
	records := keyed("a", "b")
	records[0].Timestamp = 5 // however old
	a, fault := l.try(batch.NewForm(), records)
	if fault != nil || a.AppendTime != now {
		t.Errorf("told %d, %v", a.AppendTime, fault)
	}
	for b := range l.Batches(0) {
		if b.MaxTimestamp() != now || !b.AppendTime() || b.CRC() != b.Sum() {
			t.Error("the batch does not have the broker's time")
		}
	}
}

func TestTimestampsOutOfRangeAreRefusedRecordByRecord(t *testing.T) {
	for name, move := range map[string]int64{"early": -2_000_000, "late": 4_000_000} {
		for _, codec := range []batch.Codec{batch.None, batch.Gzip} {
			l := newLog(t)
			l.settings.BeforeMax = 1_000_000
			records := keyed("a", "b", "c")
			records[1].Timestamp += move
			f := batch.NewForm()
			f.Codec = codec
			_, fault := l.try(f, records)
			wantErr(t, fault, kerr.InvalidTimestamp)
			if fault == nil || len(fault.Records) != 1 || fault.Records[0].Index != 1 {
				t.Errorf("%s, %v: blamed %+v", name, codec, fault)
			}
		}
	}
}

func TestAKeylessRecordInACompactedTopicIsRefused(t *testing.T) {
	for _, codec := range []batch.Codec{batch.None, batch.Snappy} {
		l := newLog(t)
		l.settings.Compact = true
		records := keyed("a", "b", "c")
		records[2].Key = nil
		f := batch.NewForm()
		f.Codec = codec
		_, fault := l.try(f, records)
		wantErr(t, fault, kerr.InvalidRecord)
		if fault == nil || len(fault.Records) != 1 || fault.Records[0].Index != 2 || l.End() != 0 {
			t.Errorf("%v: blamed %+v, end %d", codec, fault, l.End())
		}
	}
}

func TestABatchThatIsTooLargeIsRefused(t *testing.T) {
	l := newLog(t)
	l.settings.MaxBatch = 100
	_, fault := l.try(batch.NewForm(), keyed("a", "b", "c", "d"))
	wantErr(t, fault, kerr.MessageTooLarge)
}

func TestTheTopicsCodecIsUsed(t *testing.T) {
	l := newLog(t)
	l.settings.Codec = batch.Gzip
	l.put("a", "b")
	stored := slices.Collect(l.Batches(0))
	if len(stored) != 1 || stored[0].Codec() != batch.Gzip || stored[0].CRC() != stored[0].Sum() {
		t.Errorf("stored as %x", stored)
	}
}

func TestTheLargestTimestampIsCorrected(t *testing.T) {
	l := newLog(t)
	f := batch.NewForm()
	raw := batch.Batch(f.Append(nil, keyed("a", "b")))
	raw.SetMaxTimestamp(3)
	c, fault := batch.Check(raw, 9)
	if fault != nil {
		t.Fatal(fault)
	}
	if _, fault := l.Append(c, 0, now, &l.settings); fault != nil {
		t.Fatal(fault)
	}
	for b := range l.Batches(0) {
		if b.MaxTimestamp() != now+1 || b.CRC() != b.Sum() {
			t.Errorf("largest timestamp %d", b.MaxTimestamp())
		}
	}
}

func TestNoRecordsAreAppendedAtNoOffset(t *testing.T) {
	l := newLog(t)
	a, fault := l.Append(batch.Checked{}, 0, now, &l.settings)
	if fault != nil || a.Base != -1 || l.End() != 0 {
		t.Errorf("%+v, %v", a, fault)
	}
}

func TestOffsetsByTime(t *testing.T) {
	l := newLog(t)
	records := keyed("a", "b", "c")
	records[0].Timestamp, records[1].Timestamp, records[2].Timestamp = 100, 300, 200
	for range 2 {
		if _, fault := l.try(batch.NewForm(), records); fault != nil {
			t.Fatal(fault)
		}
	}
	for _, c := range []struct {
		ms   int64
		want partition.Stamp
		ok   bool
	}{
		{0, partition.Stamp{Offset: 0, Timestamp: 100}, true},
		{100, partition.Stamp{Offset: 0, Timestamp: 100}, true},
		{101, partition.Stamp{Offset: 1, Timestamp: 300}, true},
		{300, partition.Stamp{Offset: 1, Timestamp: 300}, true},
		{301, partition.Stamp{}, false},
	} {
		if got, ok := l.At(c.ms); got != c.want || ok != c.ok {
			t.Errorf("at %d: %+v, %v; want %+v", c.ms, got, ok, c.want)
		}
	}
	if got, ok := l.Latest(); !ok || got.Offset != 1 {
		t.Errorf("latest: %+v, %v", got, ok)
	}
	if _, err := l.DeleteBefore(2); err != nil {
		t.Fatal(err)
	}
	if got, _ := l.At(0); got.Offset != 2 {
		t.Errorf("a deleted record was found, at %d", got.Offset)
	}
	if _, ok := new(partition.Log).Latest(); ok {
		t.Error("an empty log has a latest record")
	}
}

func TestLeaderEpochs(t *testing.T) {
	l := newLog(t)
	for _, epoch := range []int32{1, 1, 3, 5} {
		l.epoch = epoch
		l.put("a", "b")
	}
	l.StartEpoch(7) // nothing appended in it
	l.StartEpoch(8)
	for _, c := range []struct {
		asked, epoch int32
		end          int64
	}{
		{0, 0, 0}, {1, 1, 4}, {2, 1, 4}, {3, 3, 6}, {4, 3, 6},
		{5, 5, 8}, {7, 5, 8}, {8, 8, 8}, {9, -1, -1}, {-1, -1, -1},
	} {
		if epoch, end := l.EpochEnd(c.asked); epoch != c.epoch || end != c.end {
			t.Errorf("epoch %d: %d ended at %d; want %d at %d", c.asked, epoch, end, c.epoch, c.end)
		}
	}
	if l.EpochAt(5) != 3 || l.EpochAt(0) != 1 || l.EpochAt(100) != 8 || l.LastEpoch() != 8 {
		t.Errorf("epochs %d, %d, %d", l.EpochAt(5), l.EpochAt(0), l.EpochAt(100))
	}
	if _, end, diverges := l.Diverges(3, 8); !diverges || end != 6 {
		t.Errorf("a reader at 8 in epoch 3: %d, %v", end, diverges)
	}
	if _, _, diverges := l.Diverges(3, 6); diverges {
		t.Error("a reader at 6 in epoch 3 diverges")
	}
	l.Truncate(5)
	if l.End() != 4 || l.LastEpoch() != 1 {
		t.Errorf("truncated to %d in epoch %d", l.End(), l.LastEpoch())
	}
}

func TestEpochsGoWithTheirRecords(t *testing.T) {
	l := newLog(t)
	for _, epoch := range []int32{1, 2, 3} {
		l.epoch = epoch
		l.put("a", "b")
	}
	if _, err := l.DeleteBefore(3); err != nil {
		t.Fatal(err)
	}
	if epoch, end := l.EpochEnd(1); epoch != 1 || end != 3 {
		t.Errorf("epoch 1, all deleted: %d, %d", epoch, end)
	}
	if l.EpochAt(3) != 2 {
		t.Errorf("the first record left is of epoch %d", l.EpochAt(3))
	}
}

func TestABatchLargerThanASegmentIsRefused(t *testing.T) {
	l := newLog(t)
	l.settings.SegmentBytes = 70
	_, fault := l.try(batch.NewForm(), keyed("a", "b"))
	wantErr(t, fault, kerr.RecordListTooLarge)
	l.settings.SegmentBytes = 700
	if _, fault = l.try(batch.NewForm(), keyed("a", "b")); fault != nil {
		t.Error(fault)
	}
}
