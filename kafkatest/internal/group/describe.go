// ConsumerGroupDescribe.

package group

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ConsumerGroupDescribe tells of consumer groups: what members have, and what
// they are to have.
func (x *Coordinator) ConsumerGroupDescribe(c *call.Call, req *kmsg.ConsumerGroupDescribeRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ConsumerGroupDescribeResponse)
	for _, name := range distinct(req.Groups) {
		d := kmsg.NewConsumerGroupDescribeResponseGroup()
		d.Group = name
		if err := x.describeConsumers(c, &d); err != nil {
			d.ErrorCode, d.ErrorMessage = err.Code, kmsg.StringPtr(err.Description)
		} else if req.IncludeAuthorizedOperations {
			d.AuthorizedOperations = c.GroupOperations(name)
		}
		resp.Groups = append(resp.Groups, d)
	}
	return resp
}

func (x *Coordinator) describeConsumers(c *call.Call, d *kmsg.ConsumerGroupDescribeResponseGroup) *kerr.Error {
	if !x.speaksConsumer() {
		return kerr.UnsupportedVersion
	}
	if err := x.describeError(c, d.Group); err != nil {
		return err
	}
	if d.Group == "" {
		return kerr.InvalidGroupID
	}
	b, ok := x.body(d.Group).(*consumer)
	if !ok {
		return because(kerr.GroupIDNotFound, *x.absence(d.Group, Consumer))
	}
	if !b.mayBeSeen(c) {
		return because(kerr.TopicAuthorizationFailed,
			"The group has described topic(s) that the client is not authorized to describe.")
	}
	b.describe(d)
	return nil
}

// mayBeSeen reports whether the caller may know of all topics that members
// have or are to have.
func (b *consumer) mayBeSeen(c *call.Call) bool {
	seen := make(set)
	for _, m := range b.members {
		seen.addAll(m.assigned)
		seen.addAll(m.target)
	}
	for topic := range b.g.x.named(seen) {
		if !c.AllowsTopic(kmsg.ACLOperationDescribe, topic) {
			return false
		}
	}
	return true
}

func (b *consumer) describe(d *kmsg.ConsumerGroupDescribeResponseGroup) {
	d.State, d.Epoch, d.AssignmentEpoch, d.AssignorName = b.state(), b.epoch, b.targetEpoch, b.assignor()
	for _, m := range b.sorted() {
		told := kmsg.NewConsumerGroupDescribeResponseGroupMember()
		told.MemberID, told.InstanceID, told.RackID = m.id, m.instance, m.rack
		told.MemberEpoch, told.ClientID, told.ClientHost = m.epoch, m.clientID, "/"+m.host
		told.SubscribedTopics = m.names
		if m.regex != "" {
			told.SubscribedTopicRegex = kmsg.StringPtr(m.regex)
		}
		told.Assignment = b.g.x.described(m.assigned)
		told.TargetAssignment = b.g.x.described(m.target)
		told.MemberType = 1
		if m.classic != nil {
			told.MemberType = 0
		}
		d.Members = append(d.Members, told)
	}
}

func (x *Coordinator) described(s set) (a kmsg.Assignment) {
	s.byTopic(func(id [16]byte, indexes []int32) {
		t, ok := x.cluster.TopicByID(id)
		if !ok {
			return
		}
		told := kmsg.NewAssignmentTopicPartition()
		told.TopicID, told.Topic, told.Partitions = id, t.Name, indexes
		a.TopicPartitions = append(a.TopicPartitions, told)
	})
	return a
}
