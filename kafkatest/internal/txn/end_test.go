// Tests of how a transaction ends: asked, asked again, held, too late, too old.

package txn_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/txn"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestACommitWritesAMarkerPerPartitionAndEndsGroups(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	c.want(c.add(3, p, 3, 0), nil)
	c.want(c.addGroup(3, p, "g"), nil)
	c.want(c.add(3, p, 0), nil)
	_, err := c.end(3, p, true)
	c.want(err, nil)
	c.wantLog("a-0 epoch 0 commit true by 3", "a-3 epoch 0 commit true by 3", "group g epoch 0 commit true")
	c.wantState("tx", txn.CompleteCommit)

	c.want(c.add(3, p, 1), nil)
	_, err = c.end(3, p, false)
	c.want(err, nil)
	c.wantLog("a-1 epoch 0 commit false by 3")
}

func TestVersion5RaisesTheEpoch(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	c.wantError(c.x.AddImplicit(p, txn.Partition{Topic: "a", Index: 1}), nil)
	q, err := c.end(5, p, true)
	c.want(err, nil)
	if q.ID != p.ID || q.Epoch != 1 {
		t.Errorf("after %v got %v", p, q)
	}
	c.wantLog("a-1 epoch 1 commit true by 3")
	c.wantError(c.x.AddImplicit(p, txn.Partition{Topic: "a", Index: 1}), kerr.InvalidProducerEpoch)
	c.wantError(c.x.AddImplicit(q, txn.Partition{Topic: "a", Index: 1}), nil)
}

func TestVersion5InTheLastEpochGivesANewProducerId(t *testing.T) {
	c := start(t)
	p := c.exhaust("tx")
	c.want(c.add(3, p, 0), nil)
	release := c.x.HoldCompletion("tx")
	q, err := c.end(5, p, true)
	c.want(err, nil)
	if q.ID == p.ID || q.Epoch != 0 {
		t.Fatalf("after %v got %v", p, q)
	}
	c.wantError(c.x.AddImplicit(q, txn.Partition{Topic: "a"}), kerr.ConcurrentTransactions)
	release()
	c.wantLog("a-0 epoch 32767 commit true by 3")
	c.wantError(c.x.AddImplicit(q, txn.Partition{Topic: "a"}), nil)
	q, err = c.end(5, q, false)
	c.want(err, nil)
	if q.Epoch != 1 {
		t.Errorf("got %v", q)
	}
}

func TestARetryAfterTheLastEpochFindsTheNewProducerId(t *testing.T) {
	c := start(t)
	p := c.exhaust("tx")
	c.want(c.add(3, p, 0), nil)
	q, _ := c.end(5, p, true)
	again, err := c.end(5, p, true)
	c.want(err, nil)
	if again != q {
		t.Errorf("got %v, want %v", again, q)
	}
	_, err = c.end(5, p, false)
	c.want(err, kerr.InvalidTxnState)
}

