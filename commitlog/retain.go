// Retention: the leader decides what goes, and writes it into the log.

package commitlog

import (
	"time"

	"go.etcd.io/raft/v3"

	"github.com/rehearse-go/rehearse/commitlog/internal/ledger"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// retain proposes to remove the segments that Config.Retain does not keep.
func (n *Node) retain() {
	k, keep := n.core, n.config.Retain
	k.setFloor()
	if keep == (Retain{}) || !k.ready || k.role != raft.StateLeader {
		return
	}
	segments := k.log.Segments()
	first := keep.first(segments, n.config.Now())
	for first > 0 && segments[first].First > k.applied.Index+1 {
		first--
	}
	if first == 0 || segments[first].Offset <= max(k.ledger.Low, k.trimming) {
		return
	}
	t := ledger.Trim{Index: segments[first].First, Offset: segments[first].Offset}
	if k.raft.Propose(t.Bytes()) == nil {
		k.trimming = t.Offset
	}
}

// first is the number of the first segment that is kept; the last always is.
func (r Retain) first(segments []wal.Segment, now time.Time) int {
	var bytes int64
	for _, s := range segments {
		bytes += s.Bytes
	}
	for i, s := range segments {
		tooMuch := r.Bytes > 0 && bytes > r.Bytes
		tooOld := r.Age > 0 && s.Newest != 0 && now.Sub(time.Unix(0, s.Newest)) > r.Age
		if i == len(segments)-1 || !s.Sealed || !tooMuch && !tooOld {
			return i
		}
		bytes -= s.Bytes
	}
	return 0
}
