// Messages that are no protocol buffers, or none that the program's codec knows, and codecs of its own.

package grpcreplay_test

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// A plain is a message that knows its own bytes, as gogo's do: no protocol
// buffers of this library, and what it is decoded into is merged, not replaced.
type plain struct{ b []byte }

// plainCodec is a codec of plain messages, of the first version.
type plainCodec struct{ name string }

func (plainCodec) Marshal(v any) ([]byte, error) { return v.(*plain).b, nil }
func (plainCodec) Unmarshal(b []byte, v any) error {
	v.(*plain).b = append([]byte(nil), b...)
	return nil
}
func (c plainCodec) Name() string   { return c.name }
func (c plainCodec) String() string { return c.name }

// plainCodec2 is one of the second.
type plainCodec2 struct{ plainCodec }

func (c plainCodec2) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.(*plain).b)}, nil
}

func (c plainCodec2) Unmarshal(b mem.BufferSlice, v any) error {
	v.(*plain).b = b.Materialize()
	return nil
}

// jsonCodec is registered: servers know it by the content-subtype.
type jsonCodec struct{}

func (jsonCodec) Marshal(v any) ([]byte, error)   { return json.Marshal(v) }
func (jsonCodec) Unmarshal(b []byte, v any) error { return json.Unmarshal(b, v) }
func (jsonCodec) Name() string                    { return "plain-json" }

func init() { encoding.RegisterCodec(jsonCodec{}) }

// plainly makes calls whose messages are plain.
func plainly(opts ...grpc.CallOption) func(x *attempt) {
	return func(x *attempt) {
		wire := must(x, must2(proto.Marshal(put("plain"))), nil)
		for range 2 {
			m := &plain{[]byte("stale")}
			err := x.cc.Invoke(x.ctx, grpc_testing.TestService_UnaryCall_FullMethodName, &plain{wire}, m, opts...)
			var r grpc_testing.SimpleResponse
			x.add("%v %s", err, seen(&r, proto.Unmarshal(m.b, &r)))
		}
		desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
		s, err := x.cc.NewStream(x.ctx, desc, grpc_testing.TestService_FullDuplexCall_FullMethodName, opts...)
		x.add("opened %v", err)
		s.SendMsg(&plain{must(x, must2(proto.Marshal(ask("plain"))), nil)})
		m := new(plain)
		x.add("%v %q", s.RecvMsg(m), m.b)
		s.CloseSend()
		x.add("%v %q", s.RecvMsg(m), m.b)
		x.add("%v", s.RecvMsg(m) == io.EOF)
	}
}

func TestAMessageOfAnyCodecIsReplayed(t *testing.T) {
	subtyped := []grpc.CallOption{grpc.CallContentSubtype("plain-json")}
	believed(t, []saga{
		{name: "a codec of the second version", tell: plainly(grpc.ForceCodecV2(plainCodec2{plainCodec{"proto"}}))},
		{name: "a codec of the first version", tell: plainly(grpc.ForceCodec(plainCodec{"proto"}))},
		//lint:ignore SA1019 programs have it
		{name: "a codec without a version", tell: plainly(grpc.CallCustomCodec(plainCodec{"proto"}))},
		{name: "a codec for the whole connection", tell: plainly(),
			opts: []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.ForceCodec(plainCodec{"proto"}))}},
		{name: "a content-subtype", tell: func(x *attempt) {
			x.add("%s", seen(x.shop.UnaryCall(x.ctx, put("JSON"), subtyped...)))
			s, _ := x.shop.FullDuplexCall(x.ctx, subtyped...)
			s.Send(ask("JSON"))
			x.add("%s", seen(s.Recv()))
			md, err := s.Header()
			x.add("%q %v", md["content-type"], err)
			s.CloseSend()
			x.add("%s %s", seen(s.Recv()), seen(s.Recv()))
		}},
		{name: "the subtype proto", tell: func(x *attempt) {
			x.add("%s", seen(x.shop.UnaryCall(x.ctx, put("a"), grpc.CallContentSubtype("proto"))))
		}},
		{name: "a subtype that nobody knows", tell: func(x *attempt) {
			_, err := x.shop.UnaryCall(x.ctx, put("a"), grpc.CallContentSubtype("no-such-codec"))
			x.add("%s", fails(err))
			_, err = x.shop.FullDuplexCall(x.ctx, grpc.CallContentSubtype("no-such-codec"))
			x.add("%s", fails(err))
		}},
	})
}

func TestAMessageThatCannotBeEncodedIsAnError(t *testing.T) {
	believed(t, []saga{{name: "no message at all", tell: func(x *attempt) {
		err := x.cc.Invoke(x.ctx, grpc_testing.TestService_UnaryCall_FullMethodName, "text", new(grpc_testing.Empty))
		x.add("%v", status.Code(err))
		s, _ := x.shop.FullDuplexCall(x.ctx)
		s.Send(ask("a"))
		x.add("%s", seen(s.Recv()))
		x.add("%v", status.Code(s.SendMsg(12)))
		_, err = s.Recv()
		x.add("%v", status.Code(err))
	}}})
}

// prepared sends a prepared message on a stream, and returns what comes of it.
func prepared(s grpc.ClientStream) string {
	var p grpc.PreparedMsg
	if err := p.Encode(s, ask("prepared")); err != nil {
		return fails(err)
	}
	if err := s.SendMsg(&p); err != nil {
		return fails(err)
	}
	m := new(grpc_testing.StreamingOutputCallResponse)
	err := s.RecvMsg(m)
	s.CloseSend()
	s.RecvMsg(m)
	s.RecvMsg(m)
	return fmt.Sprint(len(m.GetPayload().GetBody()), " bytes, ", fails(err))
}

func TestAPreparedMessageIsReplayedOnConnections(t *testing.T) {
	for _, by := range ways[1:] {
		t.Run(by.name, func(t *testing.T) {
			file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
				s, _ := c.FullDuplexCall(t.Context())
				s.Send(ask("prepared"))
				s.Recv()
				s.CloseSend()
				s.Recv()
				s.Recv()
			})
			s := replayed(t, file)
			stream, err := grpc_testing.NewTestServiceClient(by.dial(t, s, "")).FullDuplexCall(t.Context())
			if got := prepared(must(t, stream, err)); got != "3 bytes, well" {
				t.Errorf("it comes to %s", got)
			}
		})
	}
}
