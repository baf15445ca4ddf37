// The end of a transaction: by request, by timeout, by fencing.

package txn

import (
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// EndTxn answers EndTxn 0 to 5. From version 5 on every end raises the epoch,
// so that nothing late can reach the next transaction (KIP-890).
func (x *Coordinator) EndTxn(c *call.Call, req *kmsg.EndTxnRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.EndTxnResponse)
	resp.ProducerID, resp.ProducerEpoch = noID, noEpoch
	if !c.AllowsTxn(kmsg.ACLOperationWrite, req.TransactionalID) {
		resp.ErrorCode = kerr.TransactionalIDAuthorizationFailed.Code
		return resp
	}
	if err := x.cluster.CoordinatorError(c.Broker, req.TransactionalID); err != nil {
		resp.ErrorCode = err.Code
		return resp
	}
	p := Producer{req.TransactionalID, req.ProducerID, req.ProducerEpoch}
	if req.Version < 5 {
		resp.ErrorCode = call.Code(olden(x.endPlain(p, req.Commit), req.Version < 2))
		return resp
	}
	next, err := x.endRaising(p, req.Commit)
	if err != nil {
		resp.ErrorCode = err.Code
		return resp
	}
	resp.ProducerID, resp.ProducerEpoch = next.ID, next.Epoch
	return resp
}

// endPlain ends a transaction and leaves the epoch as it is, so that a retry
// cannot be told from an end without a transaction and succeeds too.
func (x *Coordinator) endPlain(p Producer, commit bool) *kerr.Error {
	t, err := x.find(p)
	if err != nil {
		return err
	}
	switch {
	case t.completing():
		return kerr.ConcurrentTransactions
	case t.endedAs(commit):
		return nil
	case t.state != Ongoing:
		return kerr.InvalidTxnState
	}
	t.end(commit)
	x.changed(t)
	x.complete(t)
	return nil
}

// endedAs reports whether the last transaction is complete and was decided
// that way.
func (t *transaction) endedAs(commit bool) bool {
	return commit && t.state == CompleteCommit || !commit && t.state == CompleteAbort
}

// endRaising ends a transaction and raises the epoch, even when there is
// nothing to abort. It returns who the producer is from now on.
func (x *Coordinator) endRaising(p Producer, commit bool) (Producer, *kerr.Error) {
	t := x.txns[p.TxnID]
	if t != nil && t.isRetry(p) {
		return t.owner(), t.retried(commit)
	}
	t, err := x.find(p)
	switch {
	case err != nil:
		return Producer{}, err
	case t.completing():
		return Producer{}, kerr.ProducerFenced // the epoch was raised already
	case commit && t.state != Ongoing:
		return Producer{}, kerr.InvalidTxnState
	}
	if t.state != Ongoing {
		t.start = x.agenda.Now()
	}
	t.end(commit)
	t.lastEpoch = t.epoch
	if exhausted(t.epoch) {
		t.nextID = x.ids.forTxn(t.id)
	}
	t.bump()
	next := t.owner()
	x.changed(t)
	x.complete(t)
	return next, nil
}

// retried is the answer to an EndTxn that comes again. If the producer, or
// another, has gone on since, it comes too late.
func (t *transaction) retried(commit bool) *kerr.Error {
	switch {
	case t.completing():
		return kerr.ConcurrentTransactions
	case t.state == Empty, t.state == Ongoing:
		return kerr.ProducerFenced
	case !t.endedAs(commit):
		return kerr.InvalidTxnState
	}
	return nil
}

// owner is who may use the transactional id, once it is complete.
func (t *transaction) owner() Producer {
	if t.nextID != noID {
		return Producer{t.id, t.nextID, 0}
	}
	return Producer{t.id, t.producerID, t.epoch}
}

// abort fences the producer and aborts its transaction: it took too long, or
// another claims the transactional id.
func (x *Coordinator) abort(t *transaction) {
	t.end(false)
	t.bump()
	t.lastEpoch = noEpoch
	x.changed(t)
	x.complete(t)
}

// markerBackoff is how long a marker waits that could not be written.
const markerBackoff = 100 * time.Millisecond

// complete writes the markers that are missing and, when none is, completes
// the transaction.
func (x *Coordinator) complete(t *transaction) {
	if !t.completing() || x.holds[t.id] > 0 {
		return
	}
	t.retry.Stop()
	for _, p := range t.sortedPartitions() {
		err := x.cluster.WriteMarker(Marker{
			Partition: p, ProducerID: t.producerID, Epoch: t.epoch,
			CoordinatorEpoch: x.cluster.CoordinatorEpoch(t.id), Commit: t.state == PrepareCommit,
		})
		if !worthRetrying(err) {
			delete(t.partitions, p)
		}
	}
	for _, g := range t.sortedGroups() {
		x.cluster.EndGroupTxn(g, t.producerID, t.epoch, t.state == PrepareCommit)
		delete(t.groups, g)
	}
	if len(t.partitions) > 0 {
		t.retry = x.agenda.After(markerBackoff, "transaction marker", t.id, func() { x.complete(t) })
		return
	}
	t.finish()
	x.changed(t)
}

// worthRetrying reports whether a marker may be taken later. A partition that
// does not exist was deleted and needs none.
func worthRetrying(err *kerr.Error) bool {
	return err != nil && err.Retriable && err != kerr.UnknownTopicOrPartition
}

// arm has the transactional id forgotten once nothing happened to it for
// transactional.id.expiration.ms.
func (x *Coordinator) arm(t *transaction) {
	lifetime := x.duration("transactional.id.expiration.ms", defaultExpiration)
	due := t.updated.Add(lifetime)
	if !due.After(x.agenda.Now()) {
		due = x.agenda.Now().Add(lifetime)
	}
	t.expiry = x.agenda.At(due, "transactional id expiry", t.id, func() { x.expire(t) })
}

func (x *Coordinator) expire(t *transaction) {
	lifetime := x.duration("transactional.id.expiration.ms", defaultExpiration)
	if t.state == Ongoing || t.completing() || x.agenda.Now().Before(t.updated.Add(lifetime)) {
		x.arm(t)
		return
	}
	delete(x.txns, t.id)
	x.changed(t)
}
