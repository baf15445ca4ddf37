// Replayed calls against live ones: the program sees the same.

package grpcreplay_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// A transcript is what a program saw, line by line.
type transcript struct{ lines []string }

func (x *transcript) add(format string, args ...any) {
	x.lines = append(x.lines, fmt.Sprintf(format, args...))
}

// seen shows a message and an error.
func seen(m proto.Message, err error) string {
	if err != nil {
		s, _ := status.FromError(err)
		return fmt.Sprintf("error %v %q %v", s.Code(), s.Message(), len(s.Details()))
	}
	return strings.ReplaceAll(prototext.MarshalOptions{}.Format(m), "  ", " ")
}

func (x *transcript) metadata(what string, md metadata.MD) {
	keys := []string{}
	for k, v := range md {
		if k != "content-type" {
			keys = append(keys, fmt.Sprintf("%s=%q", k, v))
		}
	}
	slices.Sort(keys)
	x.add("%s %v %v", what, md == nil, keys)
}

// A story is what a program does; it writes down what it sees.
type story struct {
	name string
	tell func(ctx context.Context, c grpc_testing.TestServiceClient, x *transcript)
}

func unary(ctx context.Context, c grpc_testing.TestServiceClient, x *transcript, r *grpc_testing.SimpleRequest) {
	var header, trailer metadata.MD
	var p peer.Peer
	finished := 0
	m, err := c.UnaryCall(ctx, r, grpc.Header(&header), grpc.Trailer(&trailer), grpc.Peer(&p),
		grpc.OnFinish(func(error) { finished++ }))
	x.add("%s peer %v finished %d", seen(m, err), p.Addr != nil, finished)
	x.metadata("header", header)
	x.metadata("trailer", trailer)
}

func put(text string) *grpc_testing.SimpleRequest {
	return &grpc_testing.SimpleRequest{Payload: body(text)}
}

var stories = []story{
	{"unary", func(ctx context.Context, c grpc_testing.TestServiceClient, x *transcript) {
		unary(ctx, c, x, put("one"))
		unary(ctx, c, x, put("one"))
		unary(metadata.AppendToOutgoingContext(ctx, "tenant", "acme"), c, x, put("two"))
		unary(ctx, c, x, put(""))
		unary(ctx, c, x, put(strings.Repeat("3 MB", 750_000)))
	}},
	{"errors", func(ctx context.Context, c grpc_testing.TestServiceClient, x *transcript) {
		bad := &grpc_testing.EchoStatus{Code: 5, Message: "no\nsuch"}
		unary(ctx, c, x, &grpc_testing.SimpleRequest{ResponseStatus: bad})
		_, err := c.UnimplementedCall(ctx, &grpc_testing.Empty{})
		x.add("%s", seen(nil, err))
		_, err = c.UnaryCall(ctx, nil)
		x.add("nil request: %v", err != nil)
	}},
	{"upload", func(ctx context.Context, c grpc_testing.TestServiceClient, x *transcript) {
		s, err := c.StreamingInputCall(ctx)
		x.add("opened %v", err)
		for i := range 3 {
			x.add("sent %v", s.Send(&grpc_testing.StreamingInputCallRequest{Payload: body(strings.Repeat("x", i))}))
		}
		m, err := s.CloseAndRecv()
		x.add("%s", seen(m, err))
		x.metadata("trailer", s.Trailer())
	}},
	{"upload that the server ends", func(ctx context.Context, c grpc_testing.TestServiceClient, x *transcript) {
		s, _ := c.StreamingInputCall(ctx)
		s.Send(&grpc_testing.StreamingInputCallRequest{Payload: body("enough")})
		m := new(grpc_testing.StreamingInputCallResponse)
		x.add("%s", seen(m, s.RecvMsg(m)))
		x.add("sent %v", s.Send(&grpc_testing.StreamingInputCallRequest{Payload: body("late")}))
	}},
	{"ping-pong", func(ctx context.Context, c grpc_testing.TestServiceClient, x *transcript) {
		s, _ := c.FullDuplexCall(ctx)
		for i := range 3 {
			s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body(fmt.Sprint(i))})
			x.add("%s", seen(s.Recv()))
		}
		md, err := s.Header()
		x.metadata(fmt.Sprint("header ", err), md)
		s.CloseSend()
		x.add("%s", seen(s.Recv()))
		_, err = s.Recv()
		_, again := s.Recv()
		x.add("%v %v", err == io.EOF, again == io.EOF)
		x.add("%v", s.SendMsg(&grpc_testing.StreamingOutputCallRequest{}) != nil)
	}},
	{"an error midway", func(ctx context.Context, c grpc_testing.TestServiceClient, x *transcript) {
		s, _ := c.FullDuplexCall(ctx)
		s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body("a")})
		x.add("%s", seen(s.Recv()))
		s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body("fail")})
		x.add("%s", seen(s.Recv()))
	}},
	{"subscribe and put", func(ctx context.Context, c grpc_testing.TestServiceClient, x *transcript) {
		s, _ := c.StreamingOutputCall(ctx, &grpc_testing.StreamingOutputCallRequest{
			ResponseParameters: make([]*grpc_testing.ResponseParameters, 2)})
		md, _ := s.Header()
		x.metadata("header", md)
		for _, text := range []string{"a", "b"} {
			unary(ctx, c, x, put(text))
			x.add("%s", seen(s.Recv()))
		}
		_, err := s.Recv()
		x.add("%v", err == io.EOF)
	}},
	{"cancel", func(ctx context.Context, c grpc_testing.TestServiceClient, x *transcript) {
		ctx, cancel := context.WithCancel(ctx)
		s, _ := c.FullDuplexCall(ctx)
		s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body("a")})
		x.add("%s", seen(s.Recv()))
		cancel()
		x.add("%s", seen(s.Recv()))
	}},
}

