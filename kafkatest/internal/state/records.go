// DeleteRecords and DescribeProducers.

package state

import (
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func (c *Cluster) deleteRecords(x *call.Call, req *kmsg.DeleteRecordsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DeleteRecordsResponse)
	for i := range req.Topics {
		t := kmsg.NewDeleteRecordsResponseTopic()
		t.Topic = req.Topics[i].Topic
		for _, asked := range req.Topics[i].Partitions {
			told := kmsg.NewDeleteRecordsResponseTopicPartition()
			told.Partition = asked.Partition
			low, err := c.deleteBefore(x, partitionName{t.Topic, asked.Partition}, asked.Offset)
			told.LowWatermark = low
			if err != nil {
				told.LowWatermark, told.ErrorCode = -1, err.Code
			}
			t.Partitions = append(t.Partitions, told)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

// deleteBefore deletes the records before offset, unless the topic is only
// compacted: then no record may go but for its key.
func (c *Cluster) deleteBefore(x *call.Call, name partitionName, offset int64) (int64, *kerr.Error) {
	if !x.AllowsTopic(kmsg.ACLOperationDelete, name.topic) {
		return -1, kerr.TopicAuthorizationFailed
	}
	p, ok := c.Partition(name.topic, name.number)
	switch {
	case !ok:
		return -1, kerr.UnknownTopicOrPartition
	case isInternal(name.topic):
		return -1, kerr.InvalidTopicException
	case p.Leader != x.Broker:
		return -1, kerr.NotLeaderForPartition
	case !p.Topic.logSettings().Delete:
		return -1, kerr.PolicyViolation
	}
	return p.DeleteBefore(offset)
}

func (c *Cluster) describeProducers(x *call.Call, req *kmsg.DescribeProducersRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeProducersResponse)
	for i := range req.Topics {
		t := kmsg.NewDescribeProducersResponseTopic()
		t.Topic = req.Topics[i].Topic
		for _, number := range req.Topics[i].Partitions {
			t.Partitions = append(t.Partitions, c.producersOf(x, partitionName{t.Topic, number}))
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

func (c *Cluster) producersOf(x *call.Call, name partitionName) kmsg.DescribeProducersResponseTopicPartition {
	told := kmsg.NewDescribeProducersResponseTopicPartition()
	told.Partition = name.number
	p, ok := c.Partition(name.topic, name.number)
	var err *kerr.Error
	switch {
	case !x.AllowsTopic(kmsg.ACLOperationRead, name.topic):
		err = kerr.TopicAuthorizationFailed
	case !ok:
		err = kerr.UnknownTopicOrPartition
	case !slices.Contains(p.Replicas, x.Broker): // those that follow know them, too
		err = kerr.NotLeaderForPartition
	}
	if err != nil {
		told.ErrorCode, told.ErrorMessage = err.Code, &err.Description
		return told
	}
	for _, producer := range p.log.Producers() {
		active := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
		active.ProducerID, active.ProducerEpoch = producer.ID, int32(producer.Epoch)
		active.LastSequence, active.LastTimestamp = producer.LastSequence, producer.LastTimestamp
		active.CoordinatorEpoch, active.CurrentTxnStartOffset = producer.CoordinatorEpoch, producer.TxnStart
		told.ActiveProducers = append(told.ActiveProducers, active)
	}
	return told
}
