// Recording and replaying, as short as it is.

package grpcreplay_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/rule"
)

// A program asks a service; here, whether it is well.
func program(c healthpb.HealthClient) {
	answer, err := c.Check(context.Background(), &healthpb.HealthCheckRequest{Service: "pay"})
	fmt.Println(answer.GetStatus(), status.Code(err))
}

func Example() {
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "pay.journal")

	// The real service, somewhere.
	real := health.NewServer()
	real.SetServingStatus("pay", healthpb.HealthCheckResponse_SERVING)
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, real)
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	go server.Serve(l)

	// Record it.
	service, err := grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeAll, Target: l.Addr().String()})
	if err != nil {
		panic(err)
	}
	program(healthpb.NewHealthClient(service.Conn()))
	fmt.Println(service.Close())

	// It is gone, and answers all the same.
	server.Stop()
	service, err = grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone})
	if err != nil {
		panic(err)
	}
	program(healthpb.NewHealthClient(service.Conn()))
	fmt.Println(service.Close())

	// Output:
	// SERVING OK
	// <nil>
	// SERVING OK
	// <nil>
}

// Without a recording, rules answer.
func ExampleService_Rule() {
	service, err := grpcreplay.New(grpcreplay.Config{NoFile: true})
	if err != nil {
		panic(err)
	}
	defer service.Close()
	check := grpcreplay.Method("/grpc.health.v1.Health/Check")
	service.Rule(rule.Then(check.Nth(2), grpcreplay.Failing(status.New(codes.Unavailable, "busy"))))
	service.Rule(rule.Then(check, grpcreplay.Answering(&healthpb.HealthCheckResponse{
		Status: healthpb.HealthCheckResponse_SERVING,
	})))
	client := healthpb.NewHealthClient(service.Conn())
	program(client)
	program(client)
	program(client)

	// Output:
	// SERVING OK
	// UNKNOWN Unavailable
	// SERVING OK
}
