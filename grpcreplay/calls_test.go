// Every kind of call, replayed by every entry: the program sees what it saw live.

package grpcreplay_test

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// fails shows an error, whatever it is.
func fails(err error) string {
	if err == nil {
		return "well"
	}
	if s, ok := status.FromError(err); ok {
		return fmt.Sprintf("%v %q", s.Code(), s.Message())
	}
	return fmt.Sprintf("%T %q", err, err)
}

func ask(text string) *grpc_testing.StreamingOutputCallRequest {
	return &grpc_testing.StreamingOutputCallRequest{Payload: body(text)}
}

var identical = []saga{
	{name: "in sequence", tell: func(x *attempt) {
		for range 5 {
			x.add("%s", seen(x.shop.UnaryCall(x.ctx, put("same"))))
		}
	}},
	{name: "at once", crowd: true, tell: func(x *attempt) {
		answers := make([]string, 32)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = seen(x.shop.UnaryCall(x.ctx, put("same"))) })
		}
		all.Wait()
		slices.Sort(answers)
		x.add("%q", answers)
	}},
	{name: "streams at once", crowd: true, tell: func(x *attempt) {
		answers := make([]string, 16)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				s, err := x.shop.FullDuplexCall(x.ctx)
				if err != nil {
					answers[i] = fails(err)
					return
				}
				for j := range 3 {
					s.Send(ask(fmt.Sprint("question ", j*(i%2))))
					answers[i] += seen(s.Recv())
				}
				s.CloseSend()
				answers[i] += seen(s.Recv()) + seen(s.Recv())
			})
		}
		all.Wait()
		slices.Sort(answers)
		x.add("%q", answers)
	}},
}

func TestIdenticalRequestsGetTheSameAnswersEachOnce(t *testing.T) { believed(t, identical) }

var conversations = []saga{
	{name: "the server speaks first", tell: func(x *attempt) {
		s, err := x.shop.HalfDuplexCall(x.ctx)
		x.add("opened %v", err)
		x.add("%s", seen(s.Recv()))
		s.Send(ask("a question"))
		x.add("%s", seen(s.Recv()))
		s.CloseSend()
		x.add("%s %s", seen(s.Recv()), seen(s.Recv()))
		x.metadata("trailer", s.Trailer())
	}},
	{name: "nobody but the server speaks", tell: func(x *attempt) {
		s, _ := x.shop.HalfDuplexCall(x.ctx)
		s.CloseSend()
		x.add("%s %s", seen(s.Recv()), seen(s.Recv()))
	}},
	{name: "the server ends it early", tell: func(x *attempt) {
		s, _ := x.shop.HalfDuplexCall(x.ctx)
		x.add("%s", seen(s.Recv()))
		x.add("%v", s.Send(ask("stop")))
		x.add("%s", seen(s.Recv()))
		x.add("late: %v", s.Send(ask("late")))
		x.add("half-close: %v", s.CloseSend())
		x.add("%s", seen(s.Recv()))
	}},
	{name: "the server fails with details", tell: func(x *attempt) {
		s, _ := x.shop.HalfDuplexCall(x.ctx)
		x.add("%s", seen(s.Recv()))
		s.Send(ask("fail"))
		x.add("%s", seen(s.Recv()))
		x.add("%s", seen(s.Recv()))
		x.add("late: %v", s.Send(ask("late")))
		x.metadata("trailer", s.Trailer())
	}},
	{name: "receiving on and on", tell: func(x *attempt) {
		s, _ := x.shop.FullDuplexCall(x.ctx)
		s.CloseSend()
		for range 4 {
			x.add("%s", seen(s.Recv()))
		}
	}},
	{name: "the client cancels after two messages", tell: func(x *attempt) {
		ctx, cancel := context.WithCancel(x.ctx)
		s, _ := x.shop.FullDuplexCall(ctx)
		for i := range 2 {
			s.Send(ask(fmt.Sprint(i)))
			x.add("%s", seen(s.Recv()))
		}
		cancel()
		x.add("%s", seen(s.Recv()))
		x.add("%s", seen(s.Recv()))
		x.add("sent: %v", s.Send(ask("late")))
	}},
	{name: "sending and receiving at once", tell: func(x *attempt) {
		s, _ := x.shop.FullDuplexCall(x.ctx)
		var all sync.WaitGroup
		all.Go(func() {
			for i := range 100 {
				s.Send(ask(fmt.Sprint(i)))
			}
			s.CloseSend()
		})
		for {
			m, err := s.Recv()
			if err != nil {
				x.add("%v", err)
				break
			}
			x.add("%s", seen(m, err))
		}
		all.Wait()
	}},
	{name: "messages of 3 MB", tell: func(x *attempt) {
		s, _ := x.shop.FullDuplexCall(x.ctx)
		s.Send(ask(strings.Repeat("3 MB", 750_000)))
		m, err := s.Recv()
		x.add("%d %v", len(m.GetPayload().GetBody()), err)
		s.CloseSend()
		x.add("%s %s", seen(s.Recv()), seen(s.Recv()))
	}},
	{name: "an upload of nothing", tell: func(x *attempt) {
		s, _ := x.shop.StreamingInputCall(x.ctx)
		x.add("%s", seen(s.CloseAndRecv()))
	}},
}

