// DescribeCluster, DescribeTopicPartitions and DescribeQuorum.

package state

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func describeAPIs() []api {
	return []api{
		serves(kmsg.DescribeCluster, 0, 2, (*Cluster).describeCluster),
		serves(kmsg.DescribeTopicPartitions, 0, 0, (*Cluster).describeTopicPartitions),
		serves(kmsg.DescribeQuorum, 0, 2, (*Cluster).describeQuorum),
	}
}

// The kinds of endpoint that KIP-919 knows; these are all of the first.
const (
	brokerEndpoint     = 1
	controllerEndpoint = 2
)

func (c *Cluster) describeCluster(x *call.Call, req *kmsg.DescribeClusterRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeClusterResponse)
	if refused := checkEndpoint(req.EndpointType); refused != nil {
		resp.ErrorCode, resp.ErrorMessage = refused.Code(), refused.Message()
		return resp
	}
	resp.EndpointType, resp.ClusterID, resp.ControllerID = brokerEndpoint, c.ID, c.controller
	resp.ClusterAuthorizedOperations = clusterOperations(x, req.IncludeClusterAuthorizedOperations)
	for _, b := range c.brokers {
		host, port, ok := c.config.Endpoint(x, b.ID)
		if fenced := !c.listed(b.ID); !ok || fenced && !req.IncludeFencedBrokers {
			continue
		}
		node := kmsg.NewDescribeClusterResponseBroker()
		node.NodeID, node.Host, node.Port, node.Rack, node.IsFenced = b.ID, host, port, rackOf(b), !c.listed(b.ID)
		resp.Brokers = append(resp.Brokers, node)
	}
	return resp
}

func checkEndpoint(kind int8) *call.Refusal {
	switch kind {
	case brokerEndpoint:
		return nil
	case controllerEndpoint:
		return call.Refuse(kerr.MismatchedEndpointType, "The request was sent to a broker, and asks for controllers.")
	}
	return call.Refuse(kerr.UnsupportedEndpointType, "There is no endpoint type "+strconv.Itoa(int(kind))+".")
}

