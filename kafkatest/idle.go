// Waiting for clients to have nothing to do.

package kafkatest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// atRest are the requests that clients make while they have nothing to do.
var atRest = []kmsg.Key{
	kmsg.Fetch, kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat, kmsg.ShareFetch, kmsg.ShareGroupHeartbeat,
	kmsg.PushTelemetry,
}

// stir notes that a client does something.
func (c *Cluster) stir(key int16) {
	if !slices.Contains(atRest, kmsg.Key(key)) {
		c.stirs.Add(1)
	}
}

// AwaitIdle waits until no client has done anything for that long: made no
// request but those by which clients wait and show that they live, Fetch and
// Heartbeat.
func (c *Cluster) AwaitIdle(ctx context.Context, quiet time.Duration) error {
	if c.isClosed() {
		return net.ErrClosed
	}
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	for seen := c.stirs.Load(); ; {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return fmt.Errorf("kafkatest: awaited clients to do nothing for %v: %w", quiet, context.Cause(ctx))
		}
		now := c.stirs.Load()
		if now == seen {
			return nil
		}
		seen = now
		timer.Reset(quiet)
	}
}
