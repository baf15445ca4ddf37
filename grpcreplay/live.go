// Parties that ask the real service.

package grpcreplay

import (
	"context"
	"io"
	"math"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// both is a stream of any number of messages either way, which every call is
// on the wire.
var both = &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}

// dialTarget returns a connection to Config.Target.
func (c Config) dialTarget() (*grpc.ClientConn, error) {
	opts := []grpc.DialOption{
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)),
	}
	if c.TLS != nil {
		opts = append(opts, grpc.WithTransportCredentials(credentials.NewTLS(c.TLS)))
	} else {
		opts = append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	target := c.Target
	if c.Dial != nil {
		opts = append(opts, grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return c.Dial(ctx, "tcp", address)
		}))
		target = "passthrough:///" + target
	}
	return grpc.NewClient(target, opts...)
}

// An opener opens a call at the real service.
type opener func(ctx context.Context) (grpc.ClientStream, error)

// A relayed is a party that asks the real service, by a stream.
type relayed struct {
	cancel context.CancelFunc
	stream grpc.ClientStream
	headed bool
	end    *tape.Event
}

// relay opens a call at the real service.
func relay(ctx context.Context, open opener) *relayed {
	x := &relayed{}
	ctx, x.cancel = context.WithCancel(ctx)
	s, err := open(ctx)
	if err != nil {
		x.cancel()
		status := statusOf(err)
		status.Refused = true
		x.end = &tape.Event{Kind: tape.End, Status: status}
		return x
	}
	x.stream = s
	return x
}

func (x *relayed) send(b []byte) bool {
	return x.stream != nil && x.stream.SendMsg(frameOf(b)) == nil
}

func (x *relayed) closeSend() {
	if x.stream != nil {
		x.stream.CloseSend()
	}
}

func (x *relayed) next() tape.Event {
	if x.end != nil {
		return *x.end
	}
	if !x.headed {
		x.headed = true
		if md, err := x.stream.Header(); err == nil && md != nil {
			return tape.Event{Kind: tape.Header, Pairs: pairsOf(md)}
		}
	}
	var f frame
	err := x.stream.RecvMsg(&f)
	if err == nil {
		defer f.b.Free()
		return tape.Event{Kind: tape.Recv, Message: f.b.Materialize()}
	}
	x.end = &tape.Event{Kind: tape.End, Pairs: trailerPairs(x.stream.Trailer())}
	if err != io.EOF {
		x.end.Status = statusOf(err)
	}
	x.cancel() // the call is over; its context would hang on the program's own
	return *x.end
}

func (x *relayed) abandon()   { x.cancel() }
func (x *relayed) real() bool { return true }

// refused returns how the call ended if it was never opened.
func (x *relayed) refused() *tape.Event {
	if x.stream == nil {
		return x.end
	}
	return nil
}

// An asked is a party that asks the real service, by a unary call.
type asked struct {
	ctx    context.Context
	invoke func(ctx context.Context, req, reply any, opts ...grpc.CallOption) error

	sent   chan []byte // one request
	events []tape.Event
	done   bool
}

// ask returns a party that makes a unary call when its request has come.
func ask(ctx context.Context, invoke func(context.Context, any, any, ...grpc.CallOption) error) *asked {
	return &asked{ctx: ctx, invoke: invoke, sent: make(chan []byte, 1)}
}

func (x *asked) send(b []byte) bool {
	select {
	case x.sent <- b:
		return true
	default:
		return false
	}
}

func (x *asked) closeSend() {}
func (x *asked) abandon()   {}
func (x *asked) real() bool { return true }

func (x *asked) next() tape.Event {
	if !x.done {
		x.done = true
		x.call()
	}
	e := x.events[0]
	if len(x.events) > 1 {
		x.events = x.events[1:]
	}
	return e
}

// call makes the call and keeps what came of it.
func (x *asked) call() {
	var header, trailer metadata.MD
	var reply frame
	var err error
	select {
	case b := <-x.sent:
		err = x.invoke(x.ctx, frameOf(b), &reply, grpc.Header(&header), grpc.Trailer(&trailer))
	case <-x.ctx.Done():
		err = x.ctx.Err()
	}
	if header != nil {
		x.events = append(x.events, tape.Event{Kind: tape.Header, Pairs: pairsOf(header)})
	}
	if err == nil {
		x.events = append(x.events, tape.Event{Kind: tape.Recv, Message: reply.b.Materialize()})
	}
	x.events = append(x.events, tape.Event{Kind: tape.End, Pairs: trailerPairs(trailer), Status: statusOf(err)})
}
