// Producers that number their records, and their transactions.

package partition_test

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/partition"
	"github.com/twmb/franz-go/pkg/kerr"
)

func from(id int64, epoch int16, seq int32) batch.Form {
	f := batch.NewForm()
	f.ProducerID, f.ProducerEpoch, f.Sequence = id, epoch, seq
	return f
}

func txn(id int64, epoch int16, seq int32) batch.Form {
	f := from(id, epoch, seq)
	f.Transactional = true
	return f
}

// must appends two records that must be taken.
func (l *log) must(f batch.Form) partition.Appended {
	l.t.Helper()
	a, fault := l.try(f, keyed("x", "y"))
	if fault != nil {
		l.t.Fatal(fault)
	}
	return a
}

func (l *log) mark(id int64, epoch int16, commit bool) int64 {
	l.t.Helper()
	offset, err := l.EndTxn(batch.Marker{ProducerID: id, ProducerEpoch: epoch, Commit: commit, Timestamp: now}, l.epoch)
	if err != nil {
		l.t.Fatal(err)
	}
	l.Advance(l.End())
	return offset
}

func TestSequenceNumbersAreChecked(t *testing.T) {
	for _, c := range []struct {
		name string
		then batch.Form
		want *kerr.Error
	}{
		{"the next", from(1, 3, 2), nil},
		{"a gap", from(1, 3, 3), kerr.OutOfOrderSequenceNumber},
		{"back to nought", from(1, 3, 0), nil}, // a duplicate
		{"overlapping", from(1, 3, 1), kerr.OutOfOrderSequenceNumber},
		{"another producer, anywhere", from(2, 0, 77), nil},
		{"a later epoch from nought", from(1, 4, 0), nil},
		{"a later epoch from elsewhere", from(1, 4, 2), kerr.OutOfOrderSequenceNumber},
		{"an earlier epoch", from(1, 2, 2), kerr.InvalidProducerEpoch},
		{"an earlier epoch from nought", from(1, 2, 0), kerr.InvalidProducerEpoch},
		{"no producer", batch.NewForm(), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLog(t)
			l.must(from(1, 3, 0))
			_, fault := l.try(c.then, keyed("x", "y"))
			wantErr(t, fault, c.want)
		})
	}
}

func TestSequenceNumbersWrap(t *testing.T) {
	l := newLog(t)
	l.must(from(1, 0, math.MaxInt32-1))
	l.must(from(1, 0, 0))
	l.must(from(1, 0, 2))
}

func TestTheLastFiveBatchesAreKnownAgain(t *testing.T) {
	l := newLog(t)
	for seq := int32(0); seq < 12; seq += 2 {
		l.must(from(1, 0, seq))
	}
	for seq := int32(2); seq < 12; seq += 2 {
		a := l.must(from(1, 0, seq))
		if !a.Duplicate || a.Base != int64(seq) || a.Last != int64(seq)+1 || a.AppendTime < 0 {
			t.Errorf("sequence %d again: %+v", seq, a)
		}
	}
	_, fault := l.try(from(1, 0, 0), keyed("x", "y"))
	wantErr(t, fault, kerr.OutOfOrderSequenceNumber)
	if l.End() != 12 {
		t.Errorf("duplicates were appended: the end is %d", l.End())
	}
}

