// Records and batches, as programs see them.

package wal

import "time"

// A Record is one thing in the log.
type Record struct {
	Offset uint64    // its place: dense, from 0, equal on every node; set by the log
	Time   time.Time // when the leader took it; never goes back; set by the log
	Key    []byte
	Value  []byte
	Header []Header
	Index  uint64 // of the Raft entry that holds it; set by the log
	Term   uint64 // of that entry; set by the log
}

// A Header is a name and a value beside a record's own.
type Header struct {
	Name  string
	Value []byte
}

// A Batch is what a producer appends at once. A producer that gives itself an
// ID and numbers its batches from 1 may send one again without having it twice
// in the log.
type Batch struct {
	Producer uint64 // 0 is nobody
	Sequence uint64 // of this batch among its producer's
	Records  []Record
}
