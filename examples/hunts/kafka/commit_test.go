// Found in kafka-go v0.4.51: a member undoes what another committed, and aborted records are delivered.

package kafka_test

import (
	"context"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// A member may have fetched what it commits before its partition went to
// another. Reader.CommitMessages sends it all the same, in the name of the new
// generation, and takes the group back behind what the new owner has committed,
// who will not read it again: lag, until the next rebalance, then duplicates.
// It is known as segmentio/kafka-go#1308. A sweep of groups found it with its
// first seed.
func TestAKafkaGoMemberTakesBackWhatAnotherCommitted(t *testing.T) {
	config := kafkatest.Config{Topics: map[string]int{"in": 2}}
	inBubble(t, config, func(c *cluster, k *kafkatest.Cluster) {
		put(c, k, 0, "a", "b", "c", "d")
		put(c, k, 1, "a", "b", "c", "d")
		group := kafkago.ReaderConfig{GroupID: "g", StartOffset: kafkago.FirstOffset}
		first := newReader(c, "first", group)
		fetched := map[int]kafkago.Message{} // the first of each partition, not committed
		for len(fetched) < 2 {
			if m := fetch(c, first); m.Offset == 0 {
				fetched[m.Partition] = m
			}
		}
		second := newReader(c, "second", group)
		var m kafkago.Message
		for range 4 {
			m = fetch(c, second)
			must(c, second.CommitMessages(context.Background(), m))
		}
		must(c, first.CommitMessages(context.Background(), fetched[m.Partition]))
		if at, _ := k.Group("g").Committed("in", int32(m.Partition)); at != 1 {
			c.T.Errorf("after a commit of 4 by the owner and of 1 by another, %d: what was found here is mended", at)
		}
	})
}

// ReadCommitted makes readers wait for the end of transactions, no more: what
// was aborted is delivered like what was committed, and so are the marks at
// the ends, as messages of six bytes. It is known as
// segmentio/kafka-go#1332.
func TestAKafkaGoReaderDeliversWhatWasAborted(t *testing.T) {
	inBubble(t, kafkatest.Config{Topics: map[string]int{"in": 1}}, func(c *cluster, _ *kafkatest.Cluster) {
		producer := newKgo(c, "app", kgo.TransactionalID("tx"))
		defer producer.Close()
		transact(c, producer, "one", kgo.TryCommit)
		transact(c, producer, "two", kgo.TryAbort)
		transact(c, producer, "three", kgo.TryCommit)
		r := newReader(c, "reader", kafkago.ReaderConfig{IsolationLevel: kafkago.ReadCommitted})
		got := map[string]int{}
		for range 6 { // three records, each with the end of its transaction
			got[string(fetch(c, r).Value)]++
		}
		if got["two"] != 1 || len(got) != 4 {
			c.T.Errorf("delivered were %v: what was found here is mended", got)
		}
	})
}

func transact(c *cluster, producer *kgo.Client, value string, end kgo.TransactionEndTry) {
	c.T.Helper()
	must(c, producer.BeginTransaction())
	r := &kgo.Record{Topic: "in", Value: []byte(value)}
	must(c, producer.ProduceSync(context.Background(), r).FirstErr())
	must(c, producer.EndTransaction(context.Background(), end))
}

func fetch(c *cluster, r *kafkago.Reader) kafkago.Message {
	c.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	m, err := r.FetchMessage(ctx)
	must(c, err)
	return m
}
