// What can go wrong with a log.

package wal

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrClosed is returned by a log that was closed.
var ErrClosed = errors.New("wal: the log is closed")

// ErrFull is returned by Append when there is no room for the next segment.
// Nothing was written, and Append may be tried again. It wraps syscall.ENOSPC.
var ErrFull = fmt.Errorf("wal: no room for the next segment: %w", syscall.ENOSPC)

// A Corrupt log holds something that was not written there, or lacks something
// that was. The log never repairs that by forgetting: its owner fetches what
// is damaged from another node.
type Corrupt struct {
	Segment string // the file
	Pos     int64  // where in it, in bytes
	Index   uint64 // the entry that should be there
	Offset  uint64 // and its first record's offset
	Why     string
}

// Error says what is damaged, where, and what to do.
func (e *Corrupt) Error() string {
	return fmt.Sprintf("wal: %s is corrupt at byte %d, where entry %d (offset %d) should be: %s; "+
		"fetch it from another node", e.Segment, e.Pos, e.Index, e.Offset, e.Why)
}

// A Compacted is returned for what lies before the log's beginning.
type Compacted struct {
	First uint64 // the first index there is
	Low   uint64 // the first offset there is
}

// Error says where the log begins.
func (e Compacted) Error() string {
	return fmt.Sprintf("wal: that was removed; the log begins at index %d, offset %d", e.First, e.Low)
}

// An Unavailable is returned for what lies behind the log's end.
type Unavailable struct {
	Last uint64 // the last index there is
	Next uint64 // the offset of the next record
}

// Error says where the log ends.
func (e Unavailable) Error() string {
	return fmt.Sprintf("wal: that is not there yet; the log ends with index %d, before offset %d", e.Last, e.Next)
}

// full turns an error of a file that has no room into ErrFull.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w (%w)", ErrFull, err)
	}
	return err
}
