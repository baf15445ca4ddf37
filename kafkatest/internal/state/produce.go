// Produce: from a request to what is appended.

package state

import (
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/txn"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func logAPIs() []api {
	return []api{
		serves(kmsg.Produce, 0, 13, (*Cluster).produce),
		serves(kmsg.Fetch, 0, 18, (*Cluster).fetch),
		serves(kmsg.ListOffsets, 0, 11, (*Cluster).listOffsets),
		serves(kmsg.OffsetForLeaderEpoch, 0, 4, (*Cluster).offsetForLeaderEpoch),
		serves(kmsg.DeleteRecords, 0, 2, (*Cluster).deleteRecords),
		serves(kmsg.DescribeProducers, 0, 0, (*Cluster).describeProducers),
	}
}

// A production is one Produce request on its way.
type production struct {
	c    *Cluster
	x    *call.Call
	req  *kmsg.ProduceRequest
	resp *kmsg.ProduceResponse
	wait *ackWait // what acks=all still waits for; nil if nothing
	bad  bool     // some partition failed
}

func (c *Cluster) produce(x *call.Call, req *kmsg.ProduceRequest) kmsg.Response {
	all, ok := x.Prepared.([]preparedBatch)
	if !ok {
		all = prepareProduce(req)
	}
	w := production{c: c, x: x, req: req, resp: req.ResponseKind().(*kmsg.ProduceResponse)}
	refused := w.refusal(all)
	w.resp.Topics = make([]kmsg.ProduceResponseTopic, len(req.Topics))
	for i := range req.Topics {
		n := len(req.Topics[i].Partitions)
		w.topic(i, all[:n], refused)
		all = all[n:]
	}
	return w.answer()
}

// refusal says why nothing of the request is appended, if so: whoever may not
// use the transactional id. Versions before 3 have none.
func (w *production) refusal(all []preparedBatch) *kerr.Error {
	if !isTransactional(all) {
		return nil
	}
	id := w.req.TransactionID
	if id == nil || !w.x.AllowsTxn(kmsg.ACLOperationWrite, *id) {
		return kerr.TransactionalIDAuthorizationFailed
	}
	return nil
}

// answer answers at once, or when all replicas in sync have what was appended,
// or, with acks=0, not at all: a producer that waits for nothing learns of an
// error by losing its connection.
func (w *production) answer() kmsg.Response {
	switch {
	case w.req.Acks == 0:
		w.x.Cut = w.bad
		return nil
	case w.wait != nil:
		w.wait.park(w)
		return nil
	}
	return w.resp
}

func (w *production) topic(at int, all []preparedBatch, refused *kerr.Error) {
	asked, told := &w.req.Topics[at], &w.resp.Topics[at]
	told.Topic, told.TopicID = asked.Topic, asked.TopicID
	told.Partitions = make([]kmsg.ProduceResponseTopicPartition, len(asked.Partitions))
	t, err := w.c.named(w.req.Version >= 13, asked.Topic, asked.TopicID)
	name := asked.Topic
	if t != nil {
		name = t.Name
	}
	if refused == nil && (t != nil || w.req.Version < 13) && !w.x.AllowsTopic(kmsg.ACLOperationWrite, name) {
		t, err = nil, kerr.TopicAuthorizationFailed
	}
	if refused != nil {
		t, err = nil, refused
	}
	for i := range asked.Partitions {
		p := &told.Partitions[i]
		*p = kmsg.NewProduceResponseTopicPartition()
		p.Partition, p.LogStartOffset, p.BaseOffset = asked.Partitions[i].Partition, -1, -1
		if t == nil {
			w.fail(p, &batch.Fault{Err: err})
			continue
		}
		w.partition(t, p, &all[i])
	}
}

