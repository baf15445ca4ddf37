// The service that the tests of record and replay call, and its clients.

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// An echo answers with what it is asked, and adds what it is told to.
type echo struct {
	grpc_testing.UnimplementedTestServiceServer
	adds string
}

func (e echo) UnaryCall(ctx context.Context, r *grpc_testing.SimpleRequest) (*grpc_testing.SimpleResponse, error) {
	if text := string(r.GetPayload().GetBody()); text == "fail" {
		return nil, status.Error(codes.NotFound, "no such account")
	}
	grpc.SetTrailer(ctx, metadata.Pairs("cost", "2"))
	return &grpc_testing.SimpleResponse{Payload: r.GetPayload(), Username: e.adds}, nil
}

func (e echo) FullDuplexCall(ss grpc_testing.TestService_FullDuplexCallServer) error {
	for {
		r, err := ss.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ss.Send(&grpc_testing.StreamingOutputCallResponse{Payload: r.GetPayload()}); err != nil {
			return err
		}
	}
}

// serveEcho serves an echo and returns its address.
func serveEcho(t *testing.T, e echo, opts ...grpc.ServerOption) string {
	t.Helper()
	s := grpc.NewServer(opts...)
	grpc_testing.RegisterTestServiceServer(s, e)
	return serveGRPC(t, s)
}

func serveGRPC(t *testing.T, s *grpc.Server) string {
	t.Helper()
	l := freeListener(t)
	go s.Serve(l)
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

func freeListener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// dialGRPC connects to an address, by TLS unless secure is nil.
func dialGRPC(t *testing.T, address string, secure *tls.Config) *grpc.ClientConn {
	t.Helper()
	creds := insecure.NewCredentials()
	if secure != nil {
		creds = credentials.NewTLS(secure)
	}
	cc, err := grpc.NewClient(address, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cc.Close() })
	return cc
}

// ask asks an echo and returns what it answers, or its status.
func ask(t *testing.T, cc *grpc.ClientConn, text string, pairs ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, pairs...)
	m, err := grpc_testing.NewTestServiceClient(cc).UnaryCall(ctx,
		&grpc_testing.SimpleRequest{Payload: &grpc_testing.Payload{Body: []byte(text)}})
	if err != nil {
		return status.Code(err).String() + " " + status.Convert(err).Message()
	}
	return string(m.GetPayload().GetBody()) + m.GetUsername()
}

// record runs rehearse record on a free port.
func record(t *testing.T, to, file string, args ...string) *running {
	t.Helper()
	return start(t, "# Ctrl-C", append([]string{"record", "--to", to, "-o", file}, args...)...)
}

// replay runs rehearse replay on a free port.
func replay(t *testing.T, file string, args ...string) *running {
	t.Helper()
	return start(t, "# Ctrl-C", append([]string{"replay", file}, args...)...)
}

// recorded returns the file of a recording in which these were asked.
func recorded(t *testing.T, texts ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "echo.journal")
	r := record(t, serveEcho(t, echo{}), file)
	cc := dialGRPC(t, r.property("address"), nil)
	for _, text := range texts {
		ask(t, cc, text)
	}
	r.end()
	return file
}

// command runs a command to its end and returns its exit code and what it
// writes.
func command(t *testing.T, args ...string) (code int, out, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // one that is not refused goes on
	defer cancel()
	var o, s bytes.Buffer
	code = run(ctx, args, streams{strings.NewReader(""), &o, &s})
	return code, o.String(), s.String()
}

// refused holds that a command line is refused, and says so.
func refused(t *testing.T, why string, args ...string) {
	t.Helper()
	code, out, said := command(t, args...)
	if code != exitUsage || !strings.Contains(said, why) || out != "" {
		t.Errorf("%v: exit code %d, %q, %q; want ...%s...", args, code, out, said, why)
	}
}

// says holds that a command said something on standard error, once it has
// ended.
func (r *running) says(want string) {
	r.t.Helper()
	if said := r.said.String(); !strings.Contains(said, want) {
		r.t.Errorf("it says %q, not ...%s...", said, want)
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
