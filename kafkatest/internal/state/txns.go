// Transactions: their coordinator, joined to the rest of the cluster.

package state

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/group"
	"github.com/rehearse-go/rehearse/kafkatest/internal/txn"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Txns returns the coordinator of all transactional ids.
func (c *Cluster) Txns() *txn.Coordinator { return c.txns }

func newTxns(c *Cluster) *txn.Coordinator { return txn.New(txnView{c}, c.Agenda, c.Seed) }

func txnAPIs() []api {
	x := (*Cluster).Txns
	return []api{
		serves(kmsg.InitProducerID, 0, 5, by(x, (*txn.Coordinator).InitProducerID)),
		serves(kmsg.AddPartitionsToTxn, 0, 5, by(x, (*txn.Coordinator).AddPartitionsToTxn)),
		serves(kmsg.AddOffsetsToTxn, 0, 4, by(x, (*txn.Coordinator).AddOffsetsToTxn)),
		serves(kmsg.EndTxn, 0, 5, by(x, (*txn.Coordinator).EndTxn)),
		serves(kmsg.WriteTxnMarkers, 0, 2, by(x, (*txn.Coordinator).WriteTxnMarkers)),
		serves(kmsg.TxnOffsetCommit, 0, 6, by((*Cluster).Groups, (*group.Coordinator).TxnOffsetCommit)),
		serves(kmsg.DescribeTransactions, 0, 0, by(x, (*txn.Coordinator).DescribeTransactions)),
		serves(kmsg.ListTransactions, 0, 2, by(x, (*txn.Coordinator).ListTransactions)),
	}
}

// TxnError says why the producer may not commit the group's offsets in its
// transaction. From version 5 on, committing adds the group to it (KIP-890).
func (v groupView) TxnError(_ *call.Call, t group.Txn, name string) *kerr.Error {
	who := txn.Producer{TxnID: t.ID, ID: t.ProducerID, Epoch: t.ProducerEpoch}
	if t.Version >= 5 {
		return v.txns.AddGroup(who, name)
	}
	return v.txns.VerifyGroup(who, name, t.Version)
}

// A txnView is the cluster as its transactions see it.
type txnView struct{ *Cluster }

// CoordinatorEpoch is how often the coordinator of the id has moved.
func (v txnView) CoordinatorEpoch(txnID string) int32 { return v.slots[slotOf(txnID)].epoch }

// OffsetsPartition is the slot of the group.
func (v txnView) OffsetsPartition(group string) int32 { return int32(slotOf(group)) }

// PartitionError is UNKNOWN_TOPIC_OR_PARTITION, or nil.
func (v txnView) PartitionError(topic string, partition int32) *kerr.Error {
	if _, ok := v.Partition(topic, partition); !ok {
		return kerr.UnknownTopicOrPartition
	}
	return nil
}

// LeaderError says why the broker does not lead the partition.
func (v txnView) LeaderError(broker int32, topic string, partition int32) *kerr.Error {
	p, ok := v.Partition(topic, partition)
	switch {
	case !ok:
		return kerr.UnknownTopicOrPartition
	case p.Leader != broker:
		return kerr.NotLeaderForPartition
	}
	return nil
}

// WriteMarker appends a marker to its partition.
func (v txnView) WriteMarker(m txn.Marker) *kerr.Error {
	p, ok := v.Partition(m.Topic, m.Index)
	if !ok {
		return kerr.UnknownTopicOrPartition
	}
	return p.EndTxn(batch.Marker{
		ProducerID: m.ProducerID, ProducerEpoch: m.Epoch, CoordinatorEpoch: m.CoordinatorEpoch, Commit: m.Commit,
	})
}

// EndGroupTxn has the group's pending offsets count, or drops them.
func (v txnView) EndGroupTxn(name string, producerID int64, _ int16, commit bool) {
	v.groups.EndTxn(name, producerID, commit)
}