// partition appends what there is for one partition.
func (w *production) partition(t *Topic, told *kmsg.ProduceResponseTopicPartition, b *preparedBatch) {
	if told.Partition < 0 || int(told.Partition) >= len(t.Partitions) {
		w.fail(told, &batch.Fault{Err: kerr.UnknownTopicOrPartition})
		return
	}
	p := t.Partitions[told.Partition]
	if fault := w.vet(p, b); fault != nil {
		w.fail(told, fault)
		if fault.Err == kerr.NotLeaderForPartition {
			w.hint(told, p)
		}
		return
	}
	done, fault := p.appendBatch(b.checked)
	if fault != nil {
		w.fail(told, fault)
		return
	}
	told.BaseOffset, told.LogAppendTime, told.LogStartOffset = done.Base, done.AppendTime, p.log.Start()
	if w.req.Acks == -1 && p.log.HighWatermark() <= done.Last {
		w.awaitAck(p, told, done.Last+1)
	}
}

// vet finds what a broker finds before it appends.
func (w *production) vet(p *Partition, b *preparedBatch) *batch.Fault {
	switch {
	case b.fault != nil:
		return b.fault
	case w.req.Acks < -1 || w.req.Acks > 1:
		return &batch.Fault{Err: kerr.InvalidRequiredAcks}
	case isInternal(p.Topic.Name) && w.x.ClientID != adminClient:
		return &batch.Fault{Err: kerr.InvalidTopicException}
	case p.Leader != w.x.Broker:
		return &batch.Fault{Err: kerr.NotLeaderForPartition}
	case w.req.Acks == -1 && len(p.ISR) < p.Topic.logSettings().minISR:
		return &batch.Fault{Err: kerr.NotEnoughReplicas}
	case b.checked.Batch == nil || !b.checked.Batch.Transactional():
		return nil
	}
	return w.vetTxn(p, b.checked.Batch)
}

// vetTxn makes sure that a transactional batch belongs to a transaction that
// its partition is part of (KIP-890). From version 12 on, sending it makes the
// partition a part. A producer that was fenced is told so first.
func (w *production) vetTxn(p *Partition, b batch.Batch) *batch.Fault {
	if fault := p.log.CheckEpoch(b); fault != nil {
		return fault
	}
	if p.log.Ongoing(b.ProducerID(), b.ProducerEpoch()) || p.log.Duplicate(b) {
		return nil
	}
	who := txn.Producer{TxnID: *w.req.TransactionID, ID: b.ProducerID(), Epoch: b.ProducerEpoch()}
	where := txn.Partition{Topic: p.Topic.Name, Index: p.Number}
	var err *kerr.Error
	if w.req.Version >= 12 {
		err = w.c.txns.AddImplicit(who, where)
	} else {
		err = w.c.txns.Verify(who, where, w.req.Version)
	}
	if err != nil {
		return &batch.Fault{Err: err, Message: err.Description}
	}
	return nil
}

// fail tells of a fault. Versions before 8 have no room for more than the code.
func (w *production) fail(told *kmsg.ProduceResponseTopicPartition, fault *batch.Fault) {
	w.bad = true
	told.ErrorCode = fault.Err.Code
	if fault.Message != "" {
		told.ErrorMessage = &fault.Message
	}
	for i := range fault.Records {
		record := kmsg.NewProduceResponseTopicPartitionErrorRecord()
		record.RelativeOffset, record.ErrorMessage = fault.Records[i].Index, &fault.Records[i].Message
		told.ErrorRecords = append(told.ErrorRecords, record)
	}
}

// hint tells who leads instead (KIP-951).
func (w *production) hint(told *kmsg.ProduceResponseTopicPartition, p *Partition) {
	if w.req.Version < 10 {
		return
	}
	told.CurrentLeader.LeaderID, told.CurrentLeader.LeaderEpoch = p.Leader, p.Epoch
	if slices.ContainsFunc(w.resp.Brokers, func(b kmsg.ProduceResponseBroker) bool { return b.NodeID == p.Leader }) {
		return
	}
	if e, ok := w.c.reach(w.x, p.Leader); ok {
		b := kmsg.NewProduceResponseBroker()
		b.NodeID, b.Host, b.Port, b.Rack = p.Leader, e.host, e.port, e.rack
		w.resp.Brokers = append(w.resp.Brokers, b)
	}
}
