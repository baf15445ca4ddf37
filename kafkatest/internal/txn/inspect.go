// What a test sees of transactions, and how it holds them.

package txn

import (
	"maps"
	"slices"
	"time"
)

// A Snapshot is what is known of a transactional id at an instant.
type Snapshot struct {
	TxnID      string
	State      State
	ProducerID int64
	Epoch      int16
	Partitions []Partition // whose markers are missing, in order
	Groups     []string
	Start      time.Time // of the latest transaction; zero if there was none
	Timeout    time.Duration
}

// Snapshot returns what is known of a transactional id, or false.
func (x *Coordinator) Snapshot(txnID string) (Snapshot, bool) {
	t := x.txns[txnID]
	if t == nil {
		return Snapshot{}, false
	}
	return Snapshot{
		TxnID: t.id, State: t.state, ProducerID: t.producerID, Epoch: t.epoch,
		Partitions: t.sortedPartitions(), Groups: t.sortedGroups(), Start: t.start, Timeout: t.timeout,
	}, true
}

// All returns what is known of every transactional id, by its name.
func (x *Coordinator) All() (all []Snapshot) {
	for _, id := range slices.Sorted(maps.Keys(x.txns)) {
		s, _ := x.Snapshot(id)
		all = append(all, s)
	}
	return all
}

// Watch has f called with the name of a transactional id after each change of
// it. f must not call back.
func (x *Coordinator) Watch(f func(txnID string)) { x.watchers = append(x.watchers, f) }

// HoldCompletion keeps the transactional id's transactions from completing:
// they are decided, but no marker is written, and the producer is told
// CONCURRENT_TRANSACTIONS when it goes on. It holds for an id that nobody has
// used yet, too. Release writes the markers that were held back, unless
// another hold remains; further calls of it do nothing.
func (x *Coordinator) HoldCompletion(txnID string) (release func()) {
	x.holds[txnID]++
	released := false
	return func() {
		if released {
			return
		}
		released = true
		x.holds[txnID]--
		if x.holds[txnID] > 0 {
			return
		}
		delete(x.holds, txnID)
		if t := x.txns[txnID]; t != nil {
			x.complete(t)
		}
	}
}

// Disconnected forgets what was kept for a connection's sake.
func (x *Coordinator) Disconnected(conn string) { delete(x.ids.drawn, conn) }
