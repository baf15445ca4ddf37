// Reads that must see everything: a quorum is asked how far the log is.

package commitlog

import (
	"encoding/binary"

	"go.etcd.io/raft/v3"
)

// reads are those who wait to learn up to which index they must read. All who
// came while a round was under way share the next one.
type reads struct {
	waiting []chan<- readIndex // not yet in a round
	asked   []chan<- readIndex // in the round under way
	round   uint64
	age     int // ticks since the round began
}

type readIndex struct {
	index uint64
	err   error
}

// ask begins a round, unless one is under way or nobody waits.
func (k *core) ask() {
	r := &k.reads
	if len(r.asked) > 0 || len(r.waiting) == 0 {
		return
	}
	r.asked, r.waiting = r.waiting, nil
	k.askAgain()
}

// askAgain sends the round's question; the earlier one may have been lost.
func (k *core) askAgain() {
	r := &k.reads
	r.round++
	r.age = 0
	k.raft.ReadIndex(binary.BigEndian.AppendUint64(nil, r.round))
}

// tick asks again when there was no answer for a while.
func (k *core) tickReads(patience int) {
	r := &k.reads
	if len(r.asked) == 0 {
		return
	}
	if r.age++; r.age > patience {
		k.askAgain()
	}
}

// take takes Raft's answers. One to an earlier question of the round would be
// too old for those who came meanwhile.
func (r *reads) take(states []raft.ReadState) {
	for _, s := range states {
		if len(s.RequestCtx) != 8 || binary.BigEndian.Uint64(s.RequestCtx) != r.round {
			continue
		}
		for _, c := range r.asked {
			c <- readIndex{index: s.Index}
		}
		r.asked = nil
	}
}

func (r *reads) fail(why error) {
	for _, c := range append(r.asked, r.waiting...) {
		c <- readIndex{err: why}
	}
	r.asked, r.waiting = nil, nil
}
