// Producing: one batch, and streams of them.

package service

import (
	"context"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// Produce appends one batch.
func (h handler) Produce(ctx context.Context, req *logv1.ProduceRequest) (*logv1.ProduceResponse, error) {
	b, err := h.admit(ctx, req)
	if err != nil {
		return nil, err
	}
	pos, err := h.s.config.Node.Produce(ctx, b)
	if err != nil {
		return nil, err
	}
	h.s.meter.produced(b.Records)
	return answerTo(req, pos, b), nil
}

// ProduceStream appends batch after batch, in the order in which they are
// sent, and answers in that order. Several are under way at once: the next
// need not wait until the one before is on a quorum's disks.
func (h handler) ProduceStream(stream grpc.BidiStreamingServer[logv1.ProduceRequest, logv1.ProduceResponse]) error {
	w := newWindow()
	defer w.close(io.ErrClosedPipe)
	defer context.AfterFunc(h.s.stopping, func() { w.close(commitlog.ErrClosed) })()
	h.s.work.Go(func() { h.receive(stream, w) }) // ends with the stream, and that with this call
	for {
		f, err := w.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := h.answer(stream, f); err != nil {
			return err
		}
		w.end(f)
	}
}

// receive begins a flight for each request, until one is refused, or the
// stream or the window ends.
func (h handler) receive(stream grpc.BidiStreamingServer[logv1.ProduceRequest, logv1.ProduceResponse], w *window) {
	for {
		req, err := stream.Recv()
		if err != nil {
			w.close(err)
			return
		}
		f := flight{req: req, size: proto.Size(req)}
		if !w.room(f.size) {
			return
		}
		f.err = h.s.guard("ProduceStream", func() error { return h.launch(stream.Context(), &f) })
		w.begin(f)
		if f.err != nil {
			w.close(f.err)
			return
		}
	}
}

// launch hands a request's batch to the node, if its sender may send it.
func (h handler) launch(ctx context.Context, f *flight) (err error) {
	if f.batch, err = h.admit(ctx, f.req); err != nil {
		return err
	}
	f.wait, err = h.s.config.Enqueue(ctx, f.batch)
	return err
}

// answer waits for a flight's end, and tells of it.
func (h handler) answer(
	stream grpc.BidiStreamingServer[logv1.ProduceRequest, logv1.ProduceResponse], f flight,
) error {
	if f.err != nil {
		return f.err
	}
	pos, err := f.wait(stream.Context())
	if err != nil {
		return err
	}
	h.s.meter.produced(f.batch.Records)
	return stream.Send(answerTo(f.req, pos, f.batch))
}

// admit returns a request's batch if it makes sense and its sender may send it.
func (h handler) admit(ctx context.Context, req *logv1.ProduceRequest) (b commitlog.Batch, err error) {
	if err := h.s.authorize(ctx, produceAction); err != nil {
		return b, err
	}
	return batchOf(req)
}

// answerTo says where a request's batch lies. The original's clients get an
// offset alone, as they know it.
func answerTo(req *logv1.ProduceRequest, pos commitlog.Pos, b commitlog.Batch) *logv1.ProduceResponse {
	answer := &logv1.ProduceResponse{Offset: pos.Offset}
	if len(req.GetRecords()) > 0 || req.GetProducer() != 0 {
		answer.Index, answer.Term, answer.Count = pos.Index, pos.Term, uint64(len(b.Records))
	}
	return answer
}

// enqueue returns how a node takes batches in order: its own way, or one batch
// after the other.
func enqueue(node Node) func(context.Context, commitlog.Batch) (Outcome, error) {
	type queue interface {
		Enqueue(ctx context.Context, b commitlog.Batch) (commitlog.Pending, error)
	}
	if q, ok := node.(queue); ok {
		return func(ctx context.Context, b commitlog.Batch) (Outcome, error) {
			p, err := q.Enqueue(ctx, b)
			return p.Wait, err
		}
	}
	return func(ctx context.Context, b commitlog.Batch) (Outcome, error) {
		pos, err := node.Produce(ctx, b)
		return func(context.Context) (commitlog.Pos, error) { return pos, err }, nil
	}
}
