// Sarama's groups, offsets and transactions.

package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// A saramaMember is one member of a group: what it holds, and what it and its
// fellows consumed.
type saramaMember struct {
	sarama.ConsumerGroup
	got     *tally
	changed chan<- struct{}
	cancel  context.CancelFunc
	done    sync.WaitGroup

	mu   sync.Mutex
	held int
}

func (m *saramaMember) Setup(s sarama.ConsumerGroupSession) error {
	n := 0
	for _, parts := range s.Claims() {
		n += len(parts)
	}
	m.hold(n)
	return nil
}

func (m *saramaMember) Cleanup(sarama.ConsumerGroupSession) error {
	m.hold(-1)
	return nil
}

func (m *saramaMember) hold(n int) {
	m.mu.Lock()
	m.held = n
	m.mu.Unlock()
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

func (m *saramaMember) holds() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held
}

func (m *saramaMember) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		m.got.add(string(message.Value))
		s.MarkMessage(message, "")
	}
	return nil
}

// A saramaCrew is the members of one group.
type saramaCrew struct {
	t       testing.TB
	addrs   []string
	config  func() *sarama.Config
	got     *tally
	changed chan struct{}
	members []*saramaMember
}

func (c *saramaCrew) join() *saramaMember {
	c.t.Helper()
	group, err := sarama.NewConsumerGroup(c.addrs, "g", c.config())
	must(c.t, err)
	ctx, cancel := context.WithCancel(c.t.Context())
	m := &saramaMember{ConsumerGroup: group, got: c.got, changed: c.changed, cancel: cancel}
	m.done.Go(func() {
		for range group.Errors() {
		}
	})
	m.done.Go(func() {
		for ctx.Err() == nil {
			err := group.Consume(ctx, []string{"t"}, m)
			if err != nil && !errors.Is(err, sarama.ErrClosedConsumerGroup) && ctx.Err() == nil {
				c.t.Logf("consuming: %v", err)
			}
		}
	})
	c.members = append(c.members, m)
	c.t.Cleanup(m.leave)
	return m
}

func (m *saramaMember) leave() {
	m.cancel()
	m.Close()
	m.done.Wait()
}

// spread waits until the members hold so many partitions each.
func (c *saramaCrew) spread(counts ...int) {
	c.t.Helper()
	ctx := soon(c.t)
	for {
		var held []int
		for _, m := range c.members {
			held = append(held, m.holds())
		}
		if fmt.Sprint(held) == fmt.Sprint(counts) {
			return
		}
		select {
		case <-c.changed:
		case <-ctx.Done():
			c.t.Fatalf("the members hold %v partitions, want %v", held, counts)
		}
	}
}

func TestSaramaGroupsRebalanceAsEveryVersion(t *testing.T) {
	versions := []sarama.KafkaVersion{sarama.V0_10_2_0, sarama.V2_1_0_0, sarama.V2_8_0_0, sarama.MaxVersion}
	strategies := map[string]func() sarama.BalanceStrategy{
		"range": sarama.NewBalanceStrategyRange, "roundrobin": sarama.NewBalanceStrategyRoundRobin,
		"sticky": sarama.NewBalanceStrategySticky,
	}
	for _, version := range versions {
		for name, strategy := range strategies {
			t.Run(version.String()+" "+name, func(t *testing.T) {
				t.Parallel()
				c := start(t, three("t", 6))
				crew := &saramaCrew{t: t, addrs: c.Addrs(), got: newTally(300), changed: make(chan struct{}, 1)}
				crew.config = func() *sarama.Config {
					config := saramaConfig(version)
					config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy()}
					return config
				}
				values := texts("v", 300)
				producer := newSarama(t, c.Addrs(), saramaConfig(version))
				crew.join()
				crew.spread(6)
				produceSarama(t, producer, "t", values[:100])
				second := crew.join()
				crew.spread(3, 3)
				produceSarama(t, producer, "t", values[100:200])
				second.leave()
				crew.members = crew.members[:1]
				crew.spread(6)
				produceSarama(t, producer, "t", values[200:])
				crew.got.await(t, 2)
			})
		}
	}
}

func TestSaramaKeepsOffsetsForAGroup(t *testing.T) {
	c := start(t, three("t", 1))
	for _, version := range saramaEras {
		t.Run(version.String(), func(t *testing.T) {
			t.Parallel()
			config := saramaConfig(version)
			client := newSarama(t, c.Addrs(), config)
			group := "g-" + version.String()
			equalOffset(t, client, group, -2, "")
			offsets, err := sarama.NewOffsetManagerFromClient(group, client)
			must(t, err)
			part, err := offsets.ManagePartition("t", 0)
			must(t, err)
			part.MarkOffset(42, "note")
			must(t, part.Close())
			must(t, offsets.Close())
			equalOffset(t, client, group, 42, "note")
		})
	}
}

func equalOffset(t testing.TB, client sarama.Client, group string, offset int64, metadata string) {
	t.Helper()
	offsets, err := sarama.NewOffsetManagerFromClient(group, client)
	must(t, err)
	part, err := offsets.ManagePartition("t", 0)
	must(t, err)
	at, note := part.NextOffset()
	equal(t, "offset", at, offset)
	equal(t, "metadata", note, metadata)
	must(t, part.Close())
	must(t, offsets.Close())
}

func TestSaramaReadsOnlyWhatWasCommitted(t *testing.T) {
	for _, version := range []sarama.KafkaVersion{sarama.V0_11_0_0, sarama.V2_8_0_0, sarama.MaxVersion} {
		t.Run(version.String(), func(t *testing.T) {
			t.Parallel()
			c := start(t, kafkatest.Config{Brokers: 3, Topics: map[string]int{"in": 1, "out": 2}})
			config := saramaConfig(version)
			config.Producer.Idempotent = true
			config.Producer.Transaction.ID = "tx"
			config.Producer.Transaction.Retry.Backoff = 10 * time.Millisecond
			config.Net.MaxOpenRequests = 1
			config.Consumer.IsolationLevel = sarama.ReadCommitted
			producer, err := sarama.NewSyncProducer(c.Addrs(), config)
			must(t, err)
			for round, commit := range []bool{true, false, true} {
				must(t, producer.BeginTxn())
				for _, v := range texts(fmt.Sprint("round", round), 10) {
					m := &sarama.ProducerMessage{Topic: "out", Value: sarama.StringEncoder(v)}
					_, _, err := producer.SendMessage(m)
					must(t, err)
				}
				done := int64(10 * (round + 1))
				at := map[string][]*sarama.PartitionOffsetMetadata{"in": {{Partition: 0, Offset: done}}}
				must(t, producer.AddOffsetsToTxn(at, "copiers"))
				if commit {
					must(t, producer.CommitTxn())
				} else {
					must(t, producer.AbortTxn())
				}
			}
			must(t, producer.Close())
			config.Producer.Transaction.ID = ""
			got := consumeSarama(t, newSarama(t, c.Addrs(), config), "out", 20)
			sameStrings(t, got, append(texts("round0", 10), texts("round2", 10)...))
			admin, err := sarama.NewClusterAdmin(c.Addrs(), config)
			must(t, err)
			defer admin.Close()
			fetched, err := admin.ListConsumerGroupOffsets("copiers", map[string][]int32{"in": {0}})
			must(t, err)
			equal(t, "offset", fetched.GetBlock("in", 0).Offset, 30)
		})
	}
}
