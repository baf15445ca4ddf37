// What the ledger knows, and forgets again when entries are taken back.

package ledger_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog/internal/ledger"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// batch is an entry with one batch of n records.
func batch(index, term, producer, sequence uint64, n int) wal.Entry {
	records := make([]wal.Record, n)
	e, err := wal.Encode(wal.Batch{Producer: producer, Sequence: sequence, Records: records})
	if err != nil {
		panic(err)
	}
	return wal.Entry{Index: index, Term: term, Data: wal.AppendGroup(nil, time.Unix(int64(index), 0), e)}
}

// change is an entry that adds a voter.
func change(index, term, id uint64) wal.Entry {
	data, err := proto.Marshal(&raftpb.ConfChangeV2{
		Changes: []*raftpb.ConfChangeSingle{{Type: raftpb.ConfChangeAddNode.Enum(), NodeId: &id}},
		Context: ledger.AppendMembers(nil, ledger.Member{ID: id, Name: fmt.Sprint("n", id), Addr: "somewhere"}),
	})
	if err != nil {
		panic(err)
	}
	return wal.Entry{Index: index, Term: term, Type: byte(raftpb.EntryConfChangeV2), Data: data}
}

func open() *ledger.Ledger { return ledger.Open(ledger.NewCheckpoint(), ledger.Mark{}) }

func add(t *testing.T, l *ledger.Ledger, entries ...wal.Entry) (gone []ledger.Mark) {
	t.Helper()
	for _, e := range entries {
		replaced, err := l.Append(e)
		if err != nil {
			t.Fatal(err)
		}
		gone = append(gone, replaced...)
	}
	return gone
}

func TestOffsetsAreSumsOfWhatCameBefore(t *testing.T) {
	l := open()
	add(t, l, wal.Entry{Index: 1, Term: 1}, batch(2, 1, 0, 0, 3), change(3, 1, 7), batch(4, 1, 0, 0, 2))
	if l.Next() != 5 {
		t.Errorf("the next offset is %d", l.Next())
	}
	if m, ok := l.Mark(4); !ok || m.Offset != 3 || m.Count != 2 {
		t.Errorf("entry 4 lies at %+v, %v", m, ok)
	}
	gone := add(t, l, batch(3, 2, 0, 0, 1))
	if len(gone) != 2 || gone[0].Index != 3 || gone[1].Offset != 3 || l.Next() != 4 {
		t.Errorf("replacing entry 3 took %+v away; the next offset is %d", gone, l.Next())
	}
}

func TestAnEntryHasItsPlace(t *testing.T) {
	if _, err := open().Append(batch(2, 1, 0, 0, 1)); err == nil {
		t.Error("entry 2 was taken as the first")
	}
}

func TestAProducerIsJudged(t *testing.T) {
	l := open()
	for i := uint64(1); i <= 7; i++ {
		add(t, l, batch(i, 1, 9, i, 2))
	}
	rows := []struct {
		producer, sequence uint64
		want               ledger.Verdict
		offset             uint64
	}{
		{0, 1, ledger.New, 0},
		{8, 40, ledger.New, 0},
		{9, 8, ledger.New, 12},
		{9, 7, ledger.Known, 12},
		{9, 3, ledger.Known, 4},
		{9, 2, ledger.Forgotten, 12},
		{9, 9, ledger.OutOfTurn, 12},
	}
	for _, row := range rows {
		if got, at := l.Producers.Judge(row.producer, row.sequence); got != row.want || at.Offset != row.offset {
			t.Errorf("producer %d, sequence %d: %v at %+v; want %v, %d",
				row.producer, row.sequence, got, at, row.want, row.offset)
		}
	}
	l.Truncate(3)
	if got, at := l.Producers.Judge(9, 3); got != ledger.New || at.Sequence != 2 {
		t.Errorf("after entry 3 was taken back: %v behind %+v", got, at)
	}
	l.Truncate(1)
	if l.Producers.Len() != 0 {
		t.Error("a producer is known of whom nothing is in the log")
	}
}

