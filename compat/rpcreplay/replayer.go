// The Replayer, as the original has it.

package rpcreplay

import (
	"io"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/compat/internal/hooked"
	"github.com/rehearse-go/rehearse/grpcreplay"
)

// A Replayer answers calls from a recording, each recorded call once.
type Replayer struct {
	inner *hooked.Replayer
	log   atomic.Pointer[func(format string, v ...any)]

	// BeforeFunc is called with a copy of each unary call's request before it
	// is matched, and may change the copy. An error ends the call with it. If
	// nil, nothing is called. Set it before the first call.
	BeforeFunc func(string, proto.Message) error
}

// NewReplayer returns a replayer of a file: the original's, in binary form, or
// any other that grpcreplay.Open knows.
func NewReplayer(filename string) (*Replayer, error) {
	r := &Replayer{}
	var err error
	if r.inner, err = hooked.Open(filename, grpcreplay.Config{Log: r.logf}, r.hook); err != nil {
		return nil, err
	}
	return r, nil
}

// NewReplayerReader is NewReplayer for what is no file.
func NewReplayerReader(from io.Reader) (*Replayer, error) {
	r := &Replayer{}
	var err error
	if r.inner, err = hooked.Read(from, grpcreplay.Config{Log: r.logf}, r.hook); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Replayer) hook() hooked.Func { return r.BeforeFunc }

// DialOptions make a connection answer from the recording. It resolves no
// name, opens no connection and asks for no credentials.
func (r *Replayer) DialOptions() []grpc.DialOption { return r.inner.DialOptions() }

// Connection returns a connection that answers from the recording. Close
// closes it.
func (r *Replayer) Connection() (*grpc.ClientConn, error) { return r.inner.Connection() }

// Initial returns the bytes that were kept with the recording.
func (r *Replayer) Initial() []byte { return r.inner.Initial() }

// SetLogFunc makes f be told every decision of matching, and why. It may be
// called by several goroutines at once.
func (r *Replayer) SetLogFunc(f func(format string, v ...any)) {
	if f == nil {
		r.log.Store(nil)
		return
	}
	r.log.Store(&f)
}

func (r *Replayer) logf(format string, v ...any) {
	if f := r.log.Load(); f != nil {
		(*f)(format, v...)
	}
}

// Close closes the replayer. As the original's it returns nil, whatever was
// left over: a strict test asks Check.
func (r *Replayer) Close() error { return r.inner.Close() }

// Check closes the replayer and returns what Close keeps to itself: calls that
// nothing recorded fitted, and recorded calls that were not made. The original
// has nothing like it.
func (r *Replayer) Check() error { return r.inner.Check() }
