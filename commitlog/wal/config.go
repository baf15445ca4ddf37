// How a log is set up, and what lies in it.

package wal

import (
	"errors"
	"fmt"
)

// A Config configures a [Log]. Only FS is required.
type Config struct {
	// FS is where the segments lie: in its root directory, which is the log's
	// alone.
	FS FS

	// SegmentSize is how many bytes a segment's file is allocated with; if 0,
	// 64 MiB: large enough that rolling costs nothing, small enough to retain
	// and to send. What one Append writes is never parted, so a segment may be
	// larger.
	SegmentSize int64

	// IndexEvery is how many bytes lie between two index entries; if 0, 4096: a
	// lookup then reads a page too much at most.
	IndexEvery int

	// OpenFiles is how many sealed segments are kept open to be read; if 0, 64.
	OpenFiles int

	// TailBytes is how much of the data appended last stays in memory, so that
	// followers and consumers at the end need no disk; if 0, 16 MiB.
	TailBytes int

	// Checkpoint is asked when a new segment is to begin with the entry before:
	// for the state of all entries ahead of it, which the owner will want when
	// it starts from there. It is called by Append, whose first entry is that
	// one. If nil, or if it returns nothing, the checkpoint is empty.
	Checkpoint func(before uint64) []byte

	// Rolled, unless nil, is told the first index of each new segment, by
	// Append.
	Rolled func(firstIndex uint64)
}

func (c Config) filled() (Config, error) {
	if c.FS == nil {
		return c, errors.New("wal: Config.FS is nil: a log needs files")
	}
	if c.SegmentSize < 0 || c.IndexEvery < 0 || c.OpenFiles < 0 || c.TailBytes < 0 {
		return c, fmt.Errorf("wal: Config with SegmentSize %d, IndexEvery %d, OpenFiles %d, TailBytes %d: "+
			"none may be negative; 0 is the usual", c.SegmentSize, c.IndexEvery, c.OpenFiles, c.TailBytes)
	}
	if c.SegmentSize == 0 {
		c.SegmentSize = 64 << 20
	}
	c.SegmentSize = (c.SegmentSize + 511) &^ 511
	if c.IndexEvery == 0 {
		c.IndexEvery = 4096
	}
	if c.OpenFiles == 0 {
		c.OpenFiles = 64
	}
	if c.TailBytes == 0 {
		c.TailBytes = 16 << 20
	}
	return c, nil
}

// A State is a replica's hard state: what it must not forget. See raftpb.HardState.
type State struct{ Term, Vote, Commit uint64 }

// An Entry is an entry of the replicated log.
type Entry struct {
	Index, Term uint64
	Type        byte   // as the replica sets it; see raftpb.EntryType
	Data        []byte // kept as it is; of records, what [AppendGroup] made
	Base        uint64 // offset of its first record; set by the log
	Count       uint32 // records in it; set by the log
}

// A Segment is one file of the log.
type Segment struct {
	Name           string
	First, Last    uint64 // indexes; Last is First-1 if there is no entry yet
	Offset         uint64 // of its first record
	Records        uint64
	Bytes          int64
	Oldest, Newest int64 // times of its records, in ns since 1970; 0 if there are none
	Sealed         bool  // it is complete and will not change
}
