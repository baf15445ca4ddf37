// DescribeTransactions and ListTransactions.

package txn

import (
	"maps"
	"regexp"
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/pattern"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// offsetsTopic holds what groups commit.
const offsetsTopic = "__consumer_offsets"

// DescribeTransactions answers DescribeTransactions 0 (KIP-664).
func (x *Coordinator) DescribeTransactions(c *call.Call, req *kmsg.DescribeTransactionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeTransactionsResponse)
	for _, id := range req.TransactionalIDs {
		resp.TransactionStates = append(resp.TransactionStates, x.describe(c, id))
	}
	return resp
}

func (x *Coordinator) describe(c *call.Call, id string) kmsg.DescribeTransactionsResponseTransactionState {
	d := kmsg.NewDescribeTransactionsResponseTransactionState()
	d.TransactionalID = id
	if !c.AllowsTxn(kmsg.ACLOperationDescribe, id) {
		d.ErrorCode = kerr.TransactionalIDAuthorizationFailed.Code
		return d
	}
	if id == "" {
		d.ErrorCode = kerr.InvalidRequest.Code
		return d
	}
	if err := x.cluster.CoordinatorError(c.Broker, id); err != nil {
		d.ErrorCode = err.Code
		return d
	}
	t := x.txns[id]
	if t == nil {
		d.ErrorCode = kerr.TransactionalIDNotFound.Code
		return d
	}
	d.State = string(t.state)
	d.TimeoutMillis = int32(t.timeout.Milliseconds())
	d.StartTimestamp = t.startMillis()
	d.ProducerID, d.ProducerEpoch = t.producerID, t.epoch
	for _, p := range x.touched(t) {
		if !c.AllowsTopic(kmsg.ACLOperationDescribe, p.Topic) {
			continue
		}
		if n := len(d.Topics); n == 0 || d.Topics[n-1].Topic != p.Topic {
			topic := kmsg.NewDescribeTransactionsResponseTransactionStateTopic()
			topic.Topic = p.Topic
			d.Topics = append(d.Topics, topic)
		}
		last := &d.Topics[len(d.Topics)-1]
		last.Partitions = append(last.Partitions, p.Index)
	}
	return d
}

// startMillis is when the transaction began, as it is told; -1 if there is
// none.
func (t *transaction) startMillis() int64 {
	if t.start.IsZero() {
		return -1
	}
	return t.start.UnixMilli()
}

// touched returns the partitions of the transaction, in order; a group is one
// of __consumer_offsets.
func (x *Coordinator) touched(t *transaction) []Partition {
	all := t.sortedPartitions()
	for g := range t.groups {
		all = append(all, Partition{offsetsTopic, x.cluster.OffsetsPartition(g)})
	}
	slices.SortFunc(all, Partition.compare)
	return slices.Compact(all)
}

// ListTransactions answers ListTransactions 0 to 2 (KIP-664, KIP-994,
// KIP-1152) for the ids that the broker coordinates.
func (x *Coordinator) ListTransactions(c *call.Call, req *kmsg.ListTransactionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListTransactionsResponse)
	f := filter{req: req}
	for _, name := range req.StateFilters {
		if slices.Contains(stateNames, State(name)) {
			f.states = append(f.states, State(name))
		} else {
			resp.UnknownStateFilters = append(resp.UnknownStateFilters, name)
		}
	}
	if p := req.TransactionalIDPattern; p != nil && *p != "" {
		var err error
		if f.pattern, err = pattern.Whole(*p); err != nil {
			resp.ErrorCode = kerr.InvalidRegularExpression.Code
			return resp
		}
	}
	for _, id := range slices.Sorted(maps.Keys(x.txns)) {
		t := x.txns[id]
		if x.cluster.CoordinatorError(c.Broker, id) != nil || !f.keeps(t, x.agenda.Now().UnixMilli()) ||
			!c.AllowsTxn(kmsg.ACLOperationDescribe, id) {
			continue
		}
		s := kmsg.NewListTransactionsResponseTransactionState()
		s.TransactionalID, s.ProducerID, s.TransactionState = id, t.producerID, string(t.state)
		resp.TransactionStates = append(resp.TransactionStates, s)
	}
	return resp
}

// A filter is what a ListTransactions asks for.
type filter struct {
	req     *kmsg.ListTransactionsRequest
	states  []State
	pattern *regexp.Regexp
}

// keeps reports whether the transaction is asked for. A request that names
// only states nobody knows asks for nothing.
func (f *filter) keeps(t *transaction, nowMillis int64) bool {
	switch {
	case len(f.req.StateFilters) > 0 && !slices.Contains(f.states, t.state),
		len(f.req.ProducerIDFilters) > 0 && !slices.Contains(f.req.ProducerIDFilters, t.producerID),
		f.pattern != nil && !f.pattern.MatchString(t.id):
		return false
	}
	// Kafka takes a transactional id without a transaction for one that began
	// long ago.
	longest := f.req.DurationFilterMillis
	return f.req.Version < 1 || longest < 0 || nowMillis-t.startMillis() > longest
}
