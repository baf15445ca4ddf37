// acks=all: waiting until the replicas in sync have what was appended.

package state

import (
	"slices"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// An ackWait is a Produce request that waits for replicas.
type ackWait struct {
	parked   *call.Parked
	deadline *call.Entry
	resp     *kmsg.ProduceResponse
	pending  []ack
}

// An ack is one partition that has not all replicas in sync yet.
type ack struct {
	p     *Partition
	epoch int32 // of the leader that appended
	need  int64 // the high watermark that is waited for
	told  *kmsg.ProduceResponseTopicPartition
}

func (w *production) awaitAck(p *Partition, told *kmsg.ProduceResponseTopicPartition, need int64) {
	if w.wait == nil {
		w.wait = &ackWait{resp: w.resp}
	}
	w.wait.pending = append(w.wait.pending, ack{p, p.Epoch, need, told})
}

// park puts the request aside until its timeout.
func (a *ackWait) park(w *production) {
	for _, k := range a.pending {
		if !slices.Contains(k.p.log.acks, a) {
			k.p.log.acks = append(k.p.log.acks, a)
		}
	}
	a.parked = w.x.Park()
	a.parked.OnGone(a.leave)
	timeout := time.Duration(max(w.req.TimeoutMillis, 0)) * time.Millisecond
	a.deadline = w.x.Agenda.After(timeout, "produce timeout", w.x.Conn, a.expire)
}

// leave has nobody wake the request any more.
func (a *ackWait) leave() {
	a.deadline.Stop()
	for _, k := range a.pending {
		k.p.log.acks = slices.DeleteFunc(k.p.log.acks, func(other *ackWait) bool { return other == a })
	}
}

// expire answers though replicas are missing. What was appended stays.
func (a *ackWait) expire() {
	for _, k := range a.pending {
		k.fail(kerr.RequestTimedOut)
	}
	a.leave()
	a.parked.Answer(a.resp)
}

// look answers if nothing is left to wait for.
func (a *ackWait) look() {
	waiting := slices.ContainsFunc(a.pending, func(k ack) bool { return !k.settled() })
	if waiting {
		return
	}
	for _, k := range a.pending {
		k.conclude()
	}
	a.leave()
	a.parked.Answer(a.resp)
}

func (k ack) settled() bool {
	return k.p.gone || k.p.Epoch != k.epoch || k.p.log.HighWatermark() >= k.need
}

// conclude tells what became of the partition.
func (k ack) conclude() {
	switch {
	case k.p.gone:
		k.fail(kerr.UnknownTopicOrPartition)
	case k.p.Epoch != k.epoch:
		k.fail(kerr.NotLeaderForPartition)
	case len(k.p.ISR) < k.p.Topic.logSettings().minISR:
		k.fail(kerr.NotEnoughReplicasAfterAppend)
	}
}

func (k ack) fail(err *kerr.Error) {
	if err == kerr.RequestTimedOut && k.settled() {
		k.conclude()
		return
	}
	k.told.ErrorCode, k.told.BaseOffset, k.told.LogStartOffset = err.Code, -1, -1
}

// wakeAcks looks at the producers that wait for the partition, in the order in
// which they came.
func (p *Partition) wakeAcks() {
	for _, a := range slices.Clone(p.log.acks) {
		if !a.parked.Answered() {
			a.look()
		}
	}
}
