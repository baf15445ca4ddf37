// Partitions: what a test sees of them without a client, and does to them.

package kafkatest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Partition is a partition by its name; it need not be there yet. Methods
// that can fail return UNKNOWN_TOPIC_OR_PARTITION if it is not, and others say
// that it is empty.
type Partition struct {
	cluster *Cluster
	topic   string
	number  int32
}

// Partition returns a partition by its topic and number.
func (c *Cluster) Partition(topic string, number int32) *Partition {
	return &Partition{c, topic, number}
}

// A Record is a record as it was produced.
type Record struct {
	Time    time.Time // the zero time if it has none; when it is appended, the present
	Key     []byte    // nil if it has none
	Value   []byte    // nil of a tombstone
	Headers []kmsg.Header

	// ProducerID is that of an idempotent producer, -1 if it was none. Append
	// does not look at it, nor at what follows.
	ProducerID    int64
	Transactional bool
	Control       bool // a marker that ends a transaction
}

// A PartitionInfo is a partition at an instant.
type PartitionInfo struct {
	Leader        int32 // -1 if there is none
	Epoch         int32 // of the leader
	Replicas      []int32
	ISR           []int32
	Start         int64 // the first offset that can be read
	HighWatermark int64 // up to which consumers may read
	LastStable    int64 // up to which those may that read committed records only
	End           int64 // the offset that the next record gets
}

// with runs f on the partition's state.
func (p *Partition) with(f func(*state.Partition) error) error {
	return p.cluster.do(func(s *state.Cluster) error {
		x, ok := s.Partition(p.topic, p.number)
		if !ok {
			return kerr.UnknownTopicOrPartition
		}
		return f(x)
	})
}

// Info returns the partition as it is; zero if it is not there.
func (p *Partition) Info() (info PartitionInfo) {
	_ = p.with(func(x *state.Partition) error {
		l := x.Log()
		info = PartitionInfo{
			Leader: x.Leader, Epoch: x.Epoch, Replicas: slices.Clone(x.Replicas), ISR: slices.Clone(x.ISR),
			Start: l.Start(), HighWatermark: l.HighWatermark(), LastStable: l.LastStable(), End: l.End(),
		}
		return nil
	})
	return info
}

// Records yields the records from an offset on, by their offsets: those of
// open and aborted transactions and the markers too, and those that consumers
// may not read yet. It is the log as it is when it is asked.
func (p *Partition) Records(from int64) iter.Seq2[int64, Record] {
	return func(yield func(int64, Record) bool) {
		var batches []batch.Batch // they are not changed any more
		_ = p.with(func(x *state.Partition) error {
			batches = slices.Collect(x.Log().Batches(from))
			return nil
		})
		for _, b := range batches {
			if !yieldRecords(b, from, yield) {
				return
			}
		}
	}
}

func yieldRecords(b batch.Batch, from int64, yield func(int64, Record) bool) bool {
	for r, err := range b.Records() {
		if err != nil {
			return true // the rest of it cannot be read
		}
		if r.Offset < from {
			continue
		}
		told := Record{
			Key: slices.Clone(r.Key), Value: slices.Clone(r.Value),
			ProducerID: b.ProducerID(), Transactional: b.Transactional(), Control: b.Control(),
		}
		if r.Timestamp != batch.NoTimestamp {
			told.Time = time.UnixMilli(r.Timestamp)
		}
		for _, h := range r.Headers {
			told.Headers = append(told.Headers, kmsg.Header{Key: h.Key, Value: slices.Clone(h.Value)})
		}
		if !yield(r.Offset, told) {
			return false
		}
	}
	return true
}

// Append appends records as if a producer had sent them in one batch, and
// returns the offset of the first.
func (p *Partition) Append(records ...Record) (first int64, err error) {
	err = p.with(func(x *state.Partition) error {
		var list []batch.Record
		for _, r := range records {
			list = append(list, r.plain(p.cluster.state.Agenda.Now()))
		}
		first, err = x.Append(list)
		return err
	})
	return first, err
}

// plain returns the record as a log takes it.
func (r Record) plain(now time.Time) batch.Record {
	if r.Time.IsZero() {
		r.Time = now
	}
	plain := batch.Record{Timestamp: r.Time.UnixMilli(), Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		plain.Headers = append(plain.Headers, batch.Header{Key: h.Key, Value: h.Value})
	}
	return plain
}

// Lead makes one of the replicas the leader; -1 leaves the partition without
// one. A replica that holds less than the log has the rest cut off, as an
// unclean election does. A broker that is no replica is an
// INVALID_REPLICA_ASSIGNMENT.
func (p *Partition) Lead(broker int32) error {
	return p.with(func(x *state.Partition) error {
		if broker >= 0 && !slices.Contains(x.Replicas, broker) {
			return kerr.InvalidReplicaAssignment
		}
		x.Lead(max(broker, -1))
		return nil
	})
}

// FallBehind has a follower stop following. It leaves the replicas in sync
// after replica.lag.time.max.ms; until then the high watermark waits for it. A
// broker that does not follow the partition is a REPLICA_NOT_AVAILABLE.
func (p *Partition) FallBehind(broker int32) error {
	return p.follower(broker, (*state.Partition).FallBehind)
}

// CatchUp has a follower hold everything again, and be in sync. It fails as
// FallBehind does.
func (p *Partition) CatchUp(broker int32) error {
	return p.follower(broker, (*state.Partition).CatchUp)
}

func (p *Partition) follower(broker int32, f func(*state.Partition, int32)) error {
	return p.with(func(x *state.Partition) error {
		if !slices.Contains(x.Replicas, broker) || x.Leader == broker {
			return kerr.ReplicaNotAvailable
		}
		f(x, broker)
		return nil
	})
}

// Compact compacts the log now, whatever the topic's cleanup.policy is.
func (p *Partition) Compact() error {
	return p.with(func(x *state.Partition) error { x.Compact(); return nil })
}

// EnforceRetention lets go now of what the topic's retention.ms and
// retention.bytes do not keep.
func (p *Partition) EnforceRetention() error {
	return p.with(func(x *state.Partition) error { x.Expire(); return nil })
}

// AwaitRecords waits until consumers may read n records or more, counted by
// offsets from the beginning.
func (p *Partition) AwaitRecords(ctx context.Context, n int64) error {
	have := func(s *state.Cluster) int64 {
		if x, ok := s.Partition(p.topic, p.number); ok {
			return x.Log().HighWatermark()
		}
		return -1
	}
	return p.cluster.await(ctx, outcome{
		what:  fmt.Sprintf("%d records in %s/%d", n, p.topic, p.number),
		holds: func(s *state.Cluster) bool { return have(s) >= n },
		is: func(s *state.Cluster) string {
			if have(s) < 0 {
				return "there is no such partition"
			}
			return fmt.Sprintf("there are %d", have(s))
		},
	})
}
