// The ledger itself: it is told of every entry, and of what is taken back and committed.

package ledger

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// A Mark is where an entry lies that may still be replaced.
type Mark struct {
	Index, Term uint64
	Offset      uint64 // of its first record, or where one would be
	Count       uint32 // of its records
}

// A Ledger follows a log, entry by entry.
type Ledger struct {
	Producers *Producers
	Config    Config    // as of what is committed
	Low       uint64    // the first offset that may be read, as of what is committed
	Newest    time.Time // of the records, those included that were taken back

	pending []Change
	trims   []Trim
	tail    []Mark // behind what is committed
	last    Mark   // the last entry that is committed
}

// Open returns the ledger of a log of which the checkpoint tells everything
// before the entry that is appended next; last is the entry before that.
func Open(c Checkpoint, last Mark) *Ledger {
	l := &Ledger{Producers: c.Producers, Config: c.Config, Low: c.Low, Newest: c.Newest, last: last}
	for _, p := range c.Pending {
		if trim, err := ParseTrim(p.Data); err == nil && p.Type == raftpb.EntryNormal {
			trim.at = p.Index
			l.trims = append(l.trims, trim)
			continue
		}
		l.pending = append(l.pending, p)
	}
	return l
}

// Next is the offset of the next record to be appended.
func (l *Ledger) Next() uint64 {
	last := l.Last()
	return last.Offset + uint64(last.Count)
}

// Last is the last entry.
func (l *Ledger) Last() Mark {
	if len(l.tail) == 0 {
		return l.last
	}
	return l.tail[len(l.tail)-1]
}

// Committed is the last entry that is committed.
func (l *Ledger) Committed() Mark { return l.last }

// Mark returns where the entry at index lies, if it may still be replaced or
// is the last that may not.
func (l *Ledger) Mark(index uint64) (Mark, bool) {
	if index == l.last.Index {
		return l.last, true
	}
	at := index - l.last.Index - 1
	if index < l.last.Index || at >= uint64(len(l.tail)) {
		return Mark{}, false
	}
	return l.tail[at], true
}

// Append tells of the next entry. It returns what stood at its index and
// behind it, if anything did.
func (l *Ledger) Append(e wal.Entry) (replaced []Mark, err error) {
	replaced = l.Truncate(e.Index)
	if want := l.Last().Index + 1; e.Index != want {
		return replaced, fmt.Errorf("commitlog: entry %d follows %d", e.Index, want-1)
	}
	mark := Mark{Index: e.Index, Term: e.Term, Offset: l.Next()}
	switch {
	case raftpb.EntryType(e.Type) != raftpb.EntryNormal:
		l.pending = append(l.pending, Change{e.Index, raftpb.EntryType(e.Type), e.Data})
	case len(e.Data) > 0 && e.Data[0] == trimMark:
		trim, err := ParseTrim(e.Data)
		if err != nil {
			return replaced, fmt.Errorf("commitlog: entry %d: %w", e.Index, err)
		}
		trim.at = e.Index
		l.trims = append(l.trims, trim)
	default:
		if mark.Count, err = l.addBatches(mark, e.Data); err != nil {
			return replaced, fmt.Errorf("commitlog: entry %d: %w", e.Index, err)
		}
	}
	l.tail = append(l.tail, mark)
	return replaced, nil
}

func (l *Ledger) addBatches(at Mark, data []byte) (count uint32, err error) {
	for b, err := range wal.Batches(data) {
		if err != nil {
			return count, err
		}
		l.Producers.Add(b.Producer, Place{
			Sequence: b.Sequence, Index: at.Index, Offset: at.Offset + uint64(b.First), Count: b.Count,
		})
		if b.Time.After(l.Newest) {
			l.Newest = b.Time
		}
		count = b.First + b.Count
	}
	return count, nil
}

// Truncate takes back the entry at index and those behind it, and returns
// them. What is committed is never taken back.
func (l *Ledger) Truncate(index uint64) (gone []Mark) {
	if index <= l.last.Index || index > l.Last().Index {
		return nil
	}
	keep := index - l.last.Index - 1
	gone = slices.Clone(l.tail[keep:])
	l.tail = l.tail[:keep]
	l.Producers.Truncate(index)
	l.pending = slices.DeleteFunc(l.pending, func(c Change) bool { return c.Index >= index })
	l.trims = slices.DeleteFunc(l.trims, func(t Trim) bool { return t.at >= index })
	return gone
}

// Commit says that nothing up to index will be taken back. It returns how the
// configuration changed, the last of the changes deciding.
func (l *Ledger) Commit(index uint64) error {
	index = min(index, l.Last().Index)
	if at := index - l.last.Index; index > l.last.Index {
		l.last = l.tail[at-1]
		l.tail = l.tail[at:]
		l.Producers.Commit(index)
	}
	// Of what a checkpoint says is pending, some may lie before the ledger's beginning.
	for len(l.trims) > 0 && l.trims[0].at <= index {
		l.Low = max(l.Low, l.trims[0].Offset)
		l.trims = l.trims[1:]
	}
	for len(l.pending) > 0 && l.pending[0].Index <= index {
		next, err := l.Config.Apply(l.pending[0])
		if err != nil {
			return fmt.Errorf("commitlog: %w", err)
		}
		l.Config, l.pending = next, l.pending[1:]
	}
	return nil
}

// Checkpoint returns what a segment begins with that begins with the entry
// after the last.
func (l *Ledger) Checkpoint() Checkpoint {
	pending := slices.Clone(l.pending)
	for _, t := range l.trims {
		pending = append(pending, Change{t.at, raftpb.EntryNormal, t.Bytes()})
	}
	return Checkpoint{Config: l.Config, Pending: pending, Low: l.Low, Newest: l.Newest, Producers: l.Producers}
}

// Changing says whether a change of the configuration is under way.
func (l *Ledger) Changing() bool {
	return len(l.pending) > 0 || len(l.Config.State.GetVotersOutgoing()) > 0
}

// Joint says whether the configuration is a joint one, which nothing under way
// will end.
func (l *Ledger) Joint() bool {
	return len(l.pending) == 0 && len(l.Config.State.GetVotersOutgoing()) > 0
}

// A Trim is an entry that says what retention removes: the entries before
// Index, the records before Offset.
type Trim struct {
	Index, Offset uint64
	at            uint64
}

// trimMark is the first byte of such an entry.
const trimMark = 't'

// Bytes returns the entry's data.
func (t Trim) Bytes() []byte {
	b := binary.AppendUvarint([]byte{trimMark}, t.Index)
	return binary.AppendUvarint(b, t.Offset)
}

// ParseTrim reads what Bytes has written.
func ParseTrim(b []byte) (Trim, error) {
	if len(b) == 0 || b[0] != trimMark {
		return Trim{}, fmt.Errorf("no trim, which begins with %q", trimMark)
	}
	r := reader{rest: b[1:]}
	t := Trim{Index: r.number(), Offset: r.number()}
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%d bytes too many", len(r.rest))
	}
	if r.err != nil {
		return Trim{}, fmt.Errorf("a trim: %w", r.err)
	}
	return t, nil
}

// IsTrim says whether an entry's data is a Trim.
func IsTrim(b []byte) bool { return len(b) > 0 && b[0] == trimMark }
