// Topics are created, grown and deleted as Kafka does it.

package state_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// creation makes a request to create topics.
func creation(version int16, topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsRequest {
	return &kmsg.CreateTopicsRequest{Version: version, Topics: topics}
}

// newTopic makes the entry of one topic: 1 partition, 1 replica.
func newTopic(name string, change func(*kmsg.CreateTopicsRequestTopic)) kmsg.CreateTopicsRequestTopic {
	t := kmsg.CreateTopicsRequestTopic{Topic: name, NumPartitions: 1, ReplicationFactor: 1}
	if change != nil {
		change(&t)
	}
	return t
}

// assigned gives a topic's entry the replicas of its partitions.
func assigned(replicas map[int32][]int32) func(*kmsg.CreateTopicsRequestTopic) {
	return func(t *kmsg.CreateTopicsRequestTopic) {
		t.NumPartitions, t.ReplicationFactor = -1, -1
		for n := int32(0); n < 100; n++ {
			if ids, ok := replicas[n]; ok {
				a := kmsg.CreateTopicsRequestTopicReplicaAssignment{Partition: n, Replicas: ids}
				t.ReplicaAssignment = append(t.ReplicaAssignment, a)
			}
		}
	}
}

func configured(pairs ...string) func(*kmsg.CreateTopicsRequestTopic) {
	return func(t *kmsg.CreateTopicsRequestTopic) {
		for i := 0; i < len(pairs); i += 2 {
			c := kmsg.CreateTopicsRequestTopicConfig{Name: pairs[i], Value: &pairs[i+1]}
			t.Configs = append(t.Configs, c)
		}
	}
}

func TestATopicIsCreatedAsAskedInEveryVersion(t *testing.T) {
	for version := range int16(8) {
		d := newDriver(t, 3, nil)
		shape := func(t *kmsg.CreateTopicsRequestTopic) { t.NumPartitions, t.ReplicationFactor = 4, 2 }
		resp := ask[*kmsg.CreateTopicsResponse](d, creation(version, newTopic("orders", shape)))
		wantCode(t, "the creation", resp.Topics[0].ErrorCode, nil)
		topic, ok := d.Topic("orders")
		if !ok || len(topic.Partitions) != 4 || len(topic.Partitions[3].Replicas) != 2 {
			t.Fatalf("version %d made %+v", version, topic)
		}
		if version >= 5 && (resp.Topics[0].NumPartitions != 4 || resp.Topics[0].ReplicationFactor != 2) {
			t.Errorf("version %d tells %+v", version, resp.Topics[0])
		}
		if version >= 7 && resp.Topics[0].TopicID != topic.ID {
			t.Errorf("version %d tells the id %x, not %x", version, resp.Topics[0].TopicID, topic.ID)
		}
	}
}

func TestAnyBrokerTakesAdminRequests(t *testing.T) {
	d := newDriver(t, 3, nil)
	d.broker = 3
	if d.Controller() == d.broker {
		t.Fatal("broker 3 is the controller")
	}
	created := ask[*kmsg.CreateTopicsResponse](d, creation(7, newTopic("a", nil)))
	wantCode(t, "creation", created.Topics[0].ErrorCode, nil)
	wantCode(t, "growth", ask[*kmsg.CreatePartitionsResponse](d, growth("a", 2)).Topics[0].ErrorCode, nil)
	wantCode(t, "a change of configs", alter(d, setting.Topic, "a", "retention.ms=1"), nil)
	wantCode(t, "a reassignment", move(d, "a", 0, []int32{2}), nil)
	deleted := ask[*kmsg.DeleteTopicsResponse](d, deletion(6, byName("a")))
	wantCode(t, "deletion", deleted.Topics[0].ErrorCode, nil)
}

func TestDefaultsStandInForMinusOne(t *testing.T) {
	d := newDriver(t, 5, map[string]string{"num.partitions": "6"})
	resp := ask[*kmsg.CreateTopicsResponse](d, creation(7, newTopic("orders", func(t *kmsg.CreateTopicsRequestTopic) {
		t.NumPartitions, t.ReplicationFactor = -1, -1
	})))
	if got := resp.Topics[0]; got.NumPartitions != 6 || got.ReplicationFactor != 3 {
		t.Errorf("the topic has %d partitions, %d replicas", got.NumPartitions, got.ReplicationFactor)
	}
}

func TestAnAssignmentIsKeptAsGiven(t *testing.T) {
	d := newDriver(t, 3, nil)
	replicas := assigned(map[int32][]int32{0: {3, 1}, 1: {2, 3}})
	ask[*kmsg.CreateTopicsResponse](d, creation(7, newTopic("orders", replicas)))
	topic, _ := d.Topic("orders")
	if got := topic.Partitions[0]; !slices.Equal(got.Replicas, []int32{3, 1}) || got.Leader != 3 {
		t.Errorf("partition 0 is %v, led by %d", got.Replicas, got.Leader)
	}
	if got := topic.Partitions[1]; !slices.Equal(got.Replicas, []int32{2, 3}) || got.Leader != 2 {
		t.Errorf("partition 1 is %v, led by %d", got.Replicas, got.Leader)
	}
}

func TestATopicThatMayNotBeIsRefused(t *testing.T) {
	partitions := func(n int32) func(*kmsg.CreateTopicsRequestTopic) {
		return func(t *kmsg.CreateTopicsRequestTopic) { t.NumPartitions = n }
	}
	replicas := func(n int16) func(*kmsg.CreateTopicsRequestTopic) {
		return func(t *kmsg.CreateTopicsRequestTopic) { t.ReplicationFactor = n }
	}
	with := func(change func(*kmsg.CreateTopicsRequestTopic)) func(*kmsg.CreateTopicsRequestTopic) {
		return func(t *kmsg.CreateTopicsRequestTopic) {
			assigned(map[int32][]int32{0: {1}})(t)
			change(t)
		}
	}
	for _, c := range []struct {
		what   string
		name   string
		change func(*kmsg.CreateTopicsRequestTopic)
		want   *kerr.Error
	}{
		{"an empty name", "", nil, kerr.InvalidTopicException},
		{"a dot", ".", nil, kerr.InvalidTopicException},
		{"two dots", "..", nil, kerr.InvalidTopicException},
		{"a space", "a b", nil, kerr.InvalidTopicException},
		{"250 letters", strings.Repeat("x", 250), nil, kerr.InvalidTopicException},
		{"a name that collides", "taken_name", nil, kerr.InvalidTopicException},
		{"a name that is taken", "taken.name", nil, kerr.TopicAlreadyExists},
		{"the controllers' log", "__cluster_metadata", nil, kerr.TopicAuthorizationFailed},
		{"no partitions", "t", partitions(0), kerr.InvalidPartitions},
		{"minus two partitions", "t", partitions(-2), kerr.InvalidPartitions},
		{"too many partitions", "t", partitions(1<<31 - 1), kerr.PolicyViolation},
		{"no replicas", "t", replicas(0), kerr.InvalidReplicationFactor},
		{"minus two replicas", "t", replicas(-2), kerr.InvalidReplicationFactor},
		{"more replicas than brokers", "t", replicas(4), kerr.InvalidReplicationFactor},
		{"an unknown config", "t", configured("retention", "1"), kerr.InvalidConfig},
		{"a bad value", "t", configured("retention.ms", "long"), kerr.InvalidConfig},
		{"no value", "t", func(t *kmsg.CreateTopicsRequestTopic) {
			t.Configs = []kmsg.CreateTopicsRequestTopicConfig{{Name: "retention.ms"}}
		}, kerr.InvalidConfig},
		{"contradicting values", "t", configured("min.compaction.lag.ms", "2", "max.compaction.lag.ms", "1"),
			kerr.InvalidConfig},
		{"an assignment and partitions", "t", with(partitions(1)), kerr.InvalidRequest},
		{"an assignment and replicas", "t", with(replicas(1)), kerr.InvalidRequest},
		{"an assignment with a gap", "t", assigned(map[int32][]int32{0: {1}, 2: {1}}), kerr.InvalidReplicaAssignment},
		{"an assignment twice", "t", with(func(t *kmsg.CreateTopicsRequestTopic) {
			t.ReplicaAssignment = append(t.ReplicaAssignment, t.ReplicaAssignment[0])
		}), kerr.InvalidReplicaAssignment},
		{"a negative partition", "t", with(func(t *kmsg.CreateTopicsRequestTopic) {
			t.ReplicaAssignment[0].Partition = -1
		}), kerr.InvalidReplicaAssignment},
		{"an assignment to nobody", "t", assigned(map[int32][]int32{0: {}}), kerr.InvalidReplicaAssignment},
		{"an unknown broker", "t", assigned(map[int32][]int32{0: {9}}), kerr.InvalidReplicaAssignment},
		{"a broker twice", "t", assigned(map[int32][]int32{0: {1, 1}}), kerr.InvalidReplicaAssignment},
		{"uneven assignments", "t", assigned(map[int32][]int32{0: {1}, 1: {1, 2}}), kerr.InvalidReplicaAssignment},
		{"brokers that are down", "t", assigned(map[int32][]int32{0: {3}}), kerr.InvalidReplicaAssignment},
	} {
		d := newDriver(t, 3, nil)
		d.StopBroker(3)
		d.create("taken.name", 1, 1)
		resp := ask[*kmsg.CreateTopicsResponse](d, creation(7, newTopic(c.name, c.change)))
		wantCode(t, c.what, resp.Topics[0].ErrorCode, c.want)
		if resp.Topics[0].ErrorMessage == nil || *resp.Topics[0].ErrorMessage == "" {
			t.Errorf("%s: no message", c.what)
		}
		if n := len(d.TopicNames()); n != 1 {
			t.Errorf("%s: there are %d topics", c.what, n)
		}
	}
}

func TestATopicTwiceInOneRequestIsRefusedOnce(t *testing.T) {
	d := newDriver(t, 1, nil)
	resp := ask[*kmsg.CreateTopicsResponse](d, creation(7, newTopic("a", nil), newTopic("b", nil), newTopic("a", nil)))
	if len(resp.Topics) != 2 {
		t.Fatalf("%d answers", len(resp.Topics))
	}
	wantCode(t, "a", resp.Topics[0].ErrorCode, kerr.InvalidRequest)
	wantCode(t, "b", resp.Topics[1].ErrorCode, nil)
	if _, exists := d.Topic("a"); exists {
		t.Error("a was created")
	}
}

func TestValidationCreatesNothing(t *testing.T) {
	d := newDriver(t, 1, nil)
	req := creation(7, newTopic("a", nil), newTopic("a b", nil))
	req.ValidateOnly = true
	resp := ask[*kmsg.CreateTopicsResponse](d, req)
	wantCode(t, "a", resp.Topics[0].ErrorCode, nil)
	wantCode(t, "a b", resp.Topics[1].ErrorCode, kerr.InvalidTopicException)
	if refused := resp.Topics[1]; refused.Configs == nil || refused.NumPartitions != -1 {
		t.Errorf("a b is answered as %+v", refused)
	}
	if len(d.TopicNames()) != 0 {
		t.Errorf("there are %v", d.TopicNames())
	}
}

func TestACreationTellsTheConfigsOnlyToWhoMayKnow(t *testing.T) {
	d := newDriver(t, 1, nil)
	create := creation(5, newTopic("a", configured("retention.ms", "5000")))
	resp := ask[*kmsg.CreateTopicsResponse](d, create)
	at := slices.IndexFunc(resp.Topics[0].Configs, func(c kmsg.CreateTopicsResponseTopicConfig) bool {
		return c.Name == "retention.ms"
	})
	if at < 0 || *resp.Topics[0].Configs[at].Value != "5000" ||
		resp.Topics[0].Configs[at].Source != int8(kmsg.ConfigSourceDynamicTopicConfig) {
		t.Errorf("the configs are %+v", resp.Topics[0].Configs)
	}
	d = newDriver(t, 1, nil)
	d.only(kmsg.ACLOperationCreate)
	resp = ask[*kmsg.CreateTopicsResponse](d, create)
	wantCode(t, "the creation", resp.Topics[0].ErrorCode, nil)
	wantCode(t, "its configs", resp.Topics[0].ConfigErrorCode, kerr.TopicAuthorizationFailed)
	if len(resp.Topics[0].Configs) != 0 || resp.Topics[0].NumPartitions != -1 {
		t.Errorf("they are told all the same: %+v", resp.Topics[0])
	}
}

func TestTheNotAllowedChangeNoTopics(t *testing.T) {
	d := newDriver(t, 1, nil)
	topic := d.create("a", 1, 1)
	d.only(kmsg.ACLOperationDescribe)
	created := ask[*kmsg.CreateTopicsResponse](d, creation(7, newTopic("b", nil)))
	wantCode(t, "creation", created.Topics[0].ErrorCode, kerr.TopicAuthorizationFailed)
	grown := ask[*kmsg.CreatePartitionsResponse](d, growth("a", 2))
	wantCode(t, "growth", grown.Topics[0].ErrorCode, kerr.TopicAuthorizationFailed)
	deleted := ask[*kmsg.DeleteTopicsResponse](d, deletion(6, byName("a")))
	wantCode(t, "deletion by name", deleted.Topics[0].ErrorCode, kerr.TopicAuthorizationFailed)
	deleted = ask[*kmsg.DeleteTopicsResponse](d, deletion(6, byID(topic.ID)))
	wantCode(t, "deletion by id", deleted.Topics[0].ErrorCode, kerr.TopicAuthorizationFailed)
	if deleted.Topics[0].Topic == nil {
		t.Error("the name is hidden from one who may describe the topic")
	}
	deleted = ask[*kmsg.DeleteTopicsResponse](d, deletion(6, byName("none")))
	wantCode(t, "deletion of none", deleted.Topics[0].ErrorCode, kerr.UnknownTopicOrPartition)
	d.only()
	deleted = ask[*kmsg.DeleteTopicsResponse](d, deletion(6, byName("none")))
	wantCode(t, "deletion of none by a stranger", deleted.Topics[0].ErrorCode, kerr.TopicAuthorizationFailed)
	deleted = ask[*kmsg.DeleteTopicsResponse](d, deletion(6, byID(topic.ID)))
	wantCode(t, "deletion by a stranger", deleted.Topics[0].ErrorCode, kerr.TopicAuthorizationFailed)
	if deleted.Topics[0].Topic != nil {
		t.Error("the name is told to one who may not describe the topic")
	}
	if got := d.TopicNames(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("there are %v", got)
	}
}

func byName(name string) kmsg.DeleteTopicsRequestTopic {
	return kmsg.DeleteTopicsRequestTopic{Topic: &name}
}

func byID(id [16]byte) kmsg.DeleteTopicsRequestTopic {
	return kmsg.DeleteTopicsRequestTopic{TopicID: id}
}

func deletion(version int16, topics ...kmsg.DeleteTopicsRequestTopic) *kmsg.DeleteTopicsRequest {
	req := &kmsg.DeleteTopicsRequest{Version: version, Topics: topics}
	if version < 6 {
		for _, t := range topics {
			req.TopicNames = append(req.TopicNames, *t.Topic)
		}
	}
	return req
}

func TestEveryTopicToDeleteIsAnsweredForItself(t *testing.T) {
	d := newDriver(t, 1, nil)
	a, b := d.create("a", 1, 1), d.create("b", 1, 1)
	d.create("c", 1, 1)
	resp := ask[*kmsg.DeleteTopicsResponse](d, deletion(6,
		byName("a"), byName("unknown"), byID(b.ID), byID([16]byte{1}), byName("c"), byName("c"),
		byID(a.ID), kmsg.DeleteTopicsRequestTopic{}))
	wanted := []*kerr.Error{
		kerr.InvalidRequest, kerr.UnknownTopicOrPartition, nil, kerr.UnknownTopicID, kerr.InvalidRequest,
		kerr.InvalidRequest,
	}
	if len(resp.Topics) != len(wanted) {
		t.Fatalf("answered: %+v", resp.Topics)
	}
	for i, want := range wanted {
		wantCode(t, "answer "+string('0'+rune(i)), resp.Topics[i].ErrorCode, want)
	}
	if got := resp.Topics[2]; got.Topic == nil || *got.Topic != "b" || got.TopicID != b.ID {
		t.Errorf("b is answered as %+v", got)
	}
	if got := d.TopicNames(); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("there remain %v", got)
	}
}

