// Reads that must see everything: a quorum is asked how far the log is.

package commitlog

import (
	"context"
	"encoding/binary"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// reads are those who wait to learn up to which index they must read. All who
// came while a round was under way share the next one.
type reads struct {
	waiting []reader // not yet in a round
	asked   []reader // in the round under way
	round   uint64   // begins with the time: an answer to the node's last life must not fit
	age     int      // ticks since the round began
}

// A reader waits for the round's answer, until ctx ends.
type reader struct {
	ctx  context.Context
	told chan<- readIndex // of length 1
}

type readIndex struct {
	index uint64
	err   error
}

// ask begins a round, unless one is under way or nobody waits.
func (k *core) ask() {
	r := &k.reads
	if len(r.asked) > 0 || len(r.waiting) == 0 || k.forgetful() {
		return
	}
	r.asked, r.waiting = r.waiting, nil
	if readAlone && k.ready {
		r.tell(k.commit)
		return
	}
	k.askAgain()
}

// askAgain sends the round's question; the earlier one may have been lost.
func (k *core) askAgain() {
	r := &k.reads
	r.round++
	r.age = 0
	k.raft.ReadIndex(binary.BigEndian.AppendUint64(nil, r.round))
}

// forgetful says that Raft would answer for this node, and too little: it asks
// nobody if there is one voter, who has not committed anything in its term,
// and does not know how much it had committed in its last life.
func (k *core) forgetful() bool {
	return k.role == raft.StateLeader && !k.ready && k.alone()
}

// heedless says that a message of another node must not reach Raft: it is none
// that a node sends, or a question that will be asked again.
func (k *core) heedless(m *raftpb.Message) bool {
	switch m.GetType() {
	case raftpb.MsgReadIndex:
		return len(m.GetEntries()) != 1 || k.forgetful()
	case raftpb.MsgHeartbeatResp:
		return len(m.GetContext()) != 0 && len(m.GetContext()) != 8 // a number, which Raft reads unchecked
	case raftpb.MsgProp:
		return true // batches come to the leader by its clients
	}
	return false
}

// tickReads asks again when there was no answer for a while, for those who
// still wait.
func (k *core) tickReads(patience int) {
	r := &k.reads
	if r.age++; r.age <= patience {
		return
	}
	r.age = 0
	gone := func(q reader) bool { return q.ctx.Err() != nil }
	r.waiting, r.asked = slices.DeleteFunc(r.waiting, gone), slices.DeleteFunc(r.asked, gone)
	if len(r.asked) > 0 && !k.forgetful() {
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
		r.tell(s.Index)
	}
}

// tell answers those of the round.
func (r *reads) tell(index uint64) {
	for _, q := range r.asked {
		q.told <- readIndex{index: index}
	}
	r.asked = nil
}

func (r *reads) fail(why error) {
	for _, q := range append(r.asked, r.waiting...) {
		q.told <- readIndex{err: why}
	}
	r.asked, r.waiting = nil, nil
}
