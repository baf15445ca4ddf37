// Handlers for scripted brokers that name the broker itself.

package kafkatest

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AsLeader returns a Handler for Metadata by which the broker is all of a
// cluster: its controller, and the leader of these topics, given by their
// number of partitions.
func (b *Broker) AsLeader(topics map[string]int) Handler {
	topics = maps.Clone(topics)
	return func(e Exchange) kmsg.Response {
		req, ok := e.Request.(*kmsg.MetadataRequest)
		if !ok {
			return nil
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		node := kmsg.NewMetadataResponseBroker()
		node.NodeID = b.id
		node.Host, node.Port, _ = b.advertised(e.Listener, e.reached)
		resp.Brokers, resp.ControllerID = append(resp.Brokers, node), b.id
		if asksForAll(req) {
			for _, name := range slices.Sorted(maps.Keys(topics)) {
				resp.Topics = append(resp.Topics, b.leads(name, topics[name]))
			}
			return resp
		}
		for _, asked := range req.Topics {
			if asked.Topic != nil {
				resp.Topics = append(resp.Topics, b.leads(*asked.Topic, topics[*asked.Topic]))
			}
		}
		return resp
	}
}

// leads describes a topic that the broker leads.
func (b *Broker) leads(name string, partitions int) kmsg.MetadataResponseTopic {
	t := kmsg.NewMetadataResponseTopic()
	t.Topic = &name
	if partitions <= 0 {
		t.ErrorCode = kerr.UnknownTopicOrPartition.Code
	}
	for i := range partitions {
		p := kmsg.NewMetadataResponseTopicPartition()
		p.Partition, p.Leader = int32(i), b.id
		p.Replicas, p.ISR = []int32{b.id}, []int32{b.id}
		t.Partitions = append(t.Partitions, p)
	}
	return t
}

// AsCoordinator returns a Handler for FindCoordinator by which the broker
// coordinates every key.
func (b *Broker) AsCoordinator() Handler {
	return func(e Exchange) kmsg.Response {
		req, ok := e.Request.(*kmsg.FindCoordinatorRequest)
		if !ok {
			return nil
		}
		resp := req.ResponseKind().(*kmsg.FindCoordinatorResponse)
		host, port, _ := b.advertised(e.Listener, e.reached)
		if req.Version < 4 {
			resp.NodeID, resp.Host, resp.Port = b.id, host, port
			return resp
		}
		for _, key := range req.CoordinatorKeys {
			found := kmsg.NewFindCoordinatorResponseCoordinator()
			found.Key, found.NodeID, found.Host, found.Port = key, b.id, host, port
			resp.Coordinators = append(resp.Coordinators, found)
		}
		return resp
	}
}
