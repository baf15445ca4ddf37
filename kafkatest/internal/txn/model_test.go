// Random histories, held against what must be true of every history.

package txn_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/txn"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A model remembers what producers were told, for each transactional id.
type model struct {
	*cluster
	rng     *rand.Rand
	version map[string]int16 // of EndTxn
	known   map[string][]txn.Producer
	touched map[string]map[txn.Partition]bool // by the open transaction
	owed    map[string][]string               // the markers that its end owes
	epochs  map[int64]int16                   // the highest epoch seen
	written map[string]int                    // how often each marker was written
	holds   map[string]func()
}

func (m *model) pick() (string, txn.Producer) {
	id := fmt.Sprint("tx", m.rng.IntN(3))
	known := m.known[id]
	if len(known) == 0 || m.rng.IntN(10) == 0 {
		return id, txn.Producer{TxnID: id}
	}
	back := 0
	if m.rng.IntN(4) == 0 {
		back = m.rng.IntN(len(known))
	}
	return id, known[len(known)-1-back]
}

// ended notes that the transaction of an id was decided: it owes its markers.
func (m *model) ended(id string, commit bool) {
	s, _ := m.x.Snapshot(id)
	for p := range m.touched[id] {
		m.owed[id] = append(m.owed[id], fmt.Sprint(s.ProducerID, s.Epoch, p, commit))
	}
	m.touched[id] = map[txn.Partition]bool{}
}

func (m *model) step() {
	id, p := m.pick()
	before, _ := m.x.Snapshot(id)
	switch m.rng.IntN(8) {
	case 0, 1:
		m.initStep(id, p, before)
	case 2, 3, 4:
		partition := int32(m.rng.IntN(4))
		if err := m.add(3, p, partition); err == nil {
			m.touched[id][txn.Partition{Topic: "a", Index: partition}] = true
		}
	case 5:
		commit := m.rng.IntN(2) == 0
		q, err := m.end(m.version[id], p, commit)
		if err == nil && q != p {
			m.known[id] = append(m.known[id], q)
		}
	case 6:
		if release := m.holds[id]; release != nil {
			delete(m.holds, id)
			release()
		} else {
			m.holds[id] = m.x.HoldCompletion(id)
		}
	case 7:
		m.pass(time.Duration(m.rng.IntN(40)) * time.Second)
	}
}

func (m *model) initStep(id string, p txn.Producer, before txn.Snapshot) {
	q, err := m.initAs(5, p)
	if err == nil {
		m.known[id] = append(m.known[id], q)
		return
	}
	if err == error(kerr.ConcurrentTransactions) && before.State == txn.Ongoing && m.state(id) == txn.Ongoing {
		m.t.Errorf("%s goes on after a new owner asked for it", id)
	}
}

// watch checks what holds of every change.
func (m *model) watch(id string) {
	s, _ := m.x.Snapshot(id)
	if s.Epoch < m.epochs[s.ProducerID] {
		m.t.Errorf("%s: the epoch of %d fell from %d to %d", id, s.ProducerID, m.epochs[s.ProducerID], s.Epoch)
	}
	m.epochs[s.ProducerID] = s.Epoch
	switch s.State {
	case txn.PrepareAbort:
		m.ended(id, false)
	case txn.PrepareCommit:
		m.ended(id, true)
	case txn.CompleteAbort, txn.CompleteCommit:
		for _, marker := range m.owed[id] {
			if m.written[marker] != 1 {
				m.t.Errorf("%s is complete and marker %s was written %d times", id, marker, m.written[marker])
			}
			delete(m.written, marker)
		}
		delete(m.owed, id)
		if len(s.Partitions) > 0 {
			m.t.Errorf("%s is complete and keeps %v", id, s.Partitions)
		}
	}
}

func TestMarkersAreWrittenOncePerPartitionAndTransaction(t *testing.T) {
	for seed := range uint64(50) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := &model{
				cluster: start(t), rng: rand.New(rand.NewPCG(seed, 1)),
				version: map[string]int16{"tx0": 4, "tx1": 5, "tx2": 5},
				known:   map[string][]txn.Producer{}, owed: map[string][]string{}, epochs: map[int64]int16{},
				touched: map[string]map[txn.Partition]bool{"tx0": {}, "tx1": {}, "tx2": {}},
				written: map[string]int{}, holds: map[string]func(){},
			}
			m.markerError = func(k txn.Marker) *kerr.Error {
				if m.rng.IntN(10) == 0 {
					return kerr.NotLeaderForPartition
				}
				m.written[fmt.Sprint(k.ProducerID, k.Epoch, k.Partition, k.Commit)]++
				return nil
			}
			m.x.Watch(m.watch)
			for range 600 {
				m.step()
			}
			for _, release := range m.holds {
				release()
			}
			for range 600 {
				m.pass(time.Second)
			}
			for marker, n := range m.written {
				t.Errorf("marker %s was written %d times and owed by nothing", marker, n)
			}
			for _, s := range m.x.All() {
				if s.State == txn.Ongoing || s.State == txn.PrepareAbort || s.State == txn.PrepareCommit {
					t.Errorf("%s is %s after everything timed out", s.TxnID, s.State)
				}
			}
		})
	}
}
