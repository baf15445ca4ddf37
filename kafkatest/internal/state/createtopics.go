// CreateTopics: which topics may be made, and of what shape.

package state

import (
	"fmt"
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// mostPartitions is how many partitions one request may create, as in Kafka's
// controller.
const mostPartitions = 10000

// metadataTopic is the topic of the controllers' own log. Clients cannot
// create it.
const metadataTopic = "__cluster_metadata"

func (c *Cluster) createTopics(x *call.Call, req *kmsg.CreateTopicsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
	times := map[string]int{}
	for i := range req.Topics {
		times[req.Topics[i].Topic]++
	}
	answered := map[string]bool{}
	excess := excessive(req.Topics)
	for i := range req.Topics {
		asked := &req.Topics[i]
		if answered[asked.Topic] {
			continue
		}
		answered[asked.Topic] = true
		refused := excess
		if times[asked.Topic] > 1 {
			refused = call.Refuse(kerr.InvalidRequest, "Duplicate topic name.")
		}
		resp.Topics = append(resp.Topics, c.createAsked(x, req, asked, refused))
	}
	return resp
}

// excessive refuses a request that asks for more partitions than a controller
// makes at once.
func excessive(topics []kmsg.CreateTopicsRequestTopic) *call.Refusal {
	n := 0
	for i := range topics {
		n += max(int(topics[i].NumPartitions), len(topics[i].ReplicaAssignment), 1)
	}
	if n > mostPartitions {
		return call.Refuse(kerr.PolicyViolation, "Excessively large number of partitions per request.")
	}
	return nil
}

// createAsked makes one topic, unless it was refused already, and answers for
// it.
func (c *Cluster) createAsked(
	x *call.Call, req *kmsg.CreateTopicsRequest, asked *kmsg.CreateTopicsRequestTopic, refused *call.Refusal,
) kmsg.CreateTopicsResponseTopic {
	answer := kmsg.NewCreateTopicsResponseTopic()
	answer.Topic, answer.Configs = asked.Topic, []kmsg.CreateTopicsResponseTopicConfig{} // none is not null
	answer.NumPartitions, answer.ReplicationFactor = -1, -1
	var spec TopicSpec
	if refused == nil {
		spec, refused = c.specOf(x, asked)
	}
	if refused != nil {
		answer.ErrorCode, answer.ErrorMessage = refused.Code(), refused.Message()
		return answer
	}
	if !req.ValidateOnly {
		t, err := c.CreateTopic(spec)
		if err != nil {
			answer.ErrorCode = err.Code
			return answer
		}
		answer.TopicID = t.ID
	}
	if !x.AllowsTopic(kmsg.ACLOperationDescribeConfigs, asked.Topic) {
		answer.ConfigErrorCode = kerr.TopicAuthorizationFailed.Code
		return answer
	}
	answer.NumPartitions, answer.ReplicationFactor = int32(spec.Partitions), int16(spec.Replication)
	answer.Configs = c.createdConfigs(spec)
	return answer
}

// specOf checks what is asked for, and says how the topic would be.
func (c *Cluster) specOf(x *call.Call, asked *kmsg.CreateTopicsRequestTopic) (TopicSpec, *call.Refusal) {
	if asked.Topic == metadataTopic || !c.mayCreate(x, asked.Topic) {
		return TopicSpec{}, call.Refuse(kerr.TopicAuthorizationFailed, "Authorization failed.")
	}
	if refused := c.checkNewName(asked.Topic); refused != nil {
		return TopicSpec{}, refused
	}
	overrides, refused := c.checkNewConfigs(asked)
	if refused != nil {
		return TopicSpec{}, refused
	}
	spec := TopicSpec{Name: asked.Topic, Overrides: overrides}
	if len(asked.ReplicaAssignment) > 0 {
		return c.assignedSpec(spec, asked)
	}
	return c.placedSpec(spec, asked)
}

// checkNewName refuses names that are not well formed, taken, or alike to
// another but for dots and underscores, which metrics cannot tell apart.
func (c *Cluster) checkNewName(name string) *call.Refusal {
	if !validTopicName(name) {
		return call.Refuse(kerr.InvalidTopicException, fmt.Sprintf("Topic name is invalid: %q. "+
			"It needs 1 to 249 letters, digits, '.', '_' and '-', and is not '.' or '..'", name))
	}
	if _, exists := c.topics[name]; exists {
		return call.Refuse(kerr.TopicAlreadyExists, "Topic '"+name+"' already exists.")
	}
	if others := c.alike[likeness(name)]; len(others) > 0 {
		return call.Refuse(kerr.InvalidTopicException,
			"Topic '"+name+"' collides with existing topic: "+slices.Min(others))
	}
	return nil
}

// checkNewConfigs returns the configs of a topic to be, as they are kept.
func (c *Cluster) checkNewConfigs(asked *kmsg.CreateTopicsRequestTopic) (map[string]string, *call.Refusal) {
	overrides := make(map[string]string, len(asked.Configs))
	for _, pair := range asked.Configs {
		if pair.Value == nil {
			return nil, call.Refuse(kerr.InvalidConfig, "Null value not supported for topic configs: "+pair.Name)
		}
		overrides[pair.Name] = *pair.Value
	}
	kept, err := c.settings.Check(setting.OfTopic(asked.Topic), overrides)
	if err != nil {
		return nil, call.Refuse(kerr.InvalidConfig, err.Error())
	}
	return kept, nil
}

// placedSpec is for topics whose replicas the cluster places.
func (c *Cluster) placedSpec(spec TopicSpec, asked *kmsg.CreateTopicsRequestTopic) (TopicSpec, *call.Refusal) {
	spec.Partitions, spec.Replication = int(asked.NumPartitions), int(asked.ReplicationFactor)
	if spec.Replication < -1 || spec.Replication == 0 {
		return spec, call.Refuse(kerr.InvalidReplicationFactor,
			"Replication factor must be larger than 0, or -1 to use the default value.")
	}
	if spec.Partitions < -1 || spec.Partitions == 0 {
		return spec, call.Refuse(kerr.InvalidPartitions,
			"Number of partitions was set to an invalid non-positive value.")
	}
	if spec.Partitions == -1 {
		spec.Partitions = int(c.SettingInt("num.partitions"))
	}
	if spec.Replication == -1 {
		spec.Replication = c.defaultReplication()
	}
	return spec, c.canPlace(spec.Replication)
}

// canPlace refuses more replicas than there are brokers. A broker that is
// fenced takes replicas, but not all of them.
func (c *Cluster) canPlace(replication int) *call.Refusal {
	why := ""
	switch {
	case replication > len(c.brokers):
		why = fmt.Sprintf("The target replication factor of %d cannot be reached "+
			"because only %d broker(s) are registered.", replication, len(c.brokers))
	case len(c.upIDs()) == 0:
		why = "All brokers are currently fenced or in controlled shutdown."
	default:
		return nil
	}
	return call.Refuse(kerr.InvalidReplicationFactor,
		fmt.Sprintf("Unable to replicate the partition %d time(s): %s", replication, why))
}

// assignedSpec is for topics whose creator places the replicas.
func (c *Cluster) assignedSpec(spec TopicSpec, asked *kmsg.CreateTopicsRequestTopic) (TopicSpec, *call.Refusal) {
	if asked.ReplicationFactor != -1 {
		return spec, call.Refuse(kerr.InvalidRequest,
			"A manual partition assignment was specified, but replication factor was not set to -1.")
	}
	if asked.NumPartitions != -1 {
		return spec, call.Refuse(kerr.InvalidRequest,
			"A manual partition assignment was specified, but numPartitions was not set to -1.")
	}
	assigned := asked.ReplicaAssignment
	spec.Partitions, spec.Replication = len(assigned), len(assigned[0].Replicas)
	spec.Assignment = make([][]int32, len(assigned))
	for i := range assigned {
		n := assigned[i].Partition
		if n < 0 || int(n) >= len(assigned) {
			return spec, call.Refuse(kerr.InvalidReplicaAssignment,
				"partitions should be a consecutive 0-based integer sequence")
		}
		if spec.Assignment[n] != nil {
			return spec, call.Refuse(kerr.InvalidReplicaAssignment,
				fmt.Sprintf("Found multiple manual partition assignments for partition %d", n))
		}
		if refused := c.checkReplicas(assigned[i].Replicas, spec.Replication); refused != nil {
			return spec, refused
		}
		spec.Assignment[n] = slices.Clone(assigned[i].Replicas)
	}
	return spec, nil
}

// checkReplicas checks replicas that a client has chosen for a new partition.
func (c *Cluster) checkReplicas(replicas []int32, replication int) *call.Refusal {
	if refused := c.checkAssignment(replicas); refused != nil {
		return refused
	}
	if len(replicas) != replication {
		return call.Refuse(kerr.InvalidReplicaAssignment, fmt.Sprintf("The manual partition assignment includes "+
			"a partition with %d replica(s), but this is not consistent with previous partitions, "+
			"which have %d replica(s).", len(replicas), replication))
	}
	if !slices.ContainsFunc(replicas, c.Serves) {
		return call.Refuse(kerr.InvalidReplicaAssignment, "All brokers specified in the manual partition assignment "+
			"are fenced or in controlled shutdown.")
	}
	return nil
}

// checkAssignment refuses no replicas, unknown ones and repeated ones.
func (c *Cluster) checkAssignment(replicas []int32) *call.Refusal {
	if len(replicas) == 0 {
		return call.Refuse(kerr.InvalidReplicaAssignment,
			"The manual partition assignment includes an empty replica list.")
	}
	for i, id := range replicas {
		if _, known := c.Broker(id); !known {
			return call.Refuse(kerr.InvalidReplicaAssignment, fmt.Sprintf("The manual partition assignment includes "+
				"broker %d, but no such broker is registered.", id))
		}
		if slices.Contains(replicas[:i], id) {
			return call.Refuse(kerr.InvalidReplicaAssignment,
				fmt.Sprintf("The manual partition assignment includes the broker %d more than once.", id))
		}
	}
	return nil
}

// createdConfigs tells the configs that a new topic has (KIP-525).
func (c *Cluster) createdConfigs(spec TopicSpec) []kmsg.CreateTopicsResponseTopicConfig {
	defs := setting.Defs(setting.Topic)
	configs := make([]kmsg.CreateTopicsResponseTopicConfig, 0, len(defs))
	for _, v := range c.settings.Describe(noBroker, setting.Resource{Kind: setting.Topic}) {
		config := kmsg.NewCreateTopicsResponseTopicConfig()
		config.Name, config.Value, config.Source = v.Name, v.Text, int8(v.Source)
		if set, ok := spec.Overrides[v.Name]; ok {
			config.Value, config.Source = &set, int8(kmsg.ConfigSourceDynamicTopicConfig)
		}
		configs = append(configs, config)
	}
	return configs
}
