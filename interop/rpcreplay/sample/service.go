// The sample service.

package sample

import (
	"context"
	"io"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The service is served by two names: one whose descriptor is linked in, and
// one that nothing is known of, as when it was written by hand.
const (
	Described   = "sample.v1.Store"
	Undescribed = "plain.v1.Store"
)

// Methods of the described service. None is described, and not served.
const (
	Get  = "/sample.v1.Store/Get"
	None = "/sample.v1.Store/None"
	List = "/sample.v1.Store/List"
	Put  = "/sample.v1.Store/Put"
	Chat = "/sample.v1.Store/Chat"
)

// The shapes of the streams.
var (
	ListDesc = &grpc.StreamDesc{StreamName: "List", ServerStreams: true}
	PutDesc  = &grpc.StreamDesc{StreamName: "Put", ClientStreams: true}
	ChatDesc = &grpc.StreamDesc{StreamName: "Chat", ServerStreams: true, ClientStreams: true}
)

// A store is the service. It counts what it is asked for.
type store struct {
	mu     sync.Mutex
	asked  map[string]int
	second chan struct{} // closed when "turn" is asked for a second time
}

// Serve serves a new store on a port of its own, until stop is called.
func Serve() (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := newServer()
	go s.Serve(l)
	return l.Addr().String(), s.Stop, nil
}

// ServeOn serves a new store on an address until it fails.
func ServeOn(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return newServer().Serve(l)
}

func newServer() *grpc.Server {
	x := &store{asked: map[string]int{}, second: make(chan struct{})}
	s := grpc.NewServer()
	for _, name := range []string{Described, Undescribed} {
		s.RegisterService(&grpc.ServiceDesc{
			ServiceName: name, HandlerType: (*any)(nil),
			Methods: []grpc.MethodDesc{{MethodName: "Get", Handler: x.get}},
			Streams: []grpc.StreamDesc{
				{StreamName: "List", ServerStreams: true, Handler: list},
				{StreamName: "Put", ClientStreams: true, Handler: put},
				{StreamName: "Chat", ServerStreams: true, ClientStreams: true, Handler: chat},
			},
		}, x)
	}
	return s
}

// get says how often a name has been asked for; for some names something else.
func (x *store) get(
	_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor,
) (any, error) {
	in := new(wrapperspb.StringValue)
	if err := decode(in); err != nil {
		return nil, err
	}
	grpc.SetHeader(ctx, metadata.Pairs("x-region", "eu", "trace-bin", "\x00\xff"))
	grpc.SetTrailer(ctx, metadata.Pairs("x-cost", "2"))
	switch in.GetValue() {
	case "":
		return &structpb.Struct{}, nil
	case "missing":
		s, err := status.New(codes.NotFound, "no such thing").WithDetails(wrapperspb.String("detail"))
		if err != nil {
			return nil, err
		}
		return nil, s.Err()
	case "slow":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	nth := x.count(in.GetValue())
	if in.GetValue() == "turn" && nth == 1 { // the first is answered last
		<-x.second
	}
	return structpb.NewStruct(map[string]any{
		"name": in.GetValue(), "nth": float64(nth), "quoted": "[type.googleapis.com/not.A] {",
	})
}

// count counts a name.
func (x *store) count(name string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.asked[name]++
	if name == "turn" && x.asked[name] == 2 {
		close(x.second)
	}
	return x.asked[name]
}

// list answers three times, and fails for "bad".
func list(_ any, ss grpc.ServerStream) error {
	in := new(wrapperspb.StringValue)
	if err := ss.RecvMsg(in); err != nil {
		return err
	}
	for _, v := range []string{"a", "", "c"} {
		if err := ss.SendMsg(wrapperspb.String(in.GetValue() + v)); err != nil {
			return err
		}
	}
	if in.GetValue() == "bad" {
		return status.Error(codes.DataLoss, "gone midway")
	}
	return nil
}

// put joins what it gets, until that is "enough".
func put(_ any, ss grpc.ServerStream) error {
	all := ""
	for {
		in := new(wrapperspb.StringValue)
		err := ss.RecvMsg(in)
		if err == io.EOF || err == nil && in.GetValue() == "enough" {
			return ss.SendMsg(wrapperspb.String(all))
		}
		if err != nil {
			return err
		}
		all += in.GetValue()
	}
}

// chat answers each message.
func chat(_ any, ss grpc.ServerStream) error {
	for {
		in := new(wrapperspb.StringValue)
		err := ss.RecvMsg(in)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ss.SendMsg(wrapperspb.String("re: " + in.GetValue())); err != nil {
			return err
		}
	}
}
