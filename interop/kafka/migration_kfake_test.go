// The test that docs/from-kfake.md moves from kfake.

package kafka_test

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/rule"
	"github.com/rehearse-go/rehearse/vnettest"
)

func TestCommitsNeverGoBackWhileOneIsOnItsWay(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		c := virtual(t, kafkatest.Config{Topics: map[string]int{"orders": 1}, History: 1000})
		_, err := c.Partition("orders", 0).Append(make([]kafkatest.Record, 200)...)
		must(t, err)
		first, second := make(chan struct{}), make(chan struct{})
		c.Before(rule.Then(committing(100), kafkatest.Verdict{Until: first}))
		c.Before(rule.Then(committing(200), kafkatest.Verdict{Until: second}))

		client := onHost(t, "app", kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("workers"),
			kgo.AutoCommitMarks(), kgo.AutoCommitInterval(100*time.Millisecond))
		consumeKgo(t, client, 200)
		commit100, commit200 := commit(t, client, 100), commit(t, client, 200)
		close(first)
		must(t, <-commit100)
		client.MarkCommitOffsets(orders(150))
		time.Sleep(time.Second) // virtual
		close(second)
		must(t, <-commit200)
		time.Sleep(time.Second) // virtual

		var committed []int64
		for _, e := range c.History() {
			committed = append(committed, offsetsOf(e)...)
		}
		if !slices.IsSorted(committed) || !slices.Contains(committed, 200) {
			t.Errorf("the group committed %v; it went back", committed)
		}
	})
}

// committing holds for a commit of that offset.
func committing(offset int64) rule.When[kafkatest.Exchange] {
	return func(e kafkatest.Exchange) bool { return slices.Contains(offsetsOf(e), offset) }
}

// offsetsOf returns the offsets that a request commits.
func offsetsOf(e kafkatest.Exchange) (all []int64) {
	if r, ok := e.Request.(*kmsg.OffsetCommitRequest); ok && len(r.Topics) == 1 {
		all = append(all, r.Topics[0].Partitions[0].Offset)
	}
	return all
}

// orders is an offset of the only partition.
func orders(offset int64) map[string]map[int32]kgo.EpochOffset {
	return map[string]map[int32]kgo.EpochOffset{"orders": {0: {Epoch: -1, Offset: offset}}}
}

// commit begins to commit an offset.
func commit(t testing.TB, client *kgo.Client, offset int64) <-chan error {
	done := make(chan error, 1)
	client.CommitOffsets(t.Context(), orders(offset),
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, _ *kmsg.OffsetCommitResponse, err error) { done <- err })
	return done
}