func TestTopicsAreDeletedByNameInOldVersions(t *testing.T) {
	for version := range int16(6) {
		d := newDriver(t, 1, nil)
		d.create("a", 1, 1)
		resp := ask[*kmsg.DeleteTopicsResponse](d, deletion(version, byName("a"), byName("b")))
		wantCode(t, "a", resp.Topics[0].ErrorCode, nil)
		wantCode(t, "b", resp.Topics[1].ErrorCode, kerr.UnknownTopicOrPartition)
	}
}

func TestDeletionMayBeDisabled(t *testing.T) {
	d := newDriver(t, 1, map[string]string{"delete.topic.enable": "false"})
	d.create("a", 1, 1)
	for version, want := range map[int16]*kerr.Error{2: kerr.InvalidRequest, 6: kerr.TopicDeletionDisabled} {
		resp := ask[*kmsg.DeleteTopicsResponse](d, deletion(version, byName("a")))
		wantCode(t, "deletion", resp.Topics[0].ErrorCode, want)
	}
}

func TestATopicCreatedAgainHasAnotherIDAndNoConfigs(t *testing.T) {
	d := newDriver(t, 1, nil)
	before, err := d.CreateTopic(state.TopicSpec{Name: "a", Overrides: map[string]string{"retention.ms": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	ask[*kmsg.DeleteTopicsResponse](d, deletion(6, byName("a")))
	after := d.create("a", 1, 1)
	if before.ID == after.ID {
		t.Error("the id is the same")
	}
	if got := after.Setting("retention.ms"); got != "604800000" {
		t.Errorf("retention.ms is %s", got)
	}
}

// growth makes a request to have n partitions, the new ones assigned so.
func growth(topic string, n int32, replicas ...[]int32) *kmsg.CreatePartitionsRequest {
	asked := kmsg.CreatePartitionsRequestTopic{Topic: topic, Count: n}
	for _, ids := range replicas {
		asked.Assignment = append(asked.Assignment, kmsg.CreatePartitionsRequestTopicAssignment{Replicas: ids})
	}
	return &kmsg.CreatePartitionsRequest{Version: 3, Topics: []kmsg.CreatePartitionsRequestTopic{asked}}
}

func TestATopicGrows(t *testing.T) {
	d := newDriver(t, 3, nil)
	topic := d.create("a", 1, 2)
	resp := ask[*kmsg.CreatePartitionsResponse](d, growth("a", 2))
	wantCode(t, "placed by the cluster", resp.Topics[0].ErrorCode, nil)
	resp = ask[*kmsg.CreatePartitionsResponse](d, growth("a", 3, []int32{2, 3}))
	wantCode(t, "placed by the client", resp.Topics[0].ErrorCode, nil)
	if len(topic.Partitions) != 3 || len(topic.Partitions[1].Replicas) != 2 ||
		!slices.Equal(topic.Partitions[2].Replicas, []int32{2, 3}) {
		t.Errorf("the partitions are %v", topic.Partitions)
	}
	req := growth("a", 4)
	req.ValidateOnly = true
	resp = ask[*kmsg.CreatePartitionsResponse](d, req)
	wantCode(t, "validation", resp.Topics[0].ErrorCode, nil)
	if len(topic.Partitions) != 3 {
		t.Error("validation made partitions")
	}
}

func TestGrowthThatMayNotBeIsRefused(t *testing.T) {
	d := newDriver(t, 3, nil)
	topic := d.create("a", 2, 2)
	for _, c := range []struct {
		what string
		req  *kmsg.CreatePartitionsRequest
		want *kerr.Error
	}{
		{"an unknown topic", growth("b", 2), kerr.UnknownTopicOrPartition},
		{"as many", growth("a", 2), kerr.InvalidPartitions},
		{"fewer", growth("a", 1), kerr.InvalidPartitions},
		{"a negative number", growth("a", -1), kerr.InvalidPartitions},
		{"too many", growth("a", 1<<31-1), kerr.PolicyViolation},
		{"too few assignments", growth("a", 4, []int32{1, 2}), kerr.InvalidReplicaAssignment},
		{"too many assignments", growth("a", 3, []int32{1, 2}, []int32{1, 2}), kerr.InvalidReplicaAssignment},
		{"other replication", growth("a", 3, []int32{1}), kerr.InvalidReplicaAssignment},
		{"an unknown broker", growth("a", 3, []int32{1, 9}), kerr.InvalidReplicaAssignment},
	} {
		resp := ask[*kmsg.CreatePartitionsResponse](d, c.req)
		wantCode(t, c.what, resp.Topics[0].ErrorCode, c.want)
		if len(topic.Partitions) != 2 {
			t.Fatalf("%s: there are %d partitions", c.what, len(topic.Partitions))
		}
	}
	twice := growth("a", 3)
	twice.Topics = append(twice.Topics, twice.Topics[0])
	resp := ask[*kmsg.CreatePartitionsResponse](d, twice)
	wantCode(t, "a topic twice", resp.Topics[0].ErrorCode, kerr.InvalidRequest)
	if len(resp.Topics) != 1 {
		t.Errorf("there are %d answers", len(resp.Topics))
	}
}
