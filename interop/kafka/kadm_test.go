// franz-go's admin client: topics, configs, groups, quotas, users, replicas.

package kafka_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// newKadm is an admin client that knows nothing yet: kgo answers what it has
// asked in the last seconds from memory.
func newKadm(t testing.TB, addrs []string, opts ...kgo.Opt) *kadm.Client {
	return kadm.NewClient(newKgo(t, addrs, opts...))
}

// fails fails the test unless err is what is wanted.
func fails(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func TestKadmMakesGrowsAndDeletesTopics(t *testing.T) {
	c := start(t, kafkatest.Config{Brokers: 3})
	admin := newKadm(t, c.Addrs())
	ctx := soon(t)
	made, err := admin.CreateTopic(ctx, 3, 2, map[string]*string{"retention.ms": kadm.StringPtr("1000")}, "t")
	must(t, err)
	equal(t, "partitions", made.NumPartitions, 3)
	_, err = admin.CreateTopic(ctx, 1, 1, nil, "t")
	fails(t, "again", err, kerr.TopicAlreadyExists)
	_, err = admin.CreateTopic(ctx, 1, 1, nil, "not/a/name")
	fails(t, "bad name", err, kerr.InvalidTopicException)
	_, err = admin.CreateTopic(ctx, 1, 4, nil, "u")
	fails(t, "too many replicas", err, kerr.InvalidReplicationFactor)
	_, err = admin.CreateTopic(ctx, 1, 1, map[string]*string{"no.such.config": kadm.StringPtr("1")}, "u")
	fails(t, "bad config", err, kerr.InvalidConfig)

	grown, err := admin.CreatePartitions(ctx, 2, "t")
	must(t, errors.Join(err, grown.Error()))
	topics, err := admin.ListTopics(ctx)
	must(t, err)
	equal(t, "topics", fmt.Sprint(topics.Names()), "[t]")
	equal(t, "partitions", len(topics["t"].Partitions), 5)
	equal(t, "replicas", len(topics["t"].Partitions[4].Replicas), 2)

	gone, err := admin.DeleteTopics(ctx, "t", "unknown")
	must(t, err)
	fails(t, "t", gone["t"].Err, nil)
	fails(t, "unknown", gone["unknown"].Err, kerr.UnknownTopicOrPartition)
	topics, err = newKadm(t, c.Addrs()).ListTopics(ctx)
	must(t, err)
	equal(t, "topics", fmt.Sprint(topics.Names()), "[]")
}

func TestKadmSeesBrokersAndVersions(t *testing.T) {
	c := start(t, kafkatest.Config{Brokers: 3, Racks: []string{"a", "b", "c"}, FirstID: 5})
	admin := newKadm(t, c.Addrs())
	seen, err := admin.BrokerMetadata(soon(t))
	must(t, err)
	equal(t, "brokers", fmt.Sprint(seen.Brokers.NodeIDs()), "[5 6 7]")
	equal(t, "rack", *seen.Brokers[1].Rack, "b")
	equal(t, "controller is one of them", slices.Contains(seen.Brokers.NodeIDs(), seen.Controller), true)
	versions, err := admin.ApiVersions(soon(t))
	must(t, err)
	equal(t, "brokers that tell versions", len(versions), 3)
	for _, v := range versions {
		must(t, v.Err)
	}
}

func TestKadmReadsAndWritesConfigs(t *testing.T) {
	c := start(t, kafkatest.Config{Topics: map[string]int{"t": 1}})
	admin := newKadm(t, c.Addrs())
	ctx := soon(t)
	set := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr("12345")}}
	done, err := admin.AlterTopicConfigs(ctx, set, "t")
	must(t, errors.Join(err, done[0].Err))
	equal(t, "retention.ms", topicConfig(t, admin, "t", "retention.ms"), "12345 DYNAMIC_TOPIC_CONFIG")
	equal(t, "cleanup.policy", topicConfig(t, admin, "t", "cleanup.policy"), "delete DEFAULT_CONFIG")
	done, err = admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.DeleteConfig, Name: "retention.ms"}}, "t")
	must(t, errors.Join(err, done[0].Err))
	equal(t, "retention.ms", topicConfig(t, admin, "t", "retention.ms"), "604800000 DEFAULT_CONFIG")
	state := []kadm.AlterConfig{{Name: "cleanup.policy", Value: kadm.StringPtr("compact")}}
	done, err = admin.AlterTopicConfigsState(ctx, state, "t")
	must(t, errors.Join(err, done[0].Err))
	equal(t, "cleanup.policy", topicConfig(t, admin, "t", "cleanup.policy"), "compact DYNAMIC_TOPIC_CONFIG")
	bad := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr("soon")}}
	done, err = admin.AlterTopicConfigs(ctx, bad, "t")
	must(t, err)
	fails(t, "bad value", done[0].Err, kerr.InvalidConfig)
	brokers, err := admin.DescribeBrokerConfigs(ctx, 0)
	must(t, err)
	if n := len(brokers[0].Configs); n < 50 {
		t.Errorf("a broker has %d configs", n)
	}
}

