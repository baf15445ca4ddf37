// Tests of who gets which producer id and epoch, and who is fenced by it.

package txn_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/txn"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func (c *cluster) initIdempotent() (int64, int16, error) {
	req := kmsg.NewInitProducerIDRequest()
	resp := c.x.InitProducerID(c.call(), &req).(*kmsg.InitProducerIDResponse)
	return resp.ProducerID, resp.ProducerEpoch, kerr.ErrorForCode(resp.ErrorCode)
}

func TestAnIdempotentProducerGetsAnIdOfItsOwn(t *testing.T) {
	c := start(t)
	first, epoch, err := c.initIdempotent()
	c.want(err, nil)
	second, _, _ := c.initIdempotent()
	if epoch != 0 || first <= 0 || second <= 0 || first == second {
		t.Errorf("got %d and %d, the first in epoch %d", first, second, epoch)
	}
}

func TestProducerIdsDoNotDependOnOtherProducers(t *testing.T) {
	c, d := start(t), start(t)
	d.init("other")
	d.conn = "conn-2"
	d.initIdempotent()
	d.conn = "conn-1"

	id, _, _ := c.initIdempotent()
	same, _, _ := d.initIdempotent()
	if p, q := c.init("tx"), d.init("tx"); p != q || id != same || id >= 1<<53 {
		t.Errorf("got %v and %v, %d and %d", p, q, id, same)
	}
}

func TestANewOwnerGetsTheNextEpoch(t *testing.T) {
	c := start(t)
	p, q := c.init("tx"), c.init("tx")
	if p.ID != q.ID || p.Epoch != 0 || q.Epoch != 1 {
		t.Errorf("got %v, then %v", p, q)
	}
	c.wantState("tx", txn.Empty)
}

func TestAFencedProducerIsRefusedByVersion(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	c.init("tx")

	for _, row := range []struct {
		name string
		send func(version int16) error
		old  int16
		new  int16
	}{
		{"AddPartitionsToTxn", func(v int16) error { return c.add(v, p, 0) }, 1, 2},
		{"AddOffsetsToTxn", func(v int16) error { return c.addGroup(v, p, "g") }, 1, 2},
		{"EndTxn", func(v int16) error { _, err := c.end(v, p, true); return err }, 1, 2},
		{"EndTxn of transactions v2", func(v int16) error { _, err := c.end(v, p, false); return err }, 1, 5},
		{"InitProducerId", func(v int16) error { _, err := c.initAs(v, p); return err }, 3, 4},
	} {
		t.Run(row.name, func(t *testing.T) {
			c.t = t
			c.want(row.send(row.old), kerr.InvalidProducerEpoch)
			c.want(row.send(row.new), kerr.ProducerFenced)
		})
	}
	c.t = t
	c.wantError(c.x.AddImplicit(p, txn.Partition{Topic: "a"}), kerr.InvalidProducerEpoch)
	c.wantError(c.x.Verify(p, txn.Partition{Topic: "a"}, 11), kerr.InvalidProducerEpoch)
	c.wantError(c.x.AddGroup(p, "g"), kerr.InvalidProducerEpoch)
	c.wantError(c.x.VerifyGroup(p, "g", 4), kerr.InvalidProducerEpoch)
}

func TestARecoveringProducerKeepsItsId(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	q, err := c.initAs(3, p)
	c.want(err, nil)
	if q.ID != p.ID || q.Epoch != p.Epoch+1 {
		t.Fatalf("from %v to %v", p, q)
	}
	again, err := c.initAs(3, p) // the answer was lost
	c.want(err, nil)
	if again != q {
		t.Errorf("the retry got %v, want %v", again, q)
	}

	c.init("tx")
	_, err = c.initAs(4, q)
	c.want(err, kerr.ProducerFenced)
	_, err = c.initAs(4, txn.Producer{TxnID: "tx", ID: p.ID + 1})
	c.want(err, kerr.ProducerFenced)
}

