// Errors that rules decide: for all of a request, or for a part of it.

package kafkatest

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A part is an error on its way into an answer: the answer to the part of the
// request that it is about.
type part struct {
	verdict Verdict
	keep    func(matter) bool
	refused kmsg.Response
	split   bool         // the error is said of parts of the request
	rest    kmsg.Request // what it is not about; nil if there is nothing else
}

// part works out what the verdict's error is about.
func (e *exchange) part(v Verdict) part {
	req := e.expanded()
	p := part{verdict: v, keep: v.hits(e.Exchange, req)}
	s := sieve{keep: p.keep, topicName: e.topicName}
	hit := s.request(req)
	p.refused, p.split = refusal(hit, v.Err, v.fine())
	if p.split && s.dropped > 0 {
		others := sieve{keep: func(at matter) bool { return !p.keep(at) }, topicName: e.topicName}
		p.rest = others.request(req)
	}
	return p
}

// refuse decides what of a request the cluster is to see when a rule before it
// has decided an error, and reports whether it is to see anything.
//
// Metadata and Fetch change nothing, so they are asked as they are, and the
// error is put into the answer: the brokers are in the one, and the other may
// be part of a session, of which the client and the broker must not think
// differently.
func (e *exchange) refuse(v Verdict) (left bool) {
	p := e.part(v)
	e.fault, e.asked = &p, p.rest
	left = p.rest != nil
	if e.conn.broker.cluster.state != nil && p.split {
		e.asked, left = e.harmless(p.rest)
	}
	if !left {
		e.Reply = p.refused
	}
	return left
}

// harmless returns what the cluster is asked when a part of the request, or
// all of it, is answered with an error, and whether it is asked anything.
func (e *exchange) harmless(rest kmsg.Request) (asked kmsg.Request, ask bool) {
	switch r := e.Request.(type) {
	case *kmsg.MetadataRequest:
		return r, true
	case *kmsg.FetchRequest:
		now := *r
		now.MaxWaitMillis = 0 // an error is answered at once
		return &now, true
	}
	return rest, rest != nil
}

// lay puts an error into the answer. A Produce without an answer has the
// connection closed instead, which is how a broker tells of errors there.
func (e *exchange) lay(p part, cut Cut) Cut {
	if r, ok := e.Request.(*kmsg.ProduceRequest); ok && r.Acks == 0 {
		e.Reply = nil
		return Close
	}
	switch answer := e.Reply.(type) {
	case nil:
	case *kmsg.MetadataResponse:
		if p.split {
			e.Reply = overlayMetadata(answer, p.verdict.Err, p.keep)
			break
		}
		e.Reply = overlay(answer, p.refused)
	default:
		e.Reply = overlay(answer, p.refused)
	}
	return cut
}

// edit changes the records of a Fetch's answer, where a rule has decided so.
func (e *exchange) edit(v Verdict) {
	r, ok := e.Reply.(*kmsg.FetchResponse)
	if !ok || v.Records == nil {
		return
	}
	changed := *r
	changed.Topics = slices.Clone(r.Topics)
	keep := v.hits(e.Exchange, e.expanded())
	for i := range changed.Topics {
		t := &changed.Topics[i]
		t.Partitions = slices.Clone(t.Partitions)
		name := t.Topic
		if name == "" {
			name = e.topicName(t.TopicID)
		}
		for j := range t.Partitions {
			p := &t.Partitions[j]
			if len(p.RecordBatches) > 0 && keep(matter{topic: name, partition: p.Partition}) {
				p.RecordBatches = v.Records(slices.Clone(p.RecordBatches))
			}
		}
	}
	e.Reply = &changed
}