// topicConfig is a topic's config, with its source.
func topicConfig(t testing.TB, admin *kadm.Client, topic, name string) string {
	t.Helper()
	configs, err := admin.DescribeTopicConfigs(soon(t), topic)
	must(t, err)
	for _, config := range configs[0].Configs {
		if config.Key == name {
			return config.MaybeValue() + " " + config.Source.String()
		}
	}
	return "missing"
}

func TestKadmListsDescribesAndDeletesGroups(t *testing.T) {
	c := start(t, three("t", 2))
	values := texts("v", 10)
	member := newKgo(t, c.Addrs(), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.DisableAutoCommit())
	produceKgo(t, member, "t", values)
	records := consumeKgo(t, member, len(values))
	must(t, member.CommitRecords(soon(t), records...))

	admin := newKadm(t, c.Addrs())
	ctx := soon(t)
	groups, err := admin.ListGroups(ctx)
	must(t, err)
	equal(t, "groups", fmt.Sprint(groups.Groups()), "[g]")
	equal(t, "state", groups["g"].State, "Stable")
	described, err := admin.DescribeGroups(ctx, "g")
	must(t, errors.Join(err, described.Error()))
	equal(t, "members", len(described["g"].Members), 1)
	lags, err := admin.Lag(ctx, "g")
	must(t, err)
	equal(t, "lag", lags["g"].Lag.Total(), 0)
	refused, err := admin.DeleteGroups(ctx, "g")
	must(t, err)
	fails(t, "with a member", refused["g"].Err, kerr.NonEmptyGroup)
	member.Close()

	fetched, err := admin.FetchOffsets(ctx, "g")
	must(t, err)
	equal(t, "committed", len(fetched.Offsets().Sorted()), 2)
	removed, err := admin.DeleteOffsets(ctx, "g", kadm.TopicsSet{"t": {0: {}}})
	must(t, errors.Join(err, removed.Error()))
	deleted, err := admin.DeleteGroups(ctx, "g", "unknown")
	must(t, err)
	fails(t, "g", deleted["g"].Err, nil)
	fails(t, "unknown", deleted["unknown"].Err, kerr.GroupIDNotFound)
}

func TestKadmCommitsForAGroupWithoutMembers(t *testing.T) {
	c := start(t, three("t", 1))
	admin := newKadm(t, c.Addrs())
	ctx := soon(t)
	unknown, err := admin.FetchOffsets(ctx, "g")
	must(t, err)
	equal(t, "offsets of an unknown group", len(unknown), 0)
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: "t", Partition: 0, At: 7, LeaderEpoch: -1, Metadata: "note"})
	must(t, admin.CommitAllOffsets(ctx, "g", offsets))
	fetched, err := admin.FetchOffsets(ctx, "g")
	must(t, err)
	equal(t, "offset", fetched["t"][0].At, 7)
	equal(t, "metadata", fetched["t"][0].Metadata, "note")
}

func TestKadmDeletesRecords(t *testing.T) {
	c := start(t, three("t", 1))
	produceKgo(t, newKgo(t, c.Addrs()), "t", texts("v", 10))
	admin := newKadm(t, c.Addrs())
	var upTo kadm.Offsets
	upTo.Add(kadm.Offset{Topic: "t", Partition: 0, At: 4})
	deleted, err := admin.DeleteRecords(soon(t), upTo)
	must(t, errors.Join(err, deleted.Error()))
	starts, err := admin.ListStartOffsets(soon(t), "t")
	must(t, err)
	equal(t, "start", starts["t"][0].Offset, 4)
	equal(t, "first", consumeKgo(t, newKgo(t, c.Addrs(), kgo.ConsumeTopics("t")), 1)[0].Offset, 4)
}

