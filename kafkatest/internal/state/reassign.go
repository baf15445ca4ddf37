// Reassignment: a partition moves to other brokers (KIP-455).

package state

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func reassignmentAPIs() []api {
	return []api{
		serves(kmsg.AlterPartitionAssignments, 0, 1, (*Cluster).alterReassignments),
		serves(kmsg.ListPartitionReassignments, 0, 0, (*Cluster).listReassignments),
		serves(kmsg.ElectLeaders, 0, 2, (*Cluster).electLeaders),
	}
}

// SetReassignmentTime sets how long the replicas that a reassignment adds take
// to hold everything; at first no time at all.
func (c *Cluster) SetReassignmentTime(d time.Duration) { c.admin.reassignTime = d }

// reassign moves the partition to other brokers, the preferred leader first.
// While the new replicas catch up the old ones stay; a reassignment that is
// under way is given up for the new one. The caller has checked the target.
func (p *Partition) reassign(target []int32) {
	p.cancelReassignment()
	adding, removing := without(target, p.Replicas), without(p.Replicas, target)
	p.Replicas = slices.Concat(target, removing)
	if len(adding) == 0 {
		p.complete(target)
		return
	}
	p.Adding, p.Removing = adding, removing
	for _, id := range adding {
		p.isolate(id)
	}
	c := p.Topic.cluster
	if c.admin.reassignTime == 0 {
		p.arrive()
		return
	}
	name := p.Topic.Name + "-" + strconv.Itoa(int(p.Number))
	p.moving = c.Agenda.After(c.admin.reassignTime, "reassignment", name, p.arrive)
	p.changed()
}

// isolate makes id a replica that holds nothing and does not follow yet.
func (p *Partition) isolate(id int32) {
	if p.behind == nil {
		p.behind = map[int32]int64{}
	}
	if p.held == nil {
		p.held = map[int32]bool{}
	}
	p.behind[id], p.held[id] = 0, true
}

// arrive has the replicas that are added, and serve, hold everything. The
// others do so when they serve again.
func (p *Partition) arrive() {
	p.moving = nil
	for _, id := range p.Adding {
		delete(p.held, id)
		if p.Leader >= 0 && p.Topic.cluster.Serves(id) {
			p.follow(id)
		}
	}
	p.settle()
	p.advance()
	p.changed()
}

// settle completes the reassignment if every replica it adds is in sync.
func (p *Partition) settle() {
	if len(p.Adding) == 0 || p.moving != nil || len(without(p.Adding, p.ISR)) > 0 {
		return
	}
	p.complete(without(p.Replicas, p.Removing))
}

// complete leaves target as the replicas, and one of them as the leader.
func (p *Partition) complete(target []int32) {
	removed := without(p.Replicas, target)
	p.Replicas, p.Adding, p.Removing = target, nil, nil
	p.ISR = without(p.ISR, removed)
	for _, id := range removed {
		delete(p.behind, id)
		delete(p.held, id)
	}
	if slices.Contains(removed, p.Leader) {
		p.elect()
	}
	p.advance()
	p.changed()
}

// cancelReassignment leaves the partition where it was, and reports whether a
// reassignment was under way.
func (p *Partition) cancelReassignment() bool {
	if len(p.Adding) == 0 {
		return false
	}
	p.moving.Stop()
	p.moving = nil
	p.complete(without(p.Replicas, p.Adding))
	return true
}

// without returns the elements of a that are not in b.
func without(a, b []int32) []int32 {
	return slices.DeleteFunc(slices.Clone(a), func(id int32) bool { return slices.Contains(b, id) })
}

func (c *Cluster) alterReassignments(x *call.Call, req *kmsg.AlterPartitionAssignmentsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterPartitionAssignmentsResponse)
	resp.AllowReplicationFactorChange = req.AllowReplicationFactorChange
	if !x.AllowsCluster(kmsg.ACLOperationAlter) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp
	}
	mayResize := req.Version == 0 || req.AllowReplicationFactorChange
	for i := range req.Topics {
		asked := &req.Topics[i]
		topic := kmsg.NewAlterPartitionAssignmentsResponseTopic()
		topic.Topic = asked.Topic
		for j := range asked.Partitions {
			refused := c.reassign(asked.Topic, &asked.Partitions[j], mayResize)
			answer := kmsg.NewAlterPartitionAssignmentsResponseTopicPartition()
			answer.Partition = asked.Partitions[j].Partition
			answer.ErrorCode, answer.ErrorMessage = refused.Code(), refused.Message()
			topic.Partitions = append(topic.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

// reassign moves one partition, or, where no replicas are named, cancels its
// reassignment.
func (c *Cluster) reassign(
	topic string, asked *kmsg.AlterPartitionAssignmentsRequestTopicPartition, mayResize bool,
) *call.Refusal {
	p, ok := c.Partition(topic, asked.Partition)
	if !ok {
		return call.Refuse(kerr.UnknownTopicOrPartition,
			fmt.Sprintf("Unable to find partition %s:%d.", topic, asked.Partition))
	}
	if asked.Replicas == nil {
		return p.revert()
	}
	if refused := c.checkAssignment(asked.Replicas); refused != nil {
		return refused
	}
	if now := len(without(p.Replicas, p.Adding)); !mayResize && now != len(asked.Replicas) {
		return call.Refuse(kerr.InvalidReplicationFactor,
			fmt.Sprintf("The replication factor is changed from %d to %d", now, len(asked.Replicas)))
	}
	p.reassign(slices.Clone(asked.Replicas))
	return nil
}

// revert cancels the partition's reassignment, unless none of those who stay
// may lead.
func (p *Partition) revert() *call.Refusal {
	switch {
	case len(p.Adding) == 0:
		return call.Refuse(kerr.NoReassignmentInProgress, "")
	case len(without(p.ISR, p.Adding)) == 0 && p.Topic.setting("unclean.leader.election.enable") != "true":
		return call.Refuse(kerr.InvalidReplicaAssignment, fmt.Sprintf("Unable to revert partition assignment "+
			"for %s:%d because it would require an unclean leader election.", p.Topic.Name, p.Number))
	}
	p.cancelReassignment()
	return nil
}

func (c *Cluster) listReassignments(x *call.Call, req *kmsg.ListPartitionReassignmentsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListPartitionReassignmentsResponse)
	if !x.AllowsCluster(kmsg.ACLOperationDescribe) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp
	}
	asked := req.Topics
	if asked == nil {
		for _, name := range c.names {
			asked = append(asked, kmsg.ListPartitionReassignmentsRequestTopic{Topic: name, Partitions: c.numbers(name)})
		}
	}
	for i := range asked {
		topic := kmsg.NewListPartitionReassignmentsResponseTopic()
		topic.Topic = asked[i].Topic
		for _, number := range asked[i].Partitions {
			if p, ok := c.Partition(topic.Topic, number); ok && len(p.Adding) > 0 {
				topic.Partitions = append(topic.Partitions, describedReassignment(p))
			}
		}
		if len(topic.Partitions) > 0 {
			resp.Topics = append(resp.Topics, topic)
		}
	}
	return resp
}

func describedReassignment(p *Partition) kmsg.ListPartitionReassignmentsResponseTopicPartition {
	described := kmsg.NewListPartitionReassignmentsResponseTopicPartition()
	described.Partition, described.Replicas = p.Number, slices.Clone(p.Replicas)
	described.AddingReplicas, described.RemovingReplicas = slices.Clone(p.Adding), slices.Clone(p.Removing)
	return described
}
