// Sarama's admin client.

package kafka_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/IBM/sarama"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// newSaramaAdmin is an admin client, closed with the test.
func newSaramaAdmin(t testing.TB, addrs []string, version sarama.KafkaVersion) sarama.ClusterAdmin {
	t.Helper()
	admin, err := sarama.NewClusterAdmin(addrs, saramaConfig(version))
	must(t, err)
	t.Cleanup(func() { must(t, admin.Close()) })
	return admin
}

func TestSaramaAdministersTopicsAsEveryVersion(t *testing.T) {
	for _, version := range []sarama.KafkaVersion{
		sarama.V0_10_1_0, sarama.V0_11_0_0, sarama.V1_0_0_0, sarama.V2_0_0_0, sarama.V2_8_0_0, sarama.MaxVersion,
	} {
		t.Run(version.String(), func(t *testing.T) {
			c := start(t, kafkatest.Config{Brokers: 3})
			admin := newSaramaAdmin(t, c.Addrs(), version)
			must(t, admin.CreateTopic("t", &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 2}, false))
			err := admin.CreateTopic("t", &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 2}, false)
			fails(t, "again", err, sarama.ErrTopicAlreadyExists)
			described, err := admin.DescribeTopics([]string{"t"})
			must(t, err)
			equal(t, "partitions", len(described[0].Partitions), 3)
			if version.IsAtLeast(sarama.V1_0_0_0) {
				must(t, admin.CreatePartitions("t", 5, nil, false))
				described, err = admin.DescribeTopics([]string{"t"})
				must(t, err)
				equal(t, "partitions", len(described[0].Partitions), 5)
			}
			must(t, admin.DeleteTopic("t"))
			fails(t, "deleting again", admin.DeleteTopic("t"), sarama.ErrUnknownTopicOrPartition)
		})
	}
}

func TestSaramaAdministersConfigsAndRecords(t *testing.T) {
	c := start(t, three("t", 1))
	admin := newSaramaAdmin(t, c.Addrs(), sarama.MaxVersion)
	value := "54321"
	must(t, admin.AlterConfig(sarama.TopicResource, "t", map[string]*string{"retention.ms": &value}, false))
	described, err := admin.DescribeConfigs([]*sarama.ConfigResource{
		{Type: sarama.TopicResource, Name: "t", ConfigNames: []string{"retention.ms"}},
	}, sarama.DescribeConfigsOptions{IncludeSynonyms: true, IncludeDocumentation: true})
	must(t, err)
	equal(t, "entries", len(described[0].Configs), 1)
	equal(t, "retention.ms", described[0].Configs[0].Value, value)
	set := map[string]sarama.IncrementalAlterConfigsEntry{
		"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationDelete},
	}
	must(t, admin.IncrementalAlterConfig(sarama.TopicResource, "t", set, false))
	produceSarama(t, newSarama(t, c.Addrs(), saramaConfig(sarama.MaxVersion)), "t", texts("v", 5))
	must(t, admin.DeleteRecords("t", map[int32]int64{0: 3}))
	dirs, err := admin.DescribeLogDirs([]int32{0, 1, 2})
	must(t, err)
	equal(t, "brokers with log dirs", len(dirs), 3)
	brokers, controller, err := admin.DescribeCluster()
	must(t, err)
	equal(t, "brokers", len(brokers), 3)
	equal(t, "controller is known", controller >= 0, true)
}

func TestSaramaAdministersGroups(t *testing.T) {
	for _, version := range []sarama.KafkaVersion{sarama.V0_10_2_0, sarama.V2_8_0_0, sarama.MaxVersion} {
		t.Run(version.String(), func(t *testing.T) {
			c := start(t, three("t", 2))
			crew := &saramaCrew{t: t, addrs: c.Addrs(), got: newTally(10), changed: make(chan struct{}, 1)}
			crew.config = func() *sarama.Config { return saramaConfig(version) }
			member := crew.join()
			crew.spread(2)
			produceSarama(t, newSarama(t, c.Addrs(), saramaConfig(version)), "t", texts("v", 10))
			crew.got.await(t, 1)
			admin := newSaramaAdmin(t, c.Addrs(), version)
			groups, err := admin.ListConsumerGroups()
			must(t, err)
			equal(t, "groups", fmt.Sprint(groups), "map[g:consumer]")
			described, err := admin.DescribeConsumerGroups([]string{"g", "unknown"})
			must(t, err)
			equal(t, "state", described[0].State, "Stable")
			equal(t, "members", len(described[0].Members), 1)
			equal(t, "unknown", described[1].State, "Dead")
			member.leave()
			offsets, err := admin.ListConsumerGroupOffsets("g", map[string][]int32{"t": {0, 1}})
			must(t, err)
			equal(t, "committed", offsets.GetBlock("t", 0).Offset+offsets.GetBlock("t", 1).Offset, 10)
			if version.IsAtLeast(sarama.V1_1_0_0) {
				must(t, admin.DeleteConsumerGroup("g"))
				fails(t, "deleting again", admin.DeleteConsumerGroup("g"), sarama.ErrGroupIDNotFound)
			}
		})
	}
}

