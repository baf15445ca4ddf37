// Rules that do things to clients, which must recover.

package kafka_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/rule"
)

// Each rule is something a client recovers from by itself.
func recoverable() map[string]func(c *kafkatest.Cluster) {
	before := func(v kafkatest.Verdict, times int, keys ...kmsg.Key) func(*kafkatest.Cluster) {
		return func(c *kafkatest.Cluster) { c.Before(rule.Then(kafkatest.On(keys...).Between(1, times), v)) }
	}
	after := func(v kafkatest.Verdict, times int, keys ...kmsg.Key) func(*kafkatest.Cluster) {
		return func(c *kafkatest.Cluster) { c.After(rule.Then(kafkatest.On(keys...).Between(1, times), v)) }
	}
	fail := func(err *kerr.Error) kafkatest.Verdict { return kafkatest.Verdict{Err: err} }
	moved, loading := fail(kerr.NotCoordinator), fail(kerr.CoordinatorLoadInProgress)
	return map[string]func(*kafkatest.Cluster){
		"produce: not the leader":      before(fail(kerr.NotLeaderForPartition), 3, kmsg.Produce),
		"produce: not enough replicas": before(fail(kerr.NotEnoughReplicas), 3, kmsg.Produce),
		"produce: closed":              before(kafkatest.Verdict{Cut: kafkatest.Close}, 2, kmsg.Produce),
		"produce: reset":               before(kafkatest.Verdict{Cut: kafkatest.Reset}, 2, kmsg.Produce),
		"produce: done, then closed":   after(kafkatest.Verdict{Cut: kafkatest.Close}, 2, kmsg.Produce),
		"produce: half an answer":      after(kafkatest.Verdict{Cut: kafkatest.Half}, 2, kmsg.Produce),
		"produce: done, but an error":  after(fail(kerr.RequestTimedOut), 2, kmsg.Produce),
		"produce: throttled":           after(kafkatest.Verdict{Throttle: 50 * time.Millisecond}, 2, kmsg.Produce),
		"fetch: not the leader":        before(fail(kerr.NotLeaderForPartition), 3, kmsg.Fetch),
		"fetch: unknown session":       before(fail(kerr.FetchSessionIDNotFound), 2, kmsg.Fetch),
		"fetch: closed":                before(kafkatest.Verdict{Cut: kafkatest.Close}, 2, kmsg.Fetch),
		"fetch: late":                  after(kafkatest.Verdict{Delay: 50 * time.Millisecond}, 3, kmsg.Fetch),
		"group: coordinator moves":     before(moved, 2, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat),
		"group: coordinator loads":     before(loading, 2, kmsg.JoinGroup, kmsg.OffsetFetch),
		"group: rebalances":            before(fail(kerr.RebalanceInProgress), 2, kmsg.SyncGroup, kmsg.Heartbeat),
		"group: not found":             before(fail(kerr.CoordinatorNotAvailable), 2, kmsg.FindCoordinator),
		"metadata: no leader":          before(fail(kerr.LeaderNotAvailable), 2, kmsg.Metadata),
		"metadata: closed":             before(kafkatest.Verdict{Cut: kafkatest.Close}, 1, kmsg.Metadata),
	}
}

func TestKgoRecoversFromWhatRulesDoToIt(t *testing.T) {
	for name, add := range recoverable() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, three("t", 3))
			add(c)
			opts := []kgo.Opt{
				kgo.AlwaysRetryEOF(), kgo.MetadataMinAge(20 * time.Millisecond),
				kgo.HeartbeatInterval(50 * time.Millisecond),
				kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
			}
			values := texts("v", 30)
			for i := range 3 {
				produceKgo(t, newKgo(t, c.Addrs(), opts...), "t", values[10*i:10*i+10])
			}
			opts = append(opts, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"))
			sameValues(t, consumePatiently(t, newKgo(t, c.Addrs(), opts...), len(values)), values)
		})
	}
}
