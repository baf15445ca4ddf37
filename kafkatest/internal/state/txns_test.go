// Tests of transactions across coordinator, logs and groups.

package state_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/txn"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// initTxn makes the caller the owner of a transactional id.
func (d *driver) initTxn(id string) txn.Producer {
	d.t.Helper()
	req := kmsg.NewPtrInitProducerIDRequest()
	req.Version, req.TransactionalID, req.TransactionTimeoutMillis = 5, &id, 60_000
	resp := ask[*kmsg.InitProducerIDResponse](d, req)
	wantCode(d.t, "InitProducerId", resp.ErrorCode, nil)
	return txn.Producer{TxnID: id, ID: resp.ProducerID, Epoch: resp.ProducerEpoch}
}

// produceTxn sends one record to partition 0 of topic t, as the first of the
// producer's epoch.
func (d *driver) produceTxn(p txn.Producer, version int16) int16 {
	d.t.Helper()
	f := batch.NewForm()
	f.Transactional, f.ProducerID, f.ProducerEpoch, f.Sequence = true, p.ID, p.Epoch, 0
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.TransactionID, req.Acks, req.TimeoutMillis = version, &p.TxnID, 1, 1000
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = "t"
	partition := kmsg.NewProduceRequestTopicPartition()
	partition.Records = f.Append(nil, []batch.Record{{Timestamp: begin.UnixMilli(), Value: []byte("v")}})
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	return ask[*kmsg.ProduceResponse](d, req).Topics[0].Partitions[0].ErrorCode
}

// addTxn adds partition 0 of topic t.
func (d *driver) addTxn(p txn.Producer) int16 {
	d.t.Helper()
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.Version, req.TransactionalID, req.ProducerID, req.ProducerEpoch = 3, p.TxnID, p.ID, p.Epoch
	topic := kmsg.NewAddPartitionsToTxnRequestTopic()
	topic.Topic, topic.Partitions = "t", []int32{0}
	req.Topics = append(req.Topics, topic)
	return ask[*kmsg.AddPartitionsToTxnResponse](d, req).Topics[0].Partitions[0].ErrorCode
}

// commitTxn commits offset 5 for partition 0 of topic t, as part of the
// producer's transaction.
func (d *driver) commitTxn(p txn.Producer, version int16, group string) int16 {
	d.t.Helper()
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.Version, req.TransactionalID, req.ProducerID, req.ProducerEpoch = version, p.TxnID, p.ID, p.Epoch
	req.Group = group
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic = "t"
	partition := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	partition.Offset = 5
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	return ask[*kmsg.TxnOffsetCommitResponse](d, req).Topics[0].Partitions[0].ErrorCode
}

// committed returns what the group has committed for partition 0 of topic t.
func (d *driver) committed(group string) int64 {
	d.t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version = 8
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	topic := kmsg.NewOffsetFetchRequestGroupTopic()
	topic.Topic, topic.Partitions = "t", []int32{0}
	g.Topics = append(g.Topics, topic)
	req.Groups = append(req.Groups, g)
	return ask[*kmsg.OffsetFetchResponse](d, req).Groups[0].Topics[0].Partitions[0].Offset
}

// endTxn returns who the producer is afterwards.
func (d *driver) endTxn(p txn.Producer, version int16, commit bool) (txn.Producer, int16) {
	d.t.Helper()
	req := kmsg.NewPtrEndTxnRequest()
	req.Version, req.TransactionalID, req.ProducerID, req.ProducerEpoch = version, p.TxnID, p.ID, p.Epoch
	req.Commit = commit
	resp := ask[*kmsg.EndTxnResponse](d, req)
	if version >= 5 && resp.ErrorCode == 0 {
		p.ID, p.Epoch = resp.ProducerID, resp.ProducerEpoch
	}
	return p, resp.ErrorCode
}

// stable returns the end, and the last stable offset, of partition 0 of topic
// t.
func (d *driver) stable() (end, stable int64) {
	p, _ := d.Partition("t", 0)
	return p.Log().End(), p.Log().LastStable()
}

