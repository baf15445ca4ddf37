// What all large frames together may take.

package wire

import (
	"errors"
	"sync/atomic"
)

// A Budget bounds the bytes of frames that are being read or served, beyond the
// first megabyte of each. It is safe for use by several goroutines.
type Budget struct {
	Limit int64 // if 0, there is none
	taken atomic.Int64
}

// ErrBudget says that other frames take all that there is.
var ErrBudget = errors.New("the requests that are being read take all the memory they may")

func (b *Budget) take(n int64) bool {
	if taken := b.taken.Add(n); b.Limit > 0 && taken > b.Limit {
		b.taken.Add(-n)
		return false
	}
	return true
}

// Return gives back what a frame took.
func (b *Budget) Return(n int64) { b.taken.Add(-n) }
