// Records and batches, from the wire and to it.

package service

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// handler answers the calls of log.v1.Log.
type handler struct {
	logv1.UnimplementedLogServer
	s *Service
}

// batchOf returns what a request wants to append.
func batchOf(req *logv1.ProduceRequest) (b commitlog.Batch, err error) {
	records := req.GetRecords()
	switch {
	case req.GetRecord() == nil && len(records) == 0:
		return b, bad("a ProduceRequest has neither record nor records; set one of them")
	case req.GetRecord() != nil && len(records) > 0:
		return b, bad("a ProduceRequest has both record and records; put all in records")
	case (req.GetProducer() == 0) != (req.GetSequence() == 0):
		return b, bad("a ProduceRequest has producer %d and sequence %d; "+
			"both are 0, or neither, and sequences begin with 1", req.GetProducer(), req.GetSequence())
	case len(records) == 0:
		records = []*logv1.Record{req.GetRecord()}
	}
	b = commitlog.Batch{Producer: req.GetProducer(), Sequence: req.GetSequence()}
	b.Records = make([]commitlog.Record, len(records))
	for i, r := range records {
		b.Records[i] = commitlog.Record{Key: r.GetKey(), Value: r.GetValue(), Header: headersOf(r)}
	}
	return b, nil
}

func headersOf(r *logv1.Record) []commitlog.Header {
	if len(r.GetHeaders()) == 0 {
		return nil
	}
	all := make([]commitlog.Header, len(r.GetHeaders()))
	for i, h := range r.GetHeaders() {
		all[i] = commitlog.Header{Name: h.GetName(), Value: h.GetValue()}
	}
	return all
}

// plain returns a record as the original's clients know it: a value and an
// offset. Key and headers are there if it has some.
func plain(r commitlog.Record) *logv1.Record {
	sent := &logv1.Record{Value: r.Value, Offset: r.Offset, Key: r.Key}
	for _, h := range r.Header {
		sent.Headers = append(sent.Headers, &logv1.Header{Name: h.Name, Value: h.Value})
	}
	return sent
}

// timed returns a record with all that the log knows of it.
func timed(r commitlog.Record) *logv1.Record {
	sent := plain(r)
	if !r.Time.IsZero() {
		sent.Timestamp = r.Time.UnixNano()
	}
	return sent
}

// atTime returns the time of a timestamp, the zero time for 0.
func atTime(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}

// pack returns as many records, from the front, as fit into limit bytes on the
// wire, and always one.
func pack(records []commitlog.Record, limit int) (sent []*logv1.Record) {
	size := 0
	for _, r := range records {
		next := timed(r)
		size += 1 + protowire.SizeBytes(proto.Size(next)) // with a tag and a length before it
		if len(sent) > 0 && size > limit {
			break
		}
		sent = append(sent, next)
	}
	return sent
}

// bytesOf counts a record's own bytes.
func bytesOf(r commitlog.Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Header {
		n += len(h.Name) + len(h.Value)
	}
	return n
}
