// What joins a transaction: partitions and groups, by request or implicitly.

package txn

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AddPartitionsToTxn answers AddPartitionsToTxn 0 to 5. Versions from 4 on
// come from brokers, for many transactions at once (KIP-890).
func (x *Coordinator) AddPartitionsToTxn(c *call.Call, req *kmsg.AddPartitionsToTxnRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AddPartitionsToTxnResponse)
	if req.Version < 4 {
		resp.Topics = x.addForClient(c, req)
		return resp
	}
	if !c.AllowsCluster(kmsg.ACLOperationClusterAction) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp
	}
	for _, t := range req.Transactions {
		result := kmsg.NewAddPartitionsToTxnResponseTransaction()
		result.TransactionalID = t.TransactionalID
		result.Topics = x.addForBroker(c, t, req.Version)
		resp.Transactions = append(resp.Transactions, result)
	}
	return resp
}

type (
	addTopic  = kmsg.AddPartitionsToTxnResponseTransactionTopic
	addResult = kmsg.AddPartitionsToTxnResponseTransactionTopicPartition
)

// addForClient adds the partitions of a request of one transaction.
func (x *Coordinator) addForClient(
	c *call.Call, req *kmsg.AddPartitionsToTxnRequest,
) (topics []kmsg.AddPartitionsToTxnResponseTopic) {
	add := addition{c: c, p: Producer{req.TransactionalID, req.ProducerID, req.ProducerEpoch}, fromClient: true}
	for _, t := range req.Topics {
		add.topics = append(add.topics, kmsg.AddPartitionsToTxnRequestTransactionTopic{
			Topic: t.Topic, Partitions: t.Partitions,
		})
	}
	add.isOld = req.Version < 2
	for _, t := range x.add(add) {
		topic := kmsg.NewAddPartitionsToTxnResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			partition := kmsg.NewAddPartitionsToTxnResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, p.ErrorCode
			topic.Partitions = append(topic.Partitions, partition)
		}
		topics = append(topics, topic)
	}
	return topics
}

// addForBroker adds, or only verifies, one transaction of a batch.
func (x *Coordinator) addForBroker(
	c *call.Call, t kmsg.AddPartitionsToTxnRequestTransaction, version int16,
) []addTopic {
	add := addition{c: c, p: Producer{t.TransactionalID, t.ProducerID, t.ProducerEpoch}, topics: t.Topics}
	if !t.VerifyOnly {
		return x.add(add)
	}
	foreign := kerr.TransactionAbortable
	if version < 5 {
		foreign = kerr.InvalidTxnState
	}
	if failed := x.refused(add); failed != nil {
		return failed
	}
	return add.answer(func(p Partition) *kerr.Error { return x.verify(add.p, p, foreign) })
}

// An addition is a request to add partitions to one transaction.
type addition struct {
	c          *call.Call
	p          Producer
	topics     []kmsg.AddPartitionsToTxnRequestTransactionTopic
	fromClient bool // who must be authorized
	isOld      bool // and may not know PRODUCER_FENCED
}

// answer tells the error of each partition.
func (a addition) answer(of func(Partition) *kerr.Error) (topics []addTopic) {
	for _, t := range a.topics {
		topic := kmsg.NewAddPartitionsToTxnResponseTransactionTopic()
		topic.Topic = t.Topic
		for _, index := range t.Partitions {
			result := addResult{Partition: index, ErrorCode: call.Code(of(Partition{t.Topic, index}))}
			topic.Partitions = append(topic.Partitions, result)
		}
		topics = append(topics, topic)
	}
	return topics
}

func (a addition) partitions() (all []Partition) {
	for _, t := range a.topics {
		for _, index := range t.Partitions {
			all = append(all, Partition{t.Topic, index})
		}
	}
	return all
}

// add adds all partitions or none.
func (x *Coordinator) add(a addition) []addTopic {
	if failed := x.refused(a); failed != nil {
		return failed
	}
	err := x.cluster.CoordinatorError(a.c.Broker, a.p.TxnID)
	if err == nil {
		err = x.join(a.p, a.partitions(), nil)
	}
	err = olden(err, a.isOld)
	return a.answer(func(Partition) *kerr.Error { return err })
}

// refused returns the answer if the caller may not act for the transactional
// id or some partition cannot be added; nil otherwise. One such partition
// fails the others as not attempted.
func (x *Coordinator) refused(a addition) []addTopic {
	if a.fromClient && !a.c.AllowsTxn(kmsg.ACLOperationWrite, a.p.TxnID) {
		return a.answer(func(Partition) *kerr.Error { return kerr.TransactionalIDAuthorizationFailed })
	}
	anyFailed := false
	partitionError := func(p Partition) *kerr.Error {
		if a.fromClient && !a.c.AllowsTopic(kmsg.ACLOperationWrite, p.Topic) {
			return kerr.TopicAuthorizationFailed
		}
		return x.cluster.PartitionError(p.Topic, p.Index)
	}
	for _, p := range a.partitions() {
		anyFailed = anyFailed || partitionError(p) != nil
	}
	if !anyFailed {
		return nil
	}
	return a.answer(func(p Partition) *kerr.Error {
		if err := partitionError(p); err != nil {
			return err
		}
		return kerr.OperationNotAttempted
	})
}

