// Metadata and ApiVersions: who is there, and what they can do.

package state

import (
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func metadataAPIs() []api {
	return []api{
		serves(kmsg.Metadata, 0, 13, (*Cluster).metadata),
		serves(kmsg.ApiVersions, 0, 5, (*Cluster).apiVersions),
	}
}

func (c *Cluster) metadata(x *call.Call, req *kmsg.MetadataRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.MetadataResponse)
	resp.ClusterID = kmsg.StringPtr(c.ID)
	resp.ControllerID = c.controller
	for _, b := range c.brokers {
		if host, port, ok := c.config.Endpoint(x, b.ID); ok && c.listed(b.ID) {
			node := kmsg.NewMetadataResponseBroker()
			node.NodeID, node.Host, node.Port, node.Rack = b.ID, host, port, rackOf(b)
			resp.Brokers = append(resp.Brokers, node)
		}
	}
	resp.AuthorizedOperations = clusterOperations(x, req.IncludeClusterAuthorizedOperations)
	if req.Topics == nil || req.Version == 0 && len(req.Topics) == 0 {
		for _, name := range c.names {
			if x.AllowsTopic(kmsg.ACLOperationDescribe, name) {
				resp.Topics = append(resp.Topics, c.describeTopic(x, req, c.topics[name]))
			}
		}
		return resp
	}
	create := c.autoCreates(req)
	seen := make(map[topicKey]bool, len(req.Topics))
	for i := range req.Topics {
		if key := keyOf(&req.Topics[i]); !seen[key] { // who asks twice is told once
			seen[key] = true
			resp.Topics = append(resp.Topics, c.topicMetadata(x, req, &req.Topics[i], create))
		}
	}
	return resp
}

// A topicKey names a topic as a request does: by name or by id.
type topicKey struct {
	name string
	id   [16]byte
}

func keyOf(asked *kmsg.MetadataRequestTopic) topicKey {
	if asked.Topic == nil {
		return topicKey{id: asked.TopicID}
	}
	return topicKey{name: *asked.Topic}
}

// autoCreates reports whether topics that are not there are to be created. If
// they had more partitions than a controller makes at once none is, since a
// broker asks the controller for all of them together.
func (c *Cluster) autoCreates(req *kmsg.MetadataRequest) bool {
	if req.Version >= 4 && !req.AllowAutoTopicCreation || !c.settingBool("auto.create.topics.enable") {
		return false
	}
	absent := int64(0)
	for i := range req.Topics {
		if name := req.Topics[i].Topic; name != nil && c.topics[*name] == nil {
			absent++
		}
	}
	return absent*c.SettingInt("num.partitions") <= mostPartitions
}

// topicMetadata answers for one topic of a request, by name or, from version
// 12 on, by id. create says whether one that is not there is to be created.
func (c *Cluster) topicMetadata(
	x *call.Call, req *kmsg.MetadataRequest, asked *kmsg.MetadataRequestTopic, create bool,
) kmsg.MetadataResponseTopic {
	unknown := kmsg.NewMetadataResponseTopic()
	if asked.Topic == nil {
		unknown.TopicID = asked.TopicID
		t, ok := c.byID[asked.TopicID]
		switch {
		case !ok:
			unknown.ErrorCode = kerr.UnknownTopicID.Code
		case !x.AllowsTopic(kmsg.ACLOperationDescribe, t.Name): // Kafka does not think ids a secret
			unknown.ErrorCode = kerr.TopicAuthorizationFailed.Code
		default:
			return c.describeTopic(x, req, t)
		}
		return unknown
	}
	name := *asked.Topic
	unknown.Topic = &name
	if !x.AllowsTopic(kmsg.ACLOperationDescribe, name) {
		unknown.ErrorCode = kerr.TopicAuthorizationFailed.Code
		return unknown
	}
	if t, ok := c.topics[name]; ok {
		return c.describeTopic(x, req, t)
	}
	unknown.IsInternal = isInternal(name)
	switch {
	case !validTopicName(name):
		unknown.ErrorCode = kerr.InvalidTopicException.Code
	case create:
		unknown.ErrorCode = c.autoCreate(x, name).Code
	default:
		unknown.ErrorCode = kerr.UnknownTopicOrPartition.Code
	}
	return unknown
}

