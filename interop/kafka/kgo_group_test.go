// franz-go's groups: members that come and go, in both protocols.

package kafka_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// A member consumes in a group, in a goroutine of its own, until it leaves.
type member struct {
	*kgo.Client
	held    partitions
	stopped sync.WaitGroup
	stop    context.CancelFunc
}

// partitions are those that a member holds; changed gets a value after each
// change, unless one waits there.
type partitions struct {
	mu      sync.Mutex
	held    map[string]bool
	changed chan<- struct{}
}

func (p *partitions) change(parts map[string][]int32, held bool) {
	p.mu.Lock()
	for topic, numbers := range parts {
		for _, n := range numbers {
			if held {
				p.held[fmt.Sprintf("%s/%d", topic, n)] = true
			} else {
				delete(p.held, fmt.Sprintf("%s/%d", topic, n))
			}
		}
	}
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *partitions) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.held)
}

// A crew is the members of one group and what they consumed together.
type crew struct {
	t       testing.TB
	addrs   []string
	opts    []kgo.Opt
	got     *tally
	changed chan struct{}
	members []*member
}

func newCrew(t testing.TB, addrs []string, got *tally, opts ...kgo.Opt) *crew {
	c := &crew{t: t, addrs: addrs, opts: opts, got: got, changed: make(chan struct{}, 1)}
	t.Cleanup(func() {
		for _, m := range c.members {
			m.leave()
		}
	})
	return c
}

// join adds a member.
func (c *crew) join(opts ...kgo.Opt) *member {
	ctx, stop := context.WithCancel(c.t.Context())
	m := &member{stop: stop, held: partitions{held: map[string]bool{}, changed: c.changed}}
	take := func(_ context.Context, _ *kgo.Client, parts map[string][]int32) { m.held.change(parts, true) }
	give := func(ctx context.Context, client *kgo.Client, parts map[string][]int32) {
		if err := client.CommitMarkedOffsets(ctx); err != nil && ctx.Err() == nil {
			c.t.Logf("committing what is taken away: %v", err)
		}
		m.held.change(parts, false)
	}
	lose := func(_ context.Context, _ *kgo.Client, parts map[string][]int32) { m.held.change(parts, false) }
	all := []kgo.Opt{
		kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.AutoCommitMarks(),
		kgo.HeartbeatInterval(50 * time.Millisecond),
		kgo.OnPartitionsAssigned(take), kgo.OnPartitionsRevoked(give), kgo.OnPartitionsLost(lose),
		kgo.BlockRebalanceOnPoll(),
	}
	m.Client = newKgo(c.t, c.addrs, append(append(all, c.opts...), opts...)...)
	m.stopped.Go(func() { c.consume(ctx, m) })
	c.members = append(c.members, m)
	return m
}

func (c *crew) consume(ctx context.Context, m *member) {
	for ctx.Err() == nil {
		fetches := m.PollFetches(ctx)
		fetches.EachRecord(func(r *kgo.Record) { c.got.add(string(r.Value)) })
		m.MarkCommitRecords(fetches.Records()...)
		m.AllowRebalance()
	}
}

// leave has the member commit and leave the group.
func (m *member) leave() {
	m.stop()
	m.stopped.Wait()
	m.AllowRebalance()
	m.CloseAllowingRebalance()
}

// spread waits until the members hold so many partitions each.
func (c *crew) spread(counts ...int) {
	c.t.Helper()
	ctx := soon(c.t)
	for {
		var held []int
		for _, m := range c.members {
			held = append(held, m.held.count())
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

func TestKgoGroupsRebalanceWithoutLosingRecords(t *testing.T) {
	for name, opts := range map[string][]kgo.Opt{
		"range":       {kgo.Balancers(kgo.RangeBalancer())},
		"round robin": {kgo.Balancers(kgo.RoundRobinBalancer())},
		"sticky":      {kgo.Balancers(kgo.StickyBalancer())},
		"cooperative": {kgo.Balancers(kgo.CooperativeStickyBalancer())},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, three("t", 6))
			rebalanceKgo(t, c, 3, opts...)
		})
	}
}

