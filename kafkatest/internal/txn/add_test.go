// Tests of what joins a transaction, and of what is verified instead.

package txn_test

import (
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/txn"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// addAll sends an AddPartitionsToTxn for partitions of topics a and secret and
// returns the codes of all of them.
func (c *cluster) addAll(p txn.Producer, a []int32, secret []int32) (codes []int16) {
	req := kmsg.NewAddPartitionsToTxnRequest()
	req.Version, req.TransactionalID, req.ProducerID, req.ProducerEpoch = 3, p.TxnID, p.ID, p.Epoch
	for name, partitions := range map[string][]int32{"a": a, "b": secret} {
		topic := kmsg.NewAddPartitionsToTxnRequestTopic()
		topic.Topic, topic.Partitions = name, partitions
		req.Topics = append(req.Topics, topic)
	}
	slices.SortFunc(req.Topics, func(x, y kmsg.AddPartitionsToTxnRequestTopic) int {
		return int(x.Topic[0]) - int(y.Topic[0])
	})
	resp := c.x.AddPartitionsToTxn(c.call(), &req).(*kmsg.AddPartitionsToTxnResponse)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			codes = append(codes, p.ErrorCode)
		}
	}
	return codes
}

func TestOnePartitionThatCannotBeAddedFailsAll(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	if got := c.addAll(p, []int32{0, 4, -1}, nil); !slices.Equal(got, []int16{55, 3, 3}) {
		t.Errorf("an unknown partition: %v", got)
	}
	c.deny = func(_ kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool {
		return kind == kmsg.ACLResourceTypeTopic && name == "b"
	}
	if got := c.addAll(p, []int32{0}, []int32{9}); !slices.Equal(got, []int16{55, 29}) {
		t.Errorf("a topic without rights: %v", got)
	}
	c.wantState("tx", txn.Empty)
	c.deny = func(_ kmsg.ACLOperation, kind kmsg.ACLResourceType, _ string) bool {
		return kind == kmsg.ACLResourceTypeTransactionalId
	}
	if got := c.addAll(p, []int32{0}, []int32{9}); !slices.Equal(got, []int16{53, 53}) {
		t.Errorf("an id without rights: %v", got)
	}
}

func TestAddRefuses(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	c.coordinators["elsewhere"] = kerr.NotCoordinator
	for _, row := range []struct {
		name string
		p    txn.Producer
		want *kerr.Error
	}{
		{"an id nobody has", txn.Producer{TxnID: "x", ID: p.ID}, kerr.InvalidProducerIDMapping},
		{"another producer's id", txn.Producer{TxnID: "tx", ID: p.ID + 1}, kerr.InvalidProducerIDMapping},
		{"a higher epoch", txn.Producer{TxnID: "tx", ID: p.ID, Epoch: 1}, kerr.ProducerFenced},
		{"an empty id", txn.Producer{}, kerr.InvalidRequest},
		{"what another coordinates", txn.Producer{TxnID: "elsewhere"}, kerr.NotCoordinator},
	} {
		t.Run(row.name, func(t *testing.T) {
			c.t = t
			c.want(c.add(3, row.p, 0), row.want)
			c.want(c.addGroup(3, row.p, "g"), row.want)
		})
	}
	c.t = t
	for kind, want := range map[kmsg.ACLResourceType]*kerr.Error{
		kmsg.ACLResourceTypeTransactionalId: kerr.TransactionalIDAuthorizationFailed,
		kmsg.ACLResourceTypeGroup:           kerr.GroupAuthorizationFailed,
	} {
		c.deny = func(_ kmsg.ACLOperation, k kmsg.ACLResourceType, _ string) bool { return k == kind }
		c.want(c.addGroup(3, p, "g"), want)
	}
}

// batch sends one transaction as a broker does, and returns the whole
// response's code and the first partition's.
func (c *cluster) batch(version int16, p txn.Producer, verify bool, partition int32) (whole, first int16) {
	req := kmsg.NewAddPartitionsToTxnRequest()
	req.Version = version
	one := kmsg.NewAddPartitionsToTxnRequestTransaction()
	one.TransactionalID, one.ProducerID, one.ProducerEpoch, one.VerifyOnly = p.TxnID, p.ID, p.Epoch, verify
	topic := kmsg.NewAddPartitionsToTxnRequestTransactionTopic()
	topic.Topic, topic.Partitions = "a", []int32{partition}
	one.Topics = append(one.Topics, topic)
	req.Transactions = append(req.Transactions, one)
	resp := c.x.AddPartitionsToTxn(c.call(), &req).(*kmsg.AddPartitionsToTxnResponse)
	if resp.ErrorCode != 0 {
		return resp.ErrorCode, 0
	}
	return 0, resp.Transactions[0].Topics[0].Partitions[0].ErrorCode
}

func TestABrokerAddsAndVerifiesInBatches(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	fenced := txn.Producer{TxnID: "tx", ID: p.ID, Epoch: 5}
	for _, row := range []struct {
		name      string
		version   int16
		p         txn.Producer
		verify    bool
		partition int32
		want      *kerr.Error
	}{
		{"verifying before anything", 4, p, true, 0, kerr.InvalidTxnState},
		{"adding", 4, p, false, 0, nil},
		{"verifying what was added", 4, p, true, 0, nil},
		{"verifying another", 4, p, true, 1, kerr.InvalidTxnState},
		{"verifying another in version 5", 5, p, true, 1, kerr.TransactionAbortable},
		{"verifying in another epoch", 5, fenced, true, 0, kerr.ProducerFenced},
		{"verifying an unknown partition", 5, p, true, 99, kerr.UnknownTopicOrPartition},
	} {
		t.Run(row.name, func(t *testing.T) {
			c.t = t
			_, got := c.batch(row.version, row.p, row.verify, row.partition)
			c.want(kerr.ErrorForCode(got), row.want)
		})
	}
	c.deny = func(op kmsg.ACLOperation, _ kmsg.ACLResourceType, _ string) bool {
		return op == kmsg.ACLOperationClusterAction
	}
	if whole, _ := c.batch(4, p, false, 0); whole != kerr.ClusterAuthorizationFailed.Code {
		t.Errorf("without rights: %d", whole)
	}
}

func TestAProduceIsVerifiedOrAdded(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	a1, b0 := txn.Partition{Topic: "a", Index: 1}, txn.Partition{Topic: "b"}
	c.wantError(c.x.Verify(p, a1, 10), kerr.InvalidTxnState)
	c.wantError(c.x.VerifyGroup(p, "g", 3), kerr.InvalidTxnState)
	c.wantError(c.x.Verify(p, a1, 11), kerr.TransactionAbortable)
	c.wantError(c.x.VerifyGroup(p, "g", 4), kerr.TransactionAbortable)
	c.wantError(c.x.AddImplicit(p, a1), nil)
	c.wantError(c.x.AddGroup(p, "g"), nil)
	c.wantError(c.x.Verify(p, a1, 10), nil)
	c.wantError(c.x.VerifyGroup(p, "g", 3), nil)
	c.wantError(c.x.Verify(p, b0, 10), kerr.InvalidTxnState)
	c.wantError(c.x.VerifyGroup(p, "h", 3), kerr.InvalidTxnState)
	c.wantError(c.x.Verify(txn.Producer{TxnID: "x"}, a1, 10), kerr.InvalidProducerIDMapping)

	_, err := c.end(4, p, true)
	c.want(err, nil)
	c.wantError(c.x.Verify(p, a1, 10), kerr.InvalidTxnState)
	c.wantError(c.x.VerifyGroup(p, "g", 3), kerr.InvalidTxnState)
}
