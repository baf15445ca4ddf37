// Peers that are not grpc-go's, and messages that are nil.

package grpcreplay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// counting is a server that tells how long its answer is, as HTTP lets it,
// and answers with how long the request said it was.
func counting(t *testing.T) (address string) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error("reading the request:", err)
		}
		m, err := proto.Marshal(&grpc_testing.SimpleResponse{Username: fmt.Sprint(r.ContentLength)})
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Content-Length", fmt.Sprint(5+len(m)))
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		if _, err := w.Write(append([]byte{0, 0, 0, 0, byte(len(m))}, m...)); err != nil {
			t.Error("answering:", err)
		}
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// Connect's implementations say how long a body is. Behind a proxy it may be
// compressed otherwise, or not at all.
func TestTheLengthOfABodyDoesNotCrossAProxy(t *testing.T) {
	c := grpcreplay.Config{
		File: filepath.Join(t.TempDir(), "r.journal"), Target: counting(t), Listen: new(net.ListenConfig).Listen,
	}
	for _, c.Mode = range []grpcreplay.Mode{grpcreplay.ModeAll, grpcreplay.ModeNone} {
		s, err := grpcreplay.New(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx := metadata.AppendToOutgoingContext(t.Context(), "content-length", "1000")
		if m, err := dial(t, s.Addr()).UnaryCall(ctx, put("a")); m.GetUsername() != "-1" {
			t.Errorf("%s: the answer is %s", c.Mode, seen(m, err))
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", c.Mode, err)
		}
	}
}

// gRPC sends a message that is nil as an empty one, without asking a codec.
func TestANilMessageIsAnEmptyOne(t *testing.T) {
	c := grpcreplay.Config{File: filepath.Join(t.TempDir(), "r.journal")}
	target := open(t)
	for _, c.Mode = range []grpcreplay.Mode{grpcreplay.ModeAll, grpcreplay.ModeNone} {
		s, err := grpcreplay.New(c)
		if err != nil {
			t.Fatal(err)
		}
		opts := append(s.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		cc, err := grpc.NewClient(target, opts...)
		if err != nil {
			t.Fatal(err)
		}
		defer cc.Close()
		err = cc.Invoke(t.Context(), "/grpc.testing.TestService/Unknown", nil, nil)
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: an unary call ends with %v", c.Mode, err)
		}
		if err := echoNothing(t.Context(), cc); err != nil {
			t.Errorf("%s: a stream: %v", c.Mode, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", c.Mode, err)
		}
	}
}

// echoNothing sends nil and wants its echo, and then no more.
func echoNothing(ctx context.Context, cc *grpc.ClientConn) error {
	both := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	x, err := cc.NewStream(ctx, both, "/grpc.testing.TestService/FullDuplexCall")
	if err != nil {
		return err
	}
	if err := errors.Join(x.SendMsg(nil), x.CloseSend()); err != nil {
		return err
	}
	for _, want := range []string{"echo ", "bye"} {
		var m grpc_testing.StreamingOutputCallResponse
		if err := x.RecvMsg(&m); err != nil || string(m.GetPayload().GetBody()) != want {
			return fmt.Errorf("received %v, %v, want %q", &m, err, want)
		}
	}
	if err := x.RecvMsg(new(grpc_testing.StreamingOutputCallResponse)); err != io.EOF {
		return fmt.Errorf("it ends with %v", err)
	}
	return nil
}
