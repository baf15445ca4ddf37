// The coordinator: every transactional id of the cluster, and what it asks of the rest.

package txn

import (
	"math"
	"strconv"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A Cluster is what the coordinator asks of the rest.
type Cluster interface {
	// CoordinatorError tells why the broker cannot act for the transactional
	// id: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS; nil if it can.
	CoordinatorError(broker int32, txnID string) *kerr.Error

	// CoordinatorEpoch is the leader epoch of the id's part of the
	// transaction log, which markers carry.
	CoordinatorEpoch(txnID string) int32

	// OffsetsPartition is the partition of __consumer_offsets that keeps the
	// group's commits.
	OffsetsPartition(group string) int32

	// PartitionError is UNKNOWN_TOPIC_OR_PARTITION, or nil.
	PartitionError(topic string, partition int32) *kerr.Error

	// LeaderError tells why the broker cannot write to the partition:
	// UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER; nil if it can.
	LeaderError(broker int32, topic string, partition int32) *kerr.Error

	// WriteMarker appends a control record to a partition. A retriable error
	// has it tried again later.
	WriteMarker(Marker) *kerr.Error

	// EndGroupTxn makes the offsets that the producer committed to the group
	// in its transaction visible, or drops them.
	EndGroupTxn(group string, producerID int64, epoch int16, commit bool)

	// Setting is the value of a broker's config, "" for the default.
	Setting(name string) string
}

// A Marker ends a producer's transaction on one partition.
type Marker struct {
	Partition
	ProducerID       int64
	Epoch            int16
	CoordinatorEpoch int32
	Commit           bool
}

// A Producer is who acts in a transaction, as its requests say.
type Producer struct {
	TxnID string
	ID    int64
	Epoch int16
}

// A Coordinator coordinates the transactions of all transactional ids. The
// brokers differ only in which ids they answer for.
type Coordinator struct {
	cluster  Cluster
	agenda   *call.Agenda
	ids      ids
	txns     map[string]*transaction
	holds    map[string]int
	watchers []func(txnID string)
}

// New returns a coordinator without transactional ids.
func New(cluster Cluster, agenda *call.Agenda, seed call.Seed) *Coordinator {
	return &Coordinator{
		cluster: cluster,
		agenda:  agenda,
		ids:     ids{seed: seed, taken: map[int64]bool{}, drawn: map[string]int{}},
		txns:    map[string]*transaction{},
		holds:   map[string]int{},
	}
}

// find returns the producer's transaction, if the producer is who owns the
// transactional id now. Nobody is ever given the last epoch: it fences the one
// before.
func (x *Coordinator) find(p Producer) (*transaction, *kerr.Error) {
	t := x.txns[p.TxnID]
	switch {
	case p.TxnID == "":
		return nil, kerr.InvalidRequest
	case t == nil || t.producerID != p.ID:
		return nil, kerr.InvalidProducerIDMapping
	case t.epoch != p.Epoch || p.Epoch == math.MaxInt16:
		return nil, kerr.ProducerFenced
	}
	return t, nil
}

// open is find for what may only happen while no transaction completes. That
// comes first: when the epochs have run out, the producer may already use an
// id that is its own only after completion (KIP-890).
func (x *Coordinator) open(p Producer) (*transaction, *kerr.Error) {
	if t := x.txns[p.TxnID]; t != nil && t.completing() {
		return nil, kerr.ConcurrentTransactions
	}
	return x.find(p)
}

// changed is called after every change of a transaction that can be seen.
func (x *Coordinator) changed(t *transaction) {
	t.updated = x.agenda.Now()
	for _, f := range x.watchers {
		f(t.id)
	}
}

// Defaults of Kafka's broker configs.
const (
	defaultMaxTimeout = 15 * time.Minute
	defaultExpiration = 7 * 24 * time.Hour
)

// duration reads a config that is given in milliseconds.
func (x *Coordinator) duration(name string, otherwise time.Duration) time.Duration {
	ms, err := strconv.ParseInt(x.cluster.Setting(name), 10, 64)
	if err != nil || ms <= 0 || ms > math.MaxInt64/int64(time.Millisecond) {
		return otherwise
	}
	return time.Duration(ms) * time.Millisecond
}

// olden replaces PRODUCER_FENCED for clients that know only the older name of
// the same fate (KIP-588).
func olden(err *kerr.Error, isOld bool) *kerr.Error {
	if isOld && err == kerr.ProducerFenced {
		return kerr.InvalidProducerEpoch
	}
	return err
}
