// Spans that are exported: well, in part, and at the second attempt.

package otlp_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rehearse-go/rehearse/interop/grpc/services/stage"
)

// A busy is a collector that takes every second export, tells how long to
// wait when it does not, and rejects a span of each.
type busy struct {
	collector.UnimplementedTraceServiceServer
	mu    sync.Mutex
	calls int
}

func (b *busy) Export(
	_ context.Context, r *collector.ExportTraceServiceRequest,
) (*collector.ExportTraceServiceResponse, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.calls%2 == 1 {
		s, err := status.New(codes.Unavailable, "busy").WithDetails(
			&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)})
		if err != nil {
			return nil, err
		}
		return nil, s.Err()
	}
	return &collector.ExportTraceServiceResponse{PartialSuccess: &collector.ExportTracePartialSuccess{
		RejectedSpans: 1, ErrorMessage: fmt.Sprint("one of export ", b.calls, " is odd"),
	}}, nil
}

func start(t testing.TB) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	collector.RegisterTraceServiceServer(s, new(busy))
	go s.Serve(l)
	return l.Addr().String(), s.Stop
}

// byChance is what is another every time: when a span was, and how it is called.
var byChance = stage.Chance{Ignore: []string{
	"opentelemetry.proto.trace.v1.Span.trace_id", "opentelemetry.proto.trace.v1.Span.span_id",
	"opentelemetry.proto.trace.v1.Span.parent_span_id", "opentelemetry.proto.trace.v1.Span.start_time_unix_nano",
	"opentelemetry.proto.trace.v1.Span.end_time_unix_nano", "opentelemetry.proto.trace.v1.Span.Event.time_unix_nano",
}}

func TestSpansAreExportedAsBefore(t *testing.T) {
	stage.PlayWith(t, byChance, start, func(a *stage.Act) {
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { a.See("errors", "%v", err) }))
		e, err := otlptracegrpc.New(a.Context(), otlptracegrpc.WithInsecure(),
			otlptracegrpc.WithEndpoint(a.Address), otlptracegrpc.WithDialOption(a.Options...),
			otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
				Enabled: true, InitialInterval: time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: time.Minute,
			}))
		if err != nil {
			a.Fatal(err)
		}
		p := trace.NewTracerProvider(trace.WithBatcher(e))
		for i := range 3 {
			ctx, root := p.Tracer("test").Start(a.Context(), fmt.Sprint("round ", i))
			_, leaf := p.Tracer("test").Start(ctx, "leaf")
			leaf.SetAttributes(attribute.Int("n", i))
			leaf.AddEvent("here")
			leaf.End()
			root.End()
			a.See("program", "flush %v", p.ForceFlush(a.Context()))
		}
		a.See("program", "shutdown %v", p.Shutdown(a.Context()))
	})
}
