// A service that runs for weeks keeps no more than it is let.

package grpcreplay_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/interop/grpc_testing"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/rule"
)

func TestTheOldestCallsAreForgottenWhereThereIsNoRoom(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int64
		new   bool
		want  int // of a hundred calls of some 10,000 bytes
	}{
		{name: "Start keeps all", want: 100},
		{name: "Start within a limit", limit: 100_000, want: 9},
		{name: "New within a limit", limit: 100_000, new: true, want: 9},
		{name: "New", new: true, want: 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := grpcreplay.Config{NoFile: true, Limits: grpcreplay.Limits{Calls: c.limit}}
			s := grpcreplay.Start(t, config)
			if c.new {
				s = must(t, must2(grpcreplay.New(config)), nil)
				defer s.Close()
			}
			s.Rule(rule.Then(grpcreplay.Method("/*/*"), grpcreplay.Answering(&grpc_testing.SimpleResponse{})))
			client := grpc_testing.NewTestServiceClient(s.Conn())
			for i := range 100 {
				m, err := client.UnaryCall(t.Context(), put(strings.Repeat("x", 10_000+i)))
				must(t, m, err)
			}
			if s.Made() != 100 {
				t.Errorf("it says that %d calls were made", s.Made())
			}
			calls := s.Called("").Times(t, c.want)
			if last := calls[len(calls)-1]; last.InFlight || len(last.Requests[0]) < 10_099 {
				t.Errorf("the last is %v", last)
			}
		})
	}
}

func TestAStreamWithoutEndIsForgottenToo(t *testing.T) {
	s := grpcreplay.Start(t, grpcreplay.Config{
		NoFile: true, Target: open(t), Limits: grpcreplay.Limits{Calls: 50_000}})
	stream := must(t, must2(grpc_testing.NewTestServiceClient(s.Conn()).FullDuplexCall(t.Context())), nil)
	for range 20 {
		must(t, 0, stream.Send(ask(strings.Repeat("x", 5000))))
		m, err := stream.Recv()
		must(t, m, err)
	}
	stream.CloseSend()
	if calls := s.Called(""); len(calls) > 0 {
		t.Errorf("still there is %v", calls)
	}
}

func TestAMissAmongVeryManyIsCounted(t *testing.T) {
	r := must(t, must2(grpcreplay.Read(bytes.NewReader(sample(t, grpcreplay.Text)))), nil)
	told := 0
	p := must(t, must2(grpcreplay.NewReplayer(r, grpcreplay.Config{
		AllowUnused: true, Log: func(string, ...any) { told++ }})), nil)
	client := dial(t, "passthrough:///nowhere", p.DialOptions()...)
	for range 1007 {
		if _, err := client.UnaryCall(t.Context(), put("not recorded")); err == nil {
			t.Fatal("it is answered")
		}
	}
	err := p.Close()
	var miss *grpcreplay.MismatchError
	if !errors.As(err, &miss) || !strings.Contains(err.Error(), "no recorded call fits 7 more") || told < 1007 {
		t.Errorf("told of %d, Close says %.300q", told, err)
	}
}
