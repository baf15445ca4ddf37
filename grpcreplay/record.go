// The client interceptors that record.

package grpcreplay

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// begins takes down that a call with this context and these options begins.
func (r *reel) begins(
	ctx context.Context, method string, shape tape.Shape, opts []grpc.CallOption,
) (strand, *tee, error) {
	chosen, err := codecOf(opts)
	if err != nil {
		return strand{}, nil, err
	}
	md, _ := metadata.FromOutgoingContext(ctx)
	c := &tape.Call{Method: method, Shape: shape, Codec: chosen.subtype, Pairs: pairsOf(md)}
	if deadline, ok := ctx.Deadline(); ok {
		c.Timeout = max(time.Until(deadline), 1) // it has one, even if that is over
	}
	c.Authority, _ = ctx.Value(authorityKey{}).(string)
	for _, o := range opts {
		if a, ok := o.(grpc.AuthorityOverrideCallOption); ok {
			c.Authority = a.Authority
		}
	}
	s, err := r.begin(c)
	if l, ok := ctx.Value(ledgerKey{}).(*ledger); ok && err == nil {
		s.made = l.begin(method, c.Pairs, r.book.set())
		if l.tell != nil {
			s.made.tale = l.tell(method, c.Pairs)
		}
	}
	s.subtype = chosen.subtype
	return s, &tee{inner: chosen.codec, name: chosen.forced, most: mostSent(opts)}, err
}

// interceptUnary records a unary call.
func (r *reel) interceptUnary(
	ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	if ctx.Err() != nil {
		return invoker(ctx, method, req, reply, cc, opts...) // it goes nowhere, now or on replay
	}
	s, t, err := r.begins(ctx, method, tape.Unary, opts)
	if err != nil {
		return err
	}
	asks := asking{strand: s}
	t.sent = asks.sends
	var header, trailer metadata.MD
	opts = append(opts[:len(opts):len(opts)], grpc.ForceCodecV2(t), grpc.Header(&header), grpc.Trailer(&trailer))
	err = invoker(ctx, method, req, reply, cc, opts...)
	asks.settle(t, req)
	if asks.failed != nil {
		return asks.failed
	}
	if failed := s.answered(outcome{ctx, t, header, trailer, reply, err}); failed != nil {
		return failed
	}
	return err
}

// An asking takes down the request of a unary call.
type asking struct {
	strand
	sent   bool
	failed error // what Before said
}

// sends takes the request down as it goes on its way. gRPC may encode it
// again, for another attempt.
func (a *asking) sends(b mem.BufferSlice) error {
	if a.sent {
		return nil
	}
	a.sent = true
	if a.failed = a.message(tape.Send, b); a.failed == nil {
		a.failed = a.event(tape.Event{Kind: tape.CloseSend})
	}
	return a.failed
}

// settle takes the request down if the call failed before it was encoded; if
// there was nothing to send, that the client ended the call by its own fault.
func (a *asking) settle(t *tee, req any) {
	if !a.sent && !t.oversized {
		if b, err := marshal(t.inner, req); err == nil {
			a.sends(b)
			b.Free()
		}
	}
	if !a.sent {
		a.event(tape.Event{Kind: tape.Cancel})
	}
}

// An outcome is what came of a unary call.
type outcome struct {
	ctx             context.Context
	tee             *tee
	header, trailer metadata.MD
	reply           any
	err             error
}

// answered takes an outcome down. Its error is what Before said.
func (s strand) answered(o outcome) error {
	got := o.tee.take()
	if got == nil && o.err == nil { // an interceptor beneath answered by itself
		got, _ = marshal(o.tee.inner, o.reply)
	}
	defer got.Free()
	if o.err != nil && byClient(o.ctx, o.err) {
		s.event(tape.Event{Kind: tape.Cancel})
	}
	if o.header != nil {
		if err := s.event(tape.Event{Kind: tape.Header, Pairs: headerPairs(o.header, s.subtype)}); err != nil {
			return err
		}
	}
	if o.err == nil {
		if err := s.message(tape.Recv, got); err != nil {
			return err
		}
	}
	return s.event(tape.Event{Kind: tape.End, Pairs: trailerPairs(o.trailer), Status: statusOf(o.err)})
}

// promptness is how much sooner than at its client a call's time may be over
// at its server, whose clock tells no better and starts with the call.
const promptness = 5 * time.Millisecond

