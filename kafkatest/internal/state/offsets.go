// ListOffsets and OffsetForLeaderEpoch: where records are.

package state

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/partition"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The timestamps that stand for places.
const (
	latestOffset          = -1
	earliestOffset        = -2
	maxTimestamp          = -3 // KIP-734
	earliestLocal         = -4 // KIP-405
	latestTiered          = -5 // KIP-1005
	earliestPendingUpload = -6 // KIP-1023
)

// knownSince is from which version of ListOffsets on a place is known.
var knownSince = map[int64]int16{
	latestOffset:          0,
	earliestOffset:        0,
	maxTimestamp:          7,
	earliestLocal:         8,
	latestTiered:          9,
	earliestPendingUpload: 11,
}

func (c *Cluster) listOffsets(x *call.Call, req *kmsg.ListOffsetsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
	twice := askedTwice(req)
	for i := range req.Topics {
		asked := &req.Topics[i]
		t := kmsg.NewListOffsetsResponseTopic()
		t.Topic = asked.Topic
		for j := range asked.Partitions {
			told := kmsg.NewListOffsetsResponseTopicPartition()
			told.Partition = asked.Partitions[j].Partition
			err := kerr.InvalidRequest
			if !twice[partitionName{asked.Topic, told.Partition}] {
				err = c.listOffset(x, req, asked.Topic, offsetAsked{&asked.Partitions[j], &told})
			}
			if err != nil {
				told.ErrorCode = err.Code
			}
			t.Partitions = append(t.Partitions, told)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

// A partitionName is a topic's name and a number.
type partitionName struct {
	topic  string
	number int32
}

// askedTwice returns the partitions that are in the request more than once.
func askedTwice(req *kmsg.ListOffsetsRequest) map[partitionName]bool {
	twice := map[partitionName]bool{}
	for i := range req.Topics {
		for j := range req.Topics[i].Partitions {
			name := partitionName{req.Topics[i].Topic, req.Topics[i].Partitions[j].Partition}
			_, before := twice[name]
			twice[name] = before
		}
	}
	return twice
}

// An offsetAsked is one partition's question, with room for the answer.
type offsetAsked struct {
	*kmsg.ListOffsetsRequestTopicPartition
	told *kmsg.ListOffsetsResponseTopicPartition
}

func (c *Cluster) listOffset(
	x *call.Call, req *kmsg.ListOffsetsRequest, topic string, asked offsetAsked,
) *kerr.Error {
	if !x.AllowsTopic(kmsg.ACLOperationDescribe, topic) {
		return kerr.TopicAuthorizationFailed
	}
	p, ok := c.Partition(topic, asked.Partition)
	if !ok {
		return kerr.UnknownTopicOrPartition
	}
	epoch := int32(-1)
	if req.Version >= 4 {
		epoch = asked.CurrentLeaderEpoch
	}
	if err := p.readError(x.Broker, epoch, false); err != nil {
		return err
	}
	if since, known := knownSince[asked.Timestamp]; asked.Timestamp < 0 && (!known || req.Version < since) {
		return kerr.UnsupportedVersion
	}
	bound, lags := p.log.HighWatermark(), p.log.HighWatermark() < p.log.LastEpochStart()
	switch {
	case req.ReplicaID >= 0:
		bound, lags = p.log.End(), false
	case req.IsolationLevel == 1:
		bound = p.log.LastStable()
	}
	if req.Version == 0 {
		asked.told.OldStyleOffsets = p.oldStyle(asked.ListOffsetsRequestTopicPartition, bound)
		return nil
	}
	found := p.place(asked.Timestamp, bound)
	if lags && (asked.Timestamp == latestOffset || asked.Timestamp >= 0 && found.Offset < 0) {
		return notYet(req.Version) // KIP-207: what a former leader told may be more
	}
	asked.told.Offset, asked.told.Timestamp, asked.told.LeaderEpoch = found.Offset, found.Timestamp, found.Epoch
	return nil
}

// place finds the offset that a timestamp stands for, below bound. All is -1
// where there is none.
func (p *Partition) place(timestamp, bound int64) partition.Stamp {
	none := partition.Stamp{Offset: -1, Timestamp: -1, Epoch: -1}
	log := &p.log
	var found partition.Stamp
	var ok bool
	switch timestamp {
	case latestOffset:
		return partition.Stamp{Offset: bound, Timestamp: -1, Epoch: p.Epoch}
	case earliestOffset, earliestLocal:
		return partition.Stamp{Offset: log.Start(), Timestamp: -1, Epoch: log.EpochAt(log.Start())}
	case latestTiered, earliestPendingUpload: // nothing is tiered
		return none
	case maxTimestamp:
		found, ok = log.Latest()
	default:
		found, ok = log.At(timestamp)
	}
	if !ok || found.Offset >= bound {
		return none
	}
	return found
}

func notYet(version int16) *kerr.Error {
	if version < 5 {
		return kerr.LeaderNotAvailable
	}
	return kerr.OffsetNotAvailable
}

// oldStyle answers version 0, which knows no timestamps of records: it asks
// for the beginnings of segments, the latest first, of which here there is
// one, and the end, which counts as written now.
func (p *Partition) oldStyle(asked *kmsg.ListOffsetsRequestTopicPartition, bound int64) []int64 {
	offsets := []int64{p.log.Start()}
	switch {
	case (asked.Timestamp == latestOffset || asked.Timestamp >= p.Topic.cluster.now()) && bound > p.log.Start():
		offsets = []int64{bound, p.log.Start()}
	case asked.Timestamp >= 0:
		found, ok := p.log.At(asked.Timestamp)
		if ok && found.Offset == p.log.Start() {
			return []int64{}
		}
	}
	return offsets[:min(len(offsets), max(int(asked.MaxNumOffsets), 0))]
}

func (c *Cluster) offsetForLeaderEpoch(x *call.Call, req *kmsg.OffsetForLeaderEpochRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	for i := range req.Topics {
		asked := &req.Topics[i]
		t := kmsg.NewOffsetForLeaderEpochResponseTopic()
		t.Topic = asked.Topic
		for j := range asked.Partitions {
			told := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			told.Partition = asked.Partitions[j].Partition
			if err := c.epochEnd(x, req, asked.Topic, epochAsked{&asked.Partitions[j], &told}); err != nil {
				told.ErrorCode = err.Code
			}
			t.Partitions = append(t.Partitions, told)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

// An epochAsked is one partition's question, with room for the answer.
type epochAsked struct {
	*kmsg.OffsetForLeaderEpochRequestTopicPartition
	told *kmsg.OffsetForLeaderEpochResponseTopicPartition
}

func (c *Cluster) epochEnd(
	x *call.Call, req *kmsg.OffsetForLeaderEpochRequest, topic string, asked epochAsked,
) *kerr.Error {
	if !x.AllowsCluster(kmsg.ACLOperationClusterAction) && !x.AllowsTopic(kmsg.ACLOperationDescribe, topic) {
		return kerr.TopicAuthorizationFailed
	}
	p, ok := c.Partition(topic, asked.Partition)
	if !ok {
		return kerr.UnknownTopicOrPartition
	}
	epoch := int32(-1)
	if req.Version >= 2 {
		epoch = asked.CurrentLeaderEpoch
	}
	if err := p.readError(x.Broker, epoch, false); err != nil {
		return err
	}
	asked.told.LeaderEpoch, asked.told.EndOffset = p.log.EpochEnd(asked.LeaderEpoch)
	return nil
}
