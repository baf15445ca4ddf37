// Whatever an admin client sends, it gets an answer, and nobody panics.

package state_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// adminRequests has one request of every admin API.
func adminRequests() []kmsg.Request {
	limit := &kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 1}
	limit.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: "a", Partition: 1}
	change := kmsg.IncrementalAlterConfigsRequestResource{
		ResourceType: setting.Topic, ResourceName: "a", Configs: changes("cleanup.policy+=compact"),
	}
	described := kmsg.DescribeConfigsRequestResource{ResourceType: setting.Broker, ResourceName: "1"}
	elect := kmsg.ElectLeadersRequestTopic{Topic: "a", Partitions: []int32{0, 1}}
	return []kmsg.Request{
		creation(7, newTopic("b", configured("retention.ms", "1"))),
		creation(7, newTopic("c", assigned(map[int32][]int32{0: {1, 2}, 1: {2, 3}}))),
		deletion(6, byName("a"), byID([16]byte{1})),
		growth("a", 5),
		&kmsg.DescribeConfigsRequest{Version: 4, Resources: []kmsg.DescribeConfigsRequestResource{described}},
		replaceConfigs(2, "a", "retention.ms", "5"),
		&kmsg.IncrementalAlterConfigsRequest{Resources: []kmsg.IncrementalAlterConfigsRequestResource{change}},
		&kmsg.ListConfigResourcesRequest{Version: 1, ResourceTypes: []int8{2}},
		&kmsg.DescribeClusterRequest{Version: 2, EndpointType: 1},
		limit,
		&kmsg.DescribeLogDirsRequest{Version: 4},
		&kmsg.AlterReplicaLogDirsRequest{Version: 2},
		quorum("__cluster_metadata", 0),
		levels(2, "group.version", 0, 2),
		&kmsg.GetTelemetrySubscriptionsRequest{},
		&kmsg.PushTelemetryRequest{ClientInstanceID: instanceID},
		moveRequest("a", 0, []int32{2, 3}),
		&kmsg.ListPartitionReassignmentsRequest{},
		&kmsg.ElectLeadersRequest{Version: 2, Topics: []kmsg.ElectLeadersRequestTopic{elect}},
	}
}

func TestTheSameAdminRequestsHaveTheSameAnswers(t *testing.T) {
	answers := func() (all [][]byte) {
		d := newDriver(t, 3, map[string]string{"log.retention.ms": "5"})
		d.create("a", 2, 2)
		for _, req := range adminRequests() {
			all = append(all, d.Handle(d.call(), req).AppendTo(nil))
		}
		return all
	}
	first := answers()
	for range 10 {
		for i, again := range answers() {
			if !bytes.Equal(first[i], again) {
				t.Fatalf("%T was answered by other bytes", adminRequests()[i])
			}
		}
	}
}

func FuzzAdminRequests(f *testing.F) {
	for _, req := range adminRequests() {
		f.Add(req.Key(), req.GetVersion(), req.AppendTo(nil))
	}
	served := map[int16]bool{}
	for _, req := range adminRequests() {
		served[req.Key()] = true
	}
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		d := newDriver(t, 3, nil)
		lowest, highest, _ := d.Versions(key)
		if !served[key] || version < lowest || version > highest {
			return
		}
		req := kmsg.RequestForKey(key)
		req.SetVersion(version)
		if req.ReadFrom(body) != nil {
			return
		}
		d.create("a", 2, 2)
		d.SetReassignmentTime(time.Second)
		resp := d.Handle(d.call(), req)
		if resp == nil {
			t.Fatalf("%T was not answered", req)
		}
		resp.AppendTo(nil)
		d.tick(time.Minute)
		for _, topic := range d.TopicNames() {
			top, _ := d.Topic(topic)
			for _, p := range top.Partitions {
				if len(p.Replicas) == 0 || len(p.ISR) == 0 || p.Leader < 0 || len(p.Adding) > 0 {
					t.Fatalf("%s-%d has %s", topic, p.Number, shape(p))
				}
			}
		}
	})
}