func (d *driver) wantStable(end, stable int64) {
	d.t.Helper()
	if e, s := d.stable(); e != end || s != stable {
		d.t.Errorf("the log ends at %d and is stable to %d, want %d and %d", e, s, end, stable)
	}
}

func TestATransactionOfOldClientsSpansLogsAndGroups(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("t", 1, 1)
	p := d.initTxn("tx")
	wantCode(t, "a produce before anything was added", d.produceTxn(p, 10), kerr.InvalidTxnState)
	wantCode(t, "AddPartitionsToTxn", d.addTxn(p), nil)
	wantCode(t, "a produce", d.produceTxn(p, 11), nil)
	wantCode(t, "a commit before its group was added", d.commitTxn(p, 3, "g"), kerr.InvalidTxnState)

	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.Version, add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = 3, "tx", p.ID, p.Epoch, "g"
	wantCode(t, "AddOffsetsToTxn", ask[*kmsg.AddOffsetsToTxnResponse](d, add).ErrorCode, nil)
	wantCode(t, "a commit", d.commitTxn(p, 3, "g"), nil)
	d.wantStable(1, 0)
	if got := d.committed("g"); got != -1 {
		t.Errorf("%d is committed before the transaction is", got)
	}

	_, code := d.endTxn(p, 3, true)
	wantCode(t, "EndTxn", code, nil)
	d.wantStable(2, 2)
	if got := d.committed("g"); got != 5 {
		t.Errorf("%d is committed, want 5", got)
	}
}

func TestATransactionOfNewClientsAddsByItself(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("t", 1, 1)
	p := d.initTxn("tx")
	for range 3 {
		wantCode(t, "a produce", d.produceTxn(p, 12), nil)
		wantCode(t, "a commit", d.commitTxn(p, 5, "g"), nil)
		next, code := d.endTxn(p, 5, false)
		wantCode(t, "EndTxn", code, nil)
		wantCode(t, "a late produce", d.produceTxn(p, 12), kerr.InvalidProducerEpoch)
		wantCode(t, "a late commit", d.commitTxn(p, 5, "g"), kerr.InvalidProducerEpoch)
		p = next
	}
	d.wantStable(6, 6)
	if got := d.committed("g"); got != -1 {
		t.Errorf("%d is committed by aborted transactions", got)
	}
}

func TestAFencedProducersProduceIsRefusedByItsEpoch(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("t", 1, 1)
	p := d.initTxn("tx")
	wantCode(t, "AddPartitionsToTxn", d.addTxn(p), nil)
	d.initTxnRefused("tx", kerr.ConcurrentTransactions)
	d.initTxn("tx")
	wantCode(t, "a produce", d.produceTxn(p, 11), kerr.InvalidProducerEpoch)
	wantCode(t, "a produce of a new client", d.produceTxn(p, 12), kerr.InvalidProducerEpoch)
	wantCode(t, "AddPartitionsToTxn", d.addTxn(p), kerr.ProducerFenced)
}

func (d *driver) initTxnRefused(id string, want *kerr.Error) {
	d.t.Helper()
	req := kmsg.NewPtrInitProducerIDRequest()
	req.Version, req.TransactionalID, req.TransactionTimeoutMillis = 5, &id, 60_000
	wantCode(d.t, "InitProducerId", ask[*kmsg.InitProducerIDResponse](d, req).ErrorCode, want)
}

func TestAnExpiredTransactionLetsReadersGoOn(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("t", 1, 1)
	p := d.initTxn("tx")
	wantCode(t, "a produce", d.produceTxn(p, 12), nil)
	d.wantStable(1, 0)
	d.tick(time.Minute)
	d.wantStable(2, 2)
	_, code := d.endTxn(p, 5, true)
	wantCode(t, "a late commit", code, kerr.ProducerFenced)
}

