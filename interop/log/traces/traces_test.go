// One trace through client and server.

package traces_test

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/commitlog/client"
)

// spans is an exporter in memory that says when there are more.
type spans struct {
	*tracetest.InMemoryExporter
	more chan struct{}
}

func (s *spans) ExportSpans(ctx context.Context, all []trace.ReadOnlySpan) error {
	err := s.InMemoryExporter.ExportSpans(ctx, all)
	select {
	case s.more <- struct{}{}:
	default:
	}
	return err
}

// await returns the span that is as when says, once it has ended.
func (s *spans) await(
	ctx context.Context, t *testing.T, what string, when func(tracetest.SpanStub) bool,
) tracetest.SpanStub {
	t.Helper()
	for {
		for _, span := range s.GetSpans() {
			if when(span) {
				return span
			}
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			t.Fatalf("there is no %s: %v", what, s.GetSpans())
		}
	}
}

func TestAProducersTraceGoesOnInTheServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	seen := &spans{tracetest.NewInMemoryExporter(), make(chan struct{}, 1)}
	tracing := trace.NewTracerProvider(trace.WithSyncer(seen))
	options := []otelgrpc.Option{
		otelgrpc.WithTracerProvider(tracing), otelgrpc.WithPropagators(propagation.TraceContext{}),
	}
	addr := serve(t, otelgrpc.NewServerHandler(options...))
	c, err := client.New(client.Config{
		Addrs:       []string{addr},
		DialOptions: []grpc.DialOption{grpc.WithStatsHandler(otelgrpc.NewClientHandler(options...))},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	within, order := tracing.Tracer("shop").Start(ctx, "order")
	if _, err := c.Produce(within, client.Record{Value: []byte("one book")}); err != nil {
		t.Fatal(err)
	}
	order.End()

	const produce = "log.v1.Log/Produce"
	sent := seen.await(ctx, t, "client's span of Produce beneath the order", func(s tracetest.SpanStub) bool {
		return s.Name == produce && s.Parent.SpanID() == order.SpanContext().SpanID()
	})
	taken := seen.await(ctx, t, "server's span of Produce beneath the client's", func(s tracetest.SpanStub) bool {
		return s.Name == produce && s.Parent.SpanID() == sent.SpanContext.SpanID()
	})
	if sent.SpanKind.String() != "client" || taken.SpanKind.String() != "server" || !taken.Parent.IsRemote() {
		t.Errorf("the spans are a %v's and a %v's, the latter's parent remote: %v",
			sent.SpanKind, taken.SpanKind, taken.Parent.IsRemote())
	}
	for _, span := range []tracetest.SpanStub{sent, taken} {
		if span.SpanContext.TraceID() != order.SpanContext().TraceID() {
			t.Errorf("the %v's span is of another trace", span.SpanKind)
		}
	}
}

// serve runs a cluster of one, and returns where it is reached.
func serve(t *testing.T, handlers ...stats.Handler) (addr string) {
	t.Helper()
	a, err := agent.New(agent.Config{
		Name: "n0", Bootstrap: true, Dir: t.TempDir(), Bind: "127.0.0.1:0", RPC: "127.0.0.1:0",
		Segment: 1 << 20, StatsHandlers: handlers,
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return a.RPCAddr()
}
