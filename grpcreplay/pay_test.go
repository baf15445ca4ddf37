// The service that the tests record: payments with every kind of call.

package grpcreplay_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// shop answers with counters and echoes, and tells subscribers what is put.
type shop struct {
	grpc_testing.UnimplementedTestServiceServer

	mu    sync.Mutex
	calls int
	subs  []chan string
}

func body(s string) *grpc_testing.Payload { return &grpc_testing.Payload{Body: []byte(s)} }

// UnaryCall echoes, fails if told to, and tells the subscribers.
func (s *shop) UnaryCall(ctx context.Context, r *grpc_testing.SimpleRequest) (*grpc_testing.SimpleResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	grpc.SetHeader(ctx, metadata.Pairs("h", "1", "h", "2", "b-bin", "\x00\xff"))
	grpc.SetTrailer(ctx, metadata.Pairs("t", "end", "who", fmt.Sprint(md.Get("tenant"))))
	text := string(r.GetPayload().GetBody())
	if st := r.GetResponseStatus(); st.GetCode() != 0 {
		withDetails, err := status.New(codes.Code(st.GetCode()), st.GetMessage()).WithDetails(r)
		if err != nil {
			return nil, err
		}
		return nil, withDetails.Err()
	}
	if text == "wait" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	for _, sub := range s.subs {
		sub <- text
	}
	return &grpc_testing.SimpleResponse{Payload: body(text), Username: fmt.Sprint(md.Get("tenant"), s.calls)}, nil
}

// StreamingOutputCall sends what is put from now on, as many as are asked for.
func (s *shop) StreamingOutputCall(
	r *grpc_testing.StreamingOutputCallRequest, ss grpc_testing.TestService_StreamingOutputCallServer,
) error {
	sub := make(chan string, 100)
	s.mu.Lock()
	s.subs = append(s.subs, sub)
	s.mu.Unlock()
	ss.SendHeader(metadata.Pairs("subscribed", "yes"))
	for range r.GetResponseParameters() {
		select {
		case text := <-sub:
			if err := ss.Send(&grpc_testing.StreamingOutputCallResponse{Payload: body(text)}); err != nil {
				return err
			}
		case <-ss.Context().Done():
			return ss.Context().Err()
		}
	}
	return nil
}

// StreamingInputCall counts bytes; it ends early after a payload "enough".
func (s *shop) StreamingInputCall(ss grpc_testing.TestService_StreamingInputCallServer) error {
	size := 0
	for {
		r, err := ss.Recv()
		if err == io.EOF || err == nil && string(r.GetPayload().GetBody()) == "enough" {
			return ss.SendAndClose(&grpc_testing.StreamingInputCallResponse{AggregatedPayloadSize: int32(size)})
		}
		if err != nil {
			return err
		}
		size += len(r.GetPayload().GetBody())
	}
}

// FullDuplexCall echoes message by message, and says bye after the half-close.
func (s *shop) FullDuplexCall(ss grpc_testing.TestService_FullDuplexCallServer) error {
	for {
		r, err := ss.Recv()
		if err == io.EOF {
			return ss.Send(&grpc_testing.StreamingOutputCallResponse{Payload: body("bye")})
		}
		if err != nil {
			return err
		}
		text := string(r.GetPayload().GetBody())
		if text == "fail" {
			return status.Error(codes.DataLoss, "failed midway")
		}
		answer := &grpc_testing.StreamingOutputCallResponse{Payload: body("echo " + text)}
		if err := ss.Send(answer); err != nil {
			return err
		}
	}
}

// open serves a shop and returns its address.
func open(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	grpc_testing.RegisterTestServiceServer(s, new(shop))
	go s.Serve(l)
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

// dial returns a client of an address.
func dial(t testing.TB, address string, opts ...grpc.DialOption) grpc_testing.TestServiceClient {
	t.Helper()
	opts = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, opts...)
	cc, err := grpc.NewClient(address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cc.Close() })
	return grpc_testing.NewTestServiceClient(cc)
}
