// Clients that give up, or run out of time.

package grpcreplay_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// What a program tries after it cancelled a call does not matter: it goes
// nowhere, or nobody answers it.
func TestWhatAClientSendsAfterItCancelledDoesNotMatter(t *testing.T) {
	program := func(t *testing.T, c grpc_testing.TestServiceClient) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s, err := c.FullDuplexCall(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body("a")}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); err != nil {
			t.Fatal(err)
		}
		cancel()
		_ = s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body("b")}) // gRPC may not have noticed yet
		_ = s.CloseSend()
		for err == nil { // what was on its way may come
			_, err = s.Recv()
		}
		if status.Code(err) != codes.Canceled {
			t.Errorf("the call ends with %v", err)
		}
	}
	replay(t, record(t, program), program)
}

// A cause that is only presumed must not cost the call its answer.
func TestAnAnswerDoesNotWaitForOthersUntilItsClientsTimeIsOver(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		s, err := c.StreamingOutputCall(t.Context(), parameters(1))
		s = must(t, s, err)
		s.Header()
		c.UnaryCall(t.Context(), put("news"))
		s.Recv()
		s.Recv()
	})
	r := must2(grpcreplay.Open(file))
	synctest.Test(t, func(t *testing.T) {
		s, err := grpcreplay.New(grpcreplay.Config{Recording: r, Mode: grpcreplay.ModeNone, AllowUnused: true})
		s = must(t, s, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // as long as Grace
		defer cancel()
		sub, err := dial(t, "127.0.0.1:1", s.DialOptions()...).StreamingOutputCall(ctx, parameters(1))
		if text := seen(must(t, sub, err).Recv()); text != `payload:{body:"news"}` {
			t.Errorf("it is %s", text)
		}
		sub.Recv()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
