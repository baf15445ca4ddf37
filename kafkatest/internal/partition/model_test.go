// A log against a naive model of one, by random operations.

package partition_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/partition"
)

func span(from, upTo int64) partition.Span {
	return partition.Span{From: from, UpTo: upTo, MaxBytes: 1 << 20, Force: true}
}

// An entry is one record of the model.
type entry struct {
	offset, base, time int64
	value              string
	producer           int64
	txn, control       bool
	commit             bool
}

// A model is a log as a list of records.
type model struct {
	entries    []entry
	start, end int64
}

// stable computes the last stable offset from the records alone.
func (m *model) stable() int64 {
	stable := m.end
	open := map[int64]int64{}
	for _, e := range m.entries {
		switch first, ok := open[e.producer]; {
		case e.control:
			delete(open, e.producer)
		case e.txn && !ok:
			open[e.producer] = e.offset
		default:
			open[e.producer] = min(first, e.offset)
			if !e.txn {
				delete(open, e.producer)
			}
		}
	}
	for _, first := range open {
		stable = min(stable, first)
	}
	return max(stable, m.start)
}

// visible returns what a reader of committed records sees.
func (m *model) visible() (values []string) {
	for i, e := range m.entries {
		if e.control || e.offset < m.start || e.offset >= m.stable() {
			continue
		}
		if !e.txn || m.committed(i) {
			values = append(values, e.value)
		}
	}
	return values
}

func (m *model) committed(i int) bool {
	for _, e := range m.entries[i:] {
		if e.control && e.producer == m.entries[i].producer {
			return e.commit
		}
	}
	return false
}

func (m *model) truncate(offset int64) {
	if offset >= m.end {
		return
	}
	for _, e := range m.entries {
		if e.offset == offset {
			offset = e.base
			break
		}
	}
	m.end = max(offset, m.start)
	m.entries = slices.DeleteFunc(m.entries, func(e entry) bool { return e.offset >= offset })
}

// read reads a log as a consumer of committed records does.
func read(l *log) (values []string) {
	from := l.Start()
	for from < l.LastStable() {
		piece := l.Read(span(from, l.LastStable()))
		if len(piece.Bytes) == 0 {
			break
		}
		aborted := l.AbortedIn(from, piece.Next)
		rest := piece.Bytes
		for len(rest) > 0 {
			var b batch.Batch
			b, rest = batch.First(rest)
			values = append(values, committed(l, b, aborted)...)
		}
		from = piece.Next
	}
	return values
}

func committed(l *log, b batch.Batch, aborted []partition.Aborted) (values []string) {
	skip := slices.ContainsFunc(aborted, func(t partition.Aborted) bool {
		mine := b.Transactional() && t.Producer == b.ProducerID()
		return mine && t.First <= b.BaseOffset() && b.BaseOffset() <= t.Last
	})
	records, err := b.Decode()
	if err != nil {
		l.t.Fatal(err)
	}
	for _, r := range records {
		if !b.Control() && !skip && r.Offset >= l.Start() {
			values = append(values, string(r.Value))
		}
	}
	return values
}

// A walk is one random run.
type walk struct {
	*rand.Rand
	l    *log
	m    model
	seqs map[int64]int32
	open map[int64]bool
	n    int
}

func (w *walk) append(producer int64, transactional bool) {
	f := batch.NewForm()
	if producer >= 0 {
		f = from(producer, 0, w.seqs[producer])
		f.Transactional = transactional
	}
	f.Codec = batch.Codec(w.IntN(4))
	records := make([]batch.Record, 1+w.IntN(4))
	base := w.m.end
	for i := range records {
		w.n++
		records[i] = batch.Record{Offset: int64(i), Timestamp: int64(w.IntN(1000))}
		records[i].Key, records[i].Value = fmt.Appendf(nil, "k%d", w.IntN(9)), fmt.Appendf(nil, "v%d", w.n)
		w.m.entries = append(w.m.entries, entry{
			offset: w.m.end, base: base, time: records[i].Timestamp, value: string(records[i].Value),
			producer: producer, txn: transactional,
		})
		w.m.end++
	}
	if _, fault := w.l.try(f, records); fault != nil {
		w.l.t.Fatal(fault)
	}
	w.seqs[producer] += int32(len(records))
	w.open[producer] = w.open[producer] || transactional
}

