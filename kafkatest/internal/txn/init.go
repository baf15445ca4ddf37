// InitProducerId: a producer id, and the fencing of whoever had it before.

package txn

import (
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// InitProducerID answers InitProducerId 0 to 5.
func (x *Coordinator) InitProducerID(c *call.Call, req *kmsg.InitProducerIDRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.InitProducerIDResponse)
	resp.ProducerID, resp.ProducerEpoch = noID, noEpoch
	p, err := x.initProducer(c, req)
	if err != nil {
		resp.ErrorCode = call.Code(olden(err, req.Version < 4))
		return resp
	}
	resp.ProducerID, resp.ProducerEpoch = p.ID, p.Epoch
	return resp
}

func (x *Coordinator) initProducer(c *call.Call, req *kmsg.InitProducerIDRequest) (Producer, *kerr.Error) {
	hasExpected := req.ProducerID != noID
	isHalf := hasExpected != (req.ProducerEpoch != noEpoch) // an id without an epoch, or the other way round
	if req.TransactionalID == nil {
		return x.initIdempotent(c, isHalf)
	}
	txnID := *req.TransactionalID
	timeout := time.Duration(req.TransactionTimeoutMillis) * time.Millisecond
	switch {
	case !c.AllowsTxn(kmsg.ACLOperationWrite, txnID):
		return Producer{}, kerr.TransactionalIDAuthorizationFailed
	case isHalf, txnID == "":
		return Producer{}, kerr.InvalidRequest
	case timeout <= 0, timeout > x.duration("transaction.max.timeout.ms", defaultMaxTimeout):
		return Producer{}, kerr.InvalidTransactionTimeout
	}
	if err := x.cluster.CoordinatorError(c.Broker, txnID); err != nil {
		return Producer{}, err
	}
	var expected *Producer
	if hasExpected {
		expected = &Producer{txnID, req.ProducerID, req.ProducerEpoch}
	}
	return x.own(txnID, timeout, expected)
}

// initIdempotent gives a new id to a producer without transactions, whatever
// id it has had, unless it names only half of that.
func (x *Coordinator) initIdempotent(c *call.Call, isHalf bool) (Producer, *kerr.Error) {
	switch {
	case !c.AllowsCluster(kmsg.ACLOperationIdempotentWrite) &&
		!c.AllowsAny(kmsg.ACLOperationWrite, kmsg.ACLResourceTypeTopic): // KIP-679
		return Producer{}, kerr.ClusterAuthorizationFailed
	case isHalf:
		return Producer{}, kerr.InvalidRequest
	}
	return Producer{ID: x.ids.forConn(c.Conn, c.ClientID)}, nil
}

// own makes the caller the owner of the transactional id. With expected the
// caller is the owner already, and recovers from an error (KIP-360).
func (x *Coordinator) own(txnID string, timeout time.Duration, expected *Producer) (Producer, *kerr.Error) {
	t := x.txns[txnID]
	if t == nil {
		t = newTransaction(txnID)
		t.producerID = x.ids.forTxn(txnID)
		x.txns[txnID] = t
		defer x.arm(t)
	}
	switch {
	case t.completing():
		return Producer{}, kerr.ConcurrentTransactions
	case expected != nil && !t.mayExpect(*expected):
		return Producer{}, kerr.ProducerFenced
	case t.state == Ongoing:
		// The caller comes again, and is given the epoch after the one that
		// fences.
		x.abort(t)
		return Producer{}, kerr.ConcurrentTransactions
	}
	if err := x.raise(t, expected); err != nil {
		return Producer{}, err
	}
	t.state, t.timeout, t.start = Empty, timeout, time.Time{}
	x.changed(t)
	return Producer{txnID, t.producerID, t.epoch}, nil
}

// mayExpect reports whether a producer that says who it is was once right: the
// id is new, is its own, or was, until its epochs ran out.
func (t *transaction) mayExpect(p Producer) bool {
	return t.epoch == noEpoch || p.ID == t.producerID || p.ID == t.previousID && exhausted(p.Epoch)
}

// raise gives the transactional id the next epoch, or the next producer id
// when the epochs have run out.
func (x *Coordinator) raise(t *transaction, expected *Producer) *kerr.Error {
	last := int16(noEpoch)
	switch {
	case expected == nil:
	case t.epoch == noEpoch, expected.Epoch == t.epoch:
		last = t.epoch
	case expected.Epoch == t.lastEpoch:
		return nil // a retry: the answer was lost
	default:
		return kerr.ProducerFenced
	}
	t.lastEpoch = last
	if exhausted(t.epoch) {
		t.rotate(x.ids.forTxn(t.id))
		return nil
	}
	t.bump()
	return nil
}
