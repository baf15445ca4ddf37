// Streams whose client stops listening, and what a program sees of a miss.

package grpcreplay_test

import (
	"context"
	"io"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

func TestWhatIsLeftInAStreamThatItsClientDrainsIsNotMissed(t *testing.T) {
	// As Bigtable's client does when its program wants no more rows: it cancels,
	// and receives until the end. How much comes before that is chance.
	program := func(t *testing.T, c grpc_testing.TestServiceClient) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s, err := c.StreamingOutputCall(ctx, parameters(3))
		s = must(t, s, err)
		s.Header()
		for range 3 {
			_, err := c.UnaryCall(t.Context(), put("news"))
			must(t, 0, err)
		}
		if text := seen(s.Recv()); text != `payload:{body:"news"}` {
			t.Errorf("it is %s", text)
		}
		cancel()
		for {
			if _, err := s.Recv(); err != nil {
				break
			}
		}
	}
	replay(t, record(t, program), program)
}

func TestAMissIsNoEndOfTheStreamToItsSender(t *testing.T) {
	// A client that is told io.EOF when it sends takes it that the server went
	// away, and may open the stream again for ever.
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		s, err := c.FullDuplexCall(t.Context())
		s = must(t, s, err)
		s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body("hello")})
		s.CloseSend()
		for {
			if _, err := s.Recv(); err == io.EOF {
				break
			}
		}
	})
	s, err := grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone})
	s = must(t, s, err)
	defer s.Close()
	stream, err := dial(t, "127.0.0.1:1", s.DialOptions()...).FullDuplexCall(t.Context())
	stream = must(t, stream, err)
	if err := stream.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body("other")}); err != nil {
		t.Errorf("sending what nothing fits: %v", err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("receiving then: %v", err)
	}
	if err := stream.Send(&grpc_testing.StreamingOutputCallRequest{}); err != io.EOF {
		t.Errorf("sending when the end is known: %v", err)
	}
}