// rebalanceKgo grows a group to three members and shrinks it again while
// records arrive, and holds that each arrived at least once, and at most so
// many times.
func rebalanceKgo(t *testing.T, c *kafkatest.Cluster, most int, opts ...kgo.Opt) {
	producer := newKgo(t, c.Addrs())
	values := texts("v", 600)
	crew := newCrew(t, c.Addrs(), newTally(len(values)), opts...)
	crew.join()
	produceKgo(t, producer, "t", values[:200])
	crew.spread(6)
	crew.join()
	crew.spread(3, 3)
	third := crew.join()
	produceKgo(t, producer, "t", values[200:400])
	crew.spread(2, 2, 2)
	third.leave()
	crew.members = crew.members[:2]
	crew.spread(3, 3)
	produceKgo(t, producer, "t", values[400:])
	crew.got.await(t, most)
	for _, m := range crew.members {
		must(t, m.CommitMarkedOffsets(soon(t)))
	}
	lag, err := kadm.NewClient(producer).Lag(soon(t), "g")
	must(t, err)
	equal(t, "lag", lag["g"].Lag.Total(), 0)
}

func TestKgoGroupsRebalanceByTheServersAssignors(t *testing.T) {
	for _, assignor := range []string{"uniform", "range"} {
		t.Run(assignor, func(t *testing.T) {
			t.Parallel()
			config := three("t", 6)
			config.Settings = map[string]string{
				"group.consumer.heartbeat.interval.ms": "50", "group.consumer.min.heartbeat.interval.ms": "50",
			}
			c := start(t, config)
			balancer := kgo.Balancers(kgo.CooperativeStickyBalancer())
			if assignor == "range" {
				balancer = kgo.Balancers(kgo.RangeBalancer())
			}
			rebalanceKgo(t, c, 3, kgo.ServerSideBalancer(), balancer)
			groups, err := kadm.NewClient(newKgo(t, c.Addrs())).DescribeConsumerGroups(soon(t), "g")
			must(t, err)
			equal(t, "assignor", groups["g"].AssignorName, assignor)
		})
	}
}

func TestAStaticKgoMemberComesBackWithoutARebalance(t *testing.T) {
	c := start(t, three("t", 4))
	crew := newCrew(t, c.Addrs(), newTally(1))
	crew.join(kgo.InstanceID("one"))
	crew.spread(4)
	second := crew.join(kgo.InstanceID("two"))
	crew.spread(2, 2)
	admin := kadm.NewClient(newKgo(t, c.Addrs()))
	before := generation(t, admin)
	second.stop()
	second.stopped.Wait()
	second.AllowRebalance()
	second.Client.CloseAllowingRebalance()
	crew.members = crew.members[:1]
	crew.join(kgo.InstanceID("two"))
	crew.spread(2, 2)
	equal(t, "generation", generation(t, admin), before)
}

// generation is a string of the members of the group and what they hold.
func generation(t testing.TB, admin *kadm.Client) string {
	groups, err := admin.DescribeGroups(soon(t), "g")
	must(t, err)
	must(t, groups.Error())
	var all string
	for _, m := range groups["g"].Members {
		assigned, _ := m.Assigned.AsConsumer()
		all += fmt.Sprint(*m.InstanceID, assigned.Topics, " ")
	}
	return all
}

func TestAKgoMemberGoesOnFromItsCommit(t *testing.T) {
	c := start(t, three("t", 1))
	values := texts("v", 10)
	producer := newKgo(t, c.Addrs())
	produceKgo(t, producer, "t", values)
	group := []kgo.Opt{kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.DisableAutoCommit()}
	first := newKgo(t, c.Addrs(), group...)
	records := consumeKgo(t, first, len(values))
	must(t, first.CommitRecords(soon(t), records[:4]...))
	first.Close()
	equal(t, "first", string(consumeKgo(t, newKgo(t, c.Addrs(), group...), 1)[0].Value), values[4])
}
