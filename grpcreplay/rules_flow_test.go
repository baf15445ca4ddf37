// Rules before a service that takes messages only when its answers are taken.

package grpcreplay_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/interop/grpc_testing"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/rule"
)

// Each message is larger than what gRPC lets be on its way.
func TestASendThatWaitsForTheServiceHoldsUpNoAnswer(t *testing.T) {
	target := open(t)
	s := grpcreplay.Start(t, grpcreplay.Config{NoFile: true, Target: target})
	s.Rule(rule.Then(grpcreplay.Method("/other/*"), grpcreplay.Answer{}))
	for name, c := range map[string]grpc_testing.TestServiceClient{
		"interceptors": dial(t, target, s.DialOptions()...), "connection": grpc_testing.NewTestServiceClient(s.Conn()),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		stream, err := c.FullDuplexCall(ctx)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for range 16 {
				if stream.Send(ask(strings.Repeat("long ", 1<<16))) != nil {
					return
				}
			}
			stream.CloseSend()
		}()
		heard := 0
		for _, err = stream.Recv(); err == nil; _, err = stream.Recv() {
			heard++
		}
		if err != io.EOF || heard != 17 {
			t.Errorf("%s: %d messages came, then %v", name, heard, err)
		}
	}
}
