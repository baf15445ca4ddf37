// DeleteTopics and CreatePartitions.

package state

import (
	"fmt"
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func topicAPIs() []api {
	return []api{
		serves(kmsg.CreateTopics, 0, 7, (*Cluster).createTopics),
		serves(kmsg.DeleteTopics, 0, 6, (*Cluster).deleteTopics),
		serves(kmsg.CreatePartitions, 0, 3, (*Cluster).createPartitions),
	}
}

func (c *Cluster) deleteTopics(x *call.Call, req *kmsg.DeleteTopicsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DeleteTopicsResponse)
	asked := req.Topics
	if req.Version < 6 {
		asked = nil
		for i := range req.TopicNames {
			asked = append(asked, kmsg.DeleteTopicsRequestTopic{Topic: &req.TopicNames[i]})
		}
	}
	var deleted []*Topic
	for _, d := range c.deletions(x, req.Version, asked) {
		answer := kmsg.NewDeleteTopicsResponseTopic()
		answer.Topic, answer.TopicID = d.asked.Topic, d.asked.TopicID
		answer.ErrorCode, answer.ErrorMessage = d.refused.Code(), d.refused.Message()
		if d.topic != nil {
			answer.Topic, answer.TopicID = &d.topic.Name, d.topic.ID
		}
		if d.refused == nil {
			deleted = append(deleted, d.topic)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	c.DeleteTopics(deleted...)
	return resp
}

// A deletion is what becomes of a topic that is to be deleted.
type deletion struct {
	asked   *kmsg.DeleteTopicsRequestTopic
	topic   *Topic // nil if it is not there, or the caller may not know of it
	refused *call.Refusal
}

// deletions decides on the topics of a request. One that is there more than
// once is not deleted, and answered for once.
func (c *Cluster) deletions(x *call.Call, version int16, asked []kmsg.DeleteTopicsRequestTopic) []*deletion {
	var all []*deletion
	byKey, byTopic := map[topicKey]*deletion{}, map[*Topic]*deletion{}
	for i := range asked {
		k := topicKey{id: asked[i].TopicID}
		if asked[i].Topic != nil {
			k.name = *asked[i].Topic
		}
		if d := byKey[k]; d != nil {
			delete(byTopic, d.topic)
			d.topic, d.refused = nil, call.Refuse(kerr.InvalidRequest, "Duplicate topic name or id.")
			continue
		}
		d := &deletion{asked: &asked[i]}
		d.topic, d.refused = c.deletable(x, version, &asked[i])
		byKey[k] = d
		if other := byTopic[d.topic]; other != nil && d.refused == nil {
			other.refused = call.Refuse(kerr.InvalidRequest,
				"The provided topic name maps to an ID that was already supplied.")
			continue
		}
		if d.refused == nil {
			byTopic[d.topic] = d
		}
		all = append(all, d)
	}
	return all
}

// deletable finds a topic that is to be deleted. It tells the topic along with
// a refusal only to callers who may know of it.
func (c *Cluster) deletable(
	x *call.Call, version int16, asked *kmsg.DeleteTopicsRequestTopic,
) (*Topic, *call.Refusal) {
	byID := asked.TopicID != [16]byte{}
	switch {
	case !c.settingBool("delete.topic.enable") && version < 3:
		return nil, call.Refuse(kerr.InvalidRequest, "Topic deletion is disabled.")
	case !c.settingBool("delete.topic.enable"):
		return nil, call.Refuse(kerr.TopicDeletionDisabled, "")
	case byID && asked.Topic != nil:
		return nil, call.Refuse(kerr.InvalidRequest, "You may not specify both topic name and topic id.")
	case !byID && asked.Topic == nil:
		return nil, call.Refuse(kerr.InvalidRequest, "Neither topic name nor id were specified.")
	}
	if !byID {
		return c.deletableByName(x, *asked.Topic)
	}
	switch t := c.byID[asked.TopicID]; {
	case t == nil:
		return nil, call.Refuse(kerr.UnknownTopicID, "")
	case c.mayDelete(x, t.Name):
		return t, nil
	case x.AllowsTopic(kmsg.ACLOperationDescribe, t.Name):
		return t, call.Refuse(kerr.TopicAuthorizationFailed, "")
	}
	return nil, call.Refuse(kerr.TopicAuthorizationFailed, "")
}

// deletableByName is deletable for a topic that is named.
func (c *Cluster) deletableByName(x *call.Call, name string) (*Topic, *call.Refusal) {
	t, may := c.topics[name], c.mayDelete(x, name)
	switch {
	case t == nil && (may || x.AllowsTopic(kmsg.ACLOperationDescribe, name)):
		return nil, call.Refuse(kerr.UnknownTopicOrPartition, "")
	case !may:
		return nil, call.Refuse(kerr.TopicAuthorizationFailed, "")
	}
	return t, nil
}

func (c *Cluster) mayDelete(x *call.Call, topic string) bool {
	return x.AllowsCluster(kmsg.ACLOperationDelete) || x.AllowsTopic(kmsg.ACLOperationDelete, topic)
}

func (c *Cluster) createPartitions(x *call.Call, req *kmsg.CreatePartitionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.CreatePartitionsResponse)
	times := map[string]int{}
	for i := range req.Topics {
		times[req.Topics[i].Topic]++
	}
	answered := map[string]bool{}
	for i := range req.Topics {
		asked := &req.Topics[i]
		if answered[asked.Topic] {
			continue
		}
		answered[asked.Topic] = true
		refused := call.Refuse(kerr.InvalidRequest, "Duplicate topic name.")
		if times[asked.Topic] == 1 {
			refused = c.addAsked(x, asked, req.ValidateOnly)
		}
		answer := kmsg.NewCreatePartitionsResponseTopic()
		answer.Topic, answer.ErrorCode, answer.ErrorMessage = asked.Topic, refused.Code(), refused.Message()
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

// addAsked gives one topic more partitions.
func (c *Cluster) addAsked(x *call.Call, asked *kmsg.CreatePartitionsRequestTopic, validateOnly bool) *call.Refusal {
	if !x.AllowsTopic(kmsg.ACLOperationAlter, asked.Topic) {
		return call.Refuse(kerr.TopicAuthorizationFailed, "")
	}
	t, ok := c.topics[asked.Topic]
	if !ok {
		return call.Refuse(kerr.UnknownTopicOrPartition, "")
	}
	assignment, refused := c.checkIncrease(t, asked)
	if refused != nil || validateOnly {
		return refused
	}
	c.AddPartitions(t, int(asked.Count), assignment)
	return nil
}

// checkIncrease checks the number and the replicas of partitions to add.
func (c *Cluster) checkIncrease(t *Topic, asked *kmsg.CreatePartitionsRequestTopic) ([][]int32, *call.Refusal) {
	has, wants := len(t.Partitions), int(asked.Count)
	switch {
	case wants == has:
		return nil, call.Refuse(kerr.InvalidPartitions, fmt.Sprintf("Topic already has %d partition(s).", has))
	case wants < has:
		return nil, call.Refuse(kerr.InvalidPartitions, fmt.Sprintf("The topic %s currently has %d partition(s); "+
			"%d would not be an increase.", t.Name, has, wants))
	case wants-has > mostPartitions:
		return nil, call.Refuse(kerr.PolicyViolation, "Excessively large number of partitions per request.")
	}
	replication := len(t.Partitions[0].Replicas)
	if asked.Assignment == nil {
		return nil, c.canPlace(replication)
	}
	if len(asked.Assignment) != wants-has {
		return nil, call.Refuse(kerr.InvalidReplicaAssignment, fmt.Sprintf("Attempted to add %d additional "+
			"partition(s), but only %d assignment(s) were specified.", wants-has, len(asked.Assignment)))
	}
	assignment := make([][]int32, len(asked.Assignment))
	for i := range asked.Assignment {
		if refused := c.checkReplicas(asked.Assignment[i].Replicas, replication); refused != nil {
			return nil, refused
		}
		assignment[i] = slices.Clone(asked.Assignment[i].Replicas)
	}
	return assignment, nil
}