// An entry is a way by which a program reaches a service.
type entry struct {
	name string
	dial func(t *testing.T, s *grpcreplay.Service, target string) grpc_testing.TestServiceClient
}

var entries = []entry{
	{"interceptors", func(t *testing.T, s *grpcreplay.Service, target string) grpc_testing.TestServiceClient {
		return dial(t, target, s.DialOptions()...)
	}},
	{"memory", func(t *testing.T, s *grpcreplay.Service, _ string) grpc_testing.TestServiceClient {
		return grpc_testing.NewTestServiceClient(s.Conn())
	}},
	{"socket", func(t *testing.T, s *grpcreplay.Service, _ string) grpc_testing.TestServiceClient {
		return dial(t, s.Addr())
	}},
}

var listen = new(net.ListenConfig).Listen

func TestAReplayedCallIsTheLiveCall(t *testing.T) {
	for _, st := range stories {
		for _, recorded := range entries {
			for _, replayed := range entries {
				t.Run(strings.Join([]string{st.name, recorded.name, replayed.name}, " by "), func(t *testing.T) {
					var live, again transcript
					st.tell(t.Context(), dial(t, open(t)), &live)

					file := filepath.Join(t.TempDir(), "recording.journal")
					target := open(t)
					run := func(mode grpcreplay.Mode, e entry, target string, x *transcript) {
						s, err := grpcreplay.New(grpcreplay.Config{
							File: file, Mode: mode, Target: target, Listen: listen, Strict: true})
						if err != nil {
							t.Fatal(err)
						}
						st.tell(t.Context(), e.dial(t, s, target), x)
						if err := s.Close(); err != nil {
							t.Error(err)
						}
					}
					var first transcript
					run(grpcreplay.ModeAll, recorded, target, &first)
					run(grpcreplay.ModeNone, replayed, "127.0.0.1:1", &again)
					same(t, "while recording", live.lines, first.lines)
					same(t, "on replay", live.lines, again.lines)
					if t.Failed() {
						b, _ := os.ReadFile(file)
						t.Logf("%.3000s", b)
					}
				})
			}
		}
	}
}

// same compares transcripts.
func same(t *testing.T, when string, want, got []string) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		w, g := "nothing", "nothing"
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i]
		}
		if w != g {
			t.Errorf("%s, line %d is\n\t%.300s\nlive it is\n\t%.300s", when, i+1, g, w)
		}
	}
}
