// Scripted answers and faults: on the real service, on a recording, on nothing.

package grpcreplay_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/rule"
)

// A stage is what stands behind the rules.
type stage struct {
	name string
	set  func(t *testing.T) grpcreplay.Config
}

// standard is what the tests of rules do where no rule decides.
func standard(t *testing.T, c grpc_testing.TestServiceClient) {
	for _, text := range []string{"a", "b", "a"} {
		c.UnaryCall(t.Context(), put(text))
	}
	echoed(t, c, "1", "2", "3")
}

// echoed sends texts on a stream and tells what came back.
func echoed(t *testing.T, c grpc_testing.TestServiceClient, texts ...string) (heard []string) {
	t.Helper()
	s, err := c.FullDuplexCall(t.Context())
	if err != nil {
		return []string{seen(nil, err)}
	}
	for _, text := range texts {
		s.Send(ask(text))
		m, err := s.Recv()
		heard = append(heard, seen(m, err))
		if err != nil {
			return heard
		}
	}
	s.CloseSend()
	for {
		m, err := s.Recv()
		heard = append(heard, seen(m, err))
		if err != nil {
			return heard
		}
	}
}

var stages = []stage{
	{"the real service", func(t *testing.T) grpcreplay.Config {
		return grpcreplay.Config{NoFile: true, Target: serve(t)}
	}},
	{"a recording", func(t *testing.T) grpcreplay.Config {
		return grpcreplay.Config{File: record(t, standard), Mode: grpcreplay.ModeNone, AllowUnused: true}
	}},
	{"nothing", func(*testing.T) grpcreplay.Config {
		return grpcreplay.Config{NoFile: true, Mode: grpcreplay.ModeNone}
	}},
}

// onEveryStage runs a test in every way on every stage.
func onEveryStage(
	t *testing.T, f func(t *testing.T, on string, s *grpcreplay.Service, c grpc_testing.TestServiceClient),
) {
	for _, st := range stages {
		for _, by := range ways {
			t.Run(st.name+" by "+by.name, func(t *testing.T) {
				c := st.set(t)
				c.Listen = listen
				s := grpcreplay.Start(t, c)
				target := c.Target
				if target == "" {
					target = nobody
				}
				f(t, st.name, s, grpc_testing.NewTestServiceClient(by.dial(t, s, target)))
			})
		}
	}
}

func TestARuleAnswers(t *testing.T) {
	onEveryStage(t, func(t *testing.T, _ string, s *grpcreplay.Service, c grpc_testing.TestServiceClient) {
		answer := grpcreplay.Answering(&grpc_testing.SimpleResponse{Username: "scripted"})
		answer.Header, answer.Trailer = metadata.Pairs("h", "1", "h", "2"), metadata.Pairs("t-bin", "\x00")
		s.Rule(rule.Then(grpcreplay.Method("/grpc.testing.TestService/Unary*"), answer))
		var x transcript
		unary(t.Context(), c, &x, put("whatever"))
		same(t, "scripted", []string{
			`username:"scripted" peer true finished 1`, `header false [h=["1" "2"]]`, `trailer false [t-bin=["\x00"]]`,
		}, x.lines)
	})
}

func TestARuleFailsACallWithDetails(t *testing.T) {
	onEveryStage(t, func(t *testing.T, _ string, s *grpcreplay.Service, c grpc_testing.TestServiceClient) {
		want := must(t, must2(status.New(codes.ResourceExhausted, "no more").WithDetails(put("detail"))), nil)
		s.Rule(rule.Then(grpcreplay.Method("/*/*"), grpcreplay.Failing(want)))
		_, err := c.UnaryCall(t.Context(), put("a"))
		if got := status.Convert(err).Proto(); !proto.Equal(got, want.Proto()) {
			t.Errorf("the call ends by %v", got)
		}
		stream, err := c.FullDuplexCall(t.Context())
		stream = must(t, stream, err)
		_, err = stream.Recv()
		if got := status.Convert(err).Proto(); !proto.Equal(got, want.Proto()) {
			t.Errorf("the stream ends by %v", got)
		}
	})
}

func TestARuleDecidesByMethodContentAndCount(t *testing.T) {
	onEveryStage(t, func(t *testing.T, on string, s *grpcreplay.Service, c grpc_testing.TestServiceClient) {
		unary := grpcreplay.Method(grpc_testing.TestService_UnaryCall_FullMethodName)
		content := grpcreplay.Having(`"YQ=="`) // a
		second := grpcreplay.Failing(status.New(codes.Aborted, "the second"))
		remove := s.Rule(rule.Then(unary.And(content).Nth(2), second))
		var got []string
		for _, text := range []string{"a", "b", "a"} {
			_, err := c.UnaryCall(t.Context(), put(text))
			got = append(got, status.Code(err).String())
		}
		want := map[string]string{"nothing": "[FailedPrecondition FailedPrecondition Aborted]"}[on]
		if want == "" {
			want = "[OK OK Aborted]"
		}
		if fmt.Sprint(got) != want {
			t.Errorf("the calls end by %v, want %s", got, want)
		}
		remove()
		if _, err := c.UnaryCall(t.Context(), put("a")); status.Code(err) == codes.Aborted {
			t.Error("the rule decides after it was removed")
		}
	})
}

