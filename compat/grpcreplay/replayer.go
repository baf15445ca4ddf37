// The Replayer, as the original has it.

package grpcreplay

import (
	"context"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/compat/internal/hooked"
	"github.com/rehearse-go/rehearse/grpcreplay"
)

// A Replayer answers calls from a recording, each recorded call once.
type Replayer struct{ inner *hooked.Replayer }

// ReplayerOptions are options for a Replayer.
type ReplayerOptions struct {
	// BeforeMatch is called with a copy of each unary call's request before it
	// is matched, and may change the copy. An error ends the call with it. If
	// nil, nothing is called.
	BeforeMatch func(methodName string, msg proto.Message) error
}

// hook returns what calls the options' callback; nil if there is none.
func (o *ReplayerOptions) hook() func() hooked.Func {
	if o == nil || o.BeforeMatch == nil {
		return nil
	}
	before := o.BeforeMatch
	return func() hooked.Func { return before }
}

// NewReplayer returns a replayer of a file: the original's, binary or text, or
// any other that rehearse's grpcreplay.Open knows. Nil options are none.
func NewReplayer(filename string, opts *ReplayerOptions) (*Replayer, error) {
	inner, err := hooked.Open(filename, grpcreplay.Config{}, opts.hook())
	if err != nil {
		return nil, err
	}
	return &Replayer{inner}, nil
}

// NewReplayerReader is NewReplayer for what is no file.
func NewReplayerReader(r io.Reader, opts *ReplayerOptions) (*Replayer, error) {
	inner, err := hooked.Read(r, grpcreplay.Config{}, opts.hook())
	if err != nil {
		return nil, err
	}
	return &Replayer{inner}, nil
}

// Connection returns a connection that answers from the recording. Close
// closes it.
func (rep *Replayer) Connection() (*grpc.ClientConn, error) { return rep.inner.Connection() }

// Initial returns the bytes that were kept with the recording.
func (rep *Replayer) Initial() []byte { return rep.inner.Initial() }

// Close closes the replayer. As the original's it returns nil, whatever was
// left over: a strict test asks Check.
func (rep *Replayer) Close() error { return rep.inner.Close() }

// Check closes the replayer and returns what Close keeps to itself: calls that
// nothing recorded fitted, and recorded calls that were not made. The original
// has nothing like it.
func (rep *Replayer) Check() error { return rep.inner.Check() }

// InterceptUnary is the interceptor of unary calls.
func (rep *Replayer) InterceptUnary(
	ctx context.Context, method string, req, res any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	return rep.inner.InterceptUnary(ctx, method, req, res, cc, invoker, opts...)
}

// InterceptStream is the interceptor of streams.
func (rep *Replayer) InterceptStream(
	ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer,
	opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	return rep.inner.InterceptStream(ctx, desc, cc, method, streamer, opts...)
}
