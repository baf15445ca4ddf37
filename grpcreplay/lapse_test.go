// Who ended a call whose time was over.

package grpcreplay

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestTheClientEndsACallWhoseTimeIsOver(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	in := func(d time.Duration) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		t.Cleanup(cancel)
		return ctx
	}
	for _, row := range []struct {
		what string
		ctx  context.Context
		code codes.Code
		want bool
	}{
		{"its client cancelled", gone, codes.Canceled, true},
		{"the answer was there already", gone, codes.NotFound, false},
		{"the server says it first", in(time.Millisecond), codes.DeadlineExceeded, true},
		{"the server had less time for it", in(time.Hour), codes.DeadlineExceeded, false},
		{"the client set no time", t.Context(), codes.DeadlineExceeded, false},
	} {
		if got := byClient(row.ctx, status.Error(row.code, "")); got != row.want {
			t.Errorf("%s: by its client: %v", row.what, got)
		}
	}
}
