// WriteTxnMarkers: markers that a broker, or an administrator, writes by itself.

package txn

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// WriteTxnMarkers answers WriteTxnMarkers 0 to 2. The markers go to the
// partitions and past the coordinator: that is how an administrator ends a
// transaction that hangs (KIP-664).
func (x *Coordinator) WriteTxnMarkers(c *call.Call, req *kmsg.WriteTxnMarkersRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.WriteTxnMarkersResponse)
	allowed := c.AllowsCluster(kmsg.ACLOperationAlter) || c.AllowsCluster(kmsg.ACLOperationClusterAction)
	for i := range req.Markers {
		m := &req.Markers[i]
		result := kmsg.NewWriteTxnMarkersResponseMarker()
		result.ProducerID = m.ProducerID
		for _, t := range m.Topics {
			result.Topics = append(result.Topics, answerTopic(t, func(p Partition) *kerr.Error {
				if !allowed {
					return kerr.ClusterAuthorizationFailed
				}
				return x.writeMarker(c.Broker, m, p)
			}))
		}
		resp.Markers = append(resp.Markers, result)
	}
	return resp
}

// answerTopic tells the error of each of a topic's partitions.
func answerTopic(
	t kmsg.WriteTxnMarkersRequestMarkerTopic, of func(Partition) *kerr.Error,
) kmsg.WriteTxnMarkersResponseMarkerTopic {
	topic := kmsg.NewWriteTxnMarkersResponseMarkerTopic()
	topic.Topic = t.Topic
	for _, index := range t.Partitions {
		partition := kmsg.NewWriteTxnMarkersResponseMarkerTopicPartition()
		partition.Partition, partition.ErrorCode = index, call.Code(of(Partition{t.Topic, index}))
		topic.Partitions = append(topic.Partitions, partition)
	}
	return topic
}

func (x *Coordinator) writeMarker(broker int32, m *kmsg.WriteTxnMarkersRequestMarker, p Partition) *kerr.Error {
	if err := x.cluster.LeaderError(broker, p.Topic, p.Index); err != nil {
		return err
	}
	return x.cluster.WriteMarker(Marker{
		Partition: p, ProducerID: m.ProducerID, Epoch: m.ProducerEpoch,
		CoordinatorEpoch: m.CoordinatorEpoch, Commit: m.Committed,
	})
}