func TestKadmSetsQuotas(t *testing.T) {
	c := start(t, kafkatest.Config{})
	admin := newKadm(t, c.Addrs())
	entity := kadm.ClientQuotaEntity{{Type: "user", Name: kadm.StringPtr("alice")}}
	altered, err := admin.AlterClientQuotas(soon(t), []kadm.AlterClientQuotaEntry{{
		Entity: entity, Ops: []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: 1024}},
	}})
	must(t, errors.Join(err, altered[0].Err))
	quotas, err := admin.DescribeClientQuotas(soon(t), true,
		[]kadm.DescribeClientQuotaComponent{{Type: "user", MatchName: kadm.StringPtr("alice")}})
	must(t, err)
	equal(t, "entities", len(quotas), 1)
	equal(t, "quotas", fmt.Sprint(quotas), "[{{user=alice} [producer_byte_rate=1024.000000]}]")
}

func TestKadmMovesReplicas(t *testing.T) {
	c := start(t, kafkatest.Config{Brokers: 3})
	admin := newKadm(t, c.Addrs())
	ctx := soon(t)
	_, err := admin.CreateTopic(ctx, 1, 1, nil, "t")
	must(t, err)
	topics, err := admin.ListTopics(ctx, "t")
	must(t, err)
	to := (topics["t"].Partitions[0].Replicas[0] + 1) % 3
	var move kadm.AlterPartitionAssignmentsReq
	move.Assign("t", 0, []int32{to})
	moved, err := admin.AlterPartitionAssignments(ctx, move)
	must(t, errors.Join(err, moved.Error()))
	for {
		left, err := admin.ListPartitionReassignments(ctx, nil)
		must(t, err)
		if len(left) == 0 {
			break
		}
	}
	topics, err = newKadm(t, c.Addrs()).ListTopics(ctx, "t")
	must(t, err)
	equal(t, "replicas", fmt.Sprint(topics["t"].Partitions[0].Replicas), fmt.Sprint([]int32{to}))
	equal(t, "leader", topics["t"].Partitions[0].Leader, to)
	var cancel kadm.AlterPartitionAssignmentsReq
	cancel.CancelAssign("t", 0)
	cancelled, err := admin.AlterPartitionAssignments(ctx, cancel)
	must(t, err)
	fails(t, "cancel", cancelled["t"][0].Err, kerr.NoReassignmentInProgress)
	elected, err := admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, kadm.TopicsSet{"t": {0: {}}})
	must(t, err)
	fails(t, "elect", elected["t"][0].Err, kerr.ElectionNotNeeded)
}

func TestKadmDescribesLogDirs(t *testing.T) {
	c := start(t, three("t", 2))
	produceKgo(t, newKgo(t, c.Addrs()), "t", texts("v", 100))
	dirs, err := newKadm(t, c.Addrs()).DescribeAllLogDirs(soon(t), nil)
	must(t, err)
	equal(t, "brokers", len(dirs), 3)
	var size int64
	dirs.Each(func(d kadm.DescribedLogDir) {
		must(t, d.Err)
		size += d.Size()
	})
	if size < 100*5 {
		t.Errorf("the logs take %d bytes", size)
	}
}

func TestKadmDescribesProducersAndTransactions(t *testing.T) {
	c := start(t, three("t", 1))
	producer := newKgo(t, c.Addrs(), kgo.TransactionalID("tx"))
	must(t, producer.BeginTransaction())
	produceKgo(t, producer, "t", []string{"v"})
	admin := newKadm(t, c.Addrs())
	listed, err := admin.ListTransactions(soon(t), nil, nil)
	must(t, err)
	equal(t, "state", listed["tx"].State, "Ongoing")
	described, err := admin.DescribeTransactions(soon(t), "tx")
	must(t, err)
	equal(t, "topics", fmt.Sprint(described["tx"].Topics.Sorted()), "[{t [0]}]")
	producers, err := admin.DescribeProducers(soon(t), kadm.TopicsSet{"t": {0: {}}})
	must(t, err)
	equal(t, "producers", len(producers["t"].Partitions[0].ActiveProducers), 1)
	must(t, producer.EndTransaction(soon(t), kgo.TryAbort))
}
