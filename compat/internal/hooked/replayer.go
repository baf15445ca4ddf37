// A replayer with a callback for what is matched of unary calls.

package hooked

import (
	"context"
	"io"
	"sync"

	"google.golang.org/grpc"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// A Replayer is a replayer of package grpcreplay whose Close is as silent as
// those of the packages that it stands in for.
type Replayer struct {
	*grpcreplay.Replayer
	hook func() Func

	mu    sync.Mutex
	conns []*grpc.ClientConn // that Connection gave out
}

// Open returns a replayer of a file. Before a unary call is matched, the
// callback that hook then returns is called with a copy of its request. A nil
// hook, or callback, calls nobody.
func Open(file string, c grpcreplay.Config, hook func() Func) (*Replayer, error) {
	rec, err := grpcreplay.Open(file)
	if err != nil {
		return nil, err
	}
	return replayer(rec, c, hook)
}

// Read is Open for what is no file.
func Read(r io.Reader, c grpcreplay.Config, hook func() Func) (*Replayer, error) {
	rec, err := grpcreplay.Read(r)
	if err != nil {
		return nil, err
	}
	return replayer(rec, c, hook)
}

func replayer(rec *grpcreplay.Recording, c grpcreplay.Config, hook func() Func) (*Replayer, error) {
	inner, err := grpcreplay.NewReplayer(rec, c)
	if err != nil {
		return nil, err
	}
	return &Replayer{Replayer: inner, hook: hook}, nil
}

// DialOptions make a connection answer from the recording, without a network.
func (r *Replayer) DialOptions() []grpc.DialOption {
	front := grpc.WithChainUnaryInterceptor(r.InterceptUnary) // it answers: the inner one is not reached
	return append([]grpc.DialOption{front}, r.Replayer.DialOptions()...)
}

// Connection returns a connection that answers from the recording.
func (r *Replayer) Connection() (*grpc.ClientConn, error) {
	cc, err := grpc.NewClient("passthrough:///recording", r.DialOptions()...)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns = append(r.conns, cc)
	return cc, nil
}

// InterceptUnary is the interceptor of unary calls.
func (r *Replayer) InterceptUnary(
	ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	if r.hook != nil {
		if f := r.hook(); f != nil {
			m, err := copied(method, req)
			if err != nil {
				return err
			}
			if err := f(method, m); err != nil {
				return err
			}
			req = as(req, m)
		}
	}
	return r.Replayer.InterceptUnary(ctx, method, req, reply, cc, invoker, opts...)
}

// Check closes the replayer and returns what went wrong: calls that nothing
// recorded fitted, and recorded calls that were not made.
func (r *Replayer) Check() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, cc := range r.conns {
		cc.Close()
	}
	r.conns = nil
	return r.Replayer.Close()
}

// Close closes the replayer.
func (r *Replayer) Close() error {
	_ = r.Check() // who wants to know asks Check
	return nil
}
