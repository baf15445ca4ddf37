// Batches on their way to the leader, and what becomes of them.

package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/status"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// Produce appends records, all or none, one behind the other, and returns where
// the first lies once a quorum has them on disk. It tries until ctx ends while
// it is certain that nothing was done. When the outcome is not known it fails
// with [commitlog.Uncertain]: at once without [Config.Producer], and only at
// ctx's end with it.
func (c *Client) Produce(ctx context.Context, records ...Record) (commitlog.Pos, error) {
	if len(records) == 0 {
		return commitlog.Pos{}, errNoRecords
	}
	if c.producer != nil {
		return c.producer.produce(ctx, records)
	}
	return c.send(ctx, &logv1.ProduceRequest{Records: toWire(records)})
}

// ProduceBatch is Produce under the batch's own producer and sequence, whatever
// Config.Producer says. If b.Producer is not 0, the caller may call again with
// the same batch, and sends the next one only when this one's outcome is known.
func (c *Client) ProduceBatch(ctx context.Context, b commitlog.Batch) (commitlog.Pos, error) {
	if len(b.Records) == 0 {
		return commitlog.Pos{}, errNoRecords
	}
	return c.send(ctx, &logv1.ProduceRequest{
		Records: toWire(b.Records), Producer: b.Producer, Sequence: b.Sequence,
	})
}

var errNoRecords = errors.New("client: nothing to produce; a batch has at least one record")

// send sends a batch until its outcome is known, if it has a producer, or until
// it may have been appended, if not; at most until ctx ends.
func (c *Client) send(ctx context.Context, req *logv1.ProduceRequest) (commitlog.Pos, error) {
	if err := c.ready(ctx); err != nil {
		return commitlog.Pos{}, err
	}
	numbered := req.GetProducer() != 0
	p := pace{Retry: c.conf.Retry}
	var maybe error // of the last attempt that may have appended the batch
	for {
		at := &call{to: toLeader, bound: numbered}
		resp, err := attempt(ctx, c, at, func(ctx context.Context) (*logv1.ProduceResponse, error) {
			return c.log.Produce(ctx, req)
		})
		if err == nil {
			return commitlog.Pos{Offset: resp.GetOffset(), Index: resp.GetIndex(), Term: resp.GetTerm()}, nil
		}
		err = status.FromStatus(err)
		is := judge(err, at.sent.Load())
		if is == unknown {
			maybe = err
		}
		if end := whyNoMore(is, err, maybe, numbered); end != nil {
			return commitlog.Pos{}, end
		}
		end := c.over(ctx)
		if end == nil {
			end = c.settle(ctx, &p, at, err)
		}
		if end != nil {
			return commitlog.Pos{}, unsure(end, err, maybe)
		}
	}
}

// whyNoMore returns the error with which a batch's attempts end at the present
// one's, nil if it is to be sent again.
func whyNoMore(is outcome, err, maybe error, numbered bool) error {
	switch {
	case is == unknown && !numbered:
		return unsure(nil, err, maybe)
	case is != refused:
		return nil
	case maybe == nil:
		return err
	case errors.As(err, new(commitlog.Full)):
		return nil // the earlier attempt's outcome is known once there is room
	default:
		return unsure(err, err, maybe)
	}
}

// unsure returns the error of attempts that end for a reason, after last: an
// Uncertain if maybe is set.
func unsure(end, last, maybe error) error {
	if maybe == nil {
		return ended(end, last)
	}
	u := commitlog.Uncertain{Why: maybe}
	if errors.As(maybe, &u) && end == nil {
		return maybe
	}
	switch {
	case end == nil || errors.Is(maybe, end):
	case u.Why == nil:
		u.Why = end
	default:
		u.Why = fmt.Errorf("%w; before that: %w", end, u.Why)
	}
	return u
}

func toWire(records []Record) []*logv1.Record {
	wire := make([]*logv1.Record, len(records))
	for i, r := range records {
		w := &logv1.Record{Value: r.Value, Key: r.Key}
		for _, h := range r.Header {
			w.Headers = append(w.Headers, &logv1.Header{Name: h.Name, Value: h.Value})
		}
		wire[i] = w
	}
	return wire
}
