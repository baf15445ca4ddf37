// What there is to have of a service that is being closed, or is closed.

package grpcreplay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/rule"
)

// In a bubble whoever waits for a mutex would stop the clock that Close waits by.
func TestACloseThatWaitsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := must(t, must2(grpcreplay.New(grpcreplay.Config{NoFile: true})), nil)
		answer := grpcreplay.Answering(&grpc_testing.SimpleResponse{})
		answer.Delay = 50 * time.Millisecond
		s.Rule(rule.Then(grpcreplay.Method("/*/*"), answer))
		client := grpc_testing.NewTestServiceClient(s.Conn())
		closed := make(chan error, 2)
		go client.UnaryCall(t.Context(), put("slow"))
		synctest.Wait()
		go func() { closed <- s.Close() }()
		go func() { closed <- s.Close() }()
		synctest.Wait()
		if s.Conn() == nil || s.Recording() != nil {
			t.Error("it is not what it was before Close")
		}
		for _, err := range []error{<-closed, <-closed} {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func TestConnectionsMadeAfterCloseAreClosed(t *testing.T) {
	s := must(t, must2(grpcreplay.New(grpcreplay.Config{NoFile: true})), nil)
	must(t, 0, s.Close())
	for _, cc := range []grpc_testing.TestServiceClient{
		grpc_testing.NewTestServiceClient(s.Conn()),
		grpc_testing.NewTestServiceClient(must(t, must2(s.Dial()), nil)),
	} {
		if _, err := cc.UnaryCall(t.Context(), put("late")); status.Code(err) != codes.Canceled {
			t.Errorf("a call after Close says %v", err)
		}
	}
}

func TestACloseWaitsForWhoAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := must(t, must2(grpcreplay.New(grpcreplay.Config{NoFile: true})), nil)
		asked, free, closed := make(chan bool), make(chan bool), make(chan error, 1)
		s.Rule(func(*grpcreplay.Call) (a grpcreplay.Answer, decided bool) {
			close(asked)
			<-free
			return a, true
		})
		go grpc_testing.NewTestServiceClient(s.Conn()).UnaryCall(t.Context(), put("slow"))
		<-asked
		go func() { closed <- s.Close() }()
		select {
		case <-closed:
			t.Error("it returns while a rule is being asked")
		case <-time.After(time.Hour):
			close(free)
			must(t, 0, <-closed)
		}
	})
}
