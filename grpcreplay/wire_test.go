// Calls that come over a connection, and are given up before they are answered.

package grpcreplay_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// inMemoryOf returns a client of a recording that has one unary call, and the
// service to be closed.
func inMemoryOf(t *testing.T) (grpc_testing.TestServiceClient, *grpcreplay.Service) {
	t.Helper()
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		if _, err := c.UnaryCall(t.Context(), put("a")); err != nil {
			t.Fatal(err)
		}
	})
	s, err := grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone})
	s = must(t, s, err)
	c := grpc_testing.NewTestServiceClient(s.Conn())
	if _, err := c.UnaryCall(t.Context(), put("a")); err != nil {
		t.Fatal(err)
	}
	return c, s
}

// When it was recorded, nothing of it may have been seen.
func TestACallThatIsGivenUpAtOnceIsNoMiss(t *testing.T) {
	c, s := inMemoryOf(t)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		x, err := c.FullDuplexCall(ctx)
		if err == nil {
			err = x.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body("a")})
		}
		if err != nil {
			t.Error(err)
		}
		cancel()
	}
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, err := c.UnaryCall(ctx, put("b")); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("a call whose time is over ends with %v", err)
		}
		cancel()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestAMissOnAConnectionIsReportedOnce(t *testing.T) {
	c, s := inMemoryOf(t)
	if _, err := c.UnaryCall(t.Context(), put("b")); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("it ends with %v", err)
	}
	err := s.Close()
	var miss *grpcreplay.MismatchError
	if !errors.As(err, &miss) || strings.Count(err.Error(), "no recorded call fits") != 1 {
		t.Errorf("the replay says %v", err)
	}
}

// A program may then be too slow to make the call at all.
func TestACallThatHadNoTimeMayBeLeftOver(t *testing.T) {
	for _, row := range []struct {
		events string
		want   bool
	}{
		{"deadline=1ms\n  → bytes\n  → cancel\n  ← DeadlineExceeded", true},
		{"deadline=1s\n  → bytes\n  → cancel\n  ← DeadlineExceeded", false},
		{"deadline=1ms\n  → bytes\n  ← Unavailable", false},
		{"\n  → cancel\n  ← Canceled", true},
		{"\n  → bytes\n  → cancel\n  ← Canceled", false},
		{"\n  ← in flight", true},
		{"\n  → bytes\n  ← in flight", false},
	} {
		file := filepath.Join(t.TempDir(), "r.journal")
		text := []byte("rehearse grpc recording 1\n\ncall 1  s/M  bidi  " + row.events + "\n")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone})
		if err := must(t, s, err).Close(); (err == nil) != row.want {
			t.Errorf("with %q left over, it says %v", row.events, err)
		}
	}
}
