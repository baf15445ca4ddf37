// Causes before effects, also on replay: within a stream, and between calls.

package grpcreplay_test

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/interop/grpc_testing"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// record records what a program does, and returns the file.
func record(t *testing.T, program func(t *testing.T, c grpc_testing.TestServiceClient)) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "recording.journal")
	target := open(t)
	s, err := grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeAll})
	if err != nil {
		t.Fatal(err)
	}
	program(t, dial(t, target, s.DialOptions()...))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// replay replays a recording to a program, in a bubble: where the program
// waits for what does not come, time passes, and a stall is an error.
func replay(t *testing.T, file string, program func(t *testing.T, c grpc_testing.TestServiceClient)) {
	t.Helper()
	r, err := grpcreplay.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := grpcreplay.Start(t, grpcreplay.Config{Recording: r, Mode: grpcreplay.ModeNone, Strict: true})
		program(t, dial(t, "127.0.0.1:1", s.DialOptions()...))
	})
}

func must[M any](t testing.TB, m M, err error) M {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func parameters(n int) *grpc_testing.StreamingOutputCallRequest {
	return &grpc_testing.StreamingOutputCallRequest{ResponseParameters: make([]*grpc_testing.ResponseParameters, n)}
}

func TestASubscriberHearsNothingBeforeItIsPublished(t *testing.T) {
	program := func(rest time.Duration) func(t *testing.T, c grpc_testing.TestServiceClient) {
		return func(t *testing.T, c grpc_testing.TestServiceClient) {
			s, err := c.StreamingOutputCall(t.Context(), parameters(3))
			s = must(t, s, err)
			s.Header()
			var mu sync.Mutex
			published := []string{}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					m, err := s.Recv()
					if err == io.EOF {
						return
					}
					mu.Lock()
					text := string(m.GetPayload().GetBody())
					if !slices.Contains(published, text) {
						t.Errorf("heard %q, of what was published only %q", text, published)
					}
					mu.Unlock()
				}
			}()
			for i := range 3 {
				if rest > 0 {
					time.Sleep(rest) // virtual
				}
				text := fmt.Sprint("news ", i)
				mu.Lock()
				published = append(published, text)
				mu.Unlock()
				_, err := c.UnaryCall(t.Context(), put(text))
				must(t, 0, err)
			}
			<-done
		}
	}
	file := record(t, program(0))
	replay(t, file, program(time.Millisecond))
}

func TestAReplyComesAfterItsRequest(t *testing.T) {
	program := func(rest time.Duration) func(t *testing.T, c grpc_testing.TestServiceClient) {
		return func(t *testing.T, c grpc_testing.TestServiceClient) {
			s, err := c.FullDuplexCall(t.Context())
			s = must(t, s, err)
			var mu sync.Mutex
			sent, done := 0, make(chan struct{})
			go func() {
				defer close(done)
				for got := 0; ; got++ {
					_, err := s.Recv()
					if err == io.EOF {
						return
					}
					mu.Lock()
					if got >= sent {
						t.Errorf("reply %d came after %d requests", got+1, sent)
					}
					mu.Unlock()
				}
			}()
			for i := range 5 {
				time.Sleep(rest) // virtual
				mu.Lock()
				sent++
				mu.Unlock()
				s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body(fmt.Sprint(i))})
			}
			time.Sleep(rest) // virtual
			mu.Lock()
			sent++ // the half-close is answered too
			mu.Unlock()
			s.CloseSend()
			<-done
		}
	}
	file := record(t, program(0))
	replay(t, file, program(time.Millisecond))
}

