// Cancelled, late and unfinished calls.

package grpcreplay_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

func TestACallThatIsGivenUpIsReplayedAsSuch(t *testing.T) {
	believed(t, []saga{
		{name: "before it begins", tell: func(x *attempt) {
			ctx, cancel := context.WithCancel(x.ctx)
			cancel()
			x.add("%s", seen(x.shop.UnaryCall(ctx, put("a"))))
			_, err := x.shop.FullDuplexCall(ctx)
			x.add("%s", fails(err))
			ctx, cancel = context.WithTimeout(x.ctx, -time.Second)
			defer cancel()
			_, err = x.shop.UnaryCall(ctx, put("a"))
			x.add("%v", status.Code(err))
		}},
		{name: "while the server waits", tell: func(x *attempt) {
			ctx, cancel := context.WithTimeout(x.ctx, 250*time.Millisecond)
			defer cancel()
			_, err := x.shop.UnaryCall(ctx, put("wait"))
			x.add("%v", status.Code(err))
		}},
		{name: "in the middle of a stream", tell: func(x *attempt) {
			ctx, cancel := context.WithTimeout(x.ctx, 250*time.Millisecond)
			defer cancel()
			s, _ := x.shop.FullDuplexCall(ctx)
			s.Send(ask("a"))
			x.add("%s", seen(s.Recv()))
			_, err := s.Recv()
			x.add("%v", status.Code(err))
		}},
	})
}

// whatIf records a program, and replays it in a bubble to another.
func whatIf(
	t *testing.T, recorded func(t *testing.T, c grpc_testing.TestServiceClient), way way,
	replayed func(t *testing.T, c grpc_testing.TestServiceClient),
) {
	t.Helper()
	file := record(t, recorded)
	synctest.Test(t, func(t *testing.T) {
		s := grpcreplay.Start(t, grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone, AllowUnused: true})
		replayed(t, grpc_testing.NewTestServiceClient(way.dial(t, s, nobody)))
	})
}

func TestACallThatIsCancelledOnlyOnReplayGetsNoAnswer(t *testing.T) {
	for _, by := range ways[:2] {
		t.Run(by.name, func(t *testing.T) {
			whatIf(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
				c.UnaryCall(t.Context(), put("a"))
				s, _ := c.FullDuplexCall(t.Context())
				s.Send(ask("a"))
				s.Recv()
				s.CloseSend()
				s.Recv()
				s.Recv()
			}, by, func(t *testing.T, c grpc_testing.TestServiceClient) {
				ctx, cancel := context.WithCancel(t.Context())
				s, err := c.FullDuplexCall(ctx)
				s = must(t, s, err)
				cancel()
				if _, err := s.Recv(); status.Code(err) != codes.Canceled {
					t.Errorf("the stream ends by %v", err)
				}
				if _, err = c.UnaryCall(ctx, put("a")); status.Code(err) != codes.Canceled {
					t.Errorf("the call ends by %v", err)
				}
			})
		})
	}
}

// waitFor makes a call that the service does not answer.
func waitFor(d time.Duration) func(t *testing.T, c grpc_testing.TestServiceClient) {
	return func(t *testing.T, c grpc_testing.TestServiceClient) {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		if _, err := c.UnaryCall(ctx, put("wait")); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("it ends by %v", err)
		}
	}
}

func TestARecordedTimeoutWaitsForTheClientsOwn(t *testing.T) {
	for _, by := range ways[:2] {
		t.Run(by.name, func(t *testing.T) {
			whatIf(t, waitFor(100*time.Millisecond), by, func(t *testing.T, c grpc_testing.TestServiceClient) {
				begin := time.Now()
				waitFor(time.Hour)(t, c)
				if d := time.Since(begin); d != time.Hour {
					t.Errorf("it ends after %v, and the context lives for an hour", d)
				}
			})
		})
	}
}

