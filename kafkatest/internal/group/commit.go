// OffsetCommit and TxnOffsetCommit.

package group

import (
	"time"
	"unicode/utf16"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A commit is the offsets that one request brings.
type commit struct {
	x     *Coordinator
	c     *call.Call
	name  string                                          // of the group
	by    committer                                       // who says so
	err   *kerr.Error                                     // refuses everything, whatever the topic
	admit func() *kerr.Error                              // asked once, if there is anything to commit
	put   func(g *group, topic string, p int32, o Offset) // what becomes of an offset

	asked bool
	group *group
}

// OffsetCommit takes the offsets that a member, or an outsider while the group
// has no members, has come to.
func (x *Coordinator) OffsetCommit(c *call.Call, req *kmsg.OffsetCommitRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
	k := &commit{x: x, c: c, name: req.Group, put: (*group).set}
	k.by = committer{member: req.MemberID, instance: req.InstanceID, generation: req.Generation, version: req.Version}
	k.admit = func() *kerr.Error { return x.coordinatorError(c, req.Group) }
	if !c.AllowsGroup(kmsg.ACLOperationRead, req.Group) {
		k.err = kerr.GroupAuthorizationFailed
	}
	for _, t := range req.Topics {
		topic, err := k.topic(t.Topic, t.TopicID, req.Version >= 10)
		told := kmsg.NewOffsetCommitResponseTopic()
		told.Topic, told.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			o := x.offset(p.Offset, p.LeaderEpoch, p.Metadata)
			o.age(req, p.Timestamp)
			part := kmsg.NewOffsetCommitResponseTopicPartition()
			part.Partition, part.ErrorCode = p.Partition, call.Code(k.one(topic, err, p.Partition, o))
			told.Partitions = append(told.Partitions, part)
		}
		resp.Topics = append(resp.Topics, told)
	}
	if g := k.group; g != nil {
		g.body.committed(req.MemberID)
		k.done(req.RetentionTimeMillis >= 0)
	}
	return resp
}

// age takes over what old clients say of the offset's age: version 1 when it
// was committed, versions 2 to 4 how long it is to be kept.
func (o *Offset) age(req *kmsg.OffsetCommitRequest, timestamp int64) {
	if req.Version == 1 && timestamp >= 0 {
		o.At = time.UnixMilli(timestamp)
	}
	if req.RetentionTimeMillis >= 0 {
		o.Expires = o.At.Add(time.Duration(req.RetentionTimeMillis) * time.Millisecond)
	}
}

// TxnOffsetCommit takes offsets that count when the producer's transaction is
// committed (KIP-98, KIP-447).
func (x *Coordinator) TxnOffsetCommit(c *call.Call, req *kmsg.TxnOffsetCommitRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.TxnOffsetCommitResponse)
	k := &commit{x: x, c: c, name: req.Group, err: txnRefusal(c, req)}
	k.by = committer{member: req.MemberID, instance: req.InstanceID, generation: req.Generation, txn: true}
	k.put = func(g *group, topic string, p int32, o Offset) { g.hold(req.ProducerID, topic, p, o) }
	k.admit = func() *kerr.Error { return x.txnError(c, req) }
	for _, t := range req.Topics {
		topic, err := k.topic(t.Topic, t.TopicID, req.Version >= 6)
		told := kmsg.NewTxnOffsetCommitResponseTopic()
		told.Topic, told.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			o := x.offset(p.Offset, p.LeaderEpoch, p.Metadata)
			part := kmsg.NewTxnOffsetCommitResponseTopicPartition()
			part.Partition, part.ErrorCode = p.Partition, call.Code(k.one(topic, err, p.Partition, o))
			told.Partitions = append(told.Partitions, part)
		}
		resp.Topics = append(resp.Topics, told)
	}
	if k.group != nil {
		k.done(false)
	}
	return resp
}

