// What a test leaves open of gRPC, and what the end of the network ends.

package interop_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/vnettest"
)

// A server that nobody stops ends with the network. A client has to be closed:
// it has goroutines that wait for its Close and not for the network.
func TestAGRPCServerLeftOpenEndsWithItsTest(t *testing.T) {
	ended := make(chan error, 1)
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		l, err := t.Host("api").Listen(t.Context(), "tcp", ":50051")
		if err != nil {
			t.Fatal(err)
		}
		s := grpc.NewServer()
		testgrpc.RegisterTestServiceServer(s, interop.NewTestServer())
		go func() { ended <- s.Serve(l) }()

		plain := grpc.WithTransportCredentials(insecure.NewCredentials())
		cc := dialGRPC(t, "app", "passthrough:///api:50051", plain)
		stream, err := testgrpc.NewTestServiceClient(cc).FullDuplexCall(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		go stream.Recv()
		synctest.Wait() // the call waits for an answer that never comes
	})
	if len(ended) == 0 {
		t.Error("the server still serves")
	}
}

func TestGRPCClientReconnectsToAServerThatCameBack(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Net: lan}, func(t *vnettest.T) {
		s := serveGRPC(t, true)
		client := testgrpc.NewTestServiceClient(s.client("app"))
		interop.DoEmptyUnaryCall(t.Context(), client)

		t.Host("api").Down()
		_, err := client.EmptyCall(t.Context(), &testgrpc.Empty{})
		if status.Code(err) != codes.Unavailable {
			t.Errorf("while the host is down: %v", err)
		}
		t.Host("api").Up()
		again := grpc.NewServer(s.server)
		testgrpc.RegisterTestServiceServer(again, interop.NewTestServer())
		serveOn(t, again, "api")
		interop.DoPingPong(t.Context(), client, grpc.WaitForReady(true))
	})
}

func TestGRPCKeepaliveNoticesAPartition(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Net: lan}, func(t *vnettest.T) {
		s := serveGRPC(t, true)
		client := testgrpc.NewTestServiceClient(s.client("app", keptAlive))
		stream, err := client.FullDuplexCall(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // virtual
		heal := t.Part("api")
		start := time.Now()
		_, err = stream.Recv()
		took := time.Since(start)
		if errors.Is(err, io.EOF) || status.Code(err) != codes.Unavailable || took > 20*time.Minute {
			t.Errorf("%v after %v", err, took)
		}
		heal()
		interop.DoEmptyUnaryCall(t.Context(), client, grpc.WaitForReady(true))
	})
}
