// Every case of gRPC's interoperability suite, its client and its server unmodified.

package interop_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// A grpcCase is one case of the suite, by the name its specification gives it.
type grpcCase struct {
	name string
	uses string // the function that plays it
	play func(context.Context, grpcService)
}

// simple is a case that needs nothing but a client.
func simple(name, uses string, do func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption)) grpcCase {
	return grpcCase{name, uses, func(ctx context.Context, s grpcService) {
		do(ctx, testgrpc.NewTestServiceClient(s.client("app")))
	}}
}

// compressed is a simple case whose messages are compressed both ways.
func compressed(name, uses string, do func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption)) grpcCase {
	return grpcCase{name + ", compressed", uses, func(ctx context.Context, s grpcService) {
		do(ctx, testgrpc.NewTestServiceClient(s.client("app")), grpc.UseCompressor(gzip.Name))
	}}
}

var grpcCases = []grpcCase{
	simple("empty_unary", "DoEmptyUnaryCall", interop.DoEmptyUnaryCall),
	simple("large_unary", "DoLargeUnaryCall", interop.DoLargeUnaryCall),
	compressed("large_unary", "DoLargeUnaryCall", interop.DoLargeUnaryCall),
	simple("client_streaming", "DoClientStreaming", interop.DoClientStreaming),
	compressed("client_streaming", "DoClientStreaming", interop.DoClientStreaming),
	simple("server_streaming", "DoServerStreaming", interop.DoServerStreaming),
	compressed("server_streaming", "DoServerStreaming", interop.DoServerStreaming),
	simple("ping_pong", "DoPingPong", interop.DoPingPong),
	simple("empty_stream", "DoEmptyStream", interop.DoEmptyStream),
	simple("timeout_on_sleeping_server", "DoTimeoutOnSleepingServer", interop.DoTimeoutOnSleepingServer),
	simple("cancel_after_begin", "DoCancelAfterBegin", interop.DoCancelAfterBegin),
	simple("cancel_after_first_response", "DoCancelAfterFirstResponse", interop.DoCancelAfterFirstResponse),
	simple("custom_metadata", "DoCustomMetadata", interop.DoCustomMetadata),
	simple("status_code_and_message", "DoStatusCodeAndMessage", interop.DoStatusCodeAndMessage),
	simple("special_status_message", "DoSpecialStatusMessage", interop.DoSpecialStatusMessage),
	{"unimplemented_method", "DoUnimplementedMethod", func(ctx context.Context, s grpcService) {
		interop.DoUnimplementedMethod(ctx, s.client("app"))
	}},
	{"unimplemented_service", "DoUnimplementedService", func(ctx context.Context, s grpcService) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(s.client("app")))
	}},
	{"orca_per_rpc", "DoORCAPerRPCTest", func(ctx context.Context, s grpcService) {
		interop.DoORCAPerRPCTest(ctx, testgrpc.NewTestServiceClient(s.client("app", watchingLoad)))
	}},
	{"orca_oob", "DoORCAOOBTest", func(ctx context.Context, s grpcService) {
		interop.DoORCAOOBTest(ctx, testgrpc.NewTestServiceClient(s.client("app", watchingLoad)))
	}},
	{"pick_first_unary", "DoPickFirstUnary", pickFirst},
	{"rpc_soak", "DoSoakTest", func(ctx context.Context, s grpcService) {
		cc := s.client("app")
		soak(ctx, func() (*grpc.ClientConn, func()) { return cc, func() {} })
	}},
	{"channel_soak", "DoSoakTest", func(ctx context.Context, s grpcService) {
		soak(ctx, func() (*grpc.ClientConn, func()) {
			cc := s.client("app")
			return cc, func() { cc.Close() }
		})
	}},
}

// leftOut are the suite's functions that no case plays, and why.
var leftOut = map[string]string{
	"DoComputeEngineCreds":              "needs Google Compute Engine",
	"DoComputeEngineChannelCredentials": "needs Google Compute Engine",
	"DoGoogleDefaultCredentials":        "needs an account of Google Cloud",
	"DoServiceAccountCreds":             "needs a service account's key and Google's token server",
	"DoJWTTokenCreds":                   "needs a service account's key",
	"DoOauth2TokenCreds":                "needs a service account's key and Google's token server",
	"DoPerRPCCreds":                     "needs a service account's key and Google's token server",
}

