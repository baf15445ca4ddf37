// The cluster, its topics and its quorum are described.

package state_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestTheClusterIsDescribed(t *testing.T) {
	d := newDriver(t, 3, nil)
	d.StopBroker(3)
	for version := range int16(3) {
		req := &kmsg.DescribeClusterRequest{
			Version: version, EndpointType: 1, IncludeFencedBrokers: true, IncludeClusterAuthorizedOperations: true,
		}
		resp := ask[*kmsg.DescribeClusterResponse](d, req)
		wantCode(t, "the description", resp.ErrorCode, nil)
		var brokers []string
		for _, b := range resp.Brokers {
			brokers = append(brokers, fmt.Sprintf("%d %s:%d %s %v", b.NodeID, b.Host, b.Port, *b.Rack, b.IsFenced))
		}
		want := "1 broker:9091 r1 false, 2 broker:9092 r2 false"
		if version >= 2 {
			want += ", 3 broker:9093 r3 true"
		}
		if got := strings.Join(brokers, ", "); got != want {
			t.Errorf("version %d describes %s", version, got)
		}
		if resp.ClusterID != d.ID || resp.ControllerID != 1 || resp.ClusterAuthorizedOperations <= 0 {
			t.Errorf("version %d describes %+v", version, resp)
		}
	}
}

func TestWhoMayNotDescribeTheClusterMayDoNothingToIt(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.only(kmsg.ACLOperationCreate)
	for asked, want := range map[bool]int32{true: 0, false: -1 << 31} {
		req := &kmsg.DescribeClusterRequest{Version: 1, EndpointType: 1, IncludeClusterAuthorizedOperations: asked}
		if got := ask[*kmsg.DescribeClusterResponse](d, req).ClusterAuthorizedOperations; got != want {
			t.Errorf("asked %v: got %d, want %d", asked, got, want)
		}
	}
}

func TestControllersAreNotDescribedByBrokers(t *testing.T) {
	d := newDriver(t, 1, nil)
	for kind, want := range map[int8]*kerr.Error{2: kerr.MismatchedEndpointType, 3: kerr.UnsupportedEndpointType} {
		resp := ask[*kmsg.DescribeClusterResponse](d, &kmsg.DescribeClusterRequest{Version: 1, EndpointType: kind})
		wantCode(t, "the description", resp.ErrorCode, want)
	}
}

// pages asks for topics page by page and prints each.
func pages(d *driver, limit int32, topics ...string) (pages []string) {
	d.t.Helper()
	req := &kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: limit}
	for _, name := range topics {
		req.Topics = append(req.Topics, kmsg.DescribeTopicPartitionsRequestTopic{Topic: name})
	}
	for range 20 {
		resp := ask[*kmsg.DescribeTopicPartitionsResponse](d, req)
		var page []string
		for _, topic := range resp.Topics {
			line := *topic.Topic
			for _, p := range topic.Partitions {
				line += fmt.Sprint(" ", p.Partition)
			}
			if topic.ErrorCode != 0 {
				line += fmt.Sprint(" ", kerr.ErrorForCode(topic.ErrorCode).(*kerr.Error).Message)
			}
			page = append(page, line)
		}
		pages = append(pages, strings.Join(page, ", "))
		if resp.NextCursor == nil {
			return pages
		}
		req.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{
			Topic: resp.NextCursor.Topic, Partition: resp.NextCursor.Partition,
		}
	}
	d.t.Fatal("the pages do not end")
	return nil
}

func TestTopicsAreDescribedPageByPage(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("b", 3, 1)
	d.create("a", 2, 1)
	d.create("c", 1, 1)
	for _, c := range []struct {
		limit  int32
		topics []string
		want   string
	}{
		{2000, nil, "a 0 1, b 0 1 2, c 0"},
		{2, nil, "a 0 1; b 0 1; b 2, c 0"},
		{3, nil, "a 0 1, b 0; b 1 2, c 0"},
		{-1, []string{"c", "a"}, "a 0; a 1; c 0"},
		{2, []string{"d", "b", "a b", "b"}, "a b INVALID_TOPIC_EXCEPTION, b 0 1; b 2, d UNKNOWN_TOPIC_OR_PARTITION"},
	} {
		if got := strings.Join(pages(d, c.limit, c.topics...), "; "); got != c.want {
			t.Errorf("%d at a time of %v: %s", c.limit, c.topics, got)
		}
	}
}