func TestARecoveringProducerOfAForgottenIdGetsANewOne(t *testing.T) {
	c := start(t)
	p, err := c.initAs(4, txn.Producer{TxnID: "tx", ID: 12345, Epoch: 9})
	c.want(err, nil)
	if p.ID == 12345 || p.Epoch != 0 {
		t.Errorf("got %v", p)
	}
}

func TestAnExhaustedEpochGivesANewProducerId(t *testing.T) {
	c := start(t)
	p := c.exhaust("tx")
	q, err := c.initAs(4, p)
	c.want(err, nil)
	if q.ID == p.ID || q.Epoch != 0 {
		t.Fatalf("after %v got %v", p, q)
	}
	again, err := c.initAs(4, p)
	c.want(err, nil)
	if again != q {
		t.Errorf("the retry got %v, want %v", again, q)
	}
	c.want(c.add(3, p, 0), kerr.InvalidProducerIDMapping)
	if r := c.init("tx"); r.ID != q.ID || r.Epoch != 1 {
		t.Errorf("after %v got %v", q, r)
	}
	_, err = c.initAs(4, p)
	c.want(err, kerr.ProducerFenced)
}

func TestTheEpochThatFencesIsNobodys(t *testing.T) {
	c := start(t)
	p := c.exhaust("tx")
	c.want(c.add(3, p, 0), nil)
	_, err := c.initAs(4, txn.Producer{TxnID: "tx"})
	c.want(err, kerr.ConcurrentTransactions)
	c.wantLog("a-0 epoch 32767 commit false by 3")

	fencing := txn.Producer{TxnID: "tx", ID: p.ID, Epoch: 32767}
	c.want(c.add(3, fencing, 0), kerr.ProducerFenced)
	_, err = c.end(5, fencing, false)
	c.want(err, kerr.ProducerFenced)
	if q := c.init("tx"); q.ID == p.ID || q.Epoch != 0 {
		t.Errorf("got %v", q)
	}
}

func TestInitAbortsTheTransactionOfTheOwnerBefore(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	c.want(c.add(3, p, 2, 1), nil)
	c.want(c.addGroup(3, p, "g"), nil)

	_, err := c.initAs(5, txn.Producer{TxnID: "tx"})
	c.want(err, kerr.ConcurrentTransactions)
	c.wantLog("a-1 epoch 1 commit false by 3", "a-2 epoch 1 commit false by 3", "group g epoch 1 commit false")
	_, err = c.end(3, p, true)
	c.want(err, kerr.ProducerFenced)

	if q := c.init("tx"); q.ID != p.ID || q.Epoch != 2 {
		t.Errorf("after %v got %v", p, q)
	}
}

func TestInitRefuses(t *testing.T) {
	for _, row := range []struct {
		name    string
		txnID   string
		timeout int32
		p       txn.Producer
		want    *kerr.Error
	}{
		{"an empty id", "", 1000, txn.Producer{ID: -1, Epoch: -1}, kerr.InvalidRequest},
		{"no timeout", "tx", 0, txn.Producer{ID: -1, Epoch: -1}, kerr.InvalidTransactionTimeout},
		{"a negative timeout", "tx", -5, txn.Producer{ID: -1, Epoch: -1}, kerr.InvalidTransactionTimeout},
		{"a timeout above the greatest", "tx", 5001, txn.Producer{ID: -1, Epoch: -1}, kerr.InvalidTransactionTimeout},
		{"the greatest timeout never", "tx", 5000, txn.Producer{ID: -1, Epoch: -1}, nil},
		{"an id without an epoch", "tx", 1000, txn.Producer{ID: 1, Epoch: -1}, kerr.InvalidRequest},
		{"an epoch without an id", "tx", 1000, txn.Producer{ID: -1, Epoch: 1}, kerr.InvalidRequest},
		{"what another coordinates", "elsewhere", 1000, txn.Producer{ID: -1, Epoch: -1}, kerr.NotCoordinator},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := start(t)
			c.settings["transaction.max.timeout.ms"] = "5000"
			c.coordinators["elsewhere"] = kerr.NotCoordinator
			req := kmsg.NewInitProducerIDRequest()
			req.Version, req.TransactionalID, req.TransactionTimeoutMillis = 5, &row.txnID, row.timeout
			req.ProducerID, req.ProducerEpoch = row.p.ID, row.p.Epoch
			resp := c.x.InitProducerID(c.call(), &req).(*kmsg.InitProducerIDResponse)
			c.want(kerr.ErrorForCode(resp.ErrorCode), row.want)
			if row.want != nil && (resp.ProducerID != -1 || resp.ProducerEpoch != -1) {
				t.Errorf("a refusal gives %d, %d", resp.ProducerID, resp.ProducerEpoch)
			}
		})
	}
}

