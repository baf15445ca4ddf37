// Found in franz-go v1.22.3: a transaction whose brokers are gone is dialled for without a pause.

package kafka_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// A producer without a transaction waits between its attempts to reach brokers
// that refuse it. One with a transaction (of the first version, before KIP-890)
// begins again at once, as fast as it is refused: when AddPartitionsToTxn
// cannot be sent, produce in sink.go returns true without maybeTriggerBackoff.
// With that call there, nine dials are counted here instead of thousands.
// Where a refusal takes no time at all a bubble's clock never moves again,
// which is how it was found.
func TestATransactionalProducerDialsWithoutPauseWhenItsBrokersAreGone(t *testing.T) {
	plain := dialsWhileRefused(t)
	transactional := dialsWhileRefused(t, kgo.TransactionalID("tx"))
	t.Logf("in ten seconds: %d dials without a transaction, %d with one", plain, transactional)
	if plain > 50 {
		t.Errorf("%d dials in ten seconds without a transaction", plain)
	}
	if transactional < 1000 {
		t.Errorf("only %d dials in ten seconds: what was found here is mended", transactional)
	}
}

// dialsWhileRefused counts the dials of a producer in ten seconds, after it
// has worked well, in which every broker is down.
func dialsWhileRefused(t *testing.T, opts ...kgo.Opt) int64 {
	var dials atomic.Int64
	config := kafkatest.Config{Version: "3.9", Topics: map[string]int{"t": 1}}
	inBubble(t, config, func(c *cluster, _ *kafkatest.Cluster) {
		producer := newKgo(c, "app", append(opts, kgo.Dialer(
			func(ctx context.Context, network, address string) (net.Conn, error) {
				dials.Add(1)
				return c.Host("app").Dial(ctx, network, address)
			}))...)
		defer producer.Close()
		ctx, transactional := context.Background(), len(opts) > 0
		produce := func() {
			if transactional {
				must(c, producer.BeginTransaction())
			}
			producer.Produce(ctx, &kgo.Record{Topic: "t", Value: []byte("v")}, nil)
		}
		produce()
		must(c, producer.Flush(ctx))
		if transactional {
			must(c, producer.EndTransaction(ctx, kgo.TryCommit))
		}
		for n := range c.Nodes() {
			n.Kill()
		}
		time.Sleep(time.Second) // virtual
		dials.Store(0)
		produce()
		time.Sleep(10 * time.Second) // virtual
	})
	return dials.Load()
}
