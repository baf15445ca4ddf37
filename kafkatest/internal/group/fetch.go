// OffsetFetch.

package group

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// noOffset is the offset of a partition for which nothing was committed.
const noOffset = -1

// A lookup is the offsets of one group that a request asks for.
type lookup struct {
	x      *Coordinator
	c      *call.Call
	group  *group // nil if there is none: nothing was committed then
	byID   bool
	stable bool // offsets under an open transaction are an error
}

// OffsetFetch tells what was committed: for one group, or from version 8 on
// for several (KIP-709), for each once. An unknown group is one that committed
// nothing.
func (x *Coordinator) OffsetFetch(c *call.Call, req *kmsg.OffsetFetchRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
	if req.Version < 8 {
		x.fetchOne(c, req, resp)
		return resp
	}
	told := make(map[string]bool, len(req.Groups))
	for _, g := range req.Groups {
		if !told[g.Group] {
			told[g.Group] = true
			resp.Groups = append(resp.Groups, x.fetchGroup(c, req, g))
		}
	}
	return resp
}

func (x *Coordinator) fetchGroup(
	c *call.Call, req *kmsg.OffsetFetchRequest, asked kmsg.OffsetFetchRequestGroup,
) kmsg.OffsetFetchResponseGroup {
	told := kmsg.NewOffsetFetchResponseGroup()
	told.Group = asked.Group
	if err := x.fetchError(c, asked); err != nil {
		told.ErrorCode = err.Code
		return told
	}
	l := &lookup{x: x, c: c, group: x.groups[asked.Group], byID: req.Version >= 10, stable: req.RequireStable}
	if asked.Topics == nil {
		told.Topics = l.all()
		return told
	}
	for _, t := range asked.Topics {
		told.Topics = append(told.Topics, l.topic(t))
	}
	return told
}

func (x *Coordinator) fetchError(c *call.Call, asked kmsg.OffsetFetchRequestGroup) *kerr.Error {
	if !c.AllowsGroup(kmsg.ACLOperationDescribe, asked.Group) {
		return kerr.GroupAuthorizationFailed
	}
	if err := x.coordinatorError(c, asked.Group); err != nil {
		return err
	}
	if g := x.groups[asked.Group]; g != nil {
		return g.body.fetchError(asked.MemberID, asked.MemberEpoch)
	}
	return nil
}

// all tells every offset of the group that the caller may know of.
func (l *lookup) all() []kmsg.OffsetFetchResponseGroupTopic {
	topics := []kmsg.OffsetFetchResponseGroupTopic{}
	if l.group == nil {
		return topics
	}
	for _, name := range sortedKeys(l.group.offsets) {
		t, known := l.x.cluster.Topic(name)
		if !l.c.AllowsTopic(kmsg.ACLOperationDescribe, name) || l.byID && !known {
			continue
		}
		asked := kmsg.OffsetFetchRequestGroupTopic{Topic: name, Partitions: sortedKeys(l.group.offsets[name])}
		if l.byID {
			asked.Topic, asked.TopicID = "", t.ID
		}
		topics = append(topics, l.topic(asked))
	}
	return topics
}

func (l *lookup) topic(asked kmsg.OffsetFetchRequestGroupTopic) kmsg.OffsetFetchResponseGroupTopic {
	told := kmsg.NewOffsetFetchResponseGroupTopic()
	told.Topic, told.TopicID = asked.Topic, asked.TopicID
	name, err := l.name(asked)
	for _, p := range asked.Partitions {
		told.Partitions = append(told.Partitions, l.partition(name, p, err))
	}
	return told
}

// name finds the topic's name. A topic asked for by name need not exist: what
// was committed for it is told all the same.
func (l *lookup) name(asked kmsg.OffsetFetchRequestGroupTopic) (string, *kerr.Error) {
	name := asked.Topic
	if l.byID {
		t, known := l.x.cluster.TopicByID(asked.TopicID)
		if !known {
			return "", kerr.UnknownTopicID
		}
		name = t.Name
	}
	if !l.c.AllowsTopic(kmsg.ACLOperationDescribe, name) {
		return "", kerr.TopicAuthorizationFailed
	}
	return name, nil
}

func (l *lookup) partition(topic string, p int32, err *kerr.Error) kmsg.OffsetFetchResponseGroupTopicPartition {
	told := kmsg.NewOffsetFetchResponseGroupTopicPartition()
	told.Partition, told.Offset, told.LeaderEpoch = p, noOffset, -1
	told.Metadata = kmsg.StringPtr("")
	switch {
	case err != nil:
		told.ErrorCode = err.Code
		return told
	case l.group == nil:
		return told
	case l.stable && l.group.unstable(topic, p):
		told.ErrorCode = kerr.UnstableOffsetCommit.Code
		return told
	}
	if o, ok := l.group.offsets[topic][p]; ok {
		told.Offset, told.LeaderEpoch, told.Metadata = o.Offset, o.LeaderEpoch, &o.Metadata
	}
	return told
}

// fetchOne answers the versions that ask for one group.
func (x *Coordinator) fetchOne(c *call.Call, req *kmsg.OffsetFetchRequest, resp *kmsg.OffsetFetchResponse) {
	asked := kmsg.NewOffsetFetchRequestGroup()
	asked.Group = req.Group
	if req.Topics != nil || req.Version < 2 {
		asked.Topics = []kmsg.OffsetFetchRequestGroupTopic{}
	}
	for _, t := range req.Topics {
		asked.Topics = append(asked.Topics, kmsg.OffsetFetchRequestGroupTopic{Topic: t.Topic, Partitions: t.Partitions})
	}
	told := x.fetchGroup(c, req, asked)
	resp.ErrorCode = told.ErrorCode
	if told.ErrorCode != 0 && req.Version < 2 {
		told.Topics = failAll(asked.Topics, told.ErrorCode)
	}
	for _, t := range told.Topics {
		old := kmsg.NewOffsetFetchResponseTopic()
		old.Topic = t.Topic
		for _, p := range t.Partitions {
			part := kmsg.NewOffsetFetchResponseTopicPartition()
			part.Partition, part.Offset, part.LeaderEpoch = p.Partition, p.Offset, p.LeaderEpoch
			part.Metadata, part.ErrorCode = p.Metadata, p.ErrorCode
			old.Partitions = append(old.Partitions, part)
		}
		resp.Topics = append(resp.Topics, old)
	}
}

// failAll puts the group's error where versions 0 and 1 have room for it.
func failAll(asked []kmsg.OffsetFetchRequestGroupTopic, errorCode int16) []kmsg.OffsetFetchResponseGroupTopic {
	l := &lookup{}
	topics := make([]kmsg.OffsetFetchResponseGroupTopic, len(asked))
	for i, t := range asked {
		topics[i] = kmsg.OffsetFetchResponseGroupTopic{Topic: t.Topic}
		for _, p := range t.Partitions {
			topics[i].Partitions = append(topics[i].Partitions, l.partition("", p, kerr.TypedErrorForCode(errorCode)))
		}
	}
	return topics
}
