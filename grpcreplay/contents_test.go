// What is another call, and what a program may have besides ours.

package grpcreplay_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// upload sends texts, and tells how that ended.
func upload(t *testing.T, c grpc_testing.TestServiceClient, texts ...string) error {
	s, err := c.StreamingInputCall(t.Context())
	s = must(t, s, err)
	for _, text := range texts {
		s.Send(&grpc_testing.StreamingInputCallRequest{Payload: body(text)})
	}
	_, err = s.CloseAndRecv()
	return err
}

func TestAStreamWithOtherContentsIsAMismatch(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) { upload(t, c, "a", "b", "c") })
	for _, c := range []struct {
		name  string
		texts []string
		says  string
	}{
		{"a changed message", []string{"a", "x", "c"}, `request 2: payload.body: recorded "Yg==", made "eA=="`},
		{"one fewer", []string{"a", "b"}, "request 3: recorded"},
		{"none", nil, "request 1: recorded"},
		{"one more", []string{"a", "b", "c", "d"}, "request 4: recorded nothing, made"},
	} {
		for _, by := range ways {
			t.Run(c.name+" by "+by.name, func(t *testing.T) {
				s := must(t, must2(grpcreplay.New(grpcreplay.Config{
					File: file, Mode: grpcreplay.ModeNone, Listen: listen, AllowUnused: true})), nil)
				err := upload(t, grpc_testing.NewTestServiceClient(by.dial(t, s, nobody)), c.texts...)
				if status.Code(err) != codes.FailedPrecondition || !strings.Contains(fails(err), "near: call 1 ") {
					t.Errorf("it ends by %v", err)
				}
				var miss *grpcreplay.MismatchError
				if err := s.Close(); !errors.As(err, &miss) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("Close says\n%v\nwant %q", err, c.says)
				}
			})
		}
	}
}

func TestAnIgnoredFieldDoesNotCount(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		c.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{ResponseSize: 1, Payload: body("a")})
	})
	for _, ignore := range []string{
		"grpc.testing.SimpleRequest.response_size", "response_size",
		grpc_testing.TestService_UnaryCall_FullMethodName + ":response_size",
	} {
		s := grpcreplay.Start(t, grpcreplay.Config{
			File: file, Mode: grpcreplay.ModeNone, Match: grpcreplay.Match{Ignore: []string{ignore}}})
		m := &grpc_testing.SimpleRequest{ResponseSize: 2, Payload: body("a")}
		if _, err := dial(t, nobody, s.DialOptions()...).UnaryCall(t.Context(), m); err != nil {
			t.Errorf("with %s ignored: %v", ignore, err)
		}
	}
}

func TestAnIgnoredFieldThatMakesNoSenseIsRefused(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) { c.UnaryCall(t.Context(), put("a")) })
	for _, m := range []grpcreplay.Match{{Ignore: []string{"a..b"}}, {Ignore: []string{""}}, {Metadata: []string{""}}} {
		for _, mode := range []grpcreplay.Mode{grpcreplay.ModeNone, grpcreplay.ModeAll} {
			if s, err := grpcreplay.New(grpcreplay.Config{File: file, Mode: mode, Match: m}); err == nil {
				t.Errorf("in mode %s %+v is taken", mode, m)
				s.Discard()
			}
		}
	}
}

func TestTheProgramsOwnInterceptorsRun(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		c.UnaryCall(t.Context(), put("a"))
		upload(t, c, "a")
	})
	for _, first := range []bool{true, false} {
		ran := 0
		own := []grpc.DialOption{
			grpc.WithUnaryInterceptor(func(
				ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker,
				opts ...grpc.CallOption,
			) error {
				ran++
				return invoke(ctx, method, req, reply, cc, opts...)
			}),
			grpc.WithStreamInterceptor(func(
				ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, stream grpc.Streamer,
				opts ...grpc.CallOption,
			) (grpc.ClientStream, error) {
				ran++
				return stream(ctx, desc, cc, method, opts...)
			}),
		}
		s := grpcreplay.Start(t, grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone})
		opts := append(own, s.DialOptions()...)
		if !first {
			opts = append(s.DialOptions(), own...)
		}
		c := dial(t, nobody, opts...)
		m, err := c.UnaryCall(t.Context(), put("a"))
		must(t, m, err)
		if err := upload(t, c, "a"); err != nil {
			t.Error(err)
		}
		if ran != 2 {
			t.Errorf("of the program's own interceptors, given first %v, %d ran", first, ran)
		}
	}
}

// insisting are credentials of each call that insist on a private connection.
type insisting struct{ asked *atomic.Int32 }

func (i insisting) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	i.asked.Add(1)
	return map[string]string{"authorization": "Bearer insisting"}, nil
}
func (insisting) RequireTransportSecurity() bool { return true }

// A bundle is credentials of both kinds.
type bundle struct{ insisting }

func (bundle) TransportCredentials() credentials.TransportCredentials { return credentials.NewTLS(nil) }
func (b bundle) PerRPCCredentials() credentials.PerRPCCredentials     { return b.insisting }
func (b bundle) NewWithMode(string) (credentials.Bundle, error)       { return b, nil }

func TestAReplayAsksNeitherNamesNorCredentialsNorTheNetwork(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) { c.UnaryCall(t.Context(), put("a")) })
	var asked atomic.Int32
	for _, target := range []string{
		"127.0.0.1:1", "no.such.host.invalid:443", "dns:///no.such.host.invalid", "dns://8.8.8.8/no.such.host.invalid",
		"passthrough:///no.such.host.invalid", "unix:/no/such/socket", "xds:///no-such-service", "own-scheme:///place",
		"ipv4:127.0.0.1:1,127.0.0.1:2", "[::1]:1", "localhost",
	} {
		for name, opts := range map[string][]grpc.DialOption{
			"TLS":    {grpc.WithTransportCredentials(credentials.NewTLS(nil))},
			"bundle": {grpc.WithCredentialsBundle(bundle{insisting{&asked}})},
			"dialler": {grpc.WithTransportCredentials(credentials.NewTLS(nil)),
				grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
					t.Error("the network is asked")
					return nil, errors.New("no network")
				})},
			"insisting": {grpc.WithTransportCredentials(credentials.NewTLS(nil)),
				grpc.WithPerRPCCredentials(insisting{&asked})},
		} {
			for _, block := range []bool{false, true} {
				t.Run(fmt.Sprint(name, " to ", target, block), func(t *testing.T) {
					s := grpcreplay.Start(t, grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone})
					opts := append(opts[:len(opts):len(opts)], s.DialOptions()...)
					c := grpc_testing.NewTestServiceClient(connected(t, target, block, opts))
					m, err := c.UnaryCall(t.Context(), put("a"))
					must(t, m, err)
				})
			}
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("credentials were asked for %d times", n)
	}
}

// connected returns a connection, at once or as soon as it stands.
func connected(t *testing.T, target string, block bool, opts []grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	var cc *grpc.ClientConn
	var err error
	if block {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		//lint:ignore SA1019 programs have them
		opts = append(opts, grpc.WithBlock(), grpc.FailOnNonTempDialError(true))
		//lint:ignore SA1019 programs call it
		cc, err = grpc.DialContext(ctx, target, opts...)
	} else {
		cc, err = grpc.NewClient(target, opts...)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cc.Close() })
	return cc
}