// AddOffsetsToTxn answers AddOffsetsToTxn 0 to 4.
func (x *Coordinator) AddOffsetsToTxn(c *call.Call, req *kmsg.AddOffsetsToTxnRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AddOffsetsToTxnResponse)
	resp.ErrorCode = call.Code(olden(x.addOffsets(c, req), req.Version < 2))
	return resp
}

func (x *Coordinator) addOffsets(c *call.Call, req *kmsg.AddOffsetsToTxnRequest) *kerr.Error {
	switch {
	case !c.AllowsTxn(kmsg.ACLOperationWrite, req.TransactionalID):
		return kerr.TransactionalIDAuthorizationFailed
	case !c.AllowsGroup(kmsg.ACLOperationRead, req.Group):
		return kerr.GroupAuthorizationFailed
	}
	if err := x.cluster.CoordinatorError(c.Broker, req.TransactionalID); err != nil {
		return err
	}
	return x.join(Producer{req.TransactionalID, req.ProducerID, req.ProducerEpoch}, nil, []string{req.Group})
}

// join adds to the producer's transaction and begins it if there is none.
func (x *Coordinator) join(p Producer, partitions []Partition, groups []string) *kerr.Error {
	t, err := x.open(p)
	if err != nil {
		return err
	}
	isNew := t.state != Ongoing
	for _, partition := range partitions {
		isNew = isNew || !t.partitions[partition]
		t.partitions[partition] = true
	}
	for _, group := range groups {
		isNew = isNew || !t.groups[group]
		t.groups[group] = true
	}
	if !isNew {
		return nil
	}
	if t.state != Ongoing {
		x.begin(t)
	}
	x.changed(t)
	return nil
}

// begin starts a transaction and its timeout.
func (x *Coordinator) begin(t *transaction) {
	t.state, t.start = Ongoing, x.agenda.Now()
	t.deadline = x.agenda.After(t.timeout, "transaction timeout", t.id, func() { x.abort(t) })
}

// AddImplicit adds a partition on behalf of a Produce request of version 12 or
// later, which sends no AddPartitionsToTxn before it (KIP-890). The error is
// one for the partition's answer; CONCURRENT_TRANSACTIONS asks the producer to
// come again, while its last transaction completes.
func (x *Coordinator) AddImplicit(p Producer, partition Partition) *kerr.Error {
	return olden(x.join(p, []Partition{partition}, nil), true)
}

// Verify tells whether a Produce request before version 12 may write to the
// partition: its transaction must be ongoing and have the partition added,
// else TRANSACTION_ABORTABLE, which versions before 11 know as
// INVALID_TXN_STATE (KIP-890). NOT_ENOUGH_REPLICAS asks those producers to come
// again: it is an error after which they do.
func (x *Coordinator) Verify(p Producer, partition Partition, version int16) *kerr.Error {
	foreign := kerr.TransactionAbortable
	if version < 11 {
		foreign = kerr.InvalidTxnState
	}
	err := x.verify(p, partition, foreign)
	if err == kerr.ConcurrentTransactions {
		return kerr.NotEnoughReplicas
	}
	return olden(err, true)
}

func (x *Coordinator) verify(p Producer, partition Partition, foreign *kerr.Error) *kerr.Error {
	t, err := x.open(p)
	switch {
	case err != nil:
		return err
	case !t.partitions[partition]:
		return foreign
	}
	return nil
}

// AddGroup adds a group on behalf of a TxnOffsetCommit of version 5 or later,
// which sends no AddOffsetsToTxn before it (KIP-890).
// COORDINATOR_NOT_AVAILABLE asks the client to come again, while its last
// transaction completes.
func (x *Coordinator) AddGroup(p Producer, group string) *kerr.Error {
	return forCommit(x.join(p, nil, []string{group}))
}

// VerifyGroup tells whether a TxnOffsetCommit before version 5 may commit to
// the group: its transaction must be ongoing and have the group added, else
// TRANSACTION_ABORTABLE, which versions before 4 know as INVALID_TXN_STATE.
func (x *Coordinator) VerifyGroup(p Producer, group string, version int16) *kerr.Error {
	t, err := x.open(p)
	switch {
	case err != nil:
		return forCommit(err)
	case !t.groups[group] && version < 4:
		return kerr.InvalidTxnState
	case !t.groups[group]:
		return kerr.TransactionAbortable
	}
	return nil
}

// forCommit translates a coordinator's error for a client that talks to a
// group.
func forCommit(err *kerr.Error) *kerr.Error {
	if err == kerr.ConcurrentTransactions {
		return kerr.CoordinatorNotAvailable
	}
	return olden(err, true)
}
