// One transactional id: its owner, its state, and what its transaction has touched.

package txn

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
)

// A State is where a transactional id stands between two transactions, by
// Kafka's name.
type State string

// The states that can be seen from outside.
const (
	Empty          State = "Empty"
	Ongoing        State = "Ongoing"
	PrepareCommit  State = "PrepareCommit"
	PrepareAbort   State = "PrepareAbort"
	CompleteCommit State = "CompleteCommit"
	CompleteAbort  State = "CompleteAbort"
)

// stateNames are all that a filter may ask for; Dead and PrepareEpochFence
// pass too quickly in Kafka to be listed, and do not exist here.
var stateNames = []State{
	Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort, "Dead", "PrepareEpochFence",
}

// A Partition of a topic.
type Partition struct {
	Topic string
	Index int32
}

func (p Partition) compare(q Partition) int {
	return cmp.Or(cmp.Compare(p.Topic, q.Topic), cmp.Compare(p.Index, q.Index))
}

// No producer id, and no epoch.
const (
	noID    = -1
	noEpoch = -1
)

// A transaction is what Kafka keeps for a transactional id.
//
// Invariants:
//  1. The epoch never falls while the producer id stays.
//  2. partitions and groups are empty unless the state is Ongoing or
//     Prepare*; each leaves its set when its marker is written.
//  3. deadline is pending exactly while the state is Ongoing.
//  4. nextID is set only from the end of a transaction in the last epoch to
//     its completion (KIP-890).
type transaction struct {
	id         string
	state      State
	producerID int64
	previousID int64
	nextID     int64
	epoch      int16
	lastEpoch  int16 // whose retries are answered; noEpoch if nobody's are
	timeout    time.Duration

	partitions map[Partition]bool
	groups     map[string]bool
	start      time.Time // of the latest transaction; zero if there was none
	updated    time.Time

	deadline *call.Entry
	expiry   *call.Entry
	retry    *call.Entry // of markers that could not be written
}

func newTransaction(id string) *transaction {
	return &transaction{
		id: id, state: Empty, producerID: noID, previousID: noID, nextID: noID, epoch: noEpoch, lastEpoch: noEpoch,
		partitions: map[Partition]bool{}, groups: map[string]bool{},
	}
}

// completing reports whether the transaction's end is decided but its markers
// are not all written.
func (t *transaction) completing() bool { return t.state == PrepareCommit || t.state == PrepareAbort }

// exhausted reports whether an epoch is the last that a producer may have:
// the one above must be left for fencing it.
func exhausted(epoch int16) bool { return epoch >= math.MaxInt16-1 }

// rotate gives the transactional id a new producer id.
func (t *transaction) rotate(id int64) {
	t.previousID, t.producerID, t.epoch = t.producerID, id, 0
}

// bump raises the epoch by one, never beyond the last.
func (t *transaction) bump() {
	if t.epoch < math.MaxInt16 {
		t.epoch++
	}
}

// isRetry reports whether the producer repeats the EndTxn after which its
// epoch was raised (KIP-890): it did not see the answer.
func (t *transaction) isRetry(p Producer) bool {
	if t.lastEpoch == noEpoch || p.Epoch != t.lastEpoch {
		return false
	}
	if t.producerID == p.ID {
		return t.epoch == p.Epoch+1
	}
	return t.previousID == p.ID && exhausted(p.Epoch) && t.epoch == 0
}

// end decides the transaction. What is left is to write the markers.
func (t *transaction) end(commit bool) {
	t.deadline.Stop()
	t.state = PrepareAbort
	if commit {
		t.state = PrepareCommit
	}
}

// finish ends the wait for markers.
func (t *transaction) finish() {
	if t.state == PrepareCommit {
		t.state = CompleteCommit
	} else {
		t.state = CompleteAbort
	}
	if t.nextID != noID {
		t.rotate(t.nextID)
		t.nextID = noID
	}
}

func (t *transaction) sortedPartitions() []Partition {
	return slices.SortedFunc(maps.Keys(t.partitions), Partition.compare)
}

func (t *transaction) sortedGroups() []string { return slices.Sorted(maps.Keys(t.groups)) }
