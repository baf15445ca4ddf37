// Producers: sequence numbers, duplicates, epochs (KIP-98, KIP-360).

package partition

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/twmb/franz-go/pkg/kerr"
)

// remembered is how many batches of a producer are known by heart, so that
// they are recognised when they come again. It is why a producer may have no
// more than five requests in flight.
const remembered = 5

// A producer is what the log knows of one that numbers its records.
type producer struct {
	epoch            int16
	coordinatorEpoch int32 // of its last marker; -1 if none
	lastTime         int64
	lastOffset       int64 // of its last batch or marker
	txnFirst         int64 // where its transaction begins; -1 if it has none
	recent           []sent
}

// A sent is one batch that a producer sent.
type sent struct {
	firstSeq, lastSeq int32
	base, last        int64
	time              int64
}

// appended is what a producer is told of a batch that it sends again. As in
// Kafka that has the batch's largest timestamp for its append time, whatever
// type of timestamps the topic has.
func (t *sent) appended() Appended {
	return Appended{Base: t.base, Last: t.last, AppendTime: t.time, Duplicate: true}
}

// lastSeq returns the sequence number of the last record; -1 if none is known.
func (p *producer) lastSeq() int32 {
	if len(p.recent) == 0 {
		return -1
	}
	return p.recent[len(p.recent)-1].lastSeq
}

// CheckEpoch finds fault with a batch whose producer was fenced: there was one
// of its id with a later epoch.
func (l *Log) CheckEpoch(b batch.Batch) *batch.Fault {
	if b.ProducerID() < 0 {
		return nil
	}
	p, ok := l.producers[b.ProducerID()]
	if !ok || b.ProducerEpoch() >= p.epoch {
		return nil
	}
	return batch.Refuse(kerr.InvalidProducerEpoch, "epoch %d of producer %d is older than %d",
		b.ProducerEpoch(), b.ProducerID(), p.epoch)
}

// Duplicate reports whether the log has the batch already.
func (l *Log) Duplicate(b batch.Batch) bool {
	if b.ProducerID() < 0 {
		return false
	}
	p, ok := l.producers[b.ProducerID()]
	return ok && p.find(b) != nil
}

// find returns the remembered batch that b is again.
func (p *producer) find(b batch.Batch) *sent {
	if b.ProducerEpoch() != p.epoch {
		return nil
	}
	for i := range p.recent {
		if p.recent[i].firstSeq == b.Sequence() && p.recent[i].lastSeq == b.LastSequence() {
			return &p.recent[i]
		}
	}
	return nil
}

// checkProducer returns the batch that b is again, or what is wrong with it.
// A producer that the log does not know may begin with any number: what it
// sent before may have been deleted.
func (l *Log) checkProducer(b batch.Batch) (*sent, *batch.Fault) {
	if b.ProducerID() < 0 {
		return nil, nil
	}
	p, ok := l.producers[b.ProducerID()]
	if !ok {
		return nil, nil
	}
	if again := p.find(b); again != nil {
		return again, nil
	}
	if fault := l.CheckEpoch(b); fault != nil {
		return nil, fault
	}
	if !p.inSequence(b) {
		return nil, batch.Refuse(kerr.OutOfOrderSequenceNumber, "producer %d, epoch %d: %d follows sequence number %d",
			b.ProducerID(), b.ProducerEpoch(), b.Sequence(), p.lastSeq())
	}
	if p.txnFirst >= 0 && !b.Transactional() {
		return nil, batch.Refuse(kerr.InvalidTxnState, "producer %d writes outside its transaction", b.ProducerID())
	}
	return nil, nil
}

func (p *producer) inSequence(b batch.Batch) bool {
	if b.ProducerEpoch() != p.epoch {
		return b.Sequence() == 0
	}
	last := p.lastSeq()
	return b.Sequence() == last+1 || b.Sequence() == 0 && last == math.MaxInt32
}

// of returns the producer with that id, and begins anew what is known of it
// if its epoch is another.
func (l *Log) of(id int64, epoch int16) *producer {
	p, ok := l.producers[id]
	if !ok {
		if l.producers == nil {
			l.producers = map[int64]*producer{}
		}
		p = &producer{epoch: epoch, coordinatorEpoch: -1, txnFirst: -1}
		l.producers[id] = p
	}
	if p.epoch != epoch {
		p.epoch, p.recent = epoch, nil
	}
	return p
}

// noteProducer takes notice of a batch that was stored.
func (l *Log) noteProducer(b batch.Batch) {
	if b.ProducerID() < 0 {
		return
	}
	p := l.of(b.ProducerID(), b.ProducerEpoch())
	p.note(b)
	if b.Transactional() && p.txnFirst < 0 {
		p.txnFirst = b.BaseOffset()
		l.ongoing = append(l.ongoing, ongoing{p.txnFirst, b.ProducerID()})
	}
}

func (p *producer) note(b batch.Batch) {
	if len(p.recent) == remembered {
		p.recent = append(p.recent[:0], p.recent[1:]...)
	}
	p.lastTime, p.lastOffset = b.MaxTimestamp(), b.LastOffset()
	p.recent = append(p.recent, sent{
		firstSeq: b.Sequence(),
		lastSeq:  b.LastSequence(),
		base:     b.BaseOffset(),
		last:     b.LastOffset(),
		time:     p.lastTime,
	})
}

// A Producer is what DescribeProducers tells of one.
type Producer struct {
	ID               int64
	Epoch            int16
	LastSequence     int32 // -1 if none is known
	LastTimestamp    int64
	CoordinatorEpoch int32 // -1 if it never ended a transaction
	TxnStart         int64 // -1 if it has no transaction
}

// Producers returns all producers the log knows, by id. Those that are only
// idempotent are among them.
func (l *Log) Producers() []Producer {
	all := make([]Producer, 0, len(l.producers))
	for _, id := range slices.SortedFunc(maps.Keys(l.producers), cmp.Compare) {
		p := l.producers[id]
		all = append(all, Producer{
			ID:               id,
			Epoch:            p.epoch,
			LastSequence:     p.lastSeq(),
			LastTimestamp:    p.lastTime,
			CoordinatorEpoch: p.coordinatorEpoch,
			TxnStart:         p.txnFirst,
		})
	}
	return all
}

// ForgetProducers forgets producers that wrote nothing since the time, but for
// those with a transaction (producer.id.expiration.ms).
func (l *Log) ForgetProducers(since int64) {
	maps.DeleteFunc(l.producers, func(_ int64, p *producer) bool { return p.lastTime < since && p.txnFirst < 0 })
}
