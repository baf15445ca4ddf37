// What can go wrong, as types that carry what a caller must know.

package commitlog

import (
	"errors"
	"fmt"
)

// ErrClosed is returned by a node that was shut down, or that never ran.
var ErrClosed = errors.New("commitlog: the node is closed")

// An OffsetOutOfRange is returned for an offset that is not in the log: it was
// never written, or retention has removed it.
type OffsetOutOfRange struct {
	Offset    uint64 // what was asked for
	Low, Next uint64 // the first record there is, and the one to be written next
}

// Error names the offset, and what the log holds.
func (e OffsetOutOfRange) Error() string {
	return fmt.Sprintf("commitlog: offset out of range: %d (the log holds %d up to, not including, %d)",
		e.Offset, e.Low, e.Next)
}

// A NotLeader is returned for what only the leader may do. Nothing was done:
// it is safe to try again, at the leader.
type NotLeader struct {
	Leader Leader // who leads, as far as this node knows; its ID may be ""
}

// Error names the leader, if there is one.
func (e NotLeader) Error() string {
	if e.Leader.ID == "" {
		return "commitlog: this node does not lead, and knows no leader"
	}
	return fmt.Sprintf("commitlog: this node does not lead; %s at %s does", e.Leader.ID, e.Leader.Addr)
}

// An Uncertain outcome is that of a batch which this node began to replicate
// and lost sight of: it may be in the log, now or later, or not. A producer
// with an ID sends it again, with the same sequence, and gets its position.
type Uncertain struct {
	Pos    Pos    // where it lies if it is in the log; zero if that is not known
	Leader Leader // who leads now
	Why    error
}

// Error says what is not known, and why.
func (e Uncertain) Error() string {
	return fmt.Sprintf("commitlog: nobody knows whether the batch was committed (index %d, term %d): %v",
		e.Pos.Index, e.Pos.Term, e.Why)
}

// Unwrap returns why the outcome is uncertain.
func (e Uncertain) Unwrap() error { return e.Why }

// A Superseded is returned to who waits for an entry at whose index another
// leader's stands on this node now. It is final if that one is committed. Until
// then a third leader may still bring the first one back, where it reached more
// than one node, so a producer is not told this but that it is [Uncertain].
type Superseded struct {
	Index, Term uint64 // what was waited for
	By          uint64 // the term of the entry in its place
}

// Error names the entry, and the term that has taken its place.
func (e Superseded) Error() string {
	return fmt.Sprintf("commitlog: entry %d of term %d was superseded in term %d; it is not in the log",
		e.Index, e.Term, e.By)
}

// A Latched node's disk has failed a write or a sync. What was acknowledged
// stands; nothing more is, until the node is restarted, since after a failed
// sync nobody can tell what is on the disk.
type Latched struct{ Why error }

// Error says how the disk failed.
func (e Latched) Error() string {
	return fmt.Sprintf("commitlog: the node's disk has failed and it takes no more writes until a restart: %v", e.Why)
}

// Unwrap returns how the disk failed.
func (e Latched) Unwrap() error { return e.Why }

// A Full disk has no room for the batch. Nothing was written; reads go on, and
// so do writes once there is room.
type Full struct{ Why error }

// Error says what the disk said.
func (e Full) Error() string { return fmt.Sprintf("commitlog: the disk is full: %v", e.Why) }

// Unwrap returns what the disk said.
func (e Full) Unwrap() error { return e.Why }

// A WrongCluster is returned when nodes of two clusters meet, or a node finds
// another's directory.
type WrongCluster struct {
	What       string // what belongs to the other cluster: an address, a directory
	Want, Have string // identities, as in "cluster 7f3a…, node n1"
}

// Error names what was met, and both clusters.
func (e WrongCluster) Error() string {
	return fmt.Sprintf("commitlog: %s belongs to %s, not to %s", e.What, e.Have, e.Want)
}

// A WrongSequence is returned to a producer whose batch does not follow its
// last: between the two, one is missing.
type WrongSequence struct {
	Producer, Sequence uint64
	Last               uint64 // the last sequence the log holds of it
}

// Error names the sequence, and the last one.
func (e WrongSequence) Error() string {
	return fmt.Sprintf("commitlog: producer %d sent sequence %d; the last one in the log is %d",
		e.Producer, e.Sequence, e.Last)
}

// A TooLarge batch has more bytes than Config.MaxBatch allows.
type TooLarge struct{ Bytes, Limit int }

// Error names both sizes.
func (e TooLarge) Error() string {
	return fmt.Sprintf("commitlog: a batch of %d bytes; at most %d are allowed", e.Bytes, e.Limit)
}
