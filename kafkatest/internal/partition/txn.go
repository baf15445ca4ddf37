// Transactions: which are open, which were aborted, what is stable (KIP-98).

package partition

import (
	"cmp"
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
)

// An ongoing transaction has no marker yet.
type ongoing struct {
	first    int64
	producer int64
}

// An Aborted transaction, of which readers of committed records must skip what
// the producer wrote from First to Last.
type Aborted struct {
	Producer int64
	First    int64
	Last     int64 // the offset of the marker
}

// LastStable returns up to which offset every transaction is decided, and the
// decision replicated.
func (l *Log) LastStable() int64 {
	stable := l.hw
	if len(l.ongoing) > 0 {
		stable = min(stable, l.ongoing[0].first)
	}
	for _, t := range l.ended {
		stable = min(stable, t.First)
	}
	return max(stable, l.start)
}

// Ongoing reports whether the producer has a transaction here, in that epoch.
func (l *Log) Ongoing(id int64, epoch int16) bool {
	p, ok := l.producers[id]
	return ok && p.txnFirst >= 0 && p.epoch == epoch
}

// noteMarker takes notice of a marker that was stored.
func (l *Log) noteMarker(m batch.Marker, offset int64) {
	p := l.of(m.ProducerID, m.ProducerEpoch)
	first := p.txnFirst
	p.mark(m, offset)
	if first < 0 {
		return
	}
	l.ongoing = slices.DeleteFunc(l.ongoing, func(o ongoing) bool { return o.producer == m.ProducerID })
	t := Aborted{m.ProducerID, first, offset}
	l.ended = append(l.ended, t)
	if !m.Commit {
		l.aborted = append(l.aborted, t)
	}
}

// mark notes a marker. The sequence numbers go on where they were, unless the
// epoch is another (KIP-890 raises it with each transaction).
func (p *producer) mark(m batch.Marker, offset int64) {
	p.txnFirst = -1
	p.coordinatorEpoch = m.CoordinatorEpoch
	p.lastTime, p.lastOffset = m.Timestamp, offset
}

// AbortedIn returns the aborted transactions with something between the
// offsets from and upTo, the latter excluded, by the offsets of their markers.
func (l *Log) AbortedIn(from, upTo int64) []Aborted {
	var found []Aborted
	for _, t := range l.aborted[l.firstAborted(from):] {
		if t.First < upTo {
			found = append(found, t)
		}
	}
	return found
}

// firstAborted returns the first aborted transaction whose marker is at or
// behind the offset.
func (l *Log) firstAborted(from int64) int {
	i, _ := slices.BinarySearchFunc(l.aborted, from, func(t Aborted, from int64) int {
		return cmp.Compare(t.Last, from)
	})
	return i
}

// WasAborted reports whether a batch belongs to an aborted transaction.
func (l *Log) WasAborted(b batch.Batch) bool {
	if !b.Transactional() {
		return false
	}
	return slices.ContainsFunc(l.aborted[l.firstAborted(b.LastOffset()):], func(t Aborted) bool {
		return t.Producer == b.ProducerID() && t.First <= b.BaseOffset()
	})
}

// replay learns anew what the batches say of the producers that wrote at or
// above the end: a truncation took their last words back.
func (l *Log) replay() {
	again := map[int64]bool{}
	for id, p := range l.producers {
		if p.lastOffset >= l.end {
			again[id] = true
			delete(l.producers, id)
		}
	}
	if len(again) > 0 {
		for b := range l.Batches(l.start) {
			l.replayBatch(b, again)
		}
	}
	l.ongoing = l.ongoing[:0]
	for id, p := range l.producers {
		if p.txnFirst >= 0 {
			l.ongoing = append(l.ongoing, ongoing{p.txnFirst, id})
		}
	}
	slices.SortFunc(l.ongoing, func(a, b ongoing) int { return cmp.Compare(a.first, b.first) })
}

func (l *Log) replayBatch(b batch.Batch, again map[int64]bool) {
	if !again[b.ProducerID()] {
		return
	}
	p := l.of(b.ProducerID(), b.ProducerEpoch())
	if m, ok := b.Marker(); ok {
		p.mark(m, b.BaseOffset())
		return
	}
	p.note(b)
	if b.Transactional() && p.txnFirst < 0 {
		p.txnFirst = b.BaseOffset()
	}
}
