// The service that programs of other languages call: gRPC's own for interoperation.

package stage

import (
	"context"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
)

// A teller is the test service of gRPC's interoperation suite, whose errors
// have details, and which waits when it is told to.
type teller struct {
	grpc_testing.TestServiceServer
}

// UnaryCall answers, errs with details, or waits for the client to give up.
func (s teller) UnaryCall(
	ctx context.Context, r *grpc_testing.SimpleRequest,
) (*grpc_testing.SimpleResponse, error) {
	if string(r.GetPayload().GetBody()) == "wait" {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if st := r.GetResponseStatus(); st.GetCode() != 0 {
		grpc.SetHeader(ctx, metadata.Pairs("when", "before"))
		grpc.SetTrailer(ctx, metadata.Pairs("when", "after", "why-bin", "\x00\xff"))
		told, err := status.New(codes.Code(st.GetCode()), st.GetMessage()).WithDetails(st)
		if err != nil {
			return nil, err
		}
		return nil, told.Err()
	}
	return s.TestServiceServer.UnaryCall(ctx, r)
}

// Teller is a Service that starts one, with server reflection.
func Teller(t testing.TB) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.WaitForHandlers(true), grpc.ConnectionTimeout(time.Minute))
	grpc_testing.RegisterTestServiceServer(s, teller{interop.NewTestServer()})
	reflection.Register(s)
	go s.Serve(l)
	return l.Addr().String(), s.Stop
}