// The table is KIP-890's, for EndTxn of version 5 without a transaction.
func TestEndWithoutATransaction(t *testing.T) {
	settle := map[txn.State]func(*cluster) (now, before txn.Producer){
		txn.Empty: func(c *cluster) (txn.Producer, txn.Producer) {
			p := c.init("tx")
			q, _ := c.initAs(5, p)
			return q, p
		},
		txn.CompleteAbort: func(c *cluster) (txn.Producer, txn.Producer) {
			p := c.init("tx")
			c.add(3, p, 0)
			q, _ := c.end(5, p, false)
			return q, p
		},
		txn.CompleteCommit: func(c *cluster) (txn.Producer, txn.Producer) {
			p := c.init("tx")
			c.add(3, p, 0)
			q, _ := c.end(5, p, true)
			return q, p
		},
	}
	for _, row := range []struct {
		state         txn.State
		commit, retry bool
		want          *kerr.Error
	}{
		{txn.Empty, false, true, kerr.ProducerFenced},
		{txn.Empty, false, false, nil},
		{txn.Empty, true, true, kerr.ProducerFenced},
		{txn.Empty, true, false, kerr.InvalidTxnState},
		{txn.CompleteAbort, false, true, nil},
		{txn.CompleteAbort, false, false, nil},
		{txn.CompleteAbort, true, true, kerr.InvalidTxnState},
		{txn.CompleteAbort, true, false, kerr.InvalidTxnState},
		{txn.CompleteCommit, false, true, kerr.InvalidTxnState},
		{txn.CompleteCommit, false, false, nil},
		{txn.CompleteCommit, true, true, nil},
		{txn.CompleteCommit, true, false, kerr.InvalidTxnState},
	} {
		t.Run(fmt.Sprintf("%s commit %t retry %t", row.state, row.commit, row.retry), func(t *testing.T) {
			c := start(t)
			now, before := settle[row.state](c)
			c.wantState("tx", row.state)
			c.log = nil
			sender, want := now, now
			if row.retry {
				sender = before
			} else {
				want.Epoch++
			}
			got, err := c.end(5, sender, row.commit)
			c.want(err, row.want)
			c.wantLog()
			if row.want == nil && got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestBeforeVersion5OnlyTheSameEndSucceedsAgain(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	_, err := c.end(4, p, false)
	c.want(err, kerr.InvalidTxnState)
	for _, commit := range []bool{true, false} {
		c.want(c.add(3, p, 0), nil)
		_, err = c.end(4, p, commit)
		c.want(err, nil)
		_, err = c.end(4, p, commit)
		c.want(err, nil)
		_, err = c.end(4, p, !commit)
		c.want(err, kerr.InvalidTxnState)
	}
	c.wantLog("a-0 epoch 0 commit true by 3", "a-0 epoch 0 commit false by 3")
}

func TestWhileATransactionCompletesTheProducerWaits(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	c.want(c.add(3, p, 0), nil)
	release, other := c.x.HoldCompletion("tx"), c.x.HoldCompletion("tx")
	q, err := c.end(5, p, true)
	c.want(err, nil)
	c.wantState("tx", txn.PrepareCommit)

	_, err = c.initAs(5, q)
	c.want(err, kerr.ConcurrentTransactions)
	_, err = c.initAs(5, txn.Producer{TxnID: "tx"})
	c.want(err, kerr.ConcurrentTransactions)
	c.want(c.add(3, q, 1), kerr.ConcurrentTransactions)
	c.want(c.addGroup(3, q, "g"), kerr.ConcurrentTransactions)
	_, err = c.end(5, p, true)
	c.want(err, kerr.ConcurrentTransactions)
	_, err = c.end(5, q, true)
	c.want(err, kerr.ProducerFenced)
	_, err = c.end(4, q, true)
	c.want(err, kerr.ConcurrentTransactions)
	c.wantError(c.x.AddImplicit(q, txn.Partition{Topic: "a"}), kerr.ConcurrentTransactions)
	c.wantError(c.x.Verify(q, txn.Partition{Topic: "a"}, 11), kerr.NotEnoughReplicas)
	c.wantError(c.x.AddGroup(q, "g"), kerr.CoordinatorNotAvailable)
	c.wantError(c.x.VerifyGroup(q, "g", 3), kerr.CoordinatorNotAvailable)
	c.wantLog()

	release()
	release()
	c.wantState("tx", txn.PrepareCommit)
	other()
	c.wantState("tx", txn.CompleteCommit)
	c.wantLog("a-0 epoch 1 commit true by 3")
	again, err := c.end(5, p, true)
	c.want(err, nil)
	if again != q {
		t.Errorf("the retry got %v, want %v", again, q)
	}
	c.want(c.add(3, q, 1), nil)
}

func TestAnExpiredTransactionIsAbortedAndItsProducerFenced(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	c.want(c.add(3, p, 0), nil)
	c.pass(time.Minute - 1)
	c.wantState("tx", txn.Ongoing)
	c.pass(1)
	c.wantState("tx", txn.CompleteAbort)
	c.wantLog("a-0 epoch 1 commit false by 3")

	c.want(c.add(3, p, 0), kerr.ProducerFenced)
	for _, version := range []int16{4, 5} {
		for _, commit := range []bool{true, false} {
			_, err := c.end(version, p, commit)
			c.want(err, kerr.ProducerFenced)
		}
	}
	if q := c.init("tx"); q.Epoch != 2 {
		t.Errorf("got %v", q)
	}
}

func TestATransactionThatEndedDoesNotExpire(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	c.want(c.add(3, p, 0), nil)
	c.pass(50 * time.Second)
	_, err := c.end(4, p, true)
	c.want(err, nil)
	c.want(c.add(3, p, 0), nil)
	c.log = nil
	c.pass(59 * time.Second)
	c.wantState("tx", txn.Ongoing)
	c.wantLog()
}

func TestAMarkerThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	c.want(c.add(3, p, 0, 1, 2, 3), nil)
	down := true
	c.markerError = func(m txn.Marker) *kerr.Error {
		switch {
		case m.Index == 1 && down:
			return kerr.NotLeaderForPartition
		case m.Index == 2:
			return kerr.UnknownTopicOrPartition // deleted meanwhile
		case m.Index == 3:
			return kerr.InvalidProducerEpoch
		}
		return nil
	}
	_, err := c.end(4, p, true)
	c.want(err, nil)
	c.wantLog("a-0 epoch 0 commit true by 3")
	c.pass(time.Second)
	c.wantState("tx", txn.PrepareCommit)
	down = false
	c.pass(100 * time.Millisecond)
	c.wantState("tx", txn.CompleteCommit)
	c.wantLog("a-1 epoch 0 commit true by 3")
	c.pass(time.Second)
	c.wantLog()
}

func TestEndRefuses(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	c.want(c.add(3, p, 0), nil)
	c.coordinators["elsewhere"] = kerr.CoordinatorLoadInProgress
	for _, row := range []struct {
		name string
		p    txn.Producer
		want *kerr.Error
	}{
		{"an id nobody has", txn.Producer{TxnID: "x", ID: p.ID}, kerr.InvalidProducerIDMapping},
		{"another producer's id", txn.Producer{TxnID: "tx", ID: p.ID + 1}, kerr.InvalidProducerIDMapping},
		{"a higher epoch", txn.Producer{TxnID: "tx", ID: p.ID, Epoch: 1}, kerr.ProducerFenced},
		{"an empty id", txn.Producer{}, kerr.InvalidRequest},
		{"what is loading", txn.Producer{TxnID: "elsewhere"}, kerr.CoordinatorLoadInProgress},
	} {
		t.Run(row.name, func(t *testing.T) {
			c.t = t
			for _, version := range []int16{4, 5} {
				_, err := c.end(version, row.p, true)
				c.want(err, row.want)
			}
		})
	}
	c.t = t
	c.deny = func(op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool {
		return op == kmsg.ACLOperationWrite && kind == kmsg.ACLResourceTypeTransactionalId && name == "tx"
	}
	_, err := c.end(5, p, true)
	c.want(err, kerr.TransactionalIDAuthorizationFailed)
}

func TestMarkersAreWrittenPastTheCoordinator(t *testing.T) {
	c := start(t)
	req := kmsg.NewWriteTxnMarkersRequest()
	m := kmsg.NewWriteTxnMarkersRequestMarker()
	m.ProducerID, m.ProducerEpoch, m.CoordinatorEpoch, m.Committed = 5, 2, 9, true
	topic := kmsg.NewWriteTxnMarkersRequestMarkerTopic()
	topic.Topic, topic.Partitions = "b", []int32{1, 7}
	m.Topics = append(m.Topics, topic)
	req.Markers = append(req.Markers, m)
	codes := func(broker int32) (codes [2]int16) {
		x := c.call()
		x.Broker = broker
		resp := c.x.WriteTxnMarkers(x, &req).(*kmsg.WriteTxnMarkersResponse)
		for i, p := range resp.Markers[0].Topics[0].Partitions {
			codes[i] = p.ErrorCode
		}
		return codes
	}

	if got := codes(1); got != [2]int16{0, kerr.UnknownTopicOrPartition.Code} {
		t.Errorf("got %v", got)
	}
	c.wantLog("b-1 epoch 2 commit true by 9")
	if got := codes(2); got[0] != kerr.NotLeaderForPartition.Code {
		t.Errorf("at a broker that does not lead: %v", got)
	}
	c.deny = func(op kmsg.ACLOperation, _ kmsg.ACLResourceType, _ string) bool { return op == kmsg.ACLOperationAlter }
	if got := codes(1); got[0] != 0 {
		t.Errorf("another broker is refused: %v", got)
	}
	c.deny = func(kmsg.ACLOperation, kmsg.ACLResourceType, string) bool { return true }
	c.log = nil
	if got := codes(1); got[0] != kerr.ClusterAuthorizationFailed.Code || got[1] != got[0] {
		t.Errorf("without rights: %v", got)
	}
	c.wantLog()
}
