// A producer: what waits is sent as one batch while the last one is under way.

package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// A ProducerConfig describes a [Producer]. The zero ProducerConfig is that of
// one without an ID.
type ProducerConfig struct {
	// ID tells the log who sends, so that what is sent again is not in the log
	// twice; 0 is nobody. It is one producer's for all time: a producer that
	// begins anew with a used one would have its batches taken for the old ones.
	// See [RandomProducer].
	ID uint64
	// Last is the sequence of the ID's last batch in the log, for one who keeps
	// both on disk and goes on; if 0, there is none.
	Last uint64

	MaxInFlight   int // if 0, that of the client's Config
	MaxBatchBytes int // if 0, that of the client's Config
}

// A Result is what became of one send.
type Result struct {
	Pos commitlog.Pos // where its first record lies
	Err error
}

// A Producer sends records in order. One batch is under way at a time; what is
// sent meanwhile waits and becomes the next. No timer holds anything back.
//
// With an ID a batch is sent again until its outcome is known, however long that
// takes, so order is kept and nothing is in the log twice. Without one, a batch
// whose outcome is not known fails with [commitlog.Uncertain], and those behind
// it are sent all the same.
type Producer struct {
	client *Client
	conf   ProducerConfig
	ctx    context.Context // ends with Close and with the client
	end    context.CancelFunc
	room   chan struct{} // a token for each send that waits or is under way
	wake   chan struct{} // has one if something waits
	done   chan struct{} // closed when run has ended

	mu      sync.Mutex
	waiting []*parcel
	failed  error // why nothing more is taken
}

// A parcel is one send. Without records it is a flush.
type parcel struct {
	records []*logv1.Record
	bytes   int
	done    func(Result)
}

// Producer returns a new producer. It ends with the client, or by its own Close.
func (c *Client) Producer(conf ProducerConfig) *Producer {
	conf.MaxInFlight = cmp.Or(max(conf.MaxInFlight, 0), c.conf.MaxInFlight)
	conf.MaxBatchBytes = cmp.Or(max(conf.MaxBatchBytes, 0), c.conf.MaxBatchBytes)
	p := &Producer{
		client: c, conf: conf, room: make(chan struct{}, conf.MaxInFlight),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	p.ctx, p.end = context.WithCancel(c.ctx)
	if !c.spawn(p.run) {
		p.run() // ends at once
	}
	return p
}

// Send sends records, all or none, one behind the other, and returns a channel
// that gets the one result. It waits while [Config.MaxInFlight] sends are
// unanswered; ctx bounds this wait and nothing else. The records must not be
// changed before the result is there.
func (p *Producer) Send(ctx context.Context, records ...Record) <-chan Result {
	answer := make(chan Result, 1)
	p.SendFunc(ctx, func(r Result) { answer <- r }, records...)
	return answer
}

// SendFunc is Send with a function that is called once, with the result. Results
// come in the order of the sends, one after the other; while the function runs
// nothing else is sent, so it must not wait, nor call Close or Flush. What cannot
// be sent at all is told before SendFunc returns.
func (p *Producer) SendFunc(ctx context.Context, done func(Result), records ...Record) {
	if len(records) == 0 {
		done(Result{Err: errNoRecords})
		return
	}
	if _, err := p.post(ctx, records, done); err != nil {
		done(Result{Err: err})
	}
}

// Flush waits until every send before it has its result; those tell what failed.
func (p *Producer) Flush(ctx context.Context) error {
	answer := make(chan error, 1)
	if err := p.add(&parcel{done: func(r Result) { answer <- r.Err }}); err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the producer: what waits fails with [ErrClosed], what is under way
// with [commitlog.Uncertain]. Flush first to have it sent. It always returns
// nil, and may be called again.
func (p *Producer) Close() error {
	p.end()
	<-p.done
	return nil
}

// produce sends records and waits for what becomes of them until ctx ends.
func (p *Producer) produce(ctx context.Context, records []Record) (commitlog.Pos, error) {
	answer := make(chan Result, 1)
	sent, err := p.post(ctx, records, func(r Result) { answer <- r })
	if err != nil {
		return commitlog.Pos{}, err
	}
	select {
	case r := <-answer:
		return r.Pos, r.Err
	case <-ctx.Done():
	}
	if p.withdraw(sent) {
		return commitlog.Pos{}, ctx.Err()
	}
	select {
	case r := <-answer:
		return r.Pos, r.Err
	default:
		return commitlog.Pos{}, commitlog.Uncertain{Why: ctx.Err()}
	}
}

// post waits for room and puts records behind those that wait.
func (p *Producer) post(ctx context.Context, records []Record, done func(Result)) (*parcel, error) {
	select {
	case p.room <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ctx.Done():
		return nil, ErrClosed
	}
	c := &parcel{records: toWire(records), done: done}
	for _, r := range records {
		c.bytes += size(r)
	}
	if err := p.add(c); err != nil {
		<-p.room
		return nil, err
	}
	return c, nil
}

// size is about what a record takes on the wire.
func size(r Record) int {
	n := len(r.Key) + len(r.Value) + 16
	for _, h := range r.Header {
		n += len(h.Name) + len(h.Value) + 8
	}
	return n
}

func (p *Producer) add(c *parcel) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed != nil {
		return p.failed
	}
	p.waiting = append(p.waiting, c)
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// withdraw takes back what still waits.
func (p *Producer) withdraw(c *parcel) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiting, c)
	if i < 0 {
		return false
	}
	p.waiting = slices.Delete(p.waiting, i, i+1)
	<-p.room
	return true
}

