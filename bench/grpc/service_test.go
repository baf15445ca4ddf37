// The service that is recorded, and the programs that record and replay it.

package grpc_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	older "cloud.google.com/go/rpcreplay"
	peer "github.com/google/go-replayers/grpcreplay"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop/grpc_testing"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// echo answers with the payload it gets.
type echo struct {
	grpc_testing.UnimplementedTestServiceServer
}

func (echo) UnaryCall(_ context.Context, r *grpc_testing.SimpleRequest) (*grpc_testing.SimpleResponse, error) {
	return &grpc_testing.SimpleResponse{Payload: r.Payload}, nil
}

// serve serves echo on loopback and returns the address.
func serve(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := grpc.NewServer()
	grpc_testing.RegisterTestServiceServer(s, echo{})
	go s.Serve(l)
	tb.Cleanup(s.Stop)
	return l.Addr().String()
}

// connect returns a connection to an address.
func connect(tb testing.TB, address string, opts ...grpc.DialOption) *grpc.ClientConn {
	tb.Helper()
	opts = append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))
	cc, err := grpc.NewClient(address, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return cc
}

// client returns a client of an address, until tb is over.
func client(tb testing.TB, address string, opts ...grpc.DialOption) grpc_testing.TestServiceClient {
	tb.Helper()
	cc := connect(tb, address, opts...)
	tb.Cleanup(func() { cc.Close() })
	return grpc_testing.NewTestServiceClient(cc)
}

func request(body []byte) *grpc_testing.SimpleRequest {
	return &grpc_testing.SimpleRequest{Payload: &grpc_testing.Payload{Body: body}}
}

// A recorder is what records: options for the connection, and how to end it.
type recorder struct {
	name string
	open func(tb testing.TB, file string) (opts []grpc.DialOption, close func() error)
}

var recorders = []recorder{
	{"plain", func(testing.TB, string) ([]grpc.DialOption, func() error) {
		return nil, func() error { return nil }
	}},
	{"rpcreplay", func(tb testing.TB, file string) ([]grpc.DialOption, func() error) {
		r, err := older.NewRecorder(file, nil)
		if err != nil {
			tb.Fatal(err)
		}
		return r.DialOptions(), r.Close
	}},
	{"go-replayers", func(tb testing.TB, file string) ([]grpc.DialOption, func() error) {
		r, err := peer.NewRecorder(file, nil)
		if err != nil {
			tb.Fatal(err)
		}
		return r.DialOptions(), r.Close
	}},
	{"grpcreplay", func(tb testing.TB, file string) ([]grpc.DialOption, func() error) {
		r, err := grpcreplay.NewRecorder(grpcreplay.Config{
			File: file, Format: grpcreplay.Binary, Limits: grpcreplay.Limits{File: 1 << 40}})
		if err != nil {
			tb.Fatal(err)
		}
		return r.DialOptions(), r.Close
	}},
}

// A replayer is what replays a file: options for the connection.
type replayer struct {
	name   string
	record recorder
	open   func(tb testing.TB, file string) []grpc.DialOption
	load   func(file string) (any, error)
}

var replayers = []replayer{
	{"rpcreplay", recorders[1], func(tb testing.TB, file string) []grpc.DialOption {
		r, err := older.NewReplayer(file)
		if err != nil {
			tb.Fatal(err)
		}
		return r.DialOptions()
	}, func(file string) (any, error) { return older.NewReplayer(file) }},
	{"go-replayers", recorders[2], func(tb testing.TB, file string) []grpc.DialOption {
		r, err := peer.NewReplayer(file, nil)
		if err != nil {
			tb.Fatal(err)
		}
		return []grpc.DialOption{
			grpc.WithUnaryInterceptor(r.InterceptUnary), grpc.WithStreamInterceptor(r.InterceptStream)}
	}, func(file string) (any, error) { return peer.NewReplayer(file, nil) }},
	{"grpcreplay", recorders[3], func(tb testing.TB, file string) []grpc.DialOption {
		r, err := grpcreplay.Open(file)
		if err != nil {
			tb.Fatal(err)
		}
		p, err := grpcreplay.NewReplayer(r, grpcreplay.Config{AllowUnused: true})
		if err != nil {
			tb.Fatal(err)
		}
		return p.DialOptions()
	}, func(file string) (any, error) {
		r, err := grpcreplay.Open(file)
		if err != nil {
			return nil, err
		}
		return grpcreplay.NewReplayer(r, grpcreplay.Config{AllowUnused: true})
	}},
}

// tape records n calls whose bodies body gives, once for each recorder and
// kind, and returns the file.
func tape(tb testing.TB, r recorder, kind string, n int, body func(i int) []byte) string {
	tb.Helper()
	file := filepath.Join(tapes, r.name+"-"+kind+".tape")
	if _, err := os.Stat(file); err == nil {
		return file
	}
	opts, done := r.open(tb, file)
	c := client(tb, serve(tb), opts...)
	for i := range n {
		if _, err := c.UnaryCall(tb.Context(), request(body(i))); err != nil {
			tb.Fatal(err)
		}
	}
	if err := done(); err != nil && err != io.EOF {
		tb.Fatal(err)
	}
	return file
}

// tapes is the directory of the recordings that several benchmarks replay.
var tapes string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "tapes")
	if err != nil {
		panic(err)
	}
	tapes = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}