func TestAnAnswerToTheHalfCloseComesAfterIt(t *testing.T) {
	program := func(rest time.Duration) func(t *testing.T, c grpc_testing.TestServiceClient) {
		return func(t *testing.T, c grpc_testing.TestServiceClient) {
			s, err := c.FullDuplexCall(t.Context())
			s = must(t, s, err)
			got := make(chan string, 1)
			go func() {
				m, err := s.Recv()
				got <- seen(m, err)
			}()
			time.Sleep(rest) // virtual
			select {
			case text := <-got:
				t.Errorf("before the half-close came %s", text)
			default:
			}
			s.CloseSend()
			if text := <-got; text != `payload:{body:"bye"}` {
				t.Errorf("the answer is %s", text)
			}
			s.Recv()
		}
	}
	file := record(t, program(0))
	replay(t, file, program(time.Minute))
}

func TestStreamsThatDivergeLaterDoNotCross(t *testing.T) {
	// Two streams begin alike and go on differently; on replay the one that was
	// second goes first.
	program := func(order ...int) func(t *testing.T, c grpc_testing.TestServiceClient) {
		return func(t *testing.T, c grpc_testing.TestServiceClient) {
			streams := make([]grpc_testing.TestService_FullDuplexCallClient, 2)
			for i := range streams {
				s, err := c.FullDuplexCall(t.Context())
				streams[i] = must(t, s, err)
				s.Send(&grpc_testing.StreamingOutputCallRequest{Payload: body("hello")})
				if text := seen(s.Recv()); text != `payload:{body:"echo hello"}` {
					t.Errorf("stream %d is greeted by %s", i, text)
				}
			}
			for _, i := range order {
				name := fmt.Sprint("I am ", i)
				streams[i].Send(&grpc_testing.StreamingOutputCallRequest{Payload: body(name)})
				if text := seen(streams[i].Recv()); text != fmt.Sprintf("payload:{body:%q}", "echo "+name) {
					t.Errorf("stream %d hears %s", i, text)
				}
				streams[i].CloseSend()
				streams[i].Recv()
				streams[i].Recv()
			}
		}
	}
	file := record(t, program(0, 1))
	replay(t, file, program(1, 0))
	replay(t, file, program(0, 1))
}

func TestAPollSeesNothingNewBeforeTheWriteThatMadeIt(t *testing.T) {
	// The counter in the answer moves with every call: the second poll must not
	// be answered before the write that stood between the two.
	poll := func(t *testing.T, c grpc_testing.TestServiceClient) string {
		m, err := c.UnaryCall(t.Context(), put("poll"))
		return must(t, m, err).GetUsername()
	}
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		poll(t, c)
		c.UnaryCall(t.Context(), put("write"))
		poll(t, c)
	})
	replay(t, file, func(t *testing.T, c grpc_testing.TestServiceClient) {
		poll(t, c)
		second := make(chan string, 1)
		go func() { second <- poll(t, c) }()
		synctest.Wait()
		select {
		case v := <-second:
			t.Errorf("before the write the second poll said %s", v)
		default:
		}
		c.UnaryCall(t.Context(), put("write"))
		<-second
	})
}

func TestAnAnswerWhoseCauseDoesNotComeIsReleasedInTheEnd(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		s, err := c.StreamingOutputCall(t.Context(), parameters(1))
		s = must(t, s, err)
		s.Header()
		c.UnaryCall(t.Context(), put("news"))
		s.Recv()
		s.Recv()
	})
	r := must2(grpcreplay.Open(file))
	synctest.Test(t, func(t *testing.T) {
		s, err := grpcreplay.New(grpcreplay.Config{
			Recording: r, Mode: grpcreplay.ModeNone, AllowUnused: true, Grace: 3 * time.Second})
		must(t, s, err)
		cc := dial(t, "127.0.0.1:1", s.DialOptions()...)
		begin := time.Now()
		sub, _ := cc.StreamingOutputCall(t.Context(), parameters(1))
		if text := seen(sub.Recv()); text != `payload:{body:"news"}` {
			t.Errorf("it is %s", text)
		}
		if d := time.Since(begin); d != 3*time.Second {
			t.Errorf("it came after %v, want Grace", d)
		}
		sub.Recv()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func must2[M any](m M, err error) M {
	if err != nil {
		panic(err)
	}
	return m
}
