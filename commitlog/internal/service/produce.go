// Producing: one batch, and streams of them.

package service

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// Produce appends one batch.
func (h handler) Produce(ctx context.Context, req *logv1.ProduceRequest) (*logv1.ProduceResponse, error) {
	answers, err := h.produce(ctx, []*logv1.ProduceRequest{req})
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}

// ProduceStream appends batch after batch. While one is under way the next
// ones wait in an inbox, and go together when it is done: the records of a
// stream lie in the log in the order in which they were sent, and yet a stream
// is not bound to one batch for each round to the quorum. Batches with a
// producer go one by one, since each has a sequence of its own.
func (h handler) ProduceStream(stream grpc.BidiStreamingServer[logv1.ProduceRequest, logv1.ProduceResponse]) error {
	in := newInbox()
	defer in.end(io.ErrClosedPipe)
	defer context.AfterFunc(h.s.stopping, func() { in.end(commitlog.ErrClosed) })()
	h.s.work.Go(func() { receive(stream, in) }) // ends with the stream, and that with this call
	for {
		run, err := in.take()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		answers, wrong := h.produce(stream.Context(), run)
		for _, answer := range answers {
			if err := stream.Send(answer); err != nil {
				return err
			}
		}
		if wrong != nil {
			return wrong
		}
	}
}

// receive puts into the inbox what comes, until either ends.
func receive(stream grpc.BidiStreamingServer[logv1.ProduceRequest, logv1.ProduceResponse], in *inbox) {
	for {
		req, err := stream.Recv()
		if err != nil {
			in.end(err)
			return
		}
		if !in.put(req) {
			return
		}
	}
}

// produce appends the batches of all the requests as one. It returns the
// answers to those before the first that is refused, and why that one is.
func (h handler) produce(
	ctx context.Context, run []*logv1.ProduceRequest,
) (answers []*logv1.ProduceResponse, err error) {
	var all commitlog.Batch
	var counts []int
	for _, req := range run {
		var b commitlog.Batch
		if b, err = h.admit(ctx, req); err != nil {
			break
		}
		counts = append(counts, len(b.Records))
		all = commitlog.Batch{Producer: b.Producer, Sequence: b.Sequence, Records: append(all.Records, b.Records...)}
	}
	if len(counts) == 0 {
		return nil, err
	}
	pos, failed := h.s.config.Node.Produce(ctx, all)
	if failed != nil && len(counts) > 1 && errors.As(failed, new(commitlog.TooLarge)) {
		return h.oneByOne(ctx, run)
	}
	if failed != nil {
		return nil, failed
	}
	h.s.meter.produced(all.Records)
	first := uint64(0)
	for i, n := range counts {
		answers = append(answers, answerTo(run[i], pos, first, n))
		first += uint64(n)
	}
	return answers, err
}

// oneByOne is produce for batches that are too large together.
func (h handler) oneByOne(
	ctx context.Context, run []*logv1.ProduceRequest,
) (answers []*logv1.ProduceResponse, err error) {
	for i := range run {
		one, err := h.produce(ctx, run[i:i+1])
		if err != nil {
			return answers, err
		}
		answers = append(answers, one...)
	}
	return answers, nil
}

// admit returns a request's batch if it makes sense and its sender may send it.
func (h handler) admit(ctx context.Context, req *logv1.ProduceRequest) (b commitlog.Batch, err error) {
	if err := h.s.authorize(ctx, produceAction); err != nil {
		return b, err
	}
	return batchOf(req)
}

// answerTo answers a request whose n records stand behind the first ones of an
// entry. The original's clients get an offset alone, as they know it.
func answerTo(req *logv1.ProduceRequest, pos commitlog.Pos, first uint64, n int) *logv1.ProduceResponse {
	answer := &logv1.ProduceResponse{Offset: pos.Offset + first}
	if len(req.GetRecords()) > 0 || req.GetProducer() != 0 {
		answer.Index, answer.Term, answer.Count = pos.Index, pos.Term, uint64(n)
	}
	return answer
}
