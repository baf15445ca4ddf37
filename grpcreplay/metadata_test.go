// Headers, trailers, statuses, and whose answer is whose.

package grpcreplay_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// empty calls the method that speaks in metadata, with these of its own.
func empty(x *attempt, kv ...string) {
	var header, trailer metadata.MD
	ctx := metadata.AppendToOutgoingContext(x.ctx, kv...)
	_, err := x.shop.EmptyCall(ctx, &grpc_testing.Empty{}, grpc.Header(&header), grpc.Trailer(&trailer))
	x.add("%s", fails(err))
	x.metadata("header", header)
	x.metadata("trailer", trailer)
}

func TestMetadataIsReplayedAsItCame(t *testing.T) {
	believed(t, []saga{
		{name: "repeated and binary", tell: func(x *attempt) {
			empty(x)
			empty(x, "many", "1", "many", "2", "many", "1")
			empty(x, "some-bin", "\x00\xff\n", "some-bin", "", "some-bin", ",")
			empty(x, "Tenant", "Acme")
		}},
		{name: "beside an error", tell: func(x *attempt) { empty(x, "refuse", "today", "tenant", "a") }},
		{name: "of an answer that is a trailer alone", tell: func(x *attempt) {
			s, _ := x.shop.FullDuplexCall(x.ctx)
			s.Send(ask("fail"))
			md, err := s.Header()
			x.metadata(fmt.Sprint("header ", err), md)
			x.add("%s", seen(s.Recv()))
			x.metadata("trailer", s.Trailer())
		}},
		{name: "of a stream", tell: func(x *attempt) {
			s, _ := x.shop.HalfDuplexCall(x.ctx)
			md, err := s.Header()
			x.metadata(fmt.Sprint("header ", err), md)
			x.add("trailer before its time: %v", s.Trailer())
			s.CloseSend()
			x.add("%s %s", seen(s.Recv()), seen(s.Recv()))
			x.metadata("trailer", s.Trailer())
		}},
		{name: "details of a status", tell: func(x *attempt) {
			_, err := x.shop.UnaryCall(x.ctx, &grpc_testing.SimpleRequest{
				Payload: body("why"), ResponseStatus: &grpc_testing.EchoStatus{Code: 9, Message: "not now"}})
			x.add("%v", status.Convert(err).Proto())
			s, _ := x.shop.HalfDuplexCall(x.ctx)
			s.Send(ask("fail"))
			s.Recv()
			_, err = s.Recv()
			x.add("%v", status.Convert(err).Proto())
		}},
		{name: "a status of a code that nobody knows", tell: func(x *attempt) {
			_, err := x.shop.UnaryCall(x.ctx, &grpc_testing.SimpleRequest{
				ResponseStatus: &grpc_testing.EchoStatus{Code: 77, Message: "odd"}})
			x.add("%v", status.Convert(err).Proto())
		}},
	})
}

// asTenant asks the same for a tenant, and tells who was answered.
func asTenant(t *testing.T, c grpc_testing.TestServiceClient, tenant string, more ...string) string {
	t.Helper()
	ctx := metadata.AppendToOutgoingContext(t.Context(), append(more, "tenant", tenant)...)
	m, err := c.UnaryCall(ctx, put("who am I?"))
	return must(t, m, err).GetUsername()
}

func TestTwoTenantsThatAskTheSameGetTheirOwnAnswers(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		asTenant(t, c, "acme", "x-request-id", "1")
		asTenant(t, c, "umbrella", "x-request-id", "2")
	})
	for _, c := range []struct {
		name  string
		match grpcreplay.Match
		more  []string
	}{
		{"since metadata ranks", grpcreplay.Match{}, nil},
		{"since its key is named", grpcreplay.Match{Metadata: []string{"Tenant"}}, nil},
		{"whatever ids tell", grpcreplay.Match{}, []string{"x-request-id", "1"}},
		{"also with a header that is new", grpcreplay.Match{}, []string{"x-goog-api-client", "gl-go/1.99"}},
	} {
		for _, by := range ways {
			t.Run(c.name+" by "+by.name, func(t *testing.T) {
				s := grpcreplay.Start(t, grpcreplay.Config{
					File: file, Mode: grpcreplay.ModeNone, Match: c.match, Grace: 1, Listen: listen})
				cc := grpc_testing.NewTestServiceClient(by.dial(t, s, nobody))
				for _, tenant := range []string{"umbrella", "acme"} {
					if who := asTenant(t, cc, tenant, c.more...); !strings.Contains(who, tenant) {
						t.Errorf("%s is answered as %s", tenant, who)
					}
				}
			})
		}
	}
}

func TestAKeyThatMustAgreeExcludes(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) { asTenant(t, c, "acme") })
	s := must(t, must2(grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone, AllowUnused: true,
		Match: grpcreplay.Match{Metadata: []string{"tenant"}}})), nil)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "tenant", "umbrella")
	_, err := dial(t, nobody, s.DialOptions()...).UnaryCall(ctx, put("who am I?"))
	if text := fails(err); !strings.Contains(text, `metadata tenant: recorded acme, made umbrella`) {
		t.Errorf("the error is %s", text)
	}
	var miss *grpcreplay.MismatchError
	if err := s.Close(); !errors.As(err, &miss) || len(miss.Nearest) != 1 {
		t.Errorf("Close says %v", err)
	}
}

func TestAKeyThatMustAgreeIsRememberedByTheRecording(t *testing.T) {
	c := grpcreplay.Config{File: filepath.Join(t.TempDir(), "recording.journal"), Mode: grpcreplay.ModeAll,
		Match: grpcreplay.Match{Metadata: []string{"Tenant"}}}
	s := must(t, must2(grpcreplay.New(c)), nil)
	asTenant(t, dial(t, open(t), s.DialOptions()...), "acme")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = must(t, must2(grpcreplay.New(grpcreplay.Config{
		File: c.File, Mode: grpcreplay.ModeNone, AllowUnused: true})), nil)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "tenant", "umbrella")
	_, err := dial(t, nobody, s.DialOptions()...).UnaryCall(ctx, put("who am I?"))
	if text := fails(err); !strings.Contains(text, "metadata tenant") {
		t.Errorf("the error is %s", text)
	}
	s.Close()
}

func TestAnErrorThatIsNoStatusStaysNone(t *testing.T) {
	odd := errors.New("an interceptor's own trouble")
	unary := grpc.WithChainUnaryInterceptor(func(
		ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker,
		opts ...grpc.CallOption,
	) error {
		return odd
	})
	stream := grpc.WithChainStreamInterceptor(func(
		context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, grpc.Streamer, ...grpc.CallOption,
	) (grpc.ClientStream, error) {
		return nil, odd
	})
	c := grpcreplay.Config{File: filepath.Join(t.TempDir(), "recording.journal"), Mode: grpcreplay.ModeAll}
	for _, mode := range []grpcreplay.Mode{grpcreplay.ModeAll, grpcreplay.ModeNone} {
		c.Mode = mode
		s := must(t, must2(grpcreplay.New(c)), nil)
		cc := dial(t, nobody, append(s.DialOptions(), unary, stream)...)
		if _, err := cc.UnaryCall(t.Context(), put("a")); err == nil || err.Error() != odd.Error() {
			t.Errorf("in mode %s the call ends by %v", mode, err)
		}
		if _, err := cc.FullDuplexCall(t.Context()); err == nil || err.Error() != odd.Error() {
			t.Errorf("in mode %s the stream is refused by %v", mode, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