// byClient tells whether it was the client who ended a call that failed with
// err: it cancelled, or its time was over. That holds too if the server, which
// watches the time as well, was the first to say so.
func byClient(ctx context.Context, err error) bool {
	code := status.Code(err)
	if deadline, ok := ctx.Deadline(); ok && code == codes.DeadlineExceeded && time.Until(deadline) <= promptness {
		return true
	}
	if ctx.Err() == nil {
		return false
	}
	return code == codes.Canceled || code == codes.DeadlineExceeded ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// interceptStream records a stream.
func (r *reel) interceptStream(
	ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer,
	opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	if ctx.Err() != nil {
		return streamer(ctx, desc, cc, method, opts...)
	}
	shape := tape.ShapeOf(desc.ClientStreams, desc.ServerStreams)
	open := func(opts ...grpc.CallOption) (grpc.ClientStream, error) {
		return streamer(ctx, desc, cc, method, opts...)
	}
	return r.stream(ctx, streaming{desc, method, opts}, shape, open)
}

// stream records the stream that open opens. Its shape is what is known of
// it, which may be less than gRPC is told.
func (r *reel) stream(
	ctx context.Context, c streaming, shape tape.Shape, open func(...grpc.CallOption) (grpc.ClientStream, error),
) (grpc.ClientStream, error) {
	s, t, err := r.begins(ctx, c.method, shape, c.opts)
	if err != nil {
		return nil, err
	}
	x := &recorded{strand: s, ctx: ctx, tee: t, oneResponse: !c.desc.ServerStreams}
	t.sent = x.sends
	opts := append(c.opts[:len(c.opts):len(c.opts)], grpc.ForceCodecV2(t), grpc.OnFinish(x.finished))
	inner, err := open(opts...)
	if err != nil {
		x.refused = true
		x.ends(err, nil)
		return nil, err
	}
	x.ClientStream = inner
	x.watch(ctx)
	return x, nil
}

// watch takes down that the client gives the call up, as long as it is not over.
func (x *recorded) watch(ctx context.Context) {
	forget := context.AfterFunc(ctx, x.cancels)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.forget = forget; x.ended {
		forget()
	}
}

// A recorded is a client's stream that is being recorded.
type recorded struct {
	grpc.ClientStream
	strand
	ctx         context.Context
	tee         *tee
	oneResponse bool

	mu      sync.Mutex
	refused bool        // it was not opened
	closed  bool        // the half-close is taken down
	headed  bool        // the header is
	gone    bool        // that the client ended the call is
	ended   bool        // the end is
	failed  error       // what Before said of a message that was sent
	forget  func() bool // ends watch; nil before it
}

// sends takes down a message before it goes on its way. Its error, which
// Before gave, keeps the message from going.
func (x *recorded) sends(b mem.BufferSlice) error {
	err := x.message(tape.Send, b)
	if err != nil {
		x.mu.Lock()
		x.failed = err
		x.mu.Unlock()
	}
	return err
}

// SendMsg sends a message. One that was prepared is refused: its bytes are
// gRPC's secret.
func (x *recorded) SendMsg(m any) error {
	if _, ok := m.(*grpc.PreparedMsg); ok {
		return status.Error(codes.Unimplemented,
			"grpcreplay: a grpc.PreparedMsg cannot be recorded by interceptors: send the message, or record by proxy")
	}
	x.looks()
	if m == nil { // gRPC sends it as an empty one, and asks no codec
		if err := x.sends(nil); err != nil {
			return err
		}
	}
	err := x.ClientStream.SendMsg(m)
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil && x.failed != nil {
		return x.failed // not gRPC's wrapping of it
	}
	if err == io.EOF {
		x.event(tape.Event{Kind: tape.Lost})
	} else if err != nil && !x.ended { // the client's own fault, which ends the call
		x.ended = true
		x.event(tape.Event{Kind: tape.Cancel})
		x.event(tape.Event{Kind: tape.End, Status: statusOf(err)})
	}
	return err
}

// CloseSend half-closes; doing so again does nothing, as in gRPC.
func (x *recorded) CloseSend() error {
	x.looks()
	x.mu.Lock()
	again := x.closed || x.ended
	x.closed = true
	x.mu.Unlock()
	if !again {
		x.event(tape.Event{Kind: tape.CloseSend})
	}
	return x.ClientStream.CloseSend()
}

// Header waits for the server's initial metadata.
func (x *recorded) Header() (metadata.MD, error) {
	md, err := x.ClientStream.Header()
	if err == nil && md != nil {
		err = x.heads(md)
	}
	return md, err
}

// heads takes the header down, once.
func (x *recorded) heads(md metadata.MD) error {
	x.mu.Lock()
	again := x.headed
	x.headed = true
	x.mu.Unlock()
	if again {
		return nil
	}
	return x.event(tape.Event{Kind: tape.Header, Pairs: headerPairs(md, x.subtype)})
}

// RecvMsg receives a message, or learns how the call ended.
func (x *recorded) RecvMsg(m any) error {
	x.looks()
	err := x.ClientStream.RecvMsg(m)
	got := x.tee.take()
	defer got.Free()
	if err == nil || x.ctx.Err() == nil {
		// The header has come, or never will: this does not wait.
		if md, herr := x.ClientStream.Header(); herr == nil && md != nil {
			if err := x.heads(md); err != nil {
				return err
			}
		}
	}
	if err == nil {
		if err := x.message(tape.Recv, got); err != nil {
			return err
		}
	}
	if err != nil || x.oneResponse {
		if before := x.ends(err, x.ClientStream.Trailer()); before != nil && (err == nil || err == io.EOF) {
			return before
		}
	}
	return err
}

// ends takes the end down, once: err is what RecvMsg returned.
func (x *recorded) ends(err error, trailer metadata.MD) error {
	if err != nil && err != io.EOF && byClient(x.ctx, err) {
		x.cancels()
	}
	x.mu.Lock()
	again := x.ended
	x.ended = true
	if x.forget != nil {
		x.forget()
	}
	x.mu.Unlock()
	if again {
		return nil
	}
	s := statusOf(err)
	s.Refused = x.refused
	return x.event(tape.Event{Kind: tape.End, Pairs: trailerPairs(trailer), Status: s})
}

// cancels takes down that the client ended the call, once, unless the server
// had. A client may receive after that what was on its way already, or not.
func (x *recorded) cancels() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.gone || x.ended {
		return
	}
	x.gone = true
	x.event(tape.Event{Kind: tape.Cancel})
}

// looks takes down that the client ended the call before it takes down what
// the client tries after that.
func (x *recorded) looks() {
	if x.ctx.Err() != nil {
		x.cancels()
	}
}

// finished is called by gRPC when the call is over, also when nobody
// receives any more. Who ended it decides: an end that the server brought is
// taken down when the program learns of it.
func (x *recorded) finished(err error) {
	if err != nil && byClient(x.ctx, err) {
		x.ends(err, nil)
	}
}
