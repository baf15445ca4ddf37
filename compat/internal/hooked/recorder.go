// A recorder with a callback for what is saved of unary calls.

package hooked

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// A Recorder is a recorder of package grpcreplay that writes its text form.
type Recorder struct {
	*grpcreplay.Recorder
	hook  func() Func
	types sync.Map // of types, by the name of the unary method
}

// types are a unary method's.
type types struct{ request, response protoreflect.MessageType }

// NewRecorder returns a recorder. Before a request or response of a unary call
// is saved, the callback that hook then returns is called with a copy. A nil
// hook, or callback, calls nobody.
func NewRecorder(c grpcreplay.Config, hook func() Func) (*Recorder, error) {
	r := &Recorder{hook: hook}
	c.Format = grpcreplay.Text
	if hook != nil {
		c.Before = r.before
	}
	var err error
	r.Recorder, err = grpcreplay.NewRecorder(c)
	return r, err
}

// DialOptions make a connection record its calls.
func (r *Recorder) DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(r.InterceptUnary), grpc.WithChainStreamInterceptor(r.InterceptStream),
	}
}

// InterceptUnary is the interceptor of unary calls.
func (r *Recorder) InterceptUnary(
	ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	if r.callback() != nil {
		if err := r.learn(method, req, reply); err != nil {
			return err
		}
	}
	return r.Recorder.InterceptUnary(ctx, method, req, reply, cc, invoker, opts...)
}

func (r *Recorder) callback() Func {
	if r.hook == nil {
		return nil
	}
	return r.hook()
}

// learn remembers the types that the program uses for a unary method.
func (r *Recorder) learn(method string, req, reply any) error {
	if _, known := r.types.Load(method); known {
		return nil
	}
	in, err := typeOf(method, req)
	if err != nil {
		return err
	}
	out, err := typeOf(method, reply)
	if err != nil {
		return err
	}
	r.types.Store(method, types{in, out})
	return nil
}

// before hands a message of a unary call to the callback.
func (r *Recorder) before(m *grpcreplay.Message) error {
	f := r.callback()
	known, unary := r.types.Load(m.Method)
	if f == nil || !unary {
		return nil
	}
	switch m.Part {
	case grpcreplay.Request:
		return call(f, m, known.(types).request)
	case grpcreplay.Response:
		return call(f, m, known.(types).response)
	}
	return nil
}

// call calls f with a message, and sets it to what f made of it. One that f
// only looked at keeps its bytes.
func call(f Func, m *grpcreplay.Message, as protoreflect.MessageType) error {
	p := as.New().Interface()
	if err := proto.Unmarshal(m.Bytes, p); err != nil {
		return fmt.Errorf("compat: the %s of %s: %w", m.Part, m.Method, err)
	}
	was := proto.Clone(p)
	if err := f(m.Method, p); err != nil {
		return err
	}
	if proto.Equal(was, p) {
		return nil
	}
	return m.Set(p)
}
