// What can be done to a request before the state is entered.

package state

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A preparedBatch is what a Produce request has for one partition, checked as
// far as that needs no state.
type preparedBatch struct {
	checked batch.Checked
	fault   *batch.Fault
}

// Prepare does the part of the work that a request makes which needs no state:
// checksums, and what is compressed. Its result goes into call.Call.Prepared.
// It is safe to call without the lock; a request that was not prepared is
// prepared by its handler.
func Prepare(req kmsg.Request) any {
	produce, ok := req.(*kmsg.ProduceRequest)
	if !ok {
		return nil
	}
	return prepareProduce(produce)
}

// prepareProduce returns what the partitions of the request have, in the order
// in which they are there.
func prepareProduce(req *kmsg.ProduceRequest) []preparedBatch {
	n := 0
	for i := range req.Topics {
		n += len(req.Topics[i].Partitions)
	}
	all := make([]preparedBatch, 0, n)
	for i := range req.Topics {
		for j := range req.Topics[i].Partitions {
			var b preparedBatch
			b.checked, b.fault = batch.Check(req.Topics[i].Partitions[j].Records, req.Version)
			all = append(all, b)
		}
	}
	return all
}

// isTransactional reports whether some batch is part of a transaction.
func isTransactional(all []preparedBatch) bool {
	for i := range all {
		if b := all[i].checked.Batch; b != nil && b.Transactional() {
			return true
		}
	}
	return false
}
