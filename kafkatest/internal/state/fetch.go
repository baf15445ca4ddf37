// Fetch: what is there to read, and waiting until there is enough.

package state

import (
	"cmp"
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/partition"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A fetch is one Fetch request on its way.
type fetch struct {
	fetchContext
	c        *Cluster
	x        *call.Call
	req      *kmsg.FetchRequest
	views    []view // of each wish
	bytes    int64  // that could be read, as far as they count
	urgent   int    // wishes whose answer does not wait
	served   int    // wishes that the log was asked for
	parked   *call.Parked
	deadline *call.Entry
	over     bool
	old      batch.Conversion // of what versions before 4 are told
}

// A view is what there is to see of one partition at the moment.
type view struct {
	p         *Partition // nil if it may not be seen
	err       *kerr.Error
	upTo      int64 // the offset up to which the caller may read
	available int64 // bytes, as far as the wish goes
	preferred int32 // the replica to ask instead; -1 to stay
	diverges  bool  // the caller's log parts from this one at
	epoch     int32 // the end of this epoch,
	end       int64 // which is here
	early     bool  // the error was found before the log was asked
	urgent    bool  // the caller is to know at once, records or not
}

// tells reports whether there is something else to tell than records.
func (v *view) tells() bool { return v.err != nil || v.diverges || v.preferred >= 0 }

// A watch is a fetch that waits for one of its partitions.
type watch struct {
	f *fetch
	i int // of the wish
}

func (c *Cluster) fetch(x *call.Call, req *kmsg.FetchRequest) kmsg.Response {
	if req.ClusterID != nil && *req.ClusterID != c.ID {
		return refuseFetch(req, kerr.InconsistentClusterID)
	}
	if replicaOf(req) >= 0 && !x.AllowsCluster(kmsg.ACLOperationClusterAction) {
		return refuseFetch(req, kerr.ClusterAuthorizationFailed)
	}
	context, err := c.enterSession(x, req)
	if err != nil {
		return refuseFetch(req, err)
	}
	f := &fetch{fetchContext: context, c: c, x: x, req: req, views: make([]view, len(context.wishes))}
	for i := range f.wishes {
		f.see(i)
		if !f.views[i].early {
			f.served++
		}
	}
	if f.ready() {
		return f.answer()
	}
	f.park()
	return nil
}

// refuseFetch refuses the whole request, which before version 7 only each
// partition can tell.
func refuseFetch(req *kmsg.FetchRequest, err *kerr.Error) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.FetchResponse)
	resp.ErrorCode = err.Code
	if req.Version >= 7 {
		return resp
	}
	for i := range req.Topics {
		t := kmsg.NewFetchResponseTopic()
		t.Topic = req.Topics[i].Topic
		for _, asked := range req.Topics[i].Partitions {
			t.Partitions = append(t.Partitions, emptyPartition(asked.Partition, err))
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

// emptyPartition is the answer for a partition of which nothing is known.
func emptyPartition(number int32, err *kerr.Error) kmsg.FetchResponseTopicPartition {
	p := kmsg.NewFetchResponseTopicPartition()
	p.Partition, p.HighWatermark, p.RecordBatches = number, -1, []byte{}
	if err != nil {
		p.ErrorCode = err.Code
	}
	return p
}

// replicaOf returns the broker that the request claims to come from; less than
// 0 if it comes from a consumer.
func replicaOf(req *kmsg.FetchRequest) int32 {
	if req.Version >= 15 {
		return req.ReplicaState.ID
	}
	return req.ReplicaID
}

// ready reports whether the answer is to be given now.
func (f *fetch) ready() bool {
	enough := f.bytes >= int64(min(int(f.req.MinBytes), f.limit()))
	return enough || f.urgent > 0 || f.req.MaxWaitMillis <= 0 || f.served == 0
}

// see looks at one partition, and counts what is there to read. As in Kafka an
// unknown partition, or one that may not be read, does not cut the wait for the
// others short, unless it becomes so during the wait: a consumer that goes on
// asking would never wait again.
func (f *fetch) see(i int) {
	v := &f.views[i]
	f.bytes -= v.available
	if v.urgent {
		f.urgent--
	}
	*v = f.view(f.wishes[i])
	v.urgent = v.tells() && (!v.early || f.parked != nil)
	f.bytes += v.available
	if v.urgent {
		f.urgent++
	}
}

// view finds what there is to see of a partition, as a broker does, in that
// order: the right, the topic, the broker, the epoch, the offset.
func (f *fetch) view(w *wish) view {
	v := view{preferred: -1, early: true}
	t, err := f.c.named(f.req.Version >= 13, w.topic, w.id)
	if t != nil {
		w.known = t.Name
	} else if w.known != "" {
		err = f.c.gone(w.known)
	}
	name := cmp.Or(w.known, w.topic)
	switch {
	case (name != "" || f.req.Version < 13) && !f.x.AllowsTopic(kmsg.ACLOperationRead, name):
		v.err = kerr.TopicAuthorizationFailed
	case err != nil:
		v.err, v.early = err, err != kerr.InconsistentTopicID
	case w.partition < 0 || int(w.partition) >= len(t.Partitions):
		v.err = kerr.UnknownTopicOrPartition
	case f.req.Version < 10 && t.logSettings().Codec == batch.Zstd: // KIP-110
		v.err = kerr.UnsupportedCompressionType
	default:
		v.p, v.early = t.Partitions[w.partition], false
		f.viewLog(w, &v)
	}
	return v
}

// gone is what is wrong with the id of a topic that had this name: there is no
// such topic any more, or another one.
func (c *Cluster) gone(name string) *kerr.Error {
	if _, err := c.named(false, name, [16]byte{}); err != nil {
		return err
	}
	return kerr.InconsistentTopicID
}

// viewLog finds what there is to read of a partition.
func (f *fetch) viewLog(w *wish, v *view) {
	p := v.p
	if v.err = p.readError(f.x.Broker, w.leaderEpoch, f.req.Version >= 11); v.err != nil {
		return
	}
	log, end := &p.log, p.endOn(f.x.Broker)
	v.upTo = min(log.HighWatermark(), end)
	switch {
	case replicaOf(f.req) >= 0:
		v.upTo = end
	case f.req.IsolationLevel == 1:
		v.upTo = min(v.upTo, log.LastStable())
	}
	f.viewEpoch(w, v)
	if !v.diverges && (w.offset < log.Start() || w.offset > end) {
		v.err = kerr.OffsetOutOfRange
	}
	if v.tells() {
		return
	}
	if v.preferred = f.c.preferredReplica(f.x, f.req, p, w.offset); v.preferred >= 0 {
		return
	}
	v.available = f.readable(w, v)
}

// viewEpoch finds out whether the caller's log and this one have parted. That
// comes before the end of the log: whoever has read beyond it learns where it
// has to go back to (KIP-595).
func (f *fetch) viewEpoch(w *wish, v *view) {
	if f.req.Version < 12 || w.lastEpoch < 0 || w.offset < v.p.log.Start() {
		return
	}
	v.epoch, v.end, v.diverges = v.p.log.Diverges(w.lastEpoch, w.offset)
	if v.diverges && v.epoch < 0 {
		v.diverges, v.err = false, kerr.OffsetOutOfRange
	}
}

// readable returns how many bytes there are to read, as far as the wish goes.
// Since version 3 a batch that is larger than the wish comes whole (KIP-74),
// and counts whole towards the least that the caller waits for.
func (f *fetch) readable(w *wish, v *view) int64 {
	pending, wanted := v.p.log.Pending(w.offset, v.upTo), int64(max(w.maxBytes, 0))
	if pending <= wanted || f.req.Version < 3 {
		return min(pending, wanted)
	}
	first := v.p.log.Read(partition.Span{From: w.offset, UpTo: v.upTo, Force: true})
	return max(wanted, int64(len(first.Bytes)))
}

// readError says why a broker cannot serve readers of the partition; nil if it
// can. Replicas that follow serve them, where that is wanted (KIP-392).
func (p *Partition) readError(broker, epoch int32, followers bool) *kerr.Error {
	switch {
	case p.gone:
		return kerr.UnknownTopicOrPartition
	case !slices.Contains(p.Replicas, broker):
		return kerr.NotLeaderForPartition // it knows nothing of epochs
	case epoch >= 0 && epoch < p.Epoch:
		return kerr.FencedLeaderEpoch
	case epoch > p.Epoch:
		return kerr.UnknownLeaderEpoch
	case p.Leader != broker && !followers:
		return kerr.NotLeaderForPartition
	}
	return nil
}

// preferredReplica returns the replica that a consumer should rather ask: one
// in its rack that is in sync and has the offset. -1 if the leader will do.
//
// Kafka looks for one only if replica.selector.class is told to. Here brokers
// have racks only if a test gave them some, and that is telling enough.
func (c *Cluster) preferredReplica(x *call.Call, req *kmsg.FetchRequest, p *Partition, offset int64) int32 {
	if req.Version < 11 || req.Rack == "" || p.Leader != x.Broker || replicaOf(req) >= 0 {
		return -1
	}
	best := int32(-1)
	for _, id := range p.ISR {
		b, ok := c.Broker(id)
		if !ok || b.Condition != Up || b.Rack != req.Rack || p.endOn(id) < offset {
			continue
		}
		if id == p.Leader {
			return -1
		}
		if best < 0 || p.endOn(id) > p.endOn(best) || p.endOn(id) == p.endOn(best) && id < best {
			best = id
		}
	}
	return best
}

// park puts the request aside until there is enough, or the time is up.
func (f *fetch) park() {
	for i := range f.views {
		if p := f.views[i].p; p != nil {
			p.log.fetches = slices.DeleteFunc(p.log.fetches, func(w watch) bool { return w.f.over })
			p.log.fetches = append(p.log.fetches, watch{f, i})
		}
	}
	f.parked = f.x.Park()
	f.parked.OnGone(f.leave)
	wait := time.Duration(f.req.MaxWaitMillis) * time.Millisecond
	f.deadline = f.x.Agenda.After(wait, "fetch wait", f.x.Conn, f.expire)
}

// leave has nobody wake the fetch any more. The partitions forget it when they
// are next waited for.
func (f *fetch) leave() {
	f.over = true
	f.deadline.Stop()
}

func (f *fetch) expire() {
	f.leave()
	for i := range f.wishes {
		f.see(i)
	}
	f.parked.Answer(f.answer())
}

// wakeFetches looks at the fetches that wait for the partition, in the order
// in which they came, and answers those that have enough.
func (p *Partition) wakeFetches() {
	if len(p.log.fetches) == 0 {
		return
	}
	for _, w := range p.log.fetches {
		if w.f.over {
			continue
		}
		w.f.see(w.i)
		if w.f.ready() {
			w.f.leave()
			w.f.parked.Answer(w.f.answer())
		}
	}
	p.log.fetches = slices.DeleteFunc(p.log.fetches, func(w watch) bool { return w.f.over })
}

// limit returns how many bytes of records the whole answer may have. Versions
// before 3 cannot tell, and are bound by fetch.max.bytes alone (KIP-541).
func (f *fetch) limit() int {
	limit := int(f.c.SettingInt("fetch.max.bytes"))
	if f.req.Version < 3 {
		return limit
	}
	return min(int(max(f.req.MaxBytes, 0)), limit)
}
