// ElectLeaders: leadership by a client's wish (KIP-183, KIP-460).

package state

import (
	"fmt"
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The kinds of election; before version 1 all are for the preferred leader.
const (
	electPreferred = iota
	electUnclean
)

func (c *Cluster) electLeaders(x *call.Call, req *kmsg.ElectLeadersRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ElectLeadersResponse)
	refused := checkElection(x, req)
	resp.ErrorCode = refused.Code()
	asked := req.Topics
	if asked == nil && refused == nil {
		for _, name := range c.names {
			asked = append(asked, kmsg.ElectLeadersRequestTopic{Topic: name, Partitions: c.numbers(name)})
		}
	}
	for i := range asked {
		topic := kmsg.NewElectLeadersResponseTopic()
		topic.Topic = asked[i].Topic
		for _, number := range asked[i].Partitions {
			outcome := refused
			if refused == nil {
				outcome = c.electLeader(topic.Topic, number, req.ElectionType)
			}
			if req.Topics == nil && outcome.Code() == kerr.ElectionNotNeeded.Code {
				continue // who asks for all is told only of those that had another leader
			}
			answer := kmsg.NewElectLeadersResponseTopicPartition()
			answer.Partition, answer.ErrorCode, answer.ErrorMessage = number, outcome.Code(), outcome.Message()
			topic.Partitions = append(topic.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

// checkElection refuses whole requests.
func checkElection(x *call.Call, req *kmsg.ElectLeadersRequest) *call.Refusal {
	switch {
	case !x.AllowsCluster(kmsg.ACLOperationAlter):
		return call.Refuse(kerr.ClusterAuthorizationFailed, "")
	case req.ElectionType != electPreferred && req.ElectionType != electUnclean:
		return call.Refuse(kerr.InvalidRequest, fmt.Sprintf("Unknown election type %d", req.ElectionType))
	}
	return nil
}

// electLeader holds one election.
func (c *Cluster) electLeader(topic string, number int32, kind int8) *call.Refusal {
	p, ok := c.Partition(topic, number)
	if !ok {
		return call.Refuse(kerr.UnknownTopicOrPartition, fmt.Sprintf("No such partition as %s-%d", topic, number))
	}
	if kind == electPreferred {
		return c.electPreferred(p)
	}
	if p.Leader >= 0 {
		return call.Refuse(kerr.ElectionNotNeeded, "")
	}
	eligible := slices.IndexFunc(p.Replicas, c.Serves)
	if eligible < 0 {
		return call.Refuse(kerr.EligibleLeadersNotAvailable, "")
	}
	p.Lead(p.Replicas[eligible])
	return nil
}

// electPreferred makes the first replica the leader, if it serves and is in
// sync.
func (c *Cluster) electPreferred(p *Partition) *call.Refusal {
	preferred := p.Replicas[0]
	switch {
	case p.Leader == preferred:
		return call.Refuse(kerr.ElectionNotNeeded, "")
	case !c.Serves(preferred) || !slices.Contains(p.ISR, preferred):
		return call.Refuse(kerr.PreferredLeaderNotAvailable, "")
	}
	p.Lead(preferred)
	return nil
}