func TestProducersThatAreSilentAreForgotten(t *testing.T) {
	l := open()
	last := uint64(ledger.MaxProducers * 2)
	for i := uint64(1); i <= last; i++ {
		add(t, l, batch(i, 1, i, 1, 1))
		if err := l.Commit(i); err != nil {
			t.Fatal(err)
		}
	}
	if n := l.Producers.Len(); n > ledger.MaxProducers*9/8 {
		t.Errorf("%d producers are remembered", n)
	}
	if got, _ := l.Producers.Judge(last, 1); got != ledger.Known {
		t.Errorf("the last producer is %v", got)
	}
	if got, _ := l.Producers.Judge(1, 1); got != ledger.New {
		t.Errorf("the first producer is %v", got)
	}
}

// There is always something that is not committed yet, while there is work.
func TestProducersAreForgottenAlsoWhileOthersWrite(t *testing.T) {
	l := open()
	add(t, l, batch(1, 1, 1, 1, 1))
	for i := uint64(2); i <= ledger.MaxProducers*4; i++ {
		add(t, l, batch(i, 1, i, 1, 1))
		if err := l.Commit(i - 1); err != nil {
			t.Fatal(err)
		}
	}
	if n := l.Producers.Len(); n > ledger.MaxProducers*5/4 {
		t.Errorf("%d producers are remembered", n)
	}
	if _, err := ledger.ParseCheckpoint(l.Checkpoint().Bytes()); err != nil {
		t.Error(err)
	}
	l.Truncate(ledger.MaxProducers * 4)
	if got, _ := l.Producers.Judge(ledger.MaxProducers*4, 1); got != ledger.New {
		t.Errorf("a producer whose only batch was taken back is %v", got)
	}
	if got, _ := l.Producers.Judge(ledger.MaxProducers*4-1, 1); got != ledger.Known {
		t.Errorf("the last producer is %v", got)
	}
}

// A configuration's change may be the last entry before a segment.
func TestWhatACheckpointSaysIsPendingIsCommittedWithIt(t *testing.T) {
	l := open()
	add(t, l, change(1, 1, 7), wal.Entry{Index: 2, Term: 1, Data: ledger.Trim{Index: 1, Offset: 4}.Bytes()})
	again := ledger.Open(l.Checkpoint(), l.Last())
	if err := again.Commit(2); err != nil {
		t.Fatal(err)
	}
	if !ledger.Votes(again.Config.State, 7) || again.Changing() || again.Low != 4 {
		t.Errorf("%+v, changing %v, low %d", again.Config, again.Changing(), again.Low)
	}
}

func TestTheConfigurationIsThatOfWhatIsCommitted(t *testing.T) {
	l := open()
	add(t, l, change(1, 1, 7), change(2, 1, 8))
	if len(l.Config.Members) != 0 || !l.Changing() {
		t.Errorf("before a commit: %+v", l.Config)
	}
	if err := l.Commit(1); err != nil {
		t.Fatal(err)
	}
	if !ledger.Votes(l.Config.State, 7) || ledger.Holds(l.Config.State, 8) || l.Config.Members[7].Name != "n7" {
		t.Errorf("after the first: %+v", l.Config)
	}
	l.Truncate(2)
	if l.Changing() {
		t.Error("a change that was taken back is under way")
	}
}

// Whatever happens, a ledger that is opened at a checkpoint and told the rest
// knows what one knows that was told everything.
func TestACheckpointIsAsGoodAsTheLogBeforeIt(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := story{Ledger: open()}
		for range 60 {
			s.goOn(t, r)
		}
		checkAgainst(t, seed, s)
	}
}

// A story is a ledger and what it was told.
type story struct {
	*ledger.Ledger
	log       []wal.Entry
	committed int
}