// watchingLoad picks the balancer with which the suite watches load reports.
var watchingLoad = grpc.WithDefaultServiceConfig(
	`{"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]}`)

// soak makes the suite's large calls over and over, by three workers.
func soak(ctx context.Context, channel func() (*grpc.ClientConn, func())) {
	interop.DoSoakTest(ctx, interop.SoakTestConfig{
		RequestSize: 271828, ResponseSize: 314159,
		PerIterationMaxAcceptableLatency: time.Second, MinTimeBetweenRPCs: time.Second,
		OverallTimeout: time.Minute, NumWorkers: 3, Iterations: 9,
		ServerAddr: "api:50051", ChannelForTest: channel,
	})
}

// pickFirst resolves one name to two more servers that say who they are,
// which the suite's server does not, and expects one to get all the calls.
func pickFirst(ctx context.Context, s grpcService) {
	names := manual.NewBuilderWithScheme("two")
	var found []resolver.Address
	for _, host := range []string{"one", "two"} {
		server := grpc.NewServer(s.server)
		testgrpc.RegisterTestServiceServer(server, named{interop.NewTestServer(), host})
		serveOn(s.t, server, host)
		found = append(found, resolver.Address{Addr: host + ":50051"})
	}
	names.InitialState(resolver.State{Addresses: found})
	cc := dialGRPC(s.t, "app", "two:///both", append(s.options, grpc.WithResolvers(names))...)
	interop.DoPickFirstUnary(ctx, testgrpc.NewTestServiceClient(cc))
}

// named is a server that answers with its name when asked for it.
type named struct {
	testgrpc.TestServiceServer
	name string
}

func (n named) UnaryCall(ctx context.Context, req *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	resp, err := n.TestServiceServer.UnaryCall(ctx, req)
	if err == nil && req.GetFillServerId() {
		resp.ServerId = n.name
	}
	return resp, err
}

func TestGRPCPassesItsInteroperabilitySuite(t *testing.T) {
	slow := vnet.Config{Link: vnet.LinkConfig{Latency: 10 * time.Millisecond, Jitter: 10 * time.Millisecond}}
	for _, mode := range []struct {
		name   string
		config vnettest.Config
		secure bool
	}{
		{"free, plain", vnettest.Config{}, false},
		{"free, TLS", vnettest.Config{}, true},
		{"stepped, plain", vnettest.Config{Held: true}, false},
		{"stepped, TLS", vnettest.Config{Held: true}, true},
		{"slow, TLS", vnettest.Config{Net: slow}, true},
	} {
		for _, c := range grpcCases {
			t.Run(mode.name+"/"+c.name, func(t *testing.T) {
				vnettest.Run(t, mode.config, func(t *vnettest.T) {
					s := serveGRPC(t, mode.secure)
					if !mode.config.Held {
						c.play(t.Context(), s)
						return
					}
					stepping(t, func() { c.play(t.Context(), s) })
				})
			})
		}
	}
}

// TestEveryCaseOfGRPCsSuiteIsAccountedFor reads the suite's source, so that a
// case which a newer version adds is noticed.
func TestEveryCaseOfGRPCsSuiteIsAccountedFor(t *testing.T) {
	accounted := map[string]bool{}
	for name := range leftOut {
		accounted[name] = true
	}
	for _, c := range grpcCases {
		if leftOut[c.uses] != "" {
			t.Errorf("%s is played, but said to be left out", c.uses)
		}
		accounted[c.uses] = true
	}
	found := suiteFunctions(t)
	for name := range found {
		if !accounted[name] {
			t.Errorf("the suite has %s: play it, or say why not", name)
		}
	}
	for name := range accounted {
		if !found[name] {
			t.Errorf("the suite has no %s any more", name)
		}
	}
	t.Logf("%d functions, %d of them need outside credentials", len(found), len(leftOut))
}

// suiteFunctions returns the names of the suite's functions that play a case.
func suiteFunctions(t *testing.T) map[string]bool {
	t.Helper()
	const suite = "google.golang.org/grpc/interop"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", suite).Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Do") {
				found[f.Name.Name] = true
			}
		}
	}
	return found
}