func TestTheGreatestTimeoutIsAQuarterOfAnHourUnlessSet(t *testing.T) {
	c := start(t)
	req := kmsg.NewInitProducerIDRequest()
	id := "tx"
	req.TransactionalID, req.TransactionTimeoutMillis = &id, 15*60*1000+1
	resp := c.x.InitProducerID(c.call(), &req).(*kmsg.InitProducerIDResponse)
	c.want(kerr.ErrorForCode(resp.ErrorCode), kerr.InvalidTransactionTimeout)
}

func TestInitNeedsRights(t *testing.T) {
	c := start(t)
	c.deny = func(op kmsg.ACLOperation, kind kmsg.ACLResourceType, _ string) bool {
		return op == kmsg.ACLOperationIdempotentWrite
	}
	_, _, err := c.initIdempotent()
	c.want(err, nil) // writing to some topic is enough, KIP-679
	c.init("tx")

	c.deny = func(kmsg.ACLOperation, kmsg.ACLResourceType, string) bool { return true }
	_, _, err = c.initIdempotent()
	c.want(err, kerr.ClusterAuthorizationFailed)
	_, err = c.initAs(5, txn.Producer{TxnID: "tx"})
	c.want(err, kerr.TransactionalIDAuthorizationFailed)
}

func TestAnUnusedTransactionalIdIsForgotten(t *testing.T) {
	c := start(t)
	c.settings["transactional.id.expiration.ms"] = "60000"
	p := c.init("tx")
	c.pass(59 * time.Second)
	c.want(c.add(3, p, 0), nil)
	c.pass(59 * time.Second)
	_, err := c.end(3, p, true)
	c.want(err, nil)

	c.pass(59 * time.Second)
	c.wantState("tx", txn.CompleteCommit)
	c.pass(2 * time.Second)
	if _, ok := c.x.Snapshot("tx"); ok {
		t.Error("it is still known")
	}
	c.want(c.add(3, p, 0), kerr.InvalidProducerIDMapping)
	if q := c.init("tx"); q.ID == p.ID || q.Epoch != 0 {
		t.Errorf("after %v got %v: partitions may know an id for longer than the coordinator", p, q)
	}
}

func TestAnIdempotentProducerMayNameAllOfItsIDOrNothing(t *testing.T) {
	c := start(t)
	for p, want := range map[txn.Producer]*kerr.Error{
		{ID: -1, Epoch: -1}: nil, {ID: 7, Epoch: 3}: nil,
		{ID: 7, Epoch: -1}: kerr.InvalidRequest, {ID: -1, Epoch: 3}: kerr.InvalidRequest,
	} {
		req := kmsg.NewInitProducerIDRequest()
		req.Version, req.ProducerID, req.ProducerEpoch = 4, p.ID, p.Epoch
		c.want(kerr.ErrorForCode(c.x.InitProducerID(c.call(), &req).(*kmsg.InitProducerIDResponse).ErrorCode), want)
	}
}