func (w *walk) step() {
	producer := int64(w.IntN(3))
	switch w.IntN(12) {
	case 0, 1, 2:
		w.append(-1, false)
	case 3, 4, 5:
		w.append(producer, true)
	case 6:
		w.append(producer+10, false)
	case 7, 8:
		if w.open[producer] {
			w.end(producer, w.IntN(2) == 0)
		}
	case 9:
		w.truncate(w.m.end - int64(w.IntN(6)))
	case 10:
		w.deleteBefore(min(w.m.start+int64(w.IntN(4)), w.m.end))
	case 11:
		w.l.epoch++
	}
}

func (w *walk) end(producer int64, commit bool) {
	w.m.entries = append(w.m.entries, entry{
		offset: w.m.end, base: w.m.end, time: now, producer: producer, control: true, commit: commit, txn: true,
	})
	w.m.end++
	w.l.mark(producer, 0, commit)
	w.open[producer] = false
}

// buried reports whether a transaction that is not wholly deleted begins in
// deleted records: after a truncation, where cannot be told from the log.
func (m *model) buried() bool {
	open := map[int64]bool{}
	for _, e := range m.entries {
		if e.offset >= m.start {
			break
		}
		open[e.producer] = e.txn && !e.control
	}
	for _, is := range open {
		if is {
			return true
		}
	}
	return false
}

func (w *walk) truncate(offset int64) {
	if w.m.buried() {
		return
	}
	w.m.truncate(offset)
	w.l.Truncate(offset)
	clear(w.open)
	for _, p := range w.l.Producers() {
		w.seqs[p.ID] = p.LastSequence + 1
		w.open[p.ID] = p.TxnStart >= 0
	}
	for id := range w.seqs {
		if !slices.ContainsFunc(w.l.Producers(), func(p partition.Producer) bool { return p.ID == id }) {
			w.seqs[id] = 0
		}
	}
}

func (w *walk) deleteBefore(offset int64) {
	w.m.start = max(w.m.start, offset)
	if _, err := w.l.DeleteBefore(offset); err != nil {
		w.l.t.Fatal(err)
	}
}

func (w *walk) compare() {
	w.l.t.Helper()
	if w.l.Start() != w.m.start || w.l.End() != w.m.end || w.l.LastStable() != w.m.stable() {
		w.l.t.Fatalf("the log is %d to %d, stable %d; the model %d to %d, stable %d",
			w.l.Start(), w.l.End(), w.l.LastStable(), w.m.start, w.m.end, w.m.stable())
	}
	if got, want := read(w.l), w.m.visible(); !slices.Equal(got, want) {
		w.l.t.Fatalf("read %q\nwant %q", got, want)
	}
	ms := int64(w.IntN(1000))
	i := slices.IndexFunc(w.m.entries, func(e entry) bool { return e.offset >= w.m.start && e.time >= ms })
	stamp, ok := w.l.At(ms)
	if ok != (i >= 0) || ok && stamp.Offset != w.m.entries[i].offset {
		w.l.t.Fatalf("at time %d: %+v, %v; want place %d", ms, stamp, ok, i)
	}
}

func TestALogIsWhatItsModelIs(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := walk{
				Rand: rand.New(rand.NewPCG(seed, 0)), l: newLog(t), seqs: map[int64]int32{}, open: map[int64]bool{},
			}
			for i := range 100 {
				w.step()
				if i < 20 || i%5 == 0 {
					w.compare()
				}
			}
		})
	}
}

func TestCompactionLosesNoKey(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := walk{
				Rand: rand.New(rand.NewPCG(seed, 1)), l: newLog(t), seqs: map[int64]int32{}, open: map[int64]bool{},
			}
			for range 100 {
				w.step()
			}
			want := latest(w.l)
			w.l.Compact(now, &w.l.settings)
			if got := latest(w.l); !slices.Equal(got, want) {
				t.Errorf("got %q\nwant %q", got, want)
			}
			w.l.put("more")
		})
	}
}

// latest returns the last value of each key that a reader of committed records
// comes to know.
func latest(l *log) []string {
	keys := map[string]string{}
	for b := range l.Batches(l.Start()) {
		if b.LastOffset() >= l.LastStable() || b.Control() {
			continue
		}
		if committed(l, b, l.AbortedIn(0, l.End())) == nil {
			continue
		}
		records, _ := b.Decode()
		for _, r := range records {
			if r.Offset >= l.Start() {
				keys[string(r.Key)] = string(r.Key) + "=" + string(r.Value)
			}
		}
	}
	all := make([]string, 0, len(keys))
	for _, v := range keys {
		all = append(all, v)
	}
	slices.Sort(all)
	return all
}
