// Together: several clients at once, on a network that somebody must step.

package vnettest

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Together runs fs side by side, each on a goroutine of its own, and returns
// when all have returned; a held network is stepped meanwhile. It ends the
// test when they have not returned within that much of the bubble's time. One
// of fs may end by Fatal: then the others go on, and the test ends after them.
func (t *T) Together(within time.Duration, fs ...func()) {
	t.Helper()
	var gone, ended atomic.Int64
	for _, f := range fs {
		go func() {
			defer t.wake()
			defer gone.Add(1)
			f()
			ended.Add(1)
		}()
	}
	all := int64(len(fs))
	t.Await(fmt.Sprintf("the end of %d functions together", all), within, func() bool { return gone.Load() == all })
	if ended.Load() < all {
		t.FailNow()
	}
}

// wake lets Await ask again.
func (t *T) wake() {
	select {
	case t.news <- struct{}{}:
	default:
	}
}