// txnRefusal says whether the caller may commit in this transaction and for
// this group at all.
func txnRefusal(c *call.Call, req *kmsg.TxnOffsetCommitRequest) *kerr.Error {
	switch {
	case !c.AllowsTxn(kmsg.ACLOperationWrite, req.TransactionalID):
		return kerr.TransactionalIDAuthorizationFailed
	case !c.AllowsGroup(kmsg.ACLOperationRead, req.Group):
		return kerr.GroupAuthorizationFailed
	}
	return nil
}

func (x *Coordinator) txnError(c *call.Call, req *kmsg.TxnOffsetCommitRequest) *kerr.Error {
	if req.Group == "" {
		return kerr.InvalidGroupID
	}
	err := x.coordinatorError(c, req.Group)
	if err == kerr.CoordinatorLoadInProgress && req.Version < 2 {
		return kerr.CoordinatorNotAvailable // old producers do not know the other (KAFKA-7296)
	}
	if err != nil {
		return err
	}
	return x.cluster.TxnError(c, Txn{
		ID: req.TransactionalID, ProducerID: req.ProducerID, ProducerEpoch: req.ProducerEpoch, Version: req.Version,
	}, req.Group)
}

// offset copies what was committed out of the request. Metadata that a client
// leaves out read back as "".
func (x *Coordinator) offset(offset int64, epoch int32, metadata *string) Offset {
	return Offset{Offset: offset, LeaderEpoch: epoch, Metadata: text(metadata), At: x.agenda.Now()}
}

// topic finds the topic of a commit, by name or by id (KIP-848's version 10).
func (k *commit) topic(name string, id [16]byte, byID bool) (Topic, *kerr.Error) {
	if k.err != nil {
		return Topic{}, k.err
	}
	t, known := k.x.cluster.Topic(name)
	unknown := kerr.UnknownTopicOrPartition
	if byID {
		t, known = k.x.cluster.TopicByID(id)
		unknown = kerr.UnknownTopicID
		name = t.Name
	}
	switch {
	case byID && !known:
		return Topic{}, unknown
	case !k.c.AllowsTopic(kmsg.ACLOperationRead, name):
		return Topic{}, kerr.TopicAuthorizationFailed
	case !known:
		return Topic{}, unknown
	}
	return t, nil
}

// one commits a partition's offset, or says why not.
func (k *commit) one(t Topic, err *kerr.Error, p int32, o Offset) *kerr.Error {
	switch {
	case err != nil:
		return err
	case p < 0 || p >= t.Partitions:
		return kerr.UnknownTopicOrPartition
	case k.ask() != nil:
		return k.err
	case k.x.isTooLong(o.Metadata):
		return kerr.OffsetMetadataTooLarge
	}
	o.turn = k.group.turns
	k.put(k.group, t.Name, p, o)
	return nil
}

// isTooLong reports whether metadata exceed what a broker keeps. Despite the
// config's name, Kafka counts Java's chars.
func (x *Coordinator) isTooLong(metadata string) bool {
	most := int(x.number("offset.metadata.max.bytes", 4096))
	return len(metadata) > most && len(utf16.Encode([]rune(metadata))) > most
}

// ask finds the group and says whether it takes commits of this caller: once,
// and only if there is something to commit, so that nothing creates no group.
func (k *commit) ask() *kerr.Error {
	if k.asked {
		return k.err
	}
	k.asked = true
	if k.err = k.admit(); k.err != nil {
		return k.err
	}
	g := k.x.groups[k.name]
	if g == nil && k.by.generation >= 0 {
		k.err = kerr.IllegalGeneration
		if k.by.version >= 9 {
			k.err = kerr.GroupIDNotFound // KIP-848
		}
		return k.err
	}
	g = k.x.obtain(k.name)
	if k.err = g.body.commitError(k.by); k.err != nil {
		return k.err
	}
	g.turns++
	k.group = g
	return nil
}

// done tells that the commit is complete. Offsets that the client limited may
// be due before those that were there.
func (k *commit) done(limited bool) {
	if limited || k.group.body.size() == 0 {
		k.group.scheduleExpiry()
	}
	k.group.ensureExpiry()
}