func TestARecordedTimeoutEndsAClientThatHasNoneAfterTheRecordedTime(t *testing.T) {
	for _, by := range ways[:2] {
		t.Run(by.name, func(t *testing.T) {
			whatIf(t, waitFor(100*time.Millisecond), by, func(t *testing.T, c grpc_testing.TestServiceClient) {
				begin := time.Now()
				_, err := c.UnaryCall(context.Background(), put("wait"))
				d := time.Since(begin)
				if status.Code(err) != codes.DeadlineExceeded || d < 10*time.Millisecond || d > time.Minute {
					t.Errorf("it ends by %v after %v", err, d)
				}
			})
		})
	}
}

func TestTheTimeThatACallHadIsRecorded(t *testing.T) {
	for _, by := range ways {
		c := grpcreplay.Config{File: filepath.Join(t.TempDir(), "recording.journal"), Listen: listen}
		it := saga{name: "late", tell: func(x *attempt) {
			ctx, cancel := context.WithTimeout(x.ctx, time.Hour)
			defer cancel()
			x.shop.UnaryCall(ctx, put("a"))
			x.shop.UnaryCall(x.ctx, put("b"))
		}}
		retold(t, it, by, c, serve(t))
		var times []time.Duration
		for call := range must(t, must2(grpcreplay.Open(c.File)), nil).Calls() {
			times = append(times, call.Timeout)
		}
		if len(times) != 2 || times[0] < 59*time.Minute || times[0] > time.Hour || times[1] != 0 {
			t.Errorf("by %s they have %v", by.name, times)
		}
	}
}

func TestACallInFlightAtCloseIsKeptAsSuch(t *testing.T) {
	for _, by := range ways {
		t.Run(by.name, func(t *testing.T) {
			c := grpcreplay.Config{File: filepath.Join(t.TempDir(), "recording.journal"), Listen: listen,
				Mode: grpcreplay.ModeAll, Target: serve(t)}
			s := must(t, must2(grpcreplay.New(c)), nil)
			client := grpc_testing.NewTestServiceClient(by.dial(t, s, c.Target))
			stream, err := client.FullDuplexCall(t.Context())
			stream = must(t, stream, err)
			stream.Send(ask("a"))
			must(t, must2(stream.Recv()), nil)
			client.UnaryCall(t.Context(), put("whole"))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(read(t, c.File)), "in flight") {
				t.Errorf("the file does not say so:\n%.600s", read(t, c.File))
			}
			inFlight := 0
			for call := range must(t, must2(grpcreplay.Open(c.File)), nil).Calls() {
				if call.InFlight {
					inFlight++
				}
			}
			if inFlight != 1 {
				t.Errorf("%d calls are in flight", inFlight)
			}
			c.Mode, c.Target, c.Strict = grpcreplay.ModeNone, "", true
			again := grpcreplay.Start(t, c)
			client = grpc_testing.NewTestServiceClient(by.dial(t, again, nobody))
			ctx, cancel := context.WithCancel(t.Context())
			stream, err = client.FullDuplexCall(ctx)
			stream = must(t, stream, err)
			stream.Send(ask("a"))
			must(t, must2(stream.Recv()), nil)
			m, err := client.UnaryCall(t.Context(), put("whole"))
			must(t, m, err)
			cancel()
			if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
				t.Errorf("it ends by %v", err)
			}
		})
	}
}

func TestARecordingPacesItselfAsItWas(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		s, _ := c.StreamingOutputCall(t.Context(), parameters(1))
		s.Header()
		timer := time.NewTimer(40 * time.Millisecond)
		<-timer.C
		c.UnaryCall(t.Context(), put("news"))
		s.Recv()
		s.Recv()
	})
	synctest.Test(t, func(t *testing.T) {
		s := grpcreplay.Start(t, grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone, Strict: true, Pace: 1000})
		c := dial(t, nobody, s.DialOptions()...)
		begin := time.Now()
		sub, _ := c.StreamingOutputCall(t.Context(), parameters(1), grpc.WaitForReady(true))
		go c.UnaryCall(t.Context(), put("news"))
		sub.Recv()
		if d := time.Since(begin); d < 40*time.Second {
			t.Errorf("at a thousandth of its speed 40 ms take %v", d)
		}
		sub.Recv()
	})
}
