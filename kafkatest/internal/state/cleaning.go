// Cleaning: retention and compaction, when they are due and on request.

package state

import (
	"math"
	"strconv"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
)

// Expire applies the topic's retention now.
func (p *Partition) Expire() {
	p.log.Expire(p.Topic.cluster.now(), &p.Topic.logSettings().Settings)
	p.log.ForgetProducers(p.Topic.cluster.now() - p.Topic.cluster.SettingInt("producer.id.expiration.ms"))
	p.wakeFetches()
}

// Compact compacts the log now, whatever the topic's cleanup.policy is.
func (p *Partition) Compact() {
	p.log.Compact(p.Topic.cluster.now(), &p.Topic.logSettings().Settings)
	p.log.dirty = p.log.LastStable()
}

// scheduleCleaning puts the next cleaning on the agenda, unless one is on it
// that comes soon enough. Nothing is scheduled for an empty log, or one whose
// records stay for ever.
func (p *Partition) scheduleCleaning() {
	if p.gone || p.log.cleaning.Pending() && (p.log.urgent || !p.overfull()) {
		return
	}
	due := p.cleaningDue()
	if due == math.MaxInt64 {
		return
	}
	c := p.Topic.cluster
	p.log.cleaning.Stop()
	p.log.urgent = p.overfull()
	name := p.Topic.Name + "-" + strconv.Itoa(int(p.Number))
	p.log.cleaning = c.Agenda.At(time.UnixMilli(due), "log cleaning", name, func() {
		p.clean()
		p.scheduleCleaning()
	})
}

// overfull reports whether the log's size alone has it want cleaning.
func (p *Partition) overfull() bool {
	s := p.Topic.logSettings()
	return s.Delete && s.RetentionBytes >= 0 && p.log.Size() > s.RetentionBytes ||
		s.Compact && p.log.Pending(p.log.dirty, p.log.End()) >= s.SegmentBytes
}

// cleaningDue returns when the log wants cleaning next; the largest time if it
// never does. A broker looks at its logs from time to time, and so no sooner
// than one such interval from now.
func (p *Partition) cleaningDue() int64 {
	c, s, due := p.Topic.cluster, p.Topic.logSettings(), int64(math.MaxInt64)
	if p.log.Size() == 0 {
		return due
	}
	now := c.now()
	check := now + c.SettingInt("log.retention.check.interval.ms")
	if s.Delete && s.RetentionMs >= 0 {
		due = min(due, max(check, later(p.oldest(), s.RetentionMs)))
	}
	if s.Delete && s.RetentionBytes >= 0 && p.log.Size() > s.RetentionBytes {
		due = min(due, check)
	}
	if s.Compact && p.log.dirty < p.log.End() {
		due = min(due, later(now+c.SettingInt("log.cleaner.backoff.ms"), min(s.segmentMs, s.maxLag)))
	}
	if s.Compact && p.log.Pending(p.log.dirty, p.log.End()) >= s.SegmentBytes {
		due = min(due, now+max(1, c.SettingInt("log.cleaner.backoff.ms")))
	}
	return due
}

// later adds two times without overflow.
func later(t, d int64) int64 {
	if d > math.MaxInt64-max(t, 0) {
		return math.MaxInt64
	}
	return t + d
}

// oldest returns the largest timestamp of the first batch; the present if that
// has none.
func (p *Partition) oldest() int64 {
	for b := range p.log.Batches(p.log.Start()) {
		if b.MaxTimestamp() >= 0 {
			return b.MaxTimestamp()
		}
		break
	}
	return p.Topic.cluster.now()
}

// clean does what is due.
func (p *Partition) clean() {
	if p.Topic.logSettings().Compact && p.log.dirty < p.log.End() {
		p.Compact()
	}
	p.Expire()
}

// reconfigured tells the logs that configs changed, those of a topic or of
// brokers: what they want next may be due sooner.
func (c *Cluster) reconfigured(r setting.Resource) {
	for p := range c.partitions() {
		if r.Kind != setting.Topic && r.Kind != setting.Broker || r.Kind == setting.Topic && p.Topic.Name != r.Name {
			continue
		}
		p.log.cleaning.Stop()
		p.scheduleCleaning()
	}
}
