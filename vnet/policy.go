// Read policies: how what arrived is cut into deliveries.

package vnet

import (
	"fmt"

	"github.com/rehearse-go/rehearse/vnet/internal/flow"
)

// A ReadPolicy says what a read may see of the bytes that have arrived. The
// zero ReadPolicy shows all of them. Once the stream has ended, the remainder
// passes whatever the policy, so that a short tail does not hang.
type ReadPolicy struct{ policy flow.Policy }

// Exactly delivers n bytes at a time, once n are there.
func Exactly(n int) ReadPolicy { return ReadPolicy{flow.Exactly(n)} }

// AtMost delivers up to n bytes at a time, as soon as there are any.
func AtMost(n int) ReadPolicy { return ReadPolicy{flow.AtMost(n)} }

// AtLeast delivers everything, once n bytes are there.
func AtLeast(n int) ReadPolicy { return ReadPolicy{flow.AtLeast(n)} }

// String returns "exactly 4", "at most 4", "at least 4" or "any".
func (p ReadPolicy) String() string {
	name, n := p.policy.Mode()
	if name == "any" {
		return name
	}
	return fmt.Sprintf("%s %d", name, n)
}

// SetReadPolicy cuts what the program reads from now on. A policy that waits
// for more than Config.Window bytes waits for that many.
func (e *End) SetReadPolicy(p ReadPolicy) {
	s := e.stream()
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.in.SetPolicy(p.policy.Limit(s.c.net.cfg.Window))
	s.cond.Broadcast()
}
