// Catching up: who is far behind fetches whole segments instead of entries.

package commitlog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/rehearse-go/rehearse/commitlog/internal/ledger"
	"github.com/rehearse-go/rehearse/commitlog/internal/peer"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// fetches are the segments under way, from this node and to it.
type fetches struct {
	running sync.WaitGroup

	mu      sync.Mutex
	serving map[uint64]int // streams to a node
}

func (f *fetches) wait() { f.running.Wait() }

// serve notes that a stream to a node begins, and returns what ends it.
func (f *fetches) serve(id uint64) (end func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.serving == nil {
		f.serving = map[uint64]int{}
	}
	f.serving[id]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.serving[id]--
	}
}

func (f *fetches) serves(id uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.serving[id] > 0
}

// fetched is what became of fetching what an offer named.
type fetched struct {
	from   peer.Hello
	offer  *raftpb.Message
	staged *wal.Staged
	err    error
}

// fetch begins to fetch what a leader offers. One at a time: the leader offers
// again.
func (n *Node) fetch(from peer.Hello, m *raftpb.Message) {
	k := n.core
	meta := m.GetSnapshot().GetMetadata()
	if k.fetching || meta.GetIndex() <= k.ledger.Committed().Index {
		if !k.fetching {
			k.step(m) // Raft tells the leader that there is no need
		}
		return
	}
	if _, err := parseOffer(m.GetSnapshot()); err != nil {
		n.config.Logger.Warn("an offer of segments is refused", "from", from.Name, "error", err)
		return
	}
	k.fetching = true
	request := binary.AppendUvarint(nil, k.ledger.Committed().Index)
	request = binary.AppendUvarint(request, meta.GetIndex())
	n.fetches.running.Go(func() {
		f := fetched{from: from, offer: m}
		f.staged, f.err = n.pull(from, request)
		select {
		case n.fetched <- f:
		case <-n.stopped:
			if f.staged != nil {
				f.staged.Discard()
			}
		}
	})
}

// pull fetches segments into a place beside the log.
func (n *Node) pull(from peer.Hello, request []byte) (*wal.Staged, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n.fetches.running.Go(func() {
		select {
		case <-n.stopped:
			cancel()
		case <-ctx.Done():
		}
	})
	stream, err := n.links.Fetch(ctx, from.Addr, request)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	return n.log.Import(stream)
}

// takeFetched gives Raft the offer, now that what it names is here.
func (n *Node) takeFetched(f fetched) {
	k := n.core
	k.fetching = false
	if k.failed != nil && f.staged != nil {
		f.staged.Discard()
		return
	}
	if f.err != nil {
		n.config.Logger.Warn("fetching segments failed; the leader will offer them again",
			"from", f.from.Name, "error", f.err)
		return
	}
	last, _ := f.staged.Last()
	if last != f.offer.GetSnapshot().GetMetadata().GetIndex() {
		f.staged.Discard() // it is not what was offered
		return
	}
	k.staged[last] = f.staged
	k.step(f.offer)
	k.settle()
	if _, unused := k.staged[last]; unused {
		delete(k.staged, last)
		f.staged.Discard() // the log has come as far by itself, or another leader's offer counts
		return
	}
	k.say(Event{Kind: Fetched, Index: last, Node: f.from.Name})
}

// restore begins a new ledger behind fetched segments.
func (k *core) restore(s *raftpb.Snapshot) {
	index := s.GetMetadata().GetIndex()
	staged := k.staged[index]
	o, err := parseOffer(s)
	if staged == nil || err != nil {
		k.fail(Latched{fmt.Errorf("commitlog: segments up to %d were not fetched (%w)", index, err)})
		return
	}
	checkpoint, err := ledger.ParseCheckpoint(staged.Checkpoint())
	if err != nil {
		k.fail(Latched{err})
		return
	}
	before := k.ledger.Config
	for i := k.ledger.Committed().Index + 1; i <= k.ledger.Last().Index; i++ {
		m, _ := k.ledger.Mark(i)
		k.behind = append(k.behind, m)
	}
	k.put = true
	k.produce.uncertain(k.leading(), errNoLonger)
	k.ledger = ledger.Open(checkpoint, ledger.Mark{
		Index: index, Term: s.GetMetadata().GetTerm(), Offset: staged.Next(),
	})
	k.ledger.Config = o.config
	if err := k.ledger.Commit(index); err != nil { // what the checkpoint says is pending
		k.fail(Latched{err})
		return
	}
	k.storage.ledger = k.ledger
	k.sayMembers(before, o.config)
}

// restored is told that the segments are in their place.
func (k *core) restored() {
	k.applied, k.low = k.ledger.Committed(), k.ledger.Low
	k.storage.applied = k.applied.Index
	gone := slices.IndexFunc(k.behind, func(m ledger.Mark) bool {
		is, err := k.log.Term(m.Index)
		return is != m.Term && !errors.As(err, new(wal.Compacted))
	})
	if gone >= 0 {
		k.replaced(k.behind[gone:], k.term)
	}
	k.put, k.behind = false, nil
}

// serveSegments sends a node the segments that it asks for.
func (n *Node) serveSegments(ctx context.Context, from peer.Hello, request []byte, w io.Writer) error {
	defer n.fetches.serve(from.ID)()
	after, size := binary.Uvarint(request)
	if size <= 0 {
		return errors.New("commitlog: a request for segments that says nothing")
	}
	through, size := binary.Uvarint(request[size:])
	if size <= 0 {
		return errors.New("commitlog: a request for segments that ends too early")
	}
	export, err := n.log.Export(after, through)
	if err != nil {
		return err
	}
	_, err = export.WriteTo(w)
	if err != nil {
		id := from.ID
		_ = n.call(ctx, func(k *core) { k.raft.ReportSnapshot(id, raft.SnapshotFailure) })
	}
	return err
}

// offered notes that a node was offered segments.
func (k *core) offered(id uint64, patience int) {
	if k.offers == nil {
		k.offers = map[uint64]int{}
	}
	k.offers[id] = 3 * patience
}

// tickOffers tells Raft of nodes that did not come for what they were offered.
func (n *Node) tickOffers() {
	k := n.core
	for id := range k.offers {
		if n.fetches.serves(id) {
			k.offers[id] = 3 * n.config.Election
			continue
		}
		if k.offers[id]--; k.offers[id] <= 0 {
			delete(k.offers, id)
			k.raft.ReportSnapshot(id, raft.SnapshotFailure)
		}
	}
}

// hotSegments is how many segments at the end are sent entry by entry.
const hotSegments = 3

// setFloor moves the index below which entries are not sent singly.
func (k *core) setFloor() {
	segments := k.log.Segments()
	if len(segments) <= hotSegments {
		return
	}
	floor := segments[len(segments)-hotSegments].First
	k.storage.floor = max(k.storage.floor, min(floor, k.applied.Index+1))
}
