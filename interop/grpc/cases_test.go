// The cases of grpc-go's interop suite, and the program that runs one of them.

package grpc_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// A dialed is what a case is run on.
type dialed struct {
	conn   *grpc.ClientConn
	target string
	again  func() (*grpc.ClientConn, error) // another connection like conn
}

// A testCase is a case, as interop/client runs it.
type testCase struct {
	name string
	run  func(context.Context, dialed)
}

// fleeting are the cases that give a call up as it begins. What of it comes to
// a connection is chance, from nothing to a whole call that the server answered
// to nobody: so over a connection it may be left over.
var fleeting = map[string]bool{"cancel_after_begin": true, "timeout_on_sleeping_server": true}

// plain is a case that needs a client only.
func plain(
	do func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption),
) func(context.Context, dialed) {
	return func(ctx context.Context, d dialed) { do(ctx, testgrpc.NewTestServiceClient(d.conn)) }
}

// testCases are the cases that need no cloud.
var testCases = []testCase{
	{"empty_unary", plain(interop.DoEmptyUnaryCall)},
	{"large_unary", plain(interop.DoLargeUnaryCall)},
	{"client_streaming", plain(interop.DoClientStreaming)},
	{"server_streaming", plain(interop.DoServerStreaming)},
	{"ping_pong", plain(interop.DoPingPong)},
	{"empty_stream", plain(interop.DoEmptyStream)},
	{"timeout_on_sleeping_server", plain(interop.DoTimeoutOnSleepingServer)},
	{"cancel_after_begin", plain(interop.DoCancelAfterBegin)},
	{"cancel_after_first_response", plain(interop.DoCancelAfterFirstResponse)},
	{"status_code_and_message", plain(interop.DoStatusCodeAndMessage)},
	{"special_status_message", plain(interop.DoSpecialStatusMessage)},
	{"custom_metadata", plain(interop.DoCustomMetadata)},
	{"unimplemented_method", func(ctx context.Context, d dialed) { interop.DoUnimplementedMethod(ctx, d.conn) }},
	{"unimplemented_service", func(ctx context.Context, d dialed) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(d.conn))
	}},
	{"rpc_soak", func(ctx context.Context, d dialed) {
		soak(ctx, d.target, func() (*grpc.ClientConn, func()) { return d.conn, func() {} })
	}},
	{"channel_soak", func(ctx context.Context, d dialed) {
		soak(ctx, d.target, func() (*grpc.ClientConn, func()) {
			conn, err := d.again()
			if err != nil {
				fail(err)
			}
			return conn, func() { _ = conn.Close() }
		})
	}},
}

// soak runs a soak test as interop/client does by default, but in two threads.
func soak(ctx context.Context, target string, channel func() (*grpc.ClientConn, func())) {
	interop.DoSoakTest(ctx, interop.SoakTestConfig{
		RequestSize: 271_828, ResponseSize: 314_159, PerIterationMaxAcceptableLatency: 5 * time.Second,
		OverallTimeout: time.Minute, ServerAddr: target, NumWorkers: 2, Iterations: 20, ChannelForTest: channel,
	})
}

// An entry says where a recording comes between program and service.
type entry string

const (
	byOptions entry = "options"   // within the program's connection
	byConn    entry = "in-memory" // instead of it
	byProxy   entry = "proxy"     // beyond it
)

// A case ends the process when it fails, so each is a process: this test's
// program, with these flags.
var (
	caseName = flag.String("case", "", "the case to run, instead of tests")
	caseVia  = flag.String("via", "", "the entry")
	caseMode = flag.String("mode", "", "the mode of its recording")
	caseFile = flag.String("file", "", "its recording")
	caseAddr = flag.String("addr", "", "the server")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *caseName == "" {
		os.Exit(m.Run())
	}
	for _, c := range testCases {
		if c.name == *caseName {
			runCase(c)
			os.Exit(0)
		}
	}
	fail("there is no case " + *caseName)
}

func fail(why any) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}

// runCase runs a case; that the recording says no by the end fails it.
func runCase(c testCase) {
	d := dialed{target: *caseAddr}
	opts := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	finish := func() error { return nil }
	if entry(*caseVia) != byProxy {
		s, err := grpcreplay.New(grpcreplay.Config{
			File: *caseFile, Mode: grpcreplay.Mode(*caseMode), Target: *caseAddr,
			AllowUnused: fleeting[c.name] && entry(*caseVia) == byConn,
		})
		if err != nil {
			fail(err)
		}
		d.conn, finish = s.Conn(), s.Close
		opts = append(opts, s.DialOptions()...)
	}
	d.again = func() (*grpc.ClientConn, error) { return grpc.NewClient(*caseAddr, opts...) }
	if entry(*caseVia) != byConn {
		conn, err := d.again()
		if err != nil {
			fail(err)
		}
		d.conn = conn
	}
	c.run(context.Background(), d)
	if err := finish(); err != nil {
		fail(strings.Join([]string{"the recording:", err.Error()}, " "))
	}
}
