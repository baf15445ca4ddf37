// From batches that wait to groups in the log: one entry for all that came while the last was stored.

package commitlog

import (
	"errors"
	"maps"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/rehearse-go/rehearse/commitlog/internal/ledger"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// A proposal is a batch on its way, and who waits for it.
type proposal struct {
	batch    wal.Encoded
	producer uint64
	sequence uint64
	done     chan outcome // of length 1: answering never blocks
	first    uint64       // its first record's number in the group
}

type outcome struct {
	pos Pos
	err error
}

// answer says what became of a proposal; what is said first counts.
func (p *proposal) answer(pos Pos, err error) {
	select {
	case p.done <- outcome{pos, err}:
	default:
	}
}

// produce holds what producers wait for.
type produce struct {
	waiting []*proposal
	bytes   int // of what waits

	offered []*proposal       // of the group that Raft was offered just now
	size    int               // of that group
	flying  map[uint64]*group // in the log, by index, not yet committed
	told    []told            // to be answered once others can see it
}

// told says where a batch lies that is committed.
type told struct {
	*proposal
	pos Pos
}

// A group is the proposals of one entry.
type group struct {
	term      uint64
	proposals []*proposal
}

// maxGroup is how many bytes of records make one entry, unless one batch alone
// has more.
const maxGroup = 1 << 20

func newProduce() produce { return produce{flying: map[uint64]*group{}} }

// add takes a proposal in.
func (p *produce) add(q *proposal) {
	p.waiting = append(p.waiting, q)
	p.bytes += q.batch.Len()
}

// propose offers Raft what waits, if the disk is done with the group before.
func (k *core) propose(now time.Time) {
	p := &k.produce
	for len(p.waiting) > 0 {
		if k.role != raft.StateLeader {
			p.refuse(NotLeader{k.leading()})
			return
		}
		if len(k.storing) > 0 || !k.offer(now) {
			return
		}
	}
}

// offer offers one group and says whether Raft took it.
func (k *core) offer(now time.Time) bool {
	p := &k.produce
	taken := p.take(k)
	if len(p.offered) == 0 {
		p.drop(taken)
		return true
	}
	if now.Before(k.ledger.Newest) {
		now = k.ledger.Newest // time never goes back in the log, whoever leads
	}
	batches := make([]wal.Encoded, len(p.offered))
	size := 1
	for i, q := range p.offered {
		batches[i] = q.batch
		size += q.batch.Len()
	}
	data := wal.AppendGroup(make([]byte, 0, size), now, batches...)
	p.size = len(data)
	err := k.raft.Propose(data)
	if errors.Is(err, raft.ErrProposalDropped) && k.role == raft.StateLeader {
		p.putBack(taken)
		return false // too much is uncommitted, or leadership is being handed over: they wait
	}
	p.drop(taken)
	k.settle()
	for _, q := range p.offered { // Raft took the group, and then it was no leader any more
		q.answer(Pos{}, NotLeader{k.leading()})
	}
	p.offered = nil
	return true
}

// take chooses from the front of what waits, and returns how many it has seen:
// repetitions and batches out of turn are answered, or wait for the first copy.
func (p *produce) take(k *core) (taken int) {
	p.offered = nil
	size, first := 0, uint64(0)
	fresh := map[uint64]uint64{} // the last sequence of producers in this group
	for _, q := range p.waiting {
		if size > 0 && size+q.batch.Len() > maxGroup {
			break
		}
		last, again := fresh[q.producer]
		again = again && q.producer != 0
		if again && q.sequence != last+1 {
			break // judged once the ledger knows the batches of this group
		}
		taken++
		if again || k.judge(q) {
			q.first = first
			first += uint64(q.batch.Count())
			size += q.batch.Len()
			fresh[q.producer] = q.sequence
			p.offered = append(p.offered, q)
		}
	}
	return taken
}

// judge says whether a proposal is new; if not, it is answered, now or when
// the first copy is committed.
func (k *core) judge(q *proposal) bool {
	verdict, at := k.ledger.Producers.Judge(q.producer, q.sequence)
	switch verdict {
	case ledger.New:
		return true
	case ledger.OutOfTurn, ledger.Forgotten:
		q.answer(Pos{}, WrongSequence{q.producer, q.sequence, at.Sequence})
		return false
	}
	mark, flying := k.ledger.Mark(at.Index)
	if !flying || at.Index <= k.ledger.Committed().Index {
		term, _ := k.log.Term(at.Index) // 0 if retention has removed it
		k.produce.told = append(k.produce.told, told{q, Pos{at.Offset, at.Index, term}})
		return false
	}
	q.first = at.Offset - mark.Offset
	g := k.produce.flying[at.Index]
	if g == nil {
		g = &group{term: mark.Term}
		k.produce.flying[at.Index] = g
	}
	g.proposals = append(g.proposals, q)
	return false
}

// drop forgets the first n of what waits.
func (p *produce) drop(n int) {
	for _, q := range p.waiting[:n] {
		p.bytes -= q.batch.Len()
	}
	p.waiting = append(p.waiting[:0], p.waiting[n:]...)
}

// putBack lets what was offered wait again. What else was taken is answered,
// or waits for the first copy.
func (p *produce) putBack(taken int) {
	p.drop(taken)
	for _, q := range p.offered {
		p.bytes += q.batch.Len()
	}
	p.waiting, p.offered = slices.Concat(p.offered, p.waiting), nil
}

// appended notes where the group lies that was offered: it is the first entry
// after it was, unless Raft did not take it.
func (p *produce) appended(e wal.Entry) {
	if p.offered == nil || e.Type != byte(raftpb.EntryNormal) || len(e.Data) != p.size {
		return
	}
	p.flying[e.Index] = &group{e.Term, p.offered}
	p.offered = nil
}

// committed notes for whom the entry at the mark is theirs, and answers those
// for whom it is not.
func (p *produce) committed(at ledger.Mark) {
	g := p.flying[at.Index]
	if g == nil {
		return
	}
	delete(p.flying, at.Index)
	for _, q := range g.proposals {
		if g.term != at.Term && !skipTermCheck {
			q.answer(Pos{}, Superseded{at.Index, g.term, at.Term})
			continue
		}
		p.told = append(p.told, told{q, Pos{at.Offset + q.first, at.Index, at.Term}})
	}
}

// tell answers those whose batches are committed: by now they can be read.
func (p *produce) tell() {
	for _, q := range p.told {
		q.answer(q.pos, nil)
	}
	clear(p.told)
	p.told = p.told[:0]
}

// replaced answers those whose entry is not in this node's log any more. That
// says little: another node may have it still, come to lead, and commit it.
func (p *produce) replaced(at ledger.Mark, now Leader) {
	g := p.flying[at.Index]
	if g == nil || skipTermCheck {
		return
	}
	delete(p.flying, at.Index)
	for _, q := range g.proposals {
		q.answer(Pos{}, Uncertain{Pos{Index: at.Index, Term: g.term}, now, errNoLonger})
	}
}

var errNoLonger = errors.New("the node no longer leads")

// lost answers everybody once the node leads no longer.
func (p *produce) lost(now Leader) {
	if !skipTermCheck {
		p.uncertain(now, errNoLonger)
	}
	p.refuse(NotLeader{now})
}

func (p *produce) uncertain(now Leader, why error) {
	for _, index := range slices.Sorted(maps.Keys(p.flying)) {
		for _, q := range p.flying[index].proposals {
			q.answer(Pos{}, Uncertain{Pos{Index: index, Term: p.flying[index].term}, now, why})
		}
	}
	clear(p.flying)
}

// refuse answers those that wait, of whose batches nothing was done.
func (p *produce) refuse(why error) {
	for _, q := range p.waiting {
		q.answer(Pos{}, why)
	}
	p.waiting, p.bytes = nil, 0
}

// fail answers everybody when the node can write no more.
func (p *produce) fail(why error) {
	p.uncertain(Leader{}, why)
	p.refuse(why)
	for _, q := range p.offered { // Raft may have it, and failed before it said so
		q.answer(Pos{}, Uncertain{Why: why})
	}
	p.offered = nil
}
