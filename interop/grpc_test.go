// A gRPC server and its clients on the virtual network, as its interoperability suite sets them up.

package interop_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/grpclog"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/orca"

	"github.com/rehearse-go/rehearse/vnettest"
)

func TestMain(m *testing.M) {
	grpclog.SetLoggerV2(fatal{grpclog.NewLoggerV2(io.Discard, io.Discard, os.Stderr)})
	os.Exit(m.Run())
}

// fatal panics where gRPC's suite finds a fault and would end the process
// without a word of which test it was.
type fatal struct{ grpclog.LoggerV2 }

func (fatal) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (fatal) Fatalln(args ...any)               { panic(fmt.Sprint(args...)) }
func (fatal) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// A grpcService is the suite's server on the host api, and how to reach it.
type grpcService struct {
	t       *vnettest.T
	server  grpc.ServerOption // its credentials
	options []grpc.DialOption // those of every client
}

// serveGRPC starts the suite's own server on api:50051, over TLS if secure.
func serveGRPC(t *vnettest.T, secure bool) grpcService {
	t.Helper()
	server, client := insecure.NewCredentials(), insecure.NewCredentials()
	if secure {
		s, c := certify(t, "api")
		server, client = credentials.NewTLS(s), credentials.NewTLS(c)
	}
	metrics := orca.NewServerMetricsRecorder()
	s := grpc.NewServer(grpc.Creds(server), orca.CallMetricsServerOption(nil))
	if err := orca.Register(s, reportOften(metrics)); err != nil {
		t.Fatal(err)
	}
	options := interop.NewTestServerOptions{MetricsRecorder: metrics}
	testgrpc.RegisterTestServiceServer(s, interop.NewTestServer(options))
	serveOn(t, s, "api")
	return grpcService{t, grpc.Creds(server), []grpc.DialOption{grpc.WithTransportCredentials(client)}}
}

// serveOn lets s serve on the named host's port 50051, and stops it at the end.
func serveOn(t *vnettest.T, s *grpc.Server, host string) {
	t.Helper()
	l, err := t.Host(host).Listen(t.Context(), "tcp", ":50051")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(s.Stop)
}

// reportOften does what the suite's server does through an internal package:
// it lets clients ask for a load report every second.
func reportOften(p orca.ServerMetricsProvider) orca.ServiceOptions {
	o := orca.ServiceOptions{MinReportingInterval: time.Second, ServerMetricsProvider: p}
	allow := reflect.ValueOf(&o).Elem().FieldByName("allowAnyMinReportingInterval")
	*(*bool)(unsafe.Pointer(allow.UnsafeAddr())) = true
	return o
}

// keptAlive makes a client ask its server every five minutes, the least that
// a server stands, whether it is still there.
var keptAlive = grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 5 * time.Minute, Timeout: 20 * time.Second})

// client is a connection from the named host; gRPC makes it when it needs it.
func (s grpcService) client(host string, more ...grpc.DialOption) *grpc.ClientConn {
	return dialGRPC(s.t, host, "passthrough:///api:50051", append(more, s.options...)...)
}

func dialGRPC(t *vnettest.T, host, target string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	dial := func(ctx context.Context, address string) (net.Conn, error) {
		return t.Host(host).Dial(ctx, "tcp", address)
	}
	cc, err := grpc.NewClient(target, append(options, grpc.WithContextDialer(dial))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cc.Close() })
	return cc
}

// stepping plays f while the test delivers, segment by segment, whatever
// travels, for as long as f runs.
func stepping(t *vnettest.T, f func()) {
	t.Helper()
	done := make(chan bool, 1)
	go func() {
		f()
		done <- true
	}()
	for len(done) == 0 {
		t.Drain(time.Second)
	}
}
