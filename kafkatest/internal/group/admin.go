// DescribeGroups, ListGroups, DeleteGroups and OffsetDelete.

package group

import (
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeGroups tells of classic groups. One that is not there is dead, which
// is an error from version 6 on only (KIP-1043). Who asks twice for a group is
// told once: a short question is to have no endless answer.
func (x *Coordinator) DescribeGroups(c *call.Call, req *kmsg.DescribeGroupsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeGroupsResponse)
	for _, name := range distinct(req.Groups) {
		d := kmsg.NewDescribeGroupsResponseGroup()
		d.Group = name
		if err := x.describeError(c, name); err != nil {
			d.ErrorCode = err.Code
			resp.Groups = append(resp.Groups, d)
			continue
		}
		b, ok := x.body(name).(*classic)
		if ok {
			b.describe(&d)
		} else {
			d.State = stateDead
		}
		if !ok && req.Version >= 6 {
			d.ErrorCode = kerr.GroupIDNotFound.Code
			d.ErrorMessage = x.absence(name, Classic)
		}
		if req.IncludeAuthorizedOperations && d.ErrorCode == 0 {
			d.AuthorizedOperations = c.GroupOperations(name)
		}
		resp.Groups = append(resp.Groups, d)
	}
	return resp
}

func (x *Coordinator) describeError(c *call.Call, name string) *kerr.Error {
	if !c.AllowsGroup(kmsg.ACLOperationDescribe, name) {
		return kerr.GroupAuthorizationFailed
	}
	return x.coordinatorError(c, name)
}

// absence says in words why the group is not found among those of a kind.
func (x *Coordinator) absence(name string, kind Kind) *string {
	if x.find(name) == nil {
		return kmsg.StringPtr("Group " + name + " not found.")
	}
	return kmsg.StringPtr("Group " + name + " is not a " + string(kind) + " group.")
}

// ListGroups lists the groups that the asked broker coordinates and the caller
// may know of. Filters by state and kind ignore case (KIP-518, KIP-848). While
// it loads some of its groups it lists none.
func (x *Coordinator) ListGroups(c *call.Call, req *kmsg.ListGroupsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListGroupsResponse)
	all := c.AllowsCluster(kmsg.ACLOperationDescribe)
	for _, name := range x.Names() {
		g, err := x.find(name), x.coordinatorError(c, name)
		if err == kerr.CoordinatorLoadInProgress {
			resp.ErrorCode, resp.Groups = err.Code, nil
			return resp
		}
		switch {
		case g == nil, err != nil,
			!all && !c.AllowsGroup(kmsg.ACLOperationDescribe, name),
			!passes(req.StatesFilter, g.body.state()),
			!passes(req.TypesFilter, string(g.body.kind())):
			continue
		}
		told := kmsg.NewListGroupsResponseGroup()
		told.Group, told.ProtocolType = name, g.body.protocolType()
		told.GroupState, told.GroupType = g.body.state(), string(g.body.kind())
		resp.Groups = append(resp.Groups, told)
	}
	return resp
}

func passes(filter []string, value string) bool {
	return len(filter) == 0 || slices.ContainsFunc(filter, func(f string) bool { return strings.EqualFold(f, value) })
}

// DeleteGroups deletes groups that have no members, with their offsets. It
// answers once for a group that is named twice.
func (x *Coordinator) DeleteGroups(c *call.Call, req *kmsg.DeleteGroupsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DeleteGroupsResponse)
	for _, name := range distinct(req.Groups) {
		told := kmsg.NewDeleteGroupsResponseGroup()
		told.Group = name
		if err := x.deleteGroup(c, name); err != nil {
			told.ErrorCode = err.Code
			told.ErrorMessage = kmsg.StringPtr(err.Description)
		}
		if told.ErrorCode == kerr.GroupIDNotFound.Code {
			told.ErrorMessage = kmsg.StringPtr("Group " + name + " not found.")
		}
		resp.Groups = append(resp.Groups, told)
	}
	return resp
}

func (x *Coordinator) deleteGroup(c *call.Call, name string) *kerr.Error {
	if !c.AllowsGroup(kmsg.ACLOperationDelete, name) {
		return kerr.GroupAuthorizationFailed
	}
	if err := x.coordinatorError(c, name); err != nil {
		return err
	}
	g := x.find(name)
	switch {
	case g == nil:
		return kerr.GroupIDNotFound
	case g.body.size() > 0 || g.body.state() != stateEmpty:
		return kerr.NonEmptyGroup
	}
	if b, ok := g.body.(*classic); ok {
		for _, id := range sortedKeys(b.promised) {
			b.promised[id].Stop()
		}
	}
	x.remove(g)
	return nil
}

// OffsetDelete forgets offsets of topics that no member consumes (KIP-496).
func (x *Coordinator) OffsetDelete(c *call.Call, req *kmsg.OffsetDeleteRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetDeleteResponse)
	g, err := x.offsetDeleteError(c, req.Group)
	if err != nil {
		resp.ErrorCode = err.Code
		return resp
	}
	for _, t := range req.Topics {
		topic, err := x.deletable(c, g, t.Topic)
		told := kmsg.NewOffsetDeleteResponseTopic()
		told.Topic = t.Topic
		for _, p := range t.Partitions {
			part := kmsg.NewOffsetDeleteResponseTopicPartition()
			part.Partition, part.ErrorCode = p.Partition, call.Code(err)
			switch {
			case err != nil:
			case p.Partition < 0 || p.Partition >= topic.Partitions:
				part.ErrorCode = kerr.UnknownTopicOrPartition.Code
			default:
				g.forget(t.Topic, p.Partition)
			}
			told.Partitions = append(told.Partitions, part)
		}
		resp.Topics = append(resp.Topics, told)
	}
	g.scheduleExpiry()
	return resp
}

func (x *Coordinator) offsetDeleteError(c *call.Call, name string) (*group, *kerr.Error) {
	if !c.AllowsGroup(kmsg.ACLOperationDelete, name) {
		return nil, kerr.GroupAuthorizationFailed
	}
	if name == "" {
		return nil, kerr.InvalidGroupID
	}
	if err := x.coordinatorError(c, name); err != nil {
		return nil, err
	}
	g := x.find(name)
	switch {
	case g == nil:
		return nil, kerr.GroupIDNotFound
	case g.body.size() > 0 && g.body.protocolType() != consumerProtocol:
		return nil, kerr.NonEmptyGroup
	}
	return g, nil
}

func (x *Coordinator) deletable(c *call.Call, g *group, name string) (Topic, *kerr.Error) {
	t, known := x.cluster.Topic(name)
	switch {
	case !c.AllowsTopic(kmsg.ACLOperationRead, name):
		return t, kerr.TopicAuthorizationFailed
	case !known:
		return t, kerr.UnknownTopicOrPartition
	case g.body.subscribes(name):
		return t, kerr.GroupSubscribedToTopic
	}
	return t, nil
}
