// Calls of all kinds, as Connect's client makes them.

package connect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/grpc/interop/grpc_testing"

	"github.com/rehearse-go/rehearse/interop/grpc/services/stage"
)

type (
	unary  = connect.Client[grpc_testing.SimpleRequest, grpc_testing.SimpleResponse]
	input  = connect.Client[grpc_testing.StreamingInputCallRequest, grpc_testing.StreamingInputCallResponse]
	output = connect.Client[grpc_testing.StreamingOutputCallRequest, grpc_testing.StreamingOutputCallResponse]
)

// clear is HTTP/2 in the clear.
func clear(a *stage.Act) *http.Client {
	t := &http.Transport{Protocols: new(http.Protocols)}
	t.Protocols.SetUnencryptedHTTP2(true)
	a.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t}
}

func url(a *stage.Act, method string) string {
	return "http://" + a.Address + "/grpc.testing.TestService/" + method
}

// told is an error with all that belongs to it.
func told(err error) string {
	var e *connect.Error
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	s := fmt.Sprint(e.Code(), " ", e.Message(), " ", own(e.Meta()))
	for _, d := range e.Details() {
		v, err := d.Value()
		s += fmt.Sprint(" ", v, " ", err)
	}
	return s
}

// own is metadata without what the server's HTTP/2 adds.
func own(h http.Header) (lines []string) {
	for _, key := range slices.Sorted(maps.Keys(h)) {
		if strings.HasPrefix(key, "X-") || strings.HasPrefix(key, "W") {
			lines = append(lines, fmt.Sprintf("%s=%q", key, h[key]))
		}
	}
	return lines
}

func payload(s string) *grpc_testing.Payload { return &grpc_testing.Payload{Body: []byte(s)} }

func TestConnectsClientSeesTheSame(t *testing.T) {
	proxy := stage.Ways[1]
	proxy.Play(t, stage.Chance{}, stage.Teller, func(a *stage.Act) {
		h := clear(a)
		calls(a, connect.NewClient[grpc_testing.SimpleRequest, grpc_testing.SimpleResponse](
			h, url(a, "UnaryCall"), connect.WithGRPC()))
		calls(a, connect.NewClient[grpc_testing.SimpleRequest, grpc_testing.SimpleResponse](
			h, url(a, "UnaryCall"), connect.WithGRPC(), connect.WithSendGzip()))
		uploads(a, connect.NewClient[grpc_testing.StreamingInputCallRequest, grpc_testing.StreamingInputCallResponse](
			h, url(a, "StreamingInputCall"), connect.WithGRPC()))
		downloads(a, streams(h, url(a, "StreamingOutputCall")))
		talks(a, streams(h, url(a, "FullDuplexCall")))
	})
}

func streams(h *http.Client, url string) *output {
	return connect.NewClient[grpc_testing.StreamingOutputCallRequest, grpc_testing.StreamingOutputCallResponse](
		h, url, connect.WithGRPC())
}

func calls(a *stage.Act, c *unary) {
	r := connect.NewRequest(&grpc_testing.SimpleRequest{ResponseSize: 10, Payload: payload("hello")})
	r.Header().Set("x-grpc-test-echo-initial", "there and back")
	r.Header().Set("x-grpc-test-echo-trailing-bin", connect.EncodeBinaryHeader([]byte{0, 255}))
	m, err := c.CallUnary(a.Context(), r)
	if err != nil {
		a.Fatal(err)
	}
	a.See("unary", "%v %v %v", m.Msg, own(m.Header()), own(m.Trailer()))
	_, err = c.CallUnary(a.Context(), connect.NewRequest(&grpc_testing.SimpleRequest{
		ResponseStatus: &grpc_testing.EchoStatus{Code: 9, Message: "not now, ünd why"}}))
	a.See("unary", "%s", told(err))
	ctx, cancel := context.WithCancel(a.Context())
	cancel()
	_, err = c.CallUnary(ctx, r)
	a.See("unary", "%s", told(err))
}

func uploads(a *stage.Act, c *input) {
	s := c.CallClientStream(a.Context())
	for i := range 3 {
		a.See("upload", "%v", s.Send(&grpc_testing.StreamingInputCallRequest{Payload: payload(fmt.Sprint(i))}))
	}
	m, err := s.CloseAndReceive()
	if err != nil {
		a.Fatal(err)
	}
	a.See("upload", "%v", m.Msg)
}

func downloads(a *stage.Act, c *output) {
	s, err := c.CallServerStream(a.Context(), connect.NewRequest(
		&grpc_testing.StreamingOutputCallRequest{ResponseParameters: []*grpc_testing.ResponseParameters{
			{Size: 3}, {Size: 0}, {Size: 100_000}}}))
	if err != nil {
		a.Fatal(err)
	}
	for s.Receive() {
		a.See("download", "%v", len(s.Msg().GetPayload().GetBody()))
	}
	a.See("download", "%s", told(s.Err()))
	s.Close()
}

func talks(a *stage.Act, c *output) {
	s := c.CallBidiStream(a.Context())
	for i := range 4 {
		r := &grpc_testing.StreamingOutputCallRequest{
			ResponseParameters: []*grpc_testing.ResponseParameters{{Size: int32(i)}}, Payload: payload("ping")}
		a.See("talk", "%v", s.Send(r))
		m, err := s.Receive()
		a.See("talk", "%v %v", m, err)
	}
	s.CloseRequest()
	if _, err := s.Receive(); !errors.Is(err, io.EOF) {
		a.Errorf("at the end: %v", err)
	}
	s.CloseResponse()
}
