// franz-go's transactions.

package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// transact produces values within a transaction and ends it.
func transact(t testing.TB, client *kgo.Client, topic string, end kgo.TransactionEndTry, values ...string) {
	t.Helper()
	must(t, client.BeginTransaction())
	produceKgo(t, client, topic, values)
	must(t, client.EndTransaction(soon(t), end))
}

func TestKgoReadsOnlyWhatWasCommitted(t *testing.T) {
	for _, version := range []string{"2.4", "2.8", "3.9", "4.1", ""} {
		t.Run("version "+version, func(t *testing.T) {
			t.Parallel()
			config := three("t", 3)
			config.Version = version
			c := start(t, config)
			producer := newKgo(t, c.Addrs(), kgo.TransactionalID("tx"))
			transact(t, producer, "t", kgo.TryCommit, texts("first", 30)...)
			transact(t, producer, "t", kgo.TryAbort, texts("aborted", 30)...)
			transact(t, producer, "t", kgo.TryCommit, texts("second", 30)...)
			committed := newKgo(t, c.Addrs(), kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
			sameValues(t, consumeKgo(t, committed, 60), append(texts("first", 30), texts("second", 30)...))
			all := newKgo(t, c.Addrs(), kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadUncommitted()))
			consumeKgo(t, all, 90)
		})
	}
}

func TestAnOpenTransactionHoldsReadersBack(t *testing.T) {
	c := start(t, three("t", 1))
	producer := newKgo(t, c.Addrs(), kgo.TransactionalID("tx"))
	must(t, producer.BeginTransaction())
	produceKgo(t, producer, "t", []string{"open"})
	produceKgo(t, newKgo(t, c.Addrs()), "t", []string{"plain"})
	admin := kadm.NewClient(newKgo(t, c.Addrs()))
	stable, err := admin.ListCommittedOffsets(soon(t), "t")
	must(t, err)
	end, err := admin.ListEndOffsets(soon(t), "t")
	must(t, err)
	equal(t, "last stable offset", stable["t"][0].Offset, 0)
	equal(t, "end", end["t"][0].Offset, 2)
	must(t, producer.EndTransaction(soon(t), kgo.TryCommit))
	reader := newKgo(t, c.Addrs(), kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	sameValues(t, consumeKgo(t, reader, 2), []string{"open", "plain"})
}

func TestASecondKgoProducerFencesTheFirst(t *testing.T) {
	c := start(t, three("t", 1))
	first := newKgo(t, c.Addrs(), kgo.TransactionalID("tx"))
	must(t, first.BeginTransaction())
	produceKgo(t, first, "t", []string{"lost"})
	second := newKgo(t, c.Addrs(), kgo.TransactionalID("tx"))
	transact(t, second, "t", kgo.TryCommit, "kept")
	err := first.EndTransaction(soon(t), kgo.TryCommit)
	if !errors.Is(err, kerr.ProducerFenced) && !errors.Is(err, kerr.InvalidProducerEpoch) {
		t.Errorf("the first producer's commit: %v", err)
	}
	reader := newKgo(t, c.Addrs(), kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	sameValues(t, consumeKgo(t, reader, 1), []string{"kept"})
}

func TestAnExpiredTransactionIsAborted(t *testing.T) {
	config := three("t", 1)
	config.Settings = map[string]string{"transaction.abort.timed.out.transaction.cleanup.interval.ms": "20"}
	c := start(t, config)
	producer := newKgo(t, c.Addrs(), kgo.TransactionalID("tx"), kgo.TransactionTimeout(100*time.Millisecond))
	must(t, producer.BeginTransaction())
	produceKgo(t, producer, "t", []string{"lost"})
	produceKgo(t, newKgo(t, c.Addrs()), "t", []string{"plain"})
	reader := newKgo(t, c.Addrs(), kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	sameValues(t, consumeKgo(t, reader, 1), []string{"plain"})
	if err := producer.EndTransaction(soon(t), kgo.TryCommit); err == nil {
		t.Error("the expired transaction could be committed")
	}
}

// Exactly once: each number is read in a group, doubled and written, with the
// offsets in the same transaction; every third transaction is aborted.
func TestKgoCopiesExactlyOnce(t *testing.T) {
	c := start(t, kafkatest.Config{Brokers: 3, Topics: map[string]int{"in": 4, "out": 2}})
	const n = 300
	var numbers, doubled []string
	for i := range n {
		numbers = append(numbers, strconv.Itoa(i))
		doubled = append(doubled, "2*"+strconv.Itoa(i))
	}
	produceKgo(t, newKgo(t, c.Addrs()), "in", numbers)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	failures := make(chan error, 2)
	for i := range 2 {
		go func() { failures <- copyDoubled(ctx, c.Addrs(), i) }()
	}
	reader := newKgo(t, c.Addrs(), kgo.ConsumeTopics("out"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	sameValues(t, consumeKgo(t, reader, n), doubled)
	stop()
	for range 2 {
		must(t, <-failures)
	}
}

func copyDoubled(ctx context.Context, addrs []string, i int) error {
	session, err := kgo.NewGroupTransactSession(
		kgo.ClientID("franz-go"), kgo.SeedBrokers(addrs...), kgo.TransactionalID(fmt.Sprint("copier-", i)),
		kgo.ProducerLinger(0),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumerGroup("copiers"), kgo.ConsumeTopics("in"),
		kgo.HeartbeatInterval(50*time.Millisecond), kgo.DefaultProduceTopic("out"),
		kgo.FetchMaxWait(100*time.Millisecond), kgo.FetchMaxBytes(2000),
	)
	if err != nil {
		return err
	}
	defer session.Close()
	for round := 0; ; round++ {
		fetches := session.PollRecords(ctx, 20)
		if ctx.Err() != nil {
			return nil
		}
		if err := session.Begin(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			session.Produce(ctx, kgo.StringRecord("2*"+string(r.Value)), nil)
		})
		_, err := session.End(ctx, kgo.TransactionEndTry(round%3 != 1))
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
