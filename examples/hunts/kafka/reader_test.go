// A sweep of kafka-go's reader: it delivers every record, in order.

package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/kafkatest"
)

func TestAKafkaGoReaderSkipsNothing(t *testing.T) {
	sweep(t, kafkatest.Config{Topics: map[string]int{"in": 1}}, func(c *cluster, k *kafkatest.Cluster) {
		storm := c.Nemesis(clustertest.Nemesis{})
		remove := conjure(c, k,
			"after Fetch chance=0.1: reset",
			"after Fetch chance=0.1: half",
			"after Fetch chance=0.1: delay 3s",
			"after Fetch chance=0.1: delay 12s",
			"after Fetch chance=0.1: records half",
			"before Fetch chance=0.1: close",
			"before Fetch chance=0.1: error NOT_LEADER_OR_FOLLOWER",
			"before Fetch chance=0.1: error REQUEST_TIMED_OUT",
			"before ListOffsets chance=0.1: error NOT_LEADER_OR_FOLLOWER",
			"after Metadata chance=0.1: reset",
		)
		count := make(chan int64, 1)
		go func() {
			n := feed(c, k, storm)
			remove()
			count <- n
			put(c, k, 0, fmt.Sprint(n)) // which the reader waits for
		}()
		r := newReader(c, "reader", kafkago.ReaderConfig{})
		for next, last := int64(0), int64(-1); last < 0 || next <= last; {
			m, ok := tryFetch(c, r)
			if !ok {
				continue
			}
			if m.Offset != next || string(m.Value) != fmt.Sprint(next) {
				c.T.Fatalf("%d was delivered, %q, want %d", m.Offset, m.Value, next)
			}
			next++
			if len(count) > 0 {
				last = <-count
			}
		}
	})
}

// feed puts numbers into a partition until the storm is over.
func feed(c *cluster, k *kafkatest.Cluster, storm *clustertest.Storm) (n int64) {
	for rnd := c.Rand("feed"); !over(storm); {
		for range 1 + rnd.IntN(5) {
			put(c, k, 0, fmt.Sprint(n))
			n++
		}
		time.Sleep(time.Duration(rnd.IntN(1000)) * time.Millisecond) // virtual
	}
	return n
}

// tryFetch fetches a record. Errors are to be expected; that nothing comes
// for ten minutes is not.
func tryFetch(c *cluster, r *kafkago.Reader) (m kafkago.Message, ok bool) {
	c.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	m, err := r.ReadMessage(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		c.T.Fatal(err)
	}
	return m, err == nil
}
