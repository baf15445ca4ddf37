// The Recorder, as the original has it.

package grpcreplay

import (
	"context"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/compat/internal/hooked"
	"github.com/rehearse-go/rehearse/grpcreplay"
)

// A Recorder records the calls of the connections that have its options.
type Recorder struct{ inner *hooked.Recorder }

// RecorderOptions are options for a Recorder.
type RecorderOptions struct {
	// Initial is kept with the recording for Replayer.Initial.
	Initial []byte

	// BeforeWrite is called with a copy of each request and each response of a
	// unary call before it is saved, and may change the copy. What goes to the
	// service and what the program gets stay as they are. An error ends the call
	// with it. If nil, nothing is called.
	BeforeWrite func(method string, msg proto.Message) error

	// Text makes no difference: recordings are text to be read either way.
	Text bool
}

// NewRecorder returns a recorder to a file. The file is replaced, whole, by
// Close; until then a file beside it, <filename>.<digits>.part, has what
// happened. Nil options are none.
func NewRecorder(filename string, opts *RecorderOptions) (*Recorder, error) {
	return newRecorder(grpcreplay.Config{File: filename}, opts)
}

// NewRecorderWriter returns a recorder to w, which is written to by Close.
func NewRecorderWriter(w io.Writer, opts *RecorderOptions) (*Recorder, error) {
	return newRecorder(grpcreplay.Config{Writer: w}, opts)
}

func newRecorder(c grpcreplay.Config, opts *RecorderOptions) (*Recorder, error) {
	var hook func() hooked.Func
	if opts != nil {
		c.Initial = opts.Initial
		if before := opts.BeforeWrite; before != nil {
			hook = func() hooked.Func { return before }
		}
	}
	inner, err := hooked.NewRecorder(c, hook)
	if err != nil {
		return nil, err
	}
	return &Recorder{inner}, nil
}

// SetInitial sets what RecorderOptions.Initial else does. It may be called
// until Close, after which it panics; the original's panics after the first call.
func (r *Recorder) SetInitial(initial []byte) {
	if err := r.inner.SetInitial(initial); err != nil {
		panic(fmt.Sprintf("grpcreplay: SetInitial called too late: %v", err))
	}
}

// DialOptions make a connection record its calls. The connection's own
// interceptors run, too.
func (r *Recorder) DialOptions() []grpc.DialOption { return r.inner.DialOptions() }

// Close writes the recording and returns the first error that occurred.
// Closing again returns the same.
func (r *Recorder) Close() error { return r.inner.Close() }

// InterceptUnary is the interceptor of unary calls.
func (r *Recorder) InterceptUnary(
	ctx context.Context, method string, req, res any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	return r.inner.InterceptUnary(ctx, method, req, res, cc, invoker, opts...)
}

// InterceptStream is the interceptor of streams.
func (r *Recorder) InterceptStream(
	ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer,
	opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	return r.inner.InterceptStream(ctx, desc, cc, method, streamer, opts...)
}