func TestSaramaAdministersUsersACLsAndQuotas(t *testing.T) {
	c := start(t, kafkatest.Config{Brokers: 3, SuperUsers: []string{"User:ANONYMOUS"}})
	admin := newSaramaAdmin(t, c.Addrs(), sarama.MaxVersion)
	resource := sarama.Resource{
		ResourceType: sarama.AclResourceTopic, ResourceName: "t", ResourcePatternType: sarama.AclPatternLiteral,
	}
	acl := sarama.Acl{
		Principal: "User:bob", Host: "*", Operation: sarama.AclOperationRead, PermissionType: sarama.AclPermissionAllow,
	}
	must(t, admin.CreateACLs([]*sarama.ResourceAcls{{Resource: resource, Acls: []*sarama.Acl{&acl}}}))
	every := sarama.AclFilter{
		ResourceType: sarama.AclResourceAny, ResourcePatternTypeFilter: sarama.AclPatternAny,
		Operation: sarama.AclOperationAny, PermissionType: sarama.AclPermissionAny,
	}
	listed, err := admin.ListAcls(every)
	must(t, err)
	equal(t, "resources with ACLs", len(listed), 1)
	gone, err := admin.DeleteACL(every, false)
	must(t, err)
	equal(t, "deleted ACLs", len(gone), 1)

	upserted, err := admin.UpsertUserScramCredentials([]sarama.AlterUserScramCredentialsUpsert{{
		Name: "bob", Mechanism: sarama.SCRAM_MECHANISM_SHA_256, Iterations: 4096,
		Salt: []byte("salty"), Password: []byte("hidden"),
	}})
	must(t, err)
	fails(t, "user", upserted[0].ErrorCode, sarama.ErrNoError)
	users, err := admin.DescribeUserScramCredentials(nil)
	must(t, err)
	equal(t, "users", len(users), 1)

	entity := []sarama.QuotaEntityComponent{
		{EntityType: sarama.QuotaEntityUser, MatchType: sarama.QuotaMatchExact, Name: "bob"},
	}
	must(t, admin.AlterClientQuotas(entity, sarama.ClientQuotasOp{Key: "producer_byte_rate", Value: 10}, false))
	quotas, err := admin.DescribeClientQuotas(nil, false)
	must(t, err)
	equal(t, "quotas", fmt.Sprint(quotas[0].Values), "map[producer_byte_rate:10]")
}

func TestSaramaMovesReplicas(t *testing.T) {
	c := start(t, kafkatest.Config{Brokers: 3})
	admin := newSaramaAdmin(t, c.Addrs(), sarama.MaxVersion)
	placed := &sarama.TopicDetail{
		NumPartitions: -1, ReplicationFactor: -1, ReplicaAssignment: map[int32][]int32{0: {0}},
	}
	must(t, admin.CreateTopic("t", placed, false))
	must(t, admin.AlterPartitionReassignments("t", [][]int32{{2}}))
	var replicas []int32
	for fmt.Sprint(replicas) != "[2]" {
		if soon(t).Err() != nil {
			t.Fatalf("replicas are %v", replicas)
		}
		described, err := admin.DescribeTopics([]string{"t"})
		must(t, errors.Join(err, asError(described[0].Err)))
		replicas = described[0].Partitions[0].Replicas
	}
	left, err := admin.ListPartitionReassignments("t", []int32{0})
	must(t, err)
	equal(t, "left to do", len(left["t"]), 0)
}

func asError(e sarama.KError) error {
	if e == sarama.ErrNoError {
		return nil
	}
	return e
}