func TestARuleCutsAStream(t *testing.T) {
	onEveryStage(t, func(t *testing.T, on string, s *grpcreplay.Service, c grpc_testing.TestServiceClient) {
		if on == "nothing" {
			return
		}
		s.Rule(rule.Then(grpcreplay.Method("/*/FullDuplexCall"), grpcreplay.Answer{Pass: true, CutAfter: 2}))
		same(t, "cut", []string{
			`payload:{body:"echo 1"}`, `payload:{body:"echo 2"}`, `error Unavailable "cut by a rule" 0`,
		}, echoed(t, c, "1", "2", "3"))
	})
}

func TestFaultsOnReplayLeaveNothingOver(t *testing.T) {
	for _, by := range ways {
		t.Run(by.name, func(t *testing.T) {
			s := replayed(t, record(t, standard))
			c := grpc_testing.NewTestServiceClient(by.dial(t, s, nobody))
			s.Rule(rule.Then(grpcreplay.Method("/*/FullDuplexCall"), grpcreplay.Answer{Pass: true, CutAfter: 1}))
			standard(t, c)
		})
	}
}

func TestARetryAfterAFaultIsAnsweredByTheRecording(t *testing.T) {
	for _, by := range ways {
		t.Run(by.name, func(t *testing.T) {
			s := replayed(t, record(t, standard))
			c := grpc_testing.NewTestServiceClient(by.dial(t, s, nobody))
			stream := grpcreplay.Method("/*/FullDuplexCall")
			s.Rule(rule.Then(stream.Nth(1), grpcreplay.Failing(status.New(codes.Unavailable, "for now"))))
			if heard := echoed(t, c, "1", "2", "3"); !strings.Contains(heard[0], "for now") {
				t.Errorf("it hears %q", heard)
			}
			standard(t, c)
		})
	}
}

func TestARuleDelays(t *testing.T) {
	file := record(t, standard)
	for _, by := range ways[:2] {
		for name, answer := range map[string]grpcreplay.Answer{
			"an answer of its own": {Messages: []proto.Message{&grpc_testing.SimpleResponse{}}, Delay: time.Hour},
			"a recorded one":       {Pass: true, Delay: time.Hour},
		} {
			t.Run(name+" by "+by.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := grpcreplay.Start(t, grpcreplay.Config{
						File: file, Mode: grpcreplay.ModeNone, AllowUnused: true})
					s.Rule(rule.Then(grpcreplay.Method("/*/*"), answer))
					c := grpc_testing.NewTestServiceClient(by.dial(t, s, nobody))
					begin := time.Now()
					if _, err := c.UnaryCall(t.Context(), put("a")); err != nil || time.Since(begin) != time.Hour {
						t.Errorf("it ends by %v after %v", err, time.Since(begin))
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					begin = time.Now()
					_, err := c.UnaryCall(ctx, put("b"))
					if status.Code(err) != codes.DeadlineExceeded || time.Since(begin) != time.Minute {
						t.Errorf("with a deadline it ends by %v after %v", err, time.Since(begin))
					}
				})
			})
		}
	}
}

func TestWhatWasCalledCanBeAsserted(t *testing.T) {
	onEveryStage(t, func(t *testing.T, on string, s *grpcreplay.Service, c grpc_testing.TestServiceClient) {
		for _, text := range []string{"a", "b", "a"} {
			c.UnaryCall(t.Context(), put(text))
		}
		calls, err := s.Await(t.Context(), "/*/UnaryCall", 3)
		if err != nil {
			t.Fatal(err)
		}
		calls.Times(t, 3).Within(t, time.Minute)
		calls.With(grpcreplay.Having(`"YQ=="`)).Times(t, 2)
		s.Called("/*/FullDuplexCall").Times(t, 0)
		code := codes.OK
		if on == "nothing" {
			code = codes.FailedPrecondition
		}
		// Over a connection an answer may overtake the half-close.
		overtaken := !strings.HasSuffix(t.Name(), "by_interceptors")
		for _, call := range calls {
			if call.Status.Code() != code || len(call.Requests) != 1 || !call.Closed && !overtaken {
				t.Errorf("%s ends by %v, its requests are %q, closed %v", call, call.Status, call.Requests, call.Closed)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Await(ctx, "/*/UnaryCall", 4); err == nil || !strings.Contains(err.Error(), "3 made") {
			t.Errorf("a fourth is awaited in vain: %v", err)
		}
	})
}

func TestTheJournalTellsOfEveryCall(t *testing.T) {
	for _, st := range stages {
		t.Run(st.name, func(t *testing.T) {
			c := st.set(t)
			c.Journal = new(journal.Journal)
			s := grpcreplay.Start(t, c)
			second := grpcreplay.Method("/*/UnaryCall").Nth(2)
			s.Rule(rule.Then(second, grpcreplay.Failing(status.New(codes.Aborted, "no"))))
			target := c.Target
			if target == "" {
				target = nobody
			}
			client := dial(t, target, s.DialOptions()...)
			client.UnaryCall(t.Context(), put("a"))
			client.UnaryCall(t.Context(), put("a"))
			kinds := map[journal.Kind]int{}
			for _, e := range c.Journal.Tail(100) {
				kinds[e.Kind]++
			}
			if kinds["grpc.call"] < 2 || kinds["grpc.send"] != 2 || kinds["grpc.end"] != 2 || kinds["grpc.rule"] != 1 {
				t.Errorf("it tells of %v", kinds)
			}
		})
	}
}
