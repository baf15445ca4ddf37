// The service's life: health, panics, the log, metrics, the end.

package service_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/service"
	"github.com/rehearse-go/rehearse/commitlog/internal/service/metrics"
	"github.com/rehearse-go/rehearse/commitlog/internal/status"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

const (
	serving    = grpc_health_v1.HealthCheckResponse_SERVING
	notServing = grpc_health_v1.HealthCheckResponse_NOT_SERVING
)

func TestHealthIsAsTheNodeIs(t *testing.T) {
	for name, told := range map[string]commitlog.Kind{"": commitlog.LatchedUp, "log.v1.Log": commitlog.Gap} {
		synctest.Test(t, func(t *testing.T) {
			node := &fake{}
			s := serve(t, service.Config{Node: node, Authorize: func(context.Context, string) error {
				return errors.New("probes have no certificate")
			}})
			health := grpc_health_v1.NewHealthClient(s.conn)
			req := &grpc_health_v1.HealthCheckRequest{Service: name}
			watch := must(health.Watch(t.Context(), req))(t)
			check := func(when string, want grpc_health_v1.HealthCheckResponse_ServingStatus) {
				t.Helper()
				if got := must(health.Check(t.Context(), req))(t).Status; got != want {
					t.Errorf("%s: Check says %v, want %v", when, got, want)
				}
			}
			if got := must(watch.Recv())(t).Status; got != serving {
				t.Errorf("Watch says %v at first", got)
			}
			check("at first", serving)
			node.change(func() { node.status.Failed = commitlog.Full{} })
			node.happens(commitlog.Event{Kind: commitlog.DiskFull})
			synctest.Wait()
			check("when the disk is full", serving)
			node.change(func() { node.status.Failed = commitlog.Latched{} })
			node.happens(commitlog.Event{Kind: told})
			if got := must(watch.Recv())(t).Status; got != notServing {
				t.Errorf("Watch says %v when the disk has failed", got)
			}
			check("when the disk has failed", notServing)
		})
	}
}

func TestANodeThatEndsIsNotHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		s := serve(t, service.Config{Node: node})
		node.change(func() { node.closed = true })
		synctest.Wait()
		got := must(grpc_health_v1.NewHealthClient(s.conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}))(t)
		if got.Status != notServing {
			t.Errorf("Check says %v", got.Status)
		}
	})
}

func TestStopAnswersWhatIsUnderWayAndEndsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		node := &fake{produce: func(context.Context, commitlog.Batch) error { <-hold; return nil }}
		s := serve(t, service.Config{Node: node})
		ctx := t.Context()
		ends := map[string]chan error{}
		in := func(name string, call func() error) {
			ended := make(chan error, 1)
			ends[name] = ended
			go func() { ended <- call() }()
		}
		answered := make(chan uint64, 2)
		produced := must(s.ProduceStream(ctx))(t)
		send(t, produced, one("a"))
		in("ProduceStream", func() error {
			for {
				got, err := produced.Recv()
				if err != nil {
					return err
				}
				answered <- got.Offset
			}
		})
		consumed := must(s.ConsumeStream(ctx, &logv1.ConsumeRequest{}))(t)
		in("ConsumeStream", func() error { _, err := consumed.Recv(); return err })
		in("Consume", func() error { _, err := s.Consume(ctx, &logv1.ConsumeRequest{Wait: true}); return err })
		in("Wait", func() error { _, err := s.Wait(ctx, &logv1.WaitRequest{Index: 99}); return err })
		watched := must(s.Watch(ctx, &logv1.WatchRequest{Leader: true, Events: true}))(t)
		in("Watch", func() error { _, err := watched.Recv(); return err })
		synctest.Wait()

		stopped := make(chan error, 1)
		go func() { stopped <- s.service.Stop(ctx) }()
		for _, name := range []string{"ConsumeStream", "Consume", "Wait", "Watch"} {
			err := <-ends[name]
			expect(t, name, err, codes.Unavailable)
			if !errors.Is(status.FromStatus(err), commitlog.ErrClosed) {
				t.Errorf("%s ended with %v, which is not ErrClosed", name, err)
			}
		}
		close(hold)
		err := <-ends["ProduceStream"]
		expect(t, "ProduceStream", err, codes.Unavailable)
		if len(answered) != 1 {
			t.Error("the batch that was under way was not answered")
		}
		if err := <-stopped; err != nil {
			t.Errorf("Stop: %v", err)
		}
		if err := <-s.stopped; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestStopAnswersAllThatAStreamHasUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		s := serve(t, service.Config{Node: node, Enqueue: node.slowly(time.Second)})
		stream := must(s.ProduceStream(t.Context()))(t)
		send(t, stream, one("a"), one("b"), one("c"))
		synctest.Wait()
		stopped := make(chan error, 1)
		go func() { stopped <- s.service.Stop(t.Context()) }()
		synctest.Wait()
		send(t, stream, one("late"))
		for i := range uint64(3) {
			if got := must(stream.Recv())(t); got.Offset != i {
				t.Errorf("answer %d tells of offset %d", i, got.Offset)
			}
		}
		_, err := stream.Recv()
		expect(t, "then", err, codes.Unavailable)
		if err := <-stopped; err != nil || len(node.records) != 3 {
			t.Errorf("Stop: %v; the log has %d records, one of them late", err, len(node.records))
		}
	})
}

func TestStopBreaksOffWhatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{produce: func(ctx context.Context, _ commitlog.Batch) error {
			<-ctx.Done()
			return commitlog.Uncertain{Why: ctx.Err()}
		}}
		s := serve(t, service.Config{Node: node})
		ended := make(chan error, 1)
		go func() { _, err := s.Produce(t.Context(), one("a")); ended <- err }()
		open := must(grpc_reflection_v1.NewServerReflectionClient(s.conn).ServerReflectionInfo(t.Context()))(t)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := s.service.Stop(ctx); err != context.DeadlineExceeded {
			t.Errorf("Stop: %v", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("Stop took %v", took)
		}
		if err := <-ended; err == nil {
			t.Error("Produce was answered")
		}
		if _, err := open.Recv(); err == nil {
			t.Error("reflection was answered")
		}
	})
}

func TestAPanicEndsOneCallAndIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		bad := func(_ context.Context, b commitlog.Batch) error {
			if string(b.Records[0].Value) == "bad" {
				panic("a fault of the node's")
			}
			return nil
		}
		s := serve(t, service.Config{
			Node: &fake{produce: bad}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Authorize: func(_ context.Context, action string) error {
				if action == "" {
					panic("a fault of the policy's")
				}
				return nil
			},
		})
		_, err := s.Produce(t.Context(), one("bad"))
		expect(t, "Produce", err, codes.Internal)
		stream := must(s.ProduceStream(t.Context()))(t)
		send(t, stream, one("bad"))
		_, err = stream.Recv()
		expect(t, "ProduceStream", err, codes.Internal)
		_, err = s.GetServers(t.Context(), &logv1.GetServersRequest{})
		expect(t, "GetServers", err, codes.Internal)
		if strings.Contains(err.Error(), "policy") {
			t.Errorf("the caller was told %q", err)
		}
		must(s.Produce(t.Context(), one("good")))(t)
		for _, want := range []string{"a fault of the node's", "a fault of the policy's", "produce.go", "level=ERROR"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, &log)
			}
		}
	})
}

// An odd node panics when its leader is watched.
type odd struct{ *fake }

func (odd) WatchLeader(context.Context) iter.Seq[commitlog.Leader] { panic("torn") }

func TestAPanicBesideACallEndsThatCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, service.Config{Node: odd{&fake{}}})
		_, err := must(s.Watch(t.Context(), &logv1.WatchRequest{Leader: true}))(t).Recv()
		expect(t, "Watch", err, codes.Internal)
	})
}

func TestACallIsALineInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := serve(t, service.Config{Node: &fake{},
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		ids := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "job-7")
		odd := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "no good")
		must(s.Produce(ids, one("a")))(t)
		s.Consume(odd, &logv1.ConsumeRequest{Offset: 5})
		s.service.Stop(t.Context())
		for _, want := range []string{
			"id=job-7 method=/log.v1.Log/Produce peer=bufconn code=OK took=0s",
			"id=1 method=/log.v1.Log/Consume peer=bufconn code=404 took=0s err=",
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, &log)
			}
		}
	})
}

func TestMetricsTellWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{status: three}
		s := serve(t, service.Config{Node: node})
		must(s.Produce(t.Context(), several("abc", "de")))(t)
		s.Consume(t.Context(), &logv1.ConsumeRequest{Offset: 7})
		stream := must(s.ConsumeStream(t.Context(), &logv1.ConsumeRequest{Offset: 1}))(t)
		must(stream.Recv())(t)
		synctest.Wait()
		w := httptest.NewRecorder()
		s.service.Metrics().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		got, err := metrics.Parse(w.Body.String())
		if err != nil {
			t.Fatalf("%v in\n%s", err, w.Body)
		}
		for id, want := range map[string]float64{
			`commitlog_calls_started_total{method="log.v1.Log/ConsumeStream"}`:            1,
			`commitlog_calls_total{method="log.v1.Log/Produce",code="OK"}`:                1,
			`commitlog_calls_total{method="log.v1.Log/Consume",code="404"}`:               1,
			`commitlog_call_seconds_count{method="log.v1.Log/Produce"}`:                   1,
			`commitlog_messages_total{method="log.v1.Log/ConsumeStream",direction="out"}`: 1,
			`commitlog_messages_total{method="other",direction="in"}`:                     0,
			`commitlog_message_bytes_total{method="log.v1.Log/Produce",direction="in"}`:   18,
			`commitlog_records_total{direction="produced"}`:                               2,
			`commitlog_record_bytes_total{direction="produced"}`:                          5,
			`commitlog_records_total{direction="consumed"}`:                               1,
			`commitlog_term`: 7, `commitlog_committed_index`: 5, `commitlog_applied_index`: 4, `commitlog_durable_index`: 6,
			`commitlog_low_offset`: 1, `commitlog_next_offset`: 2, `commitlog_leading`: 0, `commitlog_has_leader`: 1,
			`commitlog_failed`: 1, `commitlog_members{kind="voter"}`: 2, `commitlog_members{kind="learner"}`: 1,
			`commitlog_info{name="n1",cluster="c"}`: 1,
		} {
			if v, ok := got[id]; !ok || v != want {
				t.Errorf("%s is %v (%v), want %v", id, v, ok, want)
			}
		}
		again := httptest.NewRecorder()
		s.service.Metrics().ServeHTTP(again, httptest.NewRequest("GET", "/", nil))
		if again.Body.String() != w.Body.String() {
			t.Error("asked again, the text is another although nothing has happened")
		}
	})
}

func TestOtherServicesMayBeAdded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := service.New(service.Config{Node: &fake{}})
		s.Server().RegisterService(&grpc.ServiceDesc{ServiceName: "other", HandlerType: (*any)(nil)}, nil)
		if _, ok := s.Server().GetServiceInfo()["other"]; !ok {
			t.Error("it is not there")
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Errorf("Stop of what was never served: %v", err)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Errorf("Stop again: %v", err)
		}
	})
}

func TestMisuseIsToldAtOnce(t *testing.T) {
	for _, c := range []service.Config{{}, {Node: &fake{}, MaxMessage: -1}} {
		func() {
			defer func() {
				if told, _ := recover().(string); !strings.HasPrefix(told, "service: ") {
					t.Errorf("panic %q", told)
				}
			}()
			service.New(c)
		}()
	}
}