// run sends batch after batch until the producer ends.
func (p *Producer) run() {
	defer close(p.done)
	defer p.end()
	sequence := p.conf.Last
	for {
		select {
		case <-p.wake:
		case <-p.ctx.Done():
			p.fail(ErrClosed)
			return
		}
		for batch := p.take(); len(batch) > 0; batch = p.take() {
			sent, err := p.sendBatch(batch, sequence+1)
			if sent {
				sequence++
			}
			if p.conf.ID != 0 && lost(err) {
				p.fail(fmt.Errorf("%w, since the next sequence is not known after this: %v", ErrClosed, err))
				return
			}
		}
	}
}

// lost holds for errors after which nobody knows which sequence comes next.
func lost(err error) bool {
	return errors.As(err, new(commitlog.Uncertain)) || errors.As(err, new(commitlog.WrongSequence))
}

// take returns what waits, as far as it makes one batch.
func (p *Producer) take() []*parcel {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, bytes := 0, 0
	for n < len(p.waiting) && (n == 0 || bytes+p.waiting[n].bytes <= p.conf.MaxBatchBytes) {
		bytes += p.waiting[n].bytes
		n++
	}
	batch := slices.Clone(p.waiting[:n])
	p.waiting = slices.Delete(p.waiting, 0, n)
	return batch
}

// sendBatch sends a batch and tells each send its result. It says whether the
// batch is in the log under its sequence.
func (p *Producer) sendBatch(batch []*parcel, sequence uint64) (sent bool, err error) {
	req := &logv1.ProduceRequest{Producer: p.conf.ID}
	for _, c := range batch {
		req.Records = append(req.Records, c.records...)
	}
	var pos commitlog.Pos
	if len(req.Records) > 0 {
		if p.conf.ID != 0 {
			req.Sequence = sequence
		}
		pos, err = p.client.send(p.ctx, req)
	}
	if len(batch) > 1 && errors.As(err, new(commitlog.TooLarge)) && !lost(err) {
		p.part(batch)
		return false, nil
	}
	if p.ctx.Err() != nil && errors.Is(err, context.Canceled) && !lost(err) {
		err = ErrClosed
	}
	for _, c := range batch {
		switch n := len(c.records); {
		case n == 0:
			c.done(Result{})
		case err != nil:
			p.answer(c, Result{Err: err})
		default:
			p.answer(c, Result{Pos: pos})
			pos.Offset += uint64(n)
		}
	}
	return err == nil && len(req.Records) > 0, err
}

// part puts a batch back that was too large for the node, to be sent in smaller
// ones, as all are from then on.
func (p *Producer) part(batch []*parcel) {
	bytes := 0
	for _, c := range batch {
		bytes += c.bytes
	}
	p.conf.MaxBatchBytes = min(p.conf.MaxBatchBytes, bytes) / 2
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(batch, p.waiting...)
}

// answer tells a send its result and makes room for another.
func (p *Producer) answer(c *parcel, r Result) {
	<-p.room
	c.done(r)
}

// fail ends the producer for a reason, which everything that waits is told.
func (p *Producer) fail(why error) {
	p.mu.Lock()
	waiting := p.waiting
	p.waiting, p.failed = nil, why
	p.mu.Unlock()
	for _, c := range waiting {
		if len(c.records) > 0 {
			p.answer(c, Result{Err: why})
			continue
		}
		c.done(Result{Err: why})
	}
}
