// The words of the replicated log: positions, leaders, members, what a node tells of itself.

package commitlog

import (
	"time"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// A Record is one thing in the log.
type Record = wal.Record

// A Header is a name and a value beside a record's own.
type Header = wal.Header

// A Batch is what a producer appends at once: all its records or none are in
// the log, one behind the other.
type Batch = wal.Batch

// A Pos is where a batch came to lie: the offset of its first record, the
// index and the term of the Raft entry that holds it.
type Pos struct{ Offset, Index, Term uint64 }

// A Leader is who leads. Gen grows with each change; ID is "" while there is none.
type Leader struct {
	ID   string // the node's name
	Addr string // where it is reached
	Term uint64
	Gen  uint64
}

// A Member is a node of the cluster's configuration.
type Member struct {
	Name    string
	Addr    string // where it is reached: its peer port, which is its RPC port too
	ID      uint64 // of this life of its directory, as its Status tells; another one if the disk was lost
	Learner bool   // it is sent the log, and has no vote
	Leader  bool
}

// A Role is what a node is in its cluster.
type Role int

// The roles.
const (
	Follower Role = iota
	Candidate
	Leading
	Learning
)

// String returns the role's name: "follower", "candidate", "leader", "learner".
func (r Role) String() string {
	return [...]string{"follower", "candidate", "leader", "learner"}[r]
}

// A Status is what a node knows of itself at one moment.
type Status struct {
	Name, Cluster string
	ID            uint64
	Role          Role
	Leader        Leader
	Term          uint64

	Committed uint64 // index up to which a quorum has the log
	Applied   uint64 // index up to which it can be read here
	Durable   uint64 // index up to which it is on this node's disk
	Low, Next uint64 // offsets: the first record that can be read, and the one after the last

	Members []Member
	Failed  error // why the node takes no writes: Latched, Full; nil if it does
}

// A Level says how fresh a read must be.
type Level int

// The levels.
const (
	// Local reads what this node has applied: never wrong, perhaps behind.
	Local Level = iota
	// Linearizable reads see every write that was acknowledged, anywhere,
	// before they began. They cost a round trip to a quorum.
	Linearizable
)

// ReadOptions say how to read. The zero ReadOptions read what is there, here.
type ReadOptions struct {
	Level    Level
	MinIndex uint64    // wait until this index is applied here: read your own writes, on any node
	Follow   bool      // at the end of the log, wait for more
	At       time.Time // begin at the first record of this time or later, instead of at an offset
	MaxBytes int       // of records in one piece; if 0, 1 MiB; one record is always returned
}

// A Stage is how far an entry has come on its way.
type Stage int

// The stages.
const (
	Committed Stage = iota // a quorum has it on disk
	Durable                // this node has it on disk
	Applied                // it can be read here
)

// String returns the stage's name: "committed", "durable", "applied".
func (s Stage) String() string { return [...]string{"committed", "durable", "applied"}[s] }
