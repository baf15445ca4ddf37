// Latency: how long a broker takes to answer.

package kafkatest

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// latencies tell how long a broker takes, in general and for some APIs.
type latencies struct {
	general time.Duration
	byKey   map[int16]time.Duration
}

// Latency has the broker wait for d before each answer: to the requests with
// one of the keys, or to all that have no latency of their own if none is
// given. 0 takes the latency away.
func (b *Broker) Latency(d time.Duration, keys ...kmsg.Key) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(keys) == 0 {
		b.latencies.general = d
		return
	}
	if b.latencies.byKey == nil {
		b.latencies.byKey = map[int16]time.Duration{}
	}
	for _, key := range keys {
		b.latencies.byKey[key.Int16()] = d
	}
}

// latency returns how long the broker waits before it answers.
func (b *Broker) latency(e Exchange) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d, own := b.latencies.byKey[e.Request.Key()]; own {
		return d
	}
	return b.latencies.general
}
