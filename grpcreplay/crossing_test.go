// Calls whose client gives up while the end is on its way.

package grpcreplay_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/interop/grpc_testing"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// A client that has what it wanted cancels its stream, and the end may have
// crossed that on its way, or not: on a connection nobody knows how much of it
// the client saw. By interceptors that is known.
func TestWhatCrossesAResetOnAConnectionIsNotLeftOver(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		s, err := c.FullDuplexCall(t.Context())
		s = must(t, s, err)
		s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body("a")})
		s.Recv()
		s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body("b")})
		s.Recv()
		s.CloseSend()
		for err == nil {
			_, err = s.Recv()
		}
		if err != io.EOF {
			t.Error(err)
		}
	})
	for name, test := range map[string]struct {
		sends []string
		more  int // answers that it received besides those to what it sent
		wire  bool
		left  bool
	}{
		"on a connection":                        {[]string{"a", "b"}, 0, true, false},
		"on a connection, a send less":           {[]string{"a"}, 0, true, true},
		"by interceptors":                        {[]string{"a", "b"}, 0, false, true},
		"by interceptors, but for the end alone": {[]string{"a", "b"}, 1, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone})
				s = must(t, s, err)
				c := grpc_testing.NewTestServiceClient(s.Conn())
				if !test.wire {
					c = dial(t, "127.0.0.1:1", s.DialOptions()...)
				}
				giveUp(t, c, test.sends, test.more)
				synctest.Wait()
				var unused *grpcreplay.UnusedError
				if err := s.Close(); errors.As(err, &unused) != test.left {
					t.Errorf("Close says %v", err)
				}
			})
		})
	}
}

// giveUp sends, receives as often, receives more after a half-close, and cancels.
func giveUp(t *testing.T, c grpc_testing.TestServiceClient, texts []string, more int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	s, err := c.FullDuplexCall(ctx)
	s = must(t, s, err)
	for _, text := range texts {
		s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body(text)})
		if _, err := s.Recv(); err != nil {
			t.Errorf("the answer to %s: %v", text, err)
		}
	}
	if more > 0 {
		s.CloseSend()
	}
	for range more {
		if _, err := s.Recv(); err != nil {
			t.Errorf("the answer to the half-close: %v", err)
		}
	}
}

func TestCloseHearsOfAResetThatIsOnItsWay(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		s, err := c.FullDuplexCall(t.Context())
		s = must(t, s, err)
		s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body("a")})
		s.Recv()
		s.CloseSend()
		for err == nil {
			_, err = s.Recv()
		}
	})
	s, err := grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone})
	s = must(t, s, err)
	giveUp(t, grpc_testing.NewTestServiceClient(s.Conn()), []string{"a"}, 0)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