// goOn appends an entry, commits some, or takes some back.
func (s *story) goOn(t *testing.T, r *rand.Rand) {
	t.Helper()
	switch n := r.IntN(10); {
	case n < 6 || len(s.log) == s.committed:
		s.log = append(s.log, someEntry(r, uint64(len(s.log)+1)))
		add(t, s.Ledger, s.log[len(s.log)-1])
	case n < 8:
		s.committed += r.IntN(len(s.log) - s.committed + 1)
		if err := s.Commit(uint64(s.committed)); err != nil {
			t.Fatal(err)
		}
	default:
		s.log = s.log[:s.committed+r.IntN(len(s.log)-s.committed+1)]
		s.Truncate(uint64(len(s.log) + 1))
	}
}

func someEntry(r *rand.Rand, index uint64) wal.Entry {
	switch r.IntN(8) {
	case 0:
		return change(index, 1, uint64(1+r.IntN(5)))
	case 1:
		return wal.Entry{Index: index, Term: 1, Data: ledger.Trim{Index: index, Offset: index}.Bytes()}
	}
	return batch(index, 1, uint64(r.IntN(4)), uint64(r.IntN(9)), r.IntN(3)+1)
}

func checkAgainst(t *testing.T, seed uint64, whole story) {
	t.Helper()
	log, committed := whole.log, whole.committed
	at := len(log) / 2
	first := open()
	add(t, first, log[:at]...)
	if err := first.Commit(uint64(min(committed, at))); err != nil {
		t.Fatal(err)
	}
	c, err := ledger.ParseCheckpoint(first.Checkpoint().Bytes())
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	second := ledger.Open(c, first.Last())
	add(t, second, log[at:]...)
	if err := second.Commit(uint64(committed)); err != nil {
		t.Fatal(err)
	}
	if a, b := whole.Next(), second.Next(); a != b {
		t.Errorf("seed %d: the next offset is %d or %d", seed, a, b)
	}
	if committed < at {
		return // what the checkpoint holds is committed later
	}
	if whole.Low != second.Low || !proto.Equal(whole.Config.State, second.Config.State) ||
		!reflect.DeepEqual(whole.Config.Members, second.Config.Members) {
		t.Errorf("seed %d: %+v or %+v", seed, whole.Config, second.Config)
	}
	if a, b := whole.Producers.Append(nil), second.Producers.Append(nil); !bytes.Equal(a, b) {
		t.Errorf("seed %d: producers differ:\n%x\n%x", seed, a, b)
	}
}

func FuzzParse(f *testing.F) {
	l := open()
	add(&testing.T{}, l, batch(1, 1, 3, 1, 2), change(2, 1, 9))
	f.Add(l.Checkpoint().Bytes())
	f.Add(ledger.AppendMembers(nil, ledger.Member{ID: 1, Name: "a", Addr: "b", Stays: true}))
	f.Add(ledger.Trim{Index: 4, Offset: 5}.Bytes())
	f.Add([]byte{1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ledger.ParseCheckpoint(b); err == nil && len(b) > 0 {
			again, err := ledger.ParseCheckpoint(c.Bytes())
			if err != nil || !bytes.Equal(again.Bytes(), c.Bytes()) {
				t.Errorf("a checkpoint is read back otherwise: %v", err)
			}
		}
		if m, err := ledger.ParseMembers(b); err == nil {
			again, err := ledger.ParseMembers(ledger.AppendMembers(nil, m...))
			if err != nil || !reflect.DeepEqual(m, again) {
				t.Errorf("members are read back otherwise: %v, %v, %v", m, again, err)
			}
		}
		if trim, err := ledger.ParseTrim(b); err == nil {
			if again, err := ledger.ParseTrim(trim.Bytes()); err != nil || again != trim {
				t.Errorf("a trim is read back otherwise: %v, %v, %v", trim, again, err)
			}
		}
	})
}
