// Telling a story three times: live, while it is recorded, and replayed.

package grpcreplay_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// An attempt is one telling of a story: by a program's own connection.
type attempt struct {
	*testing.T
	transcript
	ctx  context.Context
	cc   *grpc.ClientConn
	shop grpc_testing.TestServiceClient
}

// A saga is what a program does on a connection that has these options.
type saga struct {
	name  string
	opts  []grpc.DialOption
	tell  func(x *attempt)
	crowd bool // many at once: who waits for whom is presumed wrongly, so that answers come after Grace
}

// A way is a way by which a program's own connection reaches a service.
type way struct {
	name string
	dial func(t testing.TB, s *grpcreplay.Service, target string, opts ...grpc.DialOption) *grpc.ClientConn
}

var ways = []way{
	{"interceptors", func(
		t testing.TB, s *grpcreplay.Service, target string, opts ...grpc.DialOption,
	) *grpc.ClientConn {
		return connect(t, target, append(s.DialOptions(), opts...)...)
	}},
	{"memory", func(t testing.TB, s *grpcreplay.Service, _ string, opts ...grpc.DialOption) *grpc.ClientConn {
		// As a connection to a server has it; Conn by itself takes any size.
		opts = append([]grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(4 << 20))}, opts...)
		return must(t, must2(s.Dial(opts...)), nil)
	}},
	{"socket", func(t testing.TB, s *grpcreplay.Service, _ string, opts ...grpc.DialOption) *grpc.ClientConn {
		return connect(t, s.Addr(), opts...)
	}},
}

// connect returns a connection to an address.
func connect(t testing.TB, address string, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	opts = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, opts...)
	cc, err := grpc.NewClient(address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cc.Close() })
	return cc
}

// nobody is an address at which nobody listens, for a program that is replayed to.
const nobody = "127.0.0.1:1"

// believed tells tales live, then records them in each way and replays each
// recording in each way: the program must see the same.
func believed(t *testing.T, tales []saga) {
	t.Helper()
	for _, it := range tales {
		t.Run(it.name, func(t *testing.T) {
			live := told(t, it, connect(t, serve(t), it.opts...))
			for _, recorded := range ways {
				t.Run("by "+recorded.name, func(t *testing.T) {
					c := grpcreplay.Config{File: filepath.Join(t.TempDir(), "recording.journal"), Listen: listen}
					if c.Strict = !it.crowd; it.crowd {
						c.Grace = time.Millisecond
					}
					first := retold(t, it, recorded, c, serve(t))
					same(t, "while recording", live.lines, first.lines)
					for _, replayed := range ways {
						t.Run("by "+replayed.name, func(t *testing.T) {
							same(t, "on replay", live.lines, retold(t, it, replayed, c, "").lines)
						})
					}
					if t.Failed() {
						t.Logf("%.1500s", read(t, c.File))
					}
				})
			}
		})
	}
}

// told tells a saga on a connection.
func told(t *testing.T, it saga, cc *grpc.ClientConn) *attempt {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	x := &attempt{T: t, ctx: ctx, cc: cc, shop: grpc_testing.NewTestServiceClient(cc)}
	it.tell(x)
	return x
}

// retold tells a saga by way of a service that records a target, or, without
// one, replays.
func retold(t *testing.T, it saga, by way, c grpcreplay.Config, target string) *attempt {
	t.Helper()
	c.Mode, c.Target = grpcreplay.ModeAll, target
	if target == "" {
		c.Mode, c.Target, target = grpcreplay.ModeNone, nobody, nobody
	}
	s, err := grpcreplay.New(c)
	if err != nil {
		t.Fatal(err)
	}
	x := told(t, it, by.dial(t, s, target, it.opts...))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return x
}

// serve serves a clerk and returns its address.
func serve(t testing.TB, opts ...grpc.ServerOption) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveAt(t, l, opts...)
	return l.Addr().String()
}

// serveAt serves a clerk at a listener.
func serveAt(t testing.TB, l net.Listener, opts ...grpc.ServerOption) {
	s := grpc.NewServer(append([]grpc.ServerOption{grpc.MaxRecvMsgSize(64 << 20)}, opts...)...)
	grpc_testing.RegisterTestServiceServer(s, new(clerk))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
}

// A clerk is a shop whose staff speaks first.
type clerk struct{ shop }

// EmptyCall says who is speaking, in metadata alone.
func (c *clerk) EmptyCall(ctx context.Context, _ *grpc_testing.Empty) (*grpc_testing.Empty, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	own := metadata.MD{}
	for _, key := range []string{"tenant", "many", "some-bin", "fresh"} {
		own[key] = md[key]
	}
	grpc.SetHeader(ctx, own)
	grpc.SetTrailer(ctx, metadata.Join(own, metadata.Pairs("end-bin", "\x00\x01\xfe", "end-bin", "")))
	if len(md["refuse"]) > 0 {
		return nil, status.Error(codes.PermissionDenied, "not you, "+md["refuse"][0]+" ✗\r\n")
	}
	return &grpc_testing.Empty{}, nil
}

// HalfDuplexCall greets, answers each message as it says, and takes its leave
// after the half-close.
func (c *clerk) HalfDuplexCall(ss grpc_testing.TestService_HalfDuplexCallServer) error {
	say := func(text string) error {
		return ss.Send(&grpc_testing.StreamingOutputCallResponse{Payload: body(text)})
	}
	ss.SetTrailer(metadata.Pairs("closing", "time", "closing-bin", "\xff"))
	if err := say("welcome"); err != nil {
		return err
	}
	for {
		r, err := ss.Recv()
		if err != nil {
			return nil
		}
		text := string(r.GetPayload().GetBody())
		if text == "stop" {
			return nil
		}
		if text == "fail" {
			st, _ := status.New(codes.Aborted, "as you wish").WithDetails(r)
			return st.Err()
		}
		if err := say(text); err != nil {
			return err
		}
	}
}
