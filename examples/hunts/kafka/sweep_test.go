// Sweeps of franz-go: its idempotent producer, its groups, its transactions.

//go:build synctests

package kafka_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/history"
	"github.com/rehearse-go/rehearse/kafkatest"
)

func TestAnIdempotentProducerLosesDoublesAndReordersNothing(t *testing.T) {
	sweep(t, kafkatest.Config{Topics: map[string]int{"t": 1}}, func(c *cluster, k *kafkatest.Cluster) {
		var log history.Log
		storm := c.Nemesis(clustertest.Nemesis{})
		defer conjure(c, k,
			"after Produce chance=0.03: reset",
			"after Produce chance=0.02: silence",
			"after Produce chance=0.05: delay 3s",
			"after Produce chance=0.03: error REQUEST_TIMED_OUT",
			"after Produce chance=0.03: error NOT_ENOUGH_REPLICAS_AFTER_APPEND",
			"before Produce chance=0.05: delay 15s",
			"before Produce chance=0.03: error NOT_LEADER_OR_FOLLOWER",
			"before Produce chance=0.02: close",
			"after InitProducerID chance=0.3: reset",
			"after Metadata chance=0.1: reset",
		)()
		var all sync.WaitGroup
		for i := range 2 {
			all.Go(func() { produce(c, fmt.Sprint("app", i), &log, storm) })
		}
		all.Wait()
		judge(c, k, &log)
	})
}

// produce produces amid the storm, and waits for every answer.
func produce(c *cluster, name string, log *history.Log, storm *clustertest.Storm) {
	client, rnd := newKgo(c, name), c.Rand(name)
	defer client.Close()
	for i := 0; !over(storm); i++ {
		value := fmt.Sprintf("%s %05d", name, i)
		op := log.Produce(name, value)
		r := &kgo.Record{Topic: "t", Value: []byte(value)}
		client.Produce(context.Background(), r, func(r *kgo.Record, err error) {
			if err != nil {
				op.Unknown()
				return
			}
			op.Return(history.At(r.Offset))
		})
		time.Sleep(time.Duration(rnd.IntN(100)) * time.Millisecond) // virtual
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := client.Flush(ctx); err != nil {
		c.T.Errorf("%s still waits for answers ten minutes after the storm: %v", name, err)
	}
}

// judge holds what was acknowledged against what is there, and each
// producer's records against the order in which it sent them.
func judge(c *cluster, k *kafkatest.Cluster, log *history.Log) {
	var there []history.Record
	last := map[string]string{}
	for offset, r := range k.Partition("t", 0).Records(0) {
		there = append(there, history.Record{Offset: offset, Value: string(r.Value)})
		name, number, _ := strings.Cut(string(r.Value), " ")
		if number <= last[name] {
			c.T.Errorf("offset %d: %s comes after %s", offset, r.Value, last[name])
		}
		last[name] = number
	}
	log.Final("partition", there...)
	if err := log.Check(history.LogConfig{}).Err(); err != nil {
		c.T.Error(err)
	}
}

// groupTricks are those of a group's protocol.
var groupTricks = []string{
	"after JoinGroup chance=0.1: reset",
	"after SyncGroup chance=0.1: reset",
	"after SyncGroup chance=0.1: delay 12s",
	"after Heartbeat chance=0.1: reset",
	"before Heartbeat chance=0.05: error REBALANCE_IN_PROGRESS",
	"before Heartbeat chance=0.05: error NOT_COORDINATOR",
	"before FindCoordinator chance=0.1: error COORDINATOR_NOT_AVAILABLE",
	"after OffsetFetch chance=0.1: reset",
	"after OffsetCommit chance=0.1: reset",
	"after OffsetCommit chance=0.1: delay 12s",
	"before OffsetCommit chance=0.1: error COORDINATOR_LOAD_IN_PROGRESS",
	"after Fetch chance=0.05: delay 12s",
	"before Fetch chance=0.05: error NOT_LEADER_OR_FOLLOWER",
	"after TxnOffsetCommit chance=0.1: reset",
	"before TxnOffsetCommit chance=0.1: delay 15s",
	"after EndTxn chance=0.1: reset",
	"after EndTxn chance=0.1: delay 12s",
	"before EndTxn chance=0.1: delay 7s",
	"after Produce chance=0.05: reset",
}

func TestAGroupSkipsNothingThatItCommits(t *testing.T) {
	sweep(t, kafkatest.Config{Topics: map[string]int{"in": 1}}, func(c *cluster, k *kafkatest.Cluster) {
		var mu sync.Mutex
		seen := map[string]bool{}
		n := tasks(c, k, func(ctx context.Context, host string) {
			m := newKgo(c, host, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("in"), kgo.BlockRebalanceOnPoll(),
				kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
			defer m.CloseAllowingRebalance()
			for ctx.Err() == nil {
				fetches := m.PollRecords(ctx, 10)
				mu.Lock()
				fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Value)] = true })
				mu.Unlock()
				m.AllowRebalance()
			}
		})
		for i := range n {
			if !seen[fmt.Sprint(i)] {
				c.T.Errorf("%d is committed and was never delivered", i)
			}
		}
	})
}

// Kafka 4 has transactions of the second version. Before, this sweep fails.
func TestAGroupCopiesExactlyOnce(t *testing.T) {
	config := kafkatest.Config{Topics: map[string]int{"in": 1, "out": 1}}
	sweep(t, config, func(c *cluster, k *kafkatest.Cluster) {
		n := tasks(c, k, func(ctx context.Context, host string) {
			session := newCopier(c, host)
			defer session.Close()
			for ctx.Err() == nil && copySome(ctx, session) == nil {
				continue
			}
			time.Sleep(time.Second) // virtual
		})
		reader := newKgo(c, "reader", kgo.ConsumeTopics("out"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
		defer reader.Close()
		for next := int64(0); next < n; {
			reader.PollFetches(c.T.Context()).EachRecord(func(r *kgo.Record) {
				if string(r.Value) != fmt.Sprint(next) {
					c.T.Fatalf("%s was copied in the place of %d", r.Value, next)
				}
				next++
			})
		}
	})
}

// tasks has three hosts do a work over and over, each time for a while, amid a
// storm, until all that was fed is committed. It returns how much that was.
func tasks(c *cluster, k *kafkatest.Cluster, work func(ctx context.Context, host string)) int64 {
	storm := c.Nemesis(clustertest.Nemesis{})
	remove := conjure(c, k, groupTricks...)
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i := range 3 {
		host := fmt.Sprint("app", i)
		all.Go(func() {
			for rnd := c.Rand(host); ctx.Err() == nil; {
				life, end := context.WithTimeout(ctx, time.Duration(10+rnd.IntN(60))*time.Second)
				work(life, host)
				end()
			}
		})
	}
	n := feed(c, k, storm)
	remove()
	c.Await("everything to be committed", time.Hour, func() bool {
		at, _ := k.Group("g").Committed("in", 0)
		return at == n
	})
	stop()
	all.Wait()
	return n
}