// describeTopicPartitions describes topics in the order of their names, as
// many partitions at a time as asked for (KIP-966).
func (c *Cluster) describeTopicPartitions(x *call.Call, req *kmsg.DescribeTopicPartitionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeTopicPartitionsResponse)
	names, from := c.topicsFrom(req)
	if from < 0 {
		for _, name := range names {
			resp.Topics = append(resp.Topics, topicError(name, kerr.InvalidRequest))
		}
		return resp
	}
	left := max(1, min(int(req.ResponsePartitionLimit), int(c.SettingInt("max.request.partition.size.limit"))))
	for _, name := range names {
		if len(req.Topics) == 0 && !x.AllowsTopic(kmsg.ACLOperationDescribe, name) {
			continue
		}
		if left == 0 {
			resp.NextCursor = cursorAt(name, 0)
			return resp
		}
		topic := c.describedTopic(x, name)
		first := 0
		if req.Cursor != nil && req.Cursor.Topic == name {
			first = min(from, len(topic.Partitions))
		}
		topic.Partitions = topic.Partitions[first:]
		if len(topic.Partitions) > left {
			topic.Partitions = topic.Partitions[:left]
			resp.Topics = append(resp.Topics, topic)
			resp.NextCursor = cursorAt(name, first+left)
			return resp
		}
		left -= len(topic.Partitions)
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

func cursorAt(topic string, partition int) *kmsg.DescribeTopicPartitionsResponseNextCursor {
	cursor := kmsg.NewDescribeTopicPartitionsResponseNextCursor()
	cursor.Topic, cursor.Partition = topic, int32(partition)
	return &cursor
}

// topicsFrom returns the names asked for, or all, from that of the cursor on,
// and the partition at which the cursor stands; a negative one is an error, and
// so is a cursor at a topic that is not asked for.
func (c *Cluster) topicsFrom(req *kmsg.DescribeTopicPartitionsRequest) (names []string, from int) {
	for _, t := range req.Topics {
		names = append(names, t.Topic)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(req.Topics) == 0 {
		names = c.names
	}
	if req.Cursor == nil {
		return names, 0
	}
	at, found := slices.BinarySearchFunc(names, req.Cursor.Topic, strings.Compare)
	if !found && len(req.Topics) > 0 {
		return names, -1
	}
	return names[at:], int(req.Cursor.Partition)
}

func topicError(name string, err *kerr.Error) kmsg.DescribeTopicPartitionsResponseTopic {
	topic := kmsg.NewDescribeTopicPartitionsResponseTopic()
	topic.Topic, topic.ErrorCode = &name, err.Code
	return topic
}

// describedTopic describes a topic with all its partitions.
func (c *Cluster) describedTopic(x *call.Call, name string) kmsg.DescribeTopicPartitionsResponseTopic {
	t, exists := c.topics[name]
	switch {
	case !x.AllowsTopic(kmsg.ACLOperationDescribe, name):
		return topicError(name, kerr.TopicAuthorizationFailed)
	case !validTopicName(name):
		return topicError(name, kerr.InvalidTopicException)
	case !exists:
		return topicError(name, kerr.UnknownTopicOrPartition)
	}
	topic := kmsg.NewDescribeTopicPartitionsResponseTopic()
	topic.Topic, topic.TopicID, topic.IsInternal = &name, t.ID, isInternal(name)
	topic.AuthorizedOperations = x.TopicOperations(name)
	for _, p := range t.Partitions {
		seen := c.describePartition(x, p)
		described := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
		described.Partition, described.ErrorCode = seen.Partition, seen.ErrorCode
		described.LeaderID, described.LeaderEpoch = seen.Leader, seen.LeaderEpoch
		described.Replicas, described.ISR, described.OfflineReplicas = seen.Replicas, seen.ISR, seen.OfflineReplicas
		topic.Partitions = append(topic.Partitions, described)
	}
	return topic
}

// describeQuorum describes the controllers' quorum (KIP-595). Every broker is
// a controller too, and has a vote.
func (c *Cluster) describeQuorum(x *call.Call, req *kmsg.DescribeQuorumRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeQuorumResponse)
	if !x.AllowsCluster(kmsg.ACLOperationDescribe) {
		refused := call.Refuse(kerr.ClusterAuthorizationFailed, "")
		resp.ErrorCode, resp.ErrorMessage = refused.Code(), refused.Message()
		return resp
	}
	for i := range req.Topics {
		asked := &req.Topics[i]
		topic := kmsg.NewDescribeQuorumResponseTopic()
		topic.Topic = asked.Topic
		for _, p := range asked.Partitions {
			topic.Partitions = append(topic.Partitions, c.describedQuorum(x, asked.Topic, p.Partition))
		}
		resp.Topics = append(resp.Topics, topic)
	}
	for _, b := range c.brokers {
		if host, port, ok := c.config.Endpoint(x, b.ID); ok {
			node := kmsg.NewDescribeQuorumResponseNode()
			listener := kmsg.NewDescribeQuorumResponseNodeListener()
			listener.Name, listener.Host, listener.Port = "CONTROLLER", host, uint16(port)
			node.NodeID, node.Listeners = b.ID, append(node.Listeners, listener)
			resp.Nodes = append(resp.Nodes, node)
		}
	}
	return resp
}

func (c *Cluster) describedQuorum(x *call.Call, topic string, number int32) kmsg.DescribeQuorumResponseTopicPartition {
	described := kmsg.NewDescribeQuorumResponseTopicPartition()
	described.Partition = number
	if topic != metadataTopic || number != 0 {
		refused := call.Refuse(kerr.UnknownTopicOrPartition, "")
		described.ErrorCode, described.ErrorMessage = refused.Code(), refused.Message()
		return described
	}
	described.LeaderID, described.LeaderEpoch = c.controller, c.admin.quorumEpoch+1
	described.HighWatermark = c.metadataOffset()
	for _, b := range c.brokers {
		voter := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
		voter.ReplicaID, voter.LogEndOffset = b.ID, described.HighWatermark
		voter.ReplicaDirectoryID = c.directoryID(b.ID)
		voter.LastFetchTimestamp, voter.LastCaughtUpTimestamp = -1, -1
		if b.Condition == Up {
			voter.LastFetchTimestamp, voter.LastCaughtUpTimestamp = x.Now.UnixMilli(), x.Now.UnixMilli()
		}
		described.CurrentVoters = append(described.CurrentVoters, voter)
	}
	return described
}

// metadataOffset is the end of the controllers' log: one more with each change
// of topics and configs.
func (c *Cluster) metadataOffset() int64 { return int64(c.settings.Changes()) }

// directoryID returns the id of a broker's log directory (KIP-853).
func (c *Cluster) directoryID(broker int32) [16]byte {
	return c.Seed.UUID("directory", strconv.Itoa(int(broker)))
}
