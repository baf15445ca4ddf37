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
	refused := make([]*refusal, len(asked))
	found := make([]*Topic, len(asked))
	for i, repeated := range repeatedTopics(asked) {
		if repeated {
			refused[i] = refuse(kerr.InvalidRequest, "Duplicate topic name or id.")
			continue
		}
		found[i], refused[i] = c.deletable(x, req.Version, &asked[i])
	}
	for i, t := range found {
		// The name may stand for a topic that an id of the same request has taken.
		if t != nil && refused[i] == nil && slices.Contains(found[:i], t) {
			refused[i] = refuse(kerr.InvalidRequest, "The provided topic name maps to an ID that was already supplied.")
		}
	}
	for i := range asked {
		answer := kmsg.NewDeleteTopicsResponseTopic()
		answer.Topic, answer.TopicID = asked[i].Topic, asked[i].TopicID
		answer.ErrorCode, answer.ErrorMessage = refused[i].code(), refused[i].message()
		if t := found[i]; t != nil {
			answer.Topic, answer.TopicID = &t.Name, t.ID
			if refused[i] == nil {
				c.DeleteTopic(t)
			}
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

// repeatedTopics tells which entries of a request are there more than once.
func repeatedTopics(asked []kmsg.DeleteTopicsRequestTopic) []bool {
	type key struct {
		name string
		id   [16]byte
	}
	keyOf := func(t *kmsg.DeleteTopicsRequestTopic) key {
		if t.Topic == nil {
			return key{id: t.TopicID}
		}
		return key{name: *t.Topic, id: t.TopicID}
	}
	times := map[key]int{}
	for i := range asked {
		times[keyOf(&asked[i])]++
	}
	repeated := make([]bool, len(asked))
	for i := range asked {
		repeated[i] = times[keyOf(&asked[i])] > 1
	}
	return repeated
}

// deletable finds a topic that is to be deleted. It tells the topic along with
// a refusal only to callers who may know of it.
func (c *Cluster) deletable(
	x *call.Call, version int16, asked *kmsg.DeleteTopicsRequestTopic,
) (*Topic, *refusal) {
	byID := asked.TopicID != [16]byte{}
	switch {
	case !c.SettingBool("delete.topic.enable") && version < 3:
		return nil, refuse(kerr.InvalidRequest, "Topic deletion is disabled.")
	case !c.SettingBool("delete.topic.enable"):
		return nil, refuse(kerr.TopicDeletionDisabled, "")
	case byID && asked.Topic != nil:
		return nil, refuse(kerr.InvalidRequest, "You may not specify both topic name and topic id.")
	case !byID && asked.Topic == nil:
		return nil, refuse(kerr.InvalidRequest, "Neither topic name nor id were specified.")
	}
	t := c.byID[asked.TopicID]
	if !byID {
		t = c.topics[*asked.Topic]
		if !c.mayDelete(x, *asked.Topic) {
			return nil, refuse(kerr.TopicAuthorizationFailed, "")
		}
		if t == nil {
			return nil, refuse(kerr.UnknownTopicOrPartition, "")
		}
		return t, nil
	}
	switch {
	case t == nil:
		return nil, refuse(kerr.UnknownTopicID, "")
	case c.mayDelete(x, t.Name):
		return t, nil
	case allowsTopic(x, kmsg.ACLOperationDescribe, t.Name):
		return t, refuse(kerr.TopicAuthorizationFailed, "")
	}
	return nil, refuse(kerr.TopicAuthorizationFailed, "")
}

func (c *Cluster) mayDelete(x *call.Call, topic string) bool {
	return x.AllowsCluster(kmsg.ACLOperationDelete) || allowsTopic(x, kmsg.ACLOperationDelete, topic)
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
		refused := refuse(kerr.InvalidRequest, "Duplicate topic name.")
		if times[asked.Topic] == 1 {
			refused = c.addAsked(x, asked, req.ValidateOnly)
		}
		answer := kmsg.NewCreatePartitionsResponseTopic()
		answer.Topic, answer.ErrorCode, answer.ErrorMessage = asked.Topic, refused.code(), refused.message()
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

// addAsked gives one topic more partitions.
func (c *Cluster) addAsked(x *call.Call, asked *kmsg.CreatePartitionsRequestTopic, validateOnly bool) *refusal {
	if !allowsTopic(x, kmsg.ACLOperationAlter, asked.Topic) {
		return refuse(kerr.TopicAuthorizationFailed, "")
	}
	t, ok := c.topics[asked.Topic]
	if !ok {
		return refuse(kerr.UnknownTopicOrPartition, "")
	}
	assignment, refused := c.checkIncrease(t, asked)
	if refused != nil || validateOnly {
		return refused
	}
	c.AddPartitions(t, int(asked.Count), assignment)
	return nil
}

// checkIncrease checks the number and the replicas of partitions to add.
func (c *Cluster) checkIncrease(t *Topic, asked *kmsg.CreatePartitionsRequestTopic) ([][]int32, *refusal) {
	has, wants := len(t.Partitions), int(asked.Count)
	switch {
	case wants == has:
		return nil, refuse(kerr.InvalidPartitions, fmt.Sprintf("Topic already has %d partition(s).", has))
	case wants < has:
		return nil, refuse(kerr.InvalidPartitions, fmt.Sprintf("The topic %s currently has %d partition(s); "+
			"%d would not be an increase.", t.Name, has, wants))
	case wants-has > mostPartitions:
		return nil, refuse(kerr.PolicyViolation, "Excessively large number of partitions per request.")
	}
	replication := len(t.Partitions[0].Replicas)
	if asked.Assignment == nil {
		return nil, c.canPlace(replication)
	}
	if len(asked.Assignment) != wants-has {
		return nil, refuse(kerr.InvalidReplicaAssignment, fmt.Sprintf("Attempted to add %d additional partition(s), "+
			"but only %d assignment(s) were specified.", wants-has, len(asked.Assignment)))
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
