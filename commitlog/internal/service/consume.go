// Consuming: one piece of the log, and streams of them.

package service

import (
	"cmp"
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// pieceBytes is how many bytes of records are read at once, if nobody says.
const pieceBytes = 1 << 20

// A reading is where a consumer is, and how it reads.
type reading struct {
	next    uint64
	options commitlog.ReadOptions
	many    bool // it understands several records in one response
	limit   int  // of bytes in one response
}

// readingOf returns what a request wants to read.
func (h handler) readingOf(req *logv1.ConsumeRequest) (*reading, error) {
	level, ok := map[logv1.Level]commitlog.Level{
		logv1.Level_LOCAL: commitlog.Local, logv1.Level_LINEARIZABLE: commitlog.Linearizable,
	}[req.GetLevel()]
	if !ok {
		return nil, bad("a ConsumeRequest has level %d; it may be LOCAL or LINEARIZABLE", req.GetLevel())
	}
	limit := cmp.Or(int(min(req.GetMaxBytes(), uint32(h.s.config.MaxMessage))), pieceBytes)
	return &reading{
		next: req.GetOffset(), many: req.GetMany(), limit: limit,
		options: commitlog.ReadOptions{
			Level: level, MinIndex: req.GetMinAppliedIndex(), Follow: req.GetWait(),
			At: atTime(req.GetAtTime()), MaxBytes: limit,
		},
	}, nil
}

// Consume reads one record, or several.
func (h handler) Consume(ctx context.Context, req *logv1.ConsumeRequest) (*logv1.ConsumeResponse, error) {
	if err := h.s.authorize(ctx, consumeAction); err != nil {
		return nil, err
	}
	r, err := h.readingOf(req)
	if err != nil {
		return nil, err
	}
	if !r.many {
		r.options.MaxBytes = 1 // one record is always returned
	}
	records, err := h.fetch(ctx, r)
	if err != nil {
		return nil, err
	}
	answer, n := r.answer(records)
	h.s.meter.consumed(records[:n])
	return answer, nil
}

// ConsumeStream reads on and on. How fresh the first piece must be holds for
// the others by itself: they lie behind it.
func (h handler) ConsumeStream(
	req *logv1.ConsumeRequest, stream grpc.ServerStreamingServer[logv1.ConsumeResponse],
) error {
	ctx := stream.Context()
	if err := h.s.authorize(ctx, consumeAction); err != nil {
		return err
	}
	r, err := h.readingOf(req)
	if err != nil {
		return err
	}
	r.options.Follow = true
	for {
		records, err := h.fetch(ctx, r)
		if err != nil {
			return err
		}
		if err := h.send(stream, r, records); err != nil {
			return err
		}
		r.next = records[len(records)-1].Offset + 1
		r.options.Level, r.options.MinIndex, r.options.At = commitlog.Local, 0, time.Time{}
	}
}

// send sends a piece, as the consumer reads it and so long as it may.
func (h handler) send(
	stream grpc.ServerStreamingServer[logv1.ConsumeResponse], r *reading, records []commitlog.Record,
) error {
	for len(records) > 0 {
		if err := h.s.authorize(stream.Context(), consumeAction); err != nil {
			return err
		}
		answer, n := r.answer(records)
		if err := stream.Send(answer); err != nil {
			return err
		}
		h.s.meter.consumed(records[:n])
		records = records[n:]
	}
	return nil
}

// answer makes a response of the first records, and says of how many.
func (r *reading) answer(records []commitlog.Record) (*logv1.ConsumeResponse, int) {
	if !r.many {
		return &logv1.ConsumeResponse{Record: plain(records[0])}, 1
	}
	sent := pack(records, r.limit)
	return &logv1.ConsumeResponse{Records: sent}, len(sent)
}

// fetch reads at least one record. A reading that follows waits also for an
// offset that is far ahead; one that retention has removed is an error.
func (h handler) fetch(ctx context.Context, r *reading) ([]commitlog.Record, error) {
	node := h.s.config.Node
	records, err := node.Fetch(ctx, r.next, r.options)
	var outside commitlog.OffsetOutOfRange
	if errors.As(err, &outside) && r.options.Follow && r.options.At.IsZero() && r.next >= outside.Next {
		if err := node.WaitOffset(ctx, r.next); err != nil {
			return nil, err
		}
		records, err = node.Fetch(ctx, r.next, r.options)
	}
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		now := node.Status()
		return nil, commitlog.OffsetOutOfRange{Offset: r.next, Low: now.Low, Next: now.Next}
	}
	return records, nil
}
