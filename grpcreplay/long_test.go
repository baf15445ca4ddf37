// Streams of thousands of messages.

package grpcreplay_test

import (
	"fmt"
	"runtime"
	"testing"

	"google.golang.org/grpc/interop/grpc_testing"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// A recorded call that is read anew for each of its events makes a stream's
// cost grow with the square of its length: by memory this is told without a
// clock.
func TestAMessageOfALongStreamCostsNoMoreThanOfAShortOne(t *testing.T) {
	short, long := costOfMessages(t, 100), costOfMessages(t, 1000)
	if long > 2*short {
		t.Errorf("a message of 100 takes %d bytes on replay, one of 1000 takes %d", short, long)
	}
}

// costOfMessages returns how many bytes a message of a stream of n of them
// takes on replay.
func costOfMessages(t *testing.T, n int) uint64 {
	t.Helper()
	pingPong := func(t *testing.T, c grpc_testing.TestServiceClient) {
		s, err := c.FullDuplexCall(t.Context())
		s = must(t, s, err)
		for i := range n {
			text := fmt.Sprint("message ", i)
			err := s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body(text)})
			must(t, 0, err)
			m, err := s.Recv()
			if got := string(must(t, m, err).GetPayload().GetBody()); got != "echo "+text {
				t.Fatalf("%s is answered with %s", text, got)
			}
		}
	}
	s, err := grpcreplay.New(grpcreplay.Config{
		File: record(t, pingPong), Mode: grpcreplay.ModeNone, AllowUnused: true,
	})
	s = must(t, s, err)
	defer s.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	pingPong(t, grpc_testing.NewTestServiceClient(s.Conn()))
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / uint64(n)
}