func TestACursorMayStandAnywhereButBelowZero(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("a", 2, 1)
	d.create("c", 1, 1)
	for _, c := range []struct {
		topic     string
		partition int32
		want      string
	}{
		{"a", 1, "a 1 c 1"}, {"a", 2, "a 0 c 1"}, {"a", 1 << 30, "a 0 c 1"}, {"b", 5, "c 1"}, {"z", 0, ""},
	} {
		req := &kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 10}
		req.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: c.topic, Partition: c.partition}
		var got []string
		for _, topic := range ask[*kmsg.DescribeTopicPartitionsResponse](d, req).Topics {
			got = append(got, fmt.Sprint(*topic.Topic, " ", len(topic.Partitions)))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("from %s-%d: %v", c.topic, c.partition, got)
		}
	}
	req := &kmsg.DescribeTopicPartitionsRequest{
		ResponsePartitionLimit: 10, Topics: []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: "a"}},
		Cursor: &kmsg.DescribeTopicPartitionsRequestCursor{Topic: "a", Partition: -1},
	}
	resp := ask[*kmsg.DescribeTopicPartitionsResponse](d, req)
	wantCode(t, "a negative cursor", resp.Topics[0].ErrorCode, kerr.InvalidRequest)
	req.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: "c"}
	resp = ask[*kmsg.DescribeTopicPartitionsResponse](d, req)
	wantCode(t, "a cursor at what is not asked for", resp.Topics[0].ErrorCode, kerr.InvalidRequest)
}

func TestTopicsAreHiddenFromThoseWhoMayNotDescribeThem(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("a", 1, 1)
	d.create("b", 1, 1)
	d.allow = func(_ kmsg.ACLOperation, _ kmsg.ACLResourceType, name string) bool { return name == "b" }
	if got := strings.Join(pages(d, 10), "; "); got != "b 0" {
		t.Errorf("of all: %s", got)
	}
	want := "a TOPIC_AUTHORIZATION_FAILED, b 0, c TOPIC_AUTHORIZATION_FAILED"
	if got := strings.Join(pages(d, 10, "a", "b", "c"), "; "); got != want {
		t.Errorf("of those named: %s", got)
	}
}

// quorum asks for the quorum of one partition.
func quorum(topic string, partition int32) *kmsg.DescribeQuorumRequest {
	asked := kmsg.DescribeQuorumRequestTopic{Topic: topic}
	asked.Partitions = []kmsg.DescribeQuorumRequestTopicPartition{{Partition: partition}}
	return &kmsg.DescribeQuorumRequest{Version: 2, Topics: []kmsg.DescribeQuorumRequestTopic{asked}}
}

func TestTheQuorumFollowsTheController(t *testing.T) {
	d := newDriver(t, 3, nil)
	before := ask[*kmsg.DescribeQuorumResponse](d, quorum("__cluster_metadata", 0)).Topics[0].Partitions[0]
	if before.LeaderID != 1 || len(before.CurrentVoters) != 3 || before.HighWatermark <= 0 {
		t.Errorf("the quorum is %+v", before)
	}
	d.create("a", 1, 1)
	d.StopBroker(1)
	resp := ask[*kmsg.DescribeQuorumResponse](d, quorum("__cluster_metadata", 0))
	after := resp.Topics[0].Partitions[0]
	if after.LeaderID != 2 || after.LeaderEpoch <= before.LeaderEpoch || after.HighWatermark <= before.HighWatermark {
		t.Errorf("the quorum was %+v and is %+v", before, after)
	}
	if v := after.CurrentVoters; v[0].LastFetchTimestamp != -1 || v[1].LastFetchTimestamp != begin.UnixMilli() {
		t.Errorf("the voters are %+v", v)
	}
	if len(resp.Nodes) != 3 || resp.Nodes[2].Listeners[0].Port != 9093 {
		t.Errorf("the nodes are %+v", resp.Nodes)
	}
}

func TestOtherTopicsHaveNoQuorum(t *testing.T) {
	d := newDriver(t, 1, nil)
	d.create("a", 1, 1)
	for _, req := range []*kmsg.DescribeQuorumRequest{quorum("a", 0), quorum("__cluster_metadata", 1)} {
		resp := ask[*kmsg.DescribeQuorumResponse](d, req)
		wantCode(t, req.Topics[0].Topic, resp.Topics[0].Partitions[0].ErrorCode, kerr.UnknownTopicOrPartition)
	}
	d.only()
	resp := ask[*kmsg.DescribeQuorumResponse](d, quorum("__cluster_metadata", 0))
	wantCode(t, "without right", resp.ErrorCode, kerr.ClusterAuthorizationFailed)
}