func (c *Cluster) describeTopic(x *call.Call, req *kmsg.MetadataRequest, t *Topic) kmsg.MetadataResponseTopic {
	topic := kmsg.NewMetadataResponseTopic()
	topic.Topic, topic.TopicID, topic.IsInternal = &t.Name, t.ID, isInternal(t.Name)
	topic.AuthorizedOperations = topicOperations(x, req.IncludeTopicAuthorizedOperations, t.Name)
	topic.Partitions = make([]kmsg.MetadataResponseTopicPartition, len(t.Partitions))
	for i, p := range t.Partitions {
		topic.Partitions[i] = c.describePartition(x, p)
		olden(&topic.Partitions[i], req.Version)
	}
	return topic
}

func (c *Cluster) describePartition(x *call.Call, p *Partition) kmsg.MetadataResponseTopicPartition {
	described := kmsg.NewMetadataResponseTopicPartition()
	described.Partition, described.Leader, described.LeaderEpoch = p.Number, p.Leader, p.Epoch
	described.Replicas, described.ISR = slices.Clone(p.Replicas), slices.Clone(p.ISR)
	described.OfflineReplicas = c.offline(p)
	switch _, _, reachable := c.config.Endpoint(x, p.Leader); {
	case p.Leader < 0:
		described.ErrorCode = kerr.LeaderNotAvailable.Code
	case !reachable:
		described.Leader, described.ErrorCode = -1, kerr.ListenerNotFound.Code
	}
	return described
}

// olden tells of a partition as old versions do: before version 6 they do not
// tell why there is no leader to be reached, and version 0, which has no
// offline replicas, leaves them out and makes an error of it.
func olden(p *kmsg.MetadataResponseTopicPartition, version int16) {
	if version < 6 && p.ErrorCode == kerr.ListenerNotFound.Code {
		p.ErrorCode = kerr.LeaderNotAvailable.Code
	}
	if version > 0 || len(p.OfflineReplicas) == 0 {
		return
	}
	isOffline := func(id int32) bool { return slices.Contains(p.OfflineReplicas, id) }
	p.Replicas, p.ISR = slices.DeleteFunc(p.Replicas, isOffline), slices.DeleteFunc(p.ISR, isOffline)
	if p.ErrorCode == 0 {
		p.ErrorCode = kerr.ReplicaNotAvailable.Code
	}
}

// offline returns the replicas of p whose broker the cluster knows not to serve.
func (c *Cluster) offline(p *Partition) []int32 {
	offline := []int32{}
	for _, id := range p.Replicas {
		if !c.listed(id) {
			offline = append(offline, id)
		}
	}
	return offline
}

// mayCreate reports whether the caller may create that topic (KIP-277).
func (c *Cluster) mayCreate(x *call.Call, topic string) bool {
	return x.AllowsCluster(kmsg.ACLOperationCreate) ||
		x.AllowsTopic(kmsg.ACLOperationCreate, topic)
}

// notAsked is what authorized operations are when nobody asked for them.
const notAsked = -2147483648

// clusterOperations tells what the caller may do to the cluster, if it asked.
func clusterOperations(x *call.Call, asked bool) int32 {
	if !asked {
		return notAsked
	}
	return x.ClusterOperations()
}

// topicOperations tells what the caller may do to a topic, if it asked.
func topicOperations(x *call.Call, asked bool, topic string) int32 {
	if !asked {
		return notAsked
	}
	return x.TopicOperations(topic)
}

// apiVersions lists every API with the versions that are served, and the
// features of the cluster.
func (c *Cluster) apiVersions(_ *call.Call, req *kmsg.ApiVersionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ApiVersionsResponse)
	if req.Version >= 3 && (!validSoftware(req.ClientSoftwareName) || !validSoftware(req.ClientSoftwareVersion)) {
		resp.ErrorCode = kerr.InvalidRequest.Code
		return resp
	}
	if req.ClusterID != nil && *req.ClusterID != c.ID { // KIP-1242
		resp.ErrorCode = kerr.RebootstrapRequired.Code
		return resp
	}
	for key := range int16(len(c.served)) {
		lowest, highest, ok := c.Versions(key)
		if !ok {
			continue
		}
		if key == kmsg.Produce.Int16() {
			lowest = 0 // advertised though 4.0 refuses them (KAFKA-18659)
		}
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MinVersion, k.MaxVersion = key, lowest, highest
		resp.ApiKeys = append(resp.ApiKeys, k)
	}
	c.tellFeatures(resp)
	return resp
}

// validSoftware reports whether a client's name or version has the form that
// KIP-511 asks for: letters, digits, dots and hyphens, none at either end.
func validSoftware(s string) bool {
	alphanumeric := func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	}
	if s == "" || !alphanumeric(s[0]) || !alphanumeric(s[len(s)-1]) {
		return false
	}
	for _, c := range []byte(s) {
		if !alphanumeric(c) && c != '-' && c != '.' {
			return false
		}
	}
	return true
}