func TestAConversationIsReplayedWordForWord(t *testing.T) { believed(t, conversations) }

var messages = []saga{
	{name: "a method that nobody serves", tell: func(x *attempt) {
		_, err := x.shop.UnimplementedCall(x.ctx, &grpc_testing.Empty{})
		x.add("%s", fails(err))
		err = x.cc.Invoke(x.ctx, "/no.such.Service/Method", put("a"), new(grpc_testing.SimpleResponse))
		x.add("%s", fails(err))
		desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
		s, err := x.cc.NewStream(x.ctx, desc, "/no.such.Service/Stream")
		x.add("opened: %v", err)
		s.CloseSend()
		x.add("%s", fails(s.RecvMsg(new(grpc_testing.SimpleResponse))))
	}},
	{name: "a nil message", tell: func(x *attempt) {
		x.add("%s", seen(x.shop.UnaryCall(x.ctx, nil)))
		m := new(grpc_testing.SimpleResponse)
		err := x.cc.Invoke(x.ctx, grpc_testing.TestService_UnaryCall_FullMethodName, nil, m)
		x.add("untyped: %v", status.Code(err))
		s, _ := x.shop.FullDuplexCall(x.ctx)
		x.add("%v %s", s.Send(nil), seen(s.Recv()))
		x.add("%v %s", s.SendMsg(nil), seen(s.Recv()))
		s.CloseSend()
		x.add("%s %s", seen(s.Recv()), seen(s.Recv()))
	}},
	{name: "an answer replaces what stood in the message", tell: func(x *attempt) {
		m := &grpc_testing.SimpleResponse{OauthScope: "stale", Hostname: "stale", Payload: body("stale")}
		err := x.cc.Invoke(x.ctx, grpc_testing.TestService_UnaryCall_FullMethodName, put("fresh"), m)
		x.add("%s", seen(m, err))
		s, _ := x.shop.FullDuplexCall(x.ctx)
		s.Send(ask("fresh"))
		r := &grpc_testing.StreamingOutputCallResponse{Payload: &grpc_testing.Payload{Type: 7, Body: []byte("stale")}}
		x.add("%v", s.RecvMsg(r))
		x.add("%s", seen(r, nil))
		s.CloseSend()
		x.add("%s %s", seen(s.Recv()), seen(s.Recv()))
	}},
	{name: "the request stays as it is", tell: func(x *attempt) {
		m := put("mine")
		before := proto.Clone(m)
		x.add("%s", seen(x.shop.UnaryCall(x.ctx, m)))
		x.add("untouched: %v", proto.Equal(before, m))
	}},
	{name: "unknown fields", tell: func(x *attempt) {
		for n := range 3 {
			m := put("known")
			m.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 1234, 0), uint64(n)))
			x.add("%s", seen(x.shop.UnaryCall(x.ctx, m)))
		}
	}},
	{name: "compressed", opts: []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.UseCompressor("gzip")),
	}, tell: func(x *attempt) {
		x.add("%s", seen(x.shop.UnaryCall(x.ctx, put(strings.Repeat("small ", 1000)))))
		s, _ := x.shop.FullDuplexCall(x.ctx)
		s.Send(ask("a"))
		x.add("%s", seen(s.Recv()))
		s.CloseSend()
		x.add("%s %s", seen(s.Recv()), seen(s.Recv()))
	}},
	{name: "too large to be received", tell: func(x *attempt) {
		x.add("%s", seen(x.shop.UnaryCall(x.ctx, put(strings.Repeat("x", 100)), grpc.MaxCallRecvMsgSize(50))))
		s, _ := x.shop.FullDuplexCall(x.ctx, grpc.MaxCallRecvMsgSize(50))
		s.Send(ask(strings.Repeat("y", 100)))
		x.add("%s", seen(s.Recv()))
		x.add("%s", seen(x.shop.UnaryCall(x.ctx, put("after that"))))
	}},
	{name: "too large to be sent", tell: func(x *attempt) {
		x.add("%s", seen(x.shop.UnaryCall(x.ctx, put(strings.Repeat("x", 100)), grpc.MaxCallSendMsgSize(50))))
		x.add("%s", seen(x.shop.UnaryCall(x.ctx, put("after that"))))
	}},
	{name: "too large to be sent on a stream", tell: func(x *attempt) {
		s, _ := x.shop.FullDuplexCall(x.ctx, grpc.MaxCallSendMsgSize(50))
		s.Send(ask("a"))
		x.add("%s", seen(s.Recv()))
		x.add("%s", fails(s.Send(ask(strings.Repeat("y", 100)))))
		x.add("%s", seen(s.Recv()))
	}},
	{name: "waiting until it is ready", tell: func(x *attempt) {
		x.add("%s", seen(x.shop.UnaryCall(x.ctx, put("a"), grpc.WaitForReady(true))))
	}},
	{name: "no answer where one is due", tell: func(x *attempt) {
		m := new(grpc_testing.StreamingOutputCallResponse)
		err := x.cc.Invoke(x.ctx, grpc_testing.TestService_StreamingOutputCall_FullMethodName, ask(""), m)
		x.add("%s", fails(err))
	}},
}

