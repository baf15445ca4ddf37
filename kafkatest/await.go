// Waiting for the cluster to come to a state, on events and not by looking again and again.

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
)

// errStateless says that a scripted cluster has nothing to look at.
var errStateless = errors.New("kafkatest: a scripted cluster has no state")

// An outcome is what somebody waits for. It is asked under the lock, after
// each change.
type outcome struct {
	what  string                      // in words
	holds func(*state.Cluster) bool   // whether it is so
	is    func(*state.Cluster) string // how it is instead
}

// An awaiting is somebody who waits.
type awaiting struct {
	outcome
	done chan struct{} // closed when it holds, or when the cluster is closed
	err  error
}

// await waits until the outcome holds. The error says what was awaited and
// how things are; it is ctx's, or net.ErrClosed.
func (c *Cluster) await(ctx context.Context, what outcome) error {
	a := &awaiting{outcome: what, done: make(chan struct{})}
	if err := c.do(func(s *state.Cluster) error {
		if a.holds(s) {
			close(a.done)
			return nil
		}
		c.awaits = append(c.awaits, a)
		return nil
	}); err != nil {
		return err
	}
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awaits = slices.DeleteFunc(c.awaits, func(o *awaiting) bool { return o == a })
	return fmt.Errorf("kafkatest: awaited %s: %s: %w", a.what, a.is(c.state), context.Cause(ctx))
}

// tellAwaits asks what is waited for whether it holds now. mu is held.
func (c *Cluster) tellAwaits() {
	c.awaits = slices.DeleteFunc(c.awaits, func(a *awaiting) bool {
		if !a.holds(c.state) {
			return false
		}
		close(a.done)
		return true
	})
}

// endAwaits ends all waiting when the cluster is closed. mu is held.
func (c *Cluster) endAwaits() {
	for _, a := range c.awaits {
		a.err = net.ErrClosed
		close(a.done)
	}
	c.awaits = nil
}
