// A cluster round the coordinator that writes down what it is told.

package txn_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/txn"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A cluster has topics a and b of four partitions each, led by broker 1, which
// coordinates every transactional id but those that coordinators names.
type cluster struct {
	t            *testing.T
	x            *txn.Coordinator
	agenda       *call.Agenda
	coordinators map[string]*kerr.Error
	settings     map[string]string
	deny         func(op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool
	markerError  func(txn.Marker) *kerr.Error
	log          []string // markers and ends of groups' transactions
	conn         string
}

func start(t *testing.T) *cluster {
	c := &cluster{
		t: t, agenda: call.NewAgenda(time.Unix(1000, 0)), conn: "conn-1",
		coordinators: map[string]*kerr.Error{}, settings: map[string]string{},
	}
	c.x = txn.New(c, c.agenda, 7)
	return c
}

func (c *cluster) CoordinatorError(_ int32, txnID string) *kerr.Error { return c.coordinators[txnID] }
func (c *cluster) CoordinatorEpoch(string) int32                      { return 3 }
func (c *cluster) OffsetsPartition(group string) int32                { return int32(len(group)) }
func (c *cluster) Setting(name string) string                         { return c.settings[name] }

func (c *cluster) PartitionError(topic string, partition int32) *kerr.Error {
	if topic != "a" && topic != "b" || partition < 0 || partition >= 4 {
		return kerr.UnknownTopicOrPartition
	}
	return nil
}

func (c *cluster) LeaderError(broker int32, topic string, partition int32) *kerr.Error {
	if broker != 1 {
		return kerr.NotLeaderForPartition
	}
	return c.PartitionError(topic, partition)
}

func (c *cluster) WriteMarker(m txn.Marker) *kerr.Error {
	if c.markerError != nil {
		if err := c.markerError(m); err != nil {
			return err
		}
	}
	c.log = append(c.log, fmt.Sprintf("%s-%d epoch %d commit %t by %d", m.Topic, m.Index, m.Epoch, m.Commit,
		m.CoordinatorEpoch))
	return nil
}

func (c *cluster) EndGroupTxn(group string, _ int64, epoch int16, commit bool) {
	c.log = append(c.log, fmt.Sprintf("group %s epoch %d commit %t", group, epoch, commit))
}

func (c *cluster) call() *call.Call {
	x := &call.Call{Broker: 1, Conn: c.conn, ClientID: "app", Agenda: c.agenda, Now: c.agenda.Now()}
	if c.deny != nil {
		x.Allow = func(op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool {
			return !c.deny(op, kind, name)
		}
		x.AllowAny = func(op kmsg.ACLOperation, kind kmsg.ACLResourceType) bool { return !c.deny(op, kind, "") }
	}
	return x
}

// initAs sends an InitProducerId of a version, as the given producer if it
// has an id.
func (c *cluster) initAs(version int16, p txn.Producer) (txn.Producer, error) {
	req := kmsg.NewInitProducerIDRequest()
	req.Version, req.TransactionTimeoutMillis = version, 60_000
	req.TransactionalID = &p.TxnID
	if p.ID != 0 {
		req.ProducerID, req.ProducerEpoch = p.ID, p.Epoch
	}
	resp := c.x.InitProducerID(c.call(), &req).(*kmsg.InitProducerIDResponse)
	return txn.Producer{TxnID: p.TxnID, ID: resp.ProducerID, Epoch: resp.ProducerEpoch},
		kerr.ErrorForCode(resp.ErrorCode)
}

// init returns a new owner of the transactional id.
func (c *cluster) init(txnID string) txn.Producer {
	c.t.Helper()
	p, err := c.initAs(5, txn.Producer{TxnID: txnID})
	c.want(err, nil)
	return p
}

// add sends an AddPartitionsToTxn for partitions of topic a.
func (c *cluster) add(version int16, p txn.Producer, partitions ...int32) error {
	req := kmsg.NewAddPartitionsToTxnRequest()
	req.Version, req.TransactionalID, req.ProducerID, req.ProducerEpoch = version, p.TxnID, p.ID, p.Epoch
	topic := kmsg.NewAddPartitionsToTxnRequestTopic()
	topic.Topic, topic.Partitions = "a", partitions
	req.Topics = append(req.Topics, topic)
	resp := c.x.AddPartitionsToTxn(c.call(), &req).(*kmsg.AddPartitionsToTxnResponse)
	return kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
}

func (c *cluster) addGroup(version int16, p txn.Producer, group string) error {
	req := kmsg.NewAddOffsetsToTxnRequest()
	req.Version, req.TransactionalID, req.ProducerID, req.ProducerEpoch = version, p.TxnID, p.ID, p.Epoch
	req.Group = group
	resp := c.x.AddOffsetsToTxn(c.call(), &req).(*kmsg.AddOffsetsToTxnResponse)
	return kerr.ErrorForCode(resp.ErrorCode)
}

// end sends an EndTxn and returns who the producer is now.
func (c *cluster) end(version int16, p txn.Producer, commit bool) (txn.Producer, error) {
	req := kmsg.NewEndTxnRequest()
	req.Version, req.TransactionalID, req.ProducerID, req.ProducerEpoch = version, p.TxnID, p.ID, p.Epoch
	req.Commit = commit
	resp := c.x.EndTxn(c.call(), &req).(*kmsg.EndTxnResponse)
	if version >= 5 && resp.ErrorCode == 0 {
		p.ID, p.Epoch = resp.ProducerID, resp.ProducerEpoch
	}
	return p, kerr.ErrorForCode(resp.ErrorCode)
}

func (c *cluster) pass(d time.Duration) { c.agenda.Tick(c.agenda.Now().Add(d)) }

func (c *cluster) state(txnID string) txn.State {
	s, _ := c.x.Snapshot(txnID)
	return s.State
}

func (c *cluster) want(got error, want *kerr.Error) {
	c.t.Helper()
	if want == nil && got != nil || want != nil && got != error(want) {
		c.t.Errorf("got %v, want %v", got, want)
	}
}

// wantError is want for what returns *kerr.Error.
func (c *cluster) wantError(got, want *kerr.Error) {
	c.t.Helper()
	if got != want {
		c.t.Errorf("got %v, want %v", got, want)
	}
}

func (c *cluster) wantLog(want ...string) {
	c.t.Helper()
	if !slices.Equal(c.log, want) {
		c.t.Errorf("wrote %q\nwant  %q", c.log, want)
	}
	c.log = nil
}

func (c *cluster) wantState(txnID string, want txn.State) {
	c.t.Helper()
	if got := c.state(txnID); got != want {
		c.t.Errorf("%s is %s, want %s", txnID, got, want)
	}
}

// exhaust raises the epoch of the transactional id to the last.
func (c *cluster) exhaust(txnID string) txn.Producer {
	c.t.Helper()
	p := c.init(txnID)
	for p.Epoch < 32766 {
		p = c.init(txnID)
	}
	return p
}