func TestAMessageIsReplayedByteForByte(t *testing.T) { believed(t, messages) }

func TestFinishedIsToldOnceWithTheEndOfTheCall(t *testing.T) {
	believed(t, []saga{{name: "on finish", tell: func(x *attempt) {
		told := make(chan string, 10)
		finish := grpc.OnFinish(func(err error) { told <- fails(err) })
		x.shop.UnaryCall(x.ctx, put("a"), finish)
		x.add("unary: %s", <-told)
		x.shop.UnaryCall(x.ctx, &grpc_testing.SimpleRequest{
			ResponseStatus: &grpc_testing.EchoStatus{Code: 3, Message: "bad"}}, finish)
		x.add("unary that fails: %s", <-told)
		s, _ := x.shop.FullDuplexCall(x.ctx, finish)
		s.CloseSend()
		s.Recv()
		_, err := s.Recv()
		x.add("stream: %v %s", err == io.EOF, <-told)
		ctx, cancel := context.WithCancel(x.ctx)
		s, _ = x.shop.FullDuplexCall(ctx, finish)
		s.Send(ask("a"))
		s.Recv()
		cancel()
		x.add("stream that is cancelled: %s", <-told)
		x.add("nothing else: %d", len(told))
	}}})
}

func TestMoreAnswersThanOneAreAnErrorWhereOneIsDue(t *testing.T) {
	// The method is a stream of answers; the client takes it for a unary call.
	call := func(cc *grpc.ClientConn) string {
		m := new(grpc_testing.StreamingOutputCallResponse)
		return fails(cc.Invoke(t.Context(), grpc_testing.TestService_HalfDuplexCall_FullMethodName, ask("again"), m))
	}
	c := grpcreplay.Config{File: filepath.Join(t.TempDir(), "recording.journal"), Mode: grpcreplay.ModeAll}
	target := serve(t)
	s := must(t, must2(grpcreplay.New(c)), nil)
	live := call(connect(t, target, s.DialOptions()...))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.Mode = grpcreplay.ModeNone
	s = grpcreplay.Start(t, c)
	if again := call(connect(t, nobody, s.DialOptions()...)); again != live || !strings.Contains(live, "cardinality") {
		t.Errorf("live it is %s, replayed %s", live, again)
	}
}

func TestSendingAfterTheHalfCloseIsAnError(t *testing.T) {
	for _, by := range ways {
		c := grpcreplay.Config{File: filepath.Join(t.TempDir(), "recording.journal"), Listen: listen, AllowUnused: true}
		it := saga{name: "after the half-close", tell: func(x *attempt) {
			s, _ := x.shop.FullDuplexCall(x.ctx)
			s.Send(ask("a"))
			x.add("%s", seen(s.Recv()))
			x.add("half-close: %v, again: %v", s.CloseSend(), s.CloseSend())
			x.add("sent: %s", fails(s.Send(ask("late"))))
		}}
		live := told(t, it, connect(t, serve(t)))
		same(t, "while recording by "+by.name, live.lines, retold(t, it, by, c, serve(t)).lines)
		same(t, "on replay by "+by.name, live.lines, retold(t, it, by, c, "").lines)
	}
}
