// The Recorder, as the original has it.

package rpcreplay

import (
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/compat/internal/hooked"
	"github.com/rehearse-go/rehearse/grpcreplay"
)

// A Recorder records the calls of the connections that have its options.
type Recorder struct {
	inner *hooked.Recorder

	// BeforeFunc is called with a copy of each request and each response of a
	// unary call before it is saved, and may change the copy. What goes to the
	// service and what the program gets stay as they are. An error ends the call
	// with it. If nil, nothing is called. Set it before the first call.
	BeforeFunc func(string, proto.Message) error
}

// NewRecorder returns a recorder to a file, which keeps the initial bytes for
// Replayer.Initial. The file is replaced, whole, by Close; until then a file
// beside it, <filename>.<digits>.part, has what happened.
func NewRecorder(filename string, initial []byte) (*Recorder, error) {
	return newRecorder(grpcreplay.Config{File: filename, Initial: initial})
}

// NewRecorderWriter returns a recorder to w, which is written to by Close.
func NewRecorderWriter(w io.Writer, initial []byte) (*Recorder, error) {
	return newRecorder(grpcreplay.Config{Writer: w, Initial: initial})
}

func newRecorder(c grpcreplay.Config) (*Recorder, error) {
	r := &Recorder{}
	var err error
	if r.inner, err = hooked.NewRecorder(c, func() hooked.Func { return r.BeforeFunc }); err != nil {
		return nil, err
	}
	return r, nil
}

// DialOptions make a connection record its calls. The connection's own
// interceptors run, too.
func (r *Recorder) DialOptions() []grpc.DialOption { return r.inner.DialOptions() }

// Close writes the recording and returns the first error that occurred.
// Closing again returns the same.
func (r *Recorder) Close() error { return r.inner.Close() }