func TestWhileATransactionCompletesProducersComeAgain(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("t", 1, 1)
	p := d.initTxn("tx")
	wantCode(t, "a produce", d.produceTxn(p, 12), nil)
	release := d.Txns().HoldCompletion("tx")
	next, code := d.endTxn(p, 5, true)
	wantCode(t, "EndTxn", code, nil)
	wantCode(t, "a produce while it completes", d.produceTxn(next, 12), kerr.ConcurrentTransactions)
	d.initTxnRefused("tx", kerr.ConcurrentTransactions)
	d.wantStable(1, 0)
	release()
	d.wantStable(2, 2)
	wantCode(t, "a produce afterwards", d.produceTxn(next, 12), nil)
}

func TestMarkersWaitForALeader(t *testing.T) {
	d := newDriver(t, 2, nil)
	topic := d.create("t", 1, 1)
	lead := topic.Partitions[0].Leader
	d.broker = lead
	if d.MoveCoordinator("tx", lead) != nil {
		t.Fatal("the coordinator does not move")
	}
	p := d.initTxn("tx")
	wantCode(t, "a produce", d.produceTxn(p, 12), nil)
	other := 3 - lead
	d.StopBroker(lead)
	if d.MoveCoordinator("tx", other) != nil {
		t.Fatal("the coordinator does not move")
	}
	d.broker = other
	_, code := d.endTxn(p, 5, true)
	wantCode(t, "EndTxn", code, nil)
	d.wantStable(1, 0)
	d.StartBroker(lead)
	d.tick(time.Second)
	d.wantStable(2, 2)
}

func TestOnlyTheCoordinatorCoordinates(t *testing.T) {
	d := newDriver(t, 2, nil)
	d.create("t", 1, 1)
	if d.MoveCoordinator("tx", 2) != nil {
		t.Fatal("the coordinator does not move")
	}
	d.initTxnRefused("tx", kerr.NotCoordinator)
	d.broker = 2
	p := d.initTxn("tx")
	d.broker = 1
	wantCode(t, "AddPartitionsToTxn elsewhere", d.addTxn(p), kerr.NotCoordinator)
	_, code := d.endTxn(p, 5, false)
	wantCode(t, "EndTxn elsewhere", code, kerr.NotCoordinator)
}

func TestAnAdministratorEndsAHangingTransaction(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("t", 1, 1)
	p := d.initTxn("tx")
	wantCode(t, "a produce", d.produceTxn(p, 12), nil)

	req := kmsg.NewPtrWriteTxnMarkersRequest()
	req.Version = 1
	m := kmsg.NewWriteTxnMarkersRequestMarker()
	m.ProducerID, m.ProducerEpoch, m.CoordinatorEpoch = p.ID, p.Epoch, 9
	topic := kmsg.NewWriteTxnMarkersRequestMarkerTopic()
	topic.Topic, topic.Partitions = "t", []int32{0, 1}
	m.Topics = append(m.Topics, topic)
	req.Markers = append(req.Markers, m)
	got := ask[*kmsg.WriteTxnMarkersResponse](d, req).Markers[0].Topics[0].Partitions
	wantCode(t, "the marker", got[0].ErrorCode, nil)
	wantCode(t, "the marker of another partition", got[1].ErrorCode, kerr.UnknownTopicOrPartition)
	d.wantStable(2, 2)
}

func TestATransactionIsTold(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("t", 1, 1)
	p := d.initTxn("tx")
	wantCode(t, "a produce", d.produceTxn(p, 12), nil)
	wantCode(t, "a commit", d.commitTxn(p, 5, "g"), nil)

	describe := kmsg.NewPtrDescribeTransactionsRequest()
	describe.TransactionalIDs = []string{"tx"}
	told := ask[*kmsg.DescribeTransactionsResponse](d, describe).TransactionStates[0]
	if told.State != "Ongoing" || told.ProducerID != p.ID || len(told.Topics) != 2 ||
		told.StartTimestamp != begin.UnixMilli() || told.Topics[0].Topic != "__consumer_offsets" {
		t.Errorf("got %+v", told)
	}
	list := kmsg.NewPtrListTransactionsRequest()
	list.Version = 2
	if got := ask[*kmsg.ListTransactionsResponse](d, list).TransactionStates; len(got) != 1 {
		t.Errorf("listed %+v", got)
	}
}