func TestProducersAreDescribed(t *testing.T) {
	l := newLog(t)
	l.must(from(9, 0, 0))
	l.must(txn(3, 2, 0))
	l.must(txn(5, 1, 0))
	l.mark(5, 1, true)
	want := []partition.Producer{
		{ID: 3, Epoch: 2, LastSequence: 1, LastTimestamp: now + 1, CoordinatorEpoch: -1, TxnStart: 2},
		{ID: 5, Epoch: 1, LastSequence: 1, LastTimestamp: now, CoordinatorEpoch: 0, TxnStart: -1},
		{ID: 9, Epoch: 0, LastSequence: 1, LastTimestamp: now + 1, CoordinatorEpoch: -1, TxnStart: -1},
	}
	if got := l.Producers(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	l.ForgetProducers(now + 1000)
	if got := l.Producers(); len(got) != 1 || got[0].ID != 3 {
		t.Errorf("left are %+v", got)
	}
}

func TestOpenTransactionsHoldTheLastStableOffset(t *testing.T) {
	l := newLog(t)
	l.put("a")
	l.must(txn(1, 0, 0)) // 1, 2
	l.must(txn(2, 0, 0)) // 3, 4
	if l.LastStable() != 1 || !l.Ongoing(1, 0) || l.Ongoing(1, 1) || l.Ongoing(3, 0) {
		t.Errorf("last stable %d", l.LastStable())
	}
	l.mark(1, 0, false) // 5
	if l.LastStable() != 3 || l.Ongoing(1, 0) {
		t.Errorf("last stable %d after the first ended", l.LastStable())
	}
	l.mark(2, 0, true) // 6
	if l.LastStable() != 7 {
		t.Errorf("last stable %d after both ended", l.LastStable())
	}
	want := []partition.Aborted{{Producer: 1, First: 1, Last: 5}}
	for _, c := range []struct {
		from, upTo int64
		want       []partition.Aborted
	}{{0, 7, want}, {5, 7, want}, {6, 7, nil}, {0, 1, nil}, {0, 2, want}} {
		if got := l.AbortedIn(c.from, c.upTo); !slices.Equal(got, c.want) {
			t.Errorf("aborted from %d to %d: %v", c.from, c.upTo, got)
		}
	}
}

func TestADecisionCountsOnceReplicated(t *testing.T) {
	l := newLog(t)
	l.must(txn(1, 0, 0))
	if _, err := l.EndTxn(batch.Marker{ProducerID: 1, Commit: true}, 0); err != nil {
		t.Fatal(err)
	}
	if l.LastStable() != 0 {
		t.Errorf("stable up to %d before the marker is replicated", l.LastStable())
	}
	if l.Advance(3); l.LastStable() != 3 {
		t.Errorf("stable up to %d after", l.LastStable())
	}
}

func TestATransactionMustBeEndedBeforeWritingOutsideIt(t *testing.T) {
	l := newLog(t)
	l.must(txn(1, 0, 0))
	_, fault := l.try(from(1, 0, 2), keyed("x", "y"))
	wantErr(t, fault, kerr.InvalidTxnState)
}

func TestSequenceNumbersGoOnBehindAMarker(t *testing.T) {
	l := newLog(t)
	l.must(txn(1, 0, 0))
	l.mark(1, 0, true)
	l.must(txn(1, 0, 2))
	l.mark(1, 1, true) // KIP-890: the marker raises the epoch
	_, fault := l.try(txn(1, 0, 4), keyed("x", "y"))
	wantErr(t, fault, kerr.InvalidProducerEpoch)
	_, fault = l.try(txn(1, 1, 4), keyed("x", "y"))
	wantErr(t, fault, kerr.OutOfOrderSequenceNumber)
	l.must(txn(1, 1, 0))
}

func TestMarkersOfThePastAreRefused(t *testing.T) {
	l := newLog(t)
	l.must(txn(1, 4, 0))
	if _, err := l.EndTxn(batch.Marker{ProducerID: 1, ProducerEpoch: 3}, 0); err != kerr.InvalidProducerEpoch {
		t.Errorf("an old epoch: %v", err)
	}
	m := batch.Marker{ProducerID: 1, ProducerEpoch: 4, CoordinatorEpoch: 6}
	if _, err := l.EndTxn(m, 0); err != nil {
		t.Fatal(err)
	}
	m.CoordinatorEpoch = 5
	if _, err := l.EndTxn(m, 0); err != kerr.TransactionCoordinatorFenced {
		t.Errorf("an old coordinator: %v", err)
	}
}

func TestAMarkerFencesEvenWhoWroteNothing(t *testing.T) {
	l := newLog(t)
	l.mark(1, 5, false)
	_, fault := l.try(txn(1, 4, 0), keyed("x", "y"))
	wantErr(t, fault, kerr.InvalidProducerEpoch)
	if got := l.AbortedIn(0, 10); got != nil {
		t.Errorf("nothing was aborted, but %v", got)
	}
}

func TestTruncationTakesBackWhatProducersDid(t *testing.T) {
	l := newLog(t)
	l.must(txn(1, 0, 0))  // 0, 1
	l.must(from(2, 0, 0)) // 2, 3
	l.mark(1, 0, false)   // 4
	l.must(txn(1, 0, 2))  // 5, 6
	l.must(from(2, 0, 2)) // 7, 8
	l.Truncate(4)
	if l.LastStable() != 0 || l.AbortedIn(0, 10) != nil || !l.Ongoing(1, 0) {
		t.Errorf("last stable %d, aborted %v", l.LastStable(), l.AbortedIn(0, 10))
	}
	if a := l.must(from(2, 0, 0)); !a.Duplicate {
		t.Errorf("what is left is not known: %+v", a)
	}
	if a := l.must(from(2, 0, 2)); a.Duplicate || a.Base != 4 {
		t.Errorf("what was cut off is still known: %+v", a)
	}
	l.must(txn(1, 0, 2))
}
