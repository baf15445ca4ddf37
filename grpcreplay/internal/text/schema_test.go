// The service that the tests record, and a tape of it.

package text_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/text"
)

type field struct {
	name string
	typ  descriptorpb.FieldDescriptorProto_Type
	of   string
	many bool
}

func message(name string, fields ...field) *descriptorpb.DescriptorProto {
	m := &descriptorpb.DescriptorProto{Name: &name}
	for i, f := range fields {
		label := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
		if f.many {
			label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED
		}
		fd := &descriptorpb.FieldDescriptorProto{
			Name: &f.name, Number: proto.Int32(int32(i + 1)), Label: &label, Type: &f.typ,
		}
		if f.of != "" {
			fd.TypeName = &f.of
		}
		m.Field = append(m.Field, fd)
	}
	return m
}

const (
	isString  = descriptorpb.FieldDescriptorProto_TYPE_STRING
	isInt     = descriptorpb.FieldDescriptorProto_TYPE_INT64
	isBytes   = descriptorpb.FieldDescriptorProto_TYPE_BYTES
	isDouble  = descriptorpb.FieldDescriptorProto_TYPE_DOUBLE
	isMessage = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
)

func method(name, in, out string, shape tape.Shape) *descriptorpb.MethodDescriptorProto {
	return &descriptorpb.MethodDescriptorProto{
		Name: &name, InputType: &in, OutputType: &out,
		ClientStreaming: proto.Bool(shape == tape.ClientStream || shape == tape.Bidi),
		ServerStreaming: proto.Bool(shape == tape.ServerStream || shape == tape.Bidi),
	}
}

// payFiles describes the service pay.v1.Pay.
var payFiles = func() []byte {
	b, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{{
		Name: proto.String("pay.proto"), Package: proto.String("pay.v1"), Syntax: proto.String("proto3"),
		Dependency: []string{
			"google/protobuf/any.proto", "google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto",
		},
		MessageType: []*descriptorpb.DescriptorProto{
			message("Req", field{name: "account", typ: isString}, field{name: "amount", typ: isInt},
				field{name: "items", typ: isMessage, of: ".pay.v1.Item", many: true}, field{name: "blob", typ: isBytes},
				field{name: "extra", typ: isMessage, of: ".google.protobuf.Any"}),
			message("Item", field{name: "name", typ: isString}, field{name: "price", typ: isDouble}),
			message("State", field{name: "state", typ: isString}, field{name: "of", typ: isMessage, of: ".pay.v1.Req"}),
		},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("Pay"),
			Method: []*descriptorpb.MethodDescriptorProto{
				method("Get", ".pay.v1.Req", ".pay.v1.State", tape.Unary),
				method("List", ".pay.v1.Req", ".pay.v1.State", tape.ServerStream),
				method("Put", ".pay.v1.Req", ".pay.v1.State", tape.ClientStream),
				method("Watch", ".pay.v1.Req", ".pay.v1.State", tape.Bidi),
				method("Now", ".google.protobuf.StringValue", ".google.protobuf.Timestamp", tape.Unary),
			},
		}},
	}}})
	if err != nil {
		panic(err)
	}
	return b
}()

// payTypes knows the service.
var payTypes = func() *schema.Set {
	s, err := schema.Parse(payFiles)
	if err != nil {
		panic(err)
	}
	return s
}()

// req and state are messages of the service, as bytes of the wire.
func req(account string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), account)
}

func state(s string, extra ...byte) []byte { return append(req(s), extra...) }

const ms = time.Millisecond

// pay is a tape with most of what occurs.
func pay() *tape.Tape {
	t := &tape.Tape{Head: tape.Head{
		Version: 1, Initial: []byte("seed 7\n"), Source: "rpcreplay text", Lenient: true,
		Metadata: []string{"x-tenant"}, Ignore: []string{"/pay.v1.Pay/Get:of.*.time", "pay.v1.Req.request_id"},
		Redact:   []string{"header authorization", " odd "},
		Comments: []string{" What the shop asks of pay.", "", " Two."},
	}}
	t.Add(&tape.Call{
		Number: 1, Method: "/pay.v1.Pay/Get", Shape: tape.Unary, Comments: []string{" The first."},
		Events: []tape.Event{
			{Kind: tape.Send, At: ms, Message: req("42")}, {Kind: tape.CloseSend, At: ms},
			{Kind: tape.Recv, At: 3 * ms, Message: state("open")}, {Kind: tape.End, At: 3 * ms},
		}, Start: ms,
	})
	t.Add(&tape.Call{
		Number: 3, Method: "/pay.v1.Pay/Watch", Shape: tape.Bidi, Timeout: 5 * time.Second, Authority: "pay.example",
		Pairs: []tape.Pair{
			{Key: "trace-bin", Value: "\x00\xff"}, {Key: "x-tenant", Value: "acme"}, {Key: "x-tenant", Value: " b"},
		},
		Events: []tape.Event{
			{Kind: tape.Send, Message: req("42")},
			{Kind: tape.Header, Pairs: []tape.Pair{{Key: "x-region", Value: "eu"}, {Key: "y", Value: "a b"}}},
			{Kind: tape.Recv, Message: state("paid", 0x78, 1), After: []tape.Ref{{Call: 0, Nth: 2}, {Call: 2, Nth: 1}}},
			{Kind: tape.CloseSend},
			{Kind: tape.End, Pairs: []tape.Pair{{Key: "x-cost", Value: "2"}}},
		},
	})
	t.Add(&tape.Call{
		Number: 2, Method: "/pay.v1.Pay/List", Shape: tape.ServerStream,
		Events: []tape.Event{
			{Kind: tape.Send}, {Kind: tape.Header}, {Kind: tape.Cancel},
			{Kind: tape.End, Status: tape.Status{Code: 5, Message: "no \"42\"\n", Plain: true, Details: []tape.Any{
				{Type: "type.googleapis.com/pay.v1.Req", Value: req("42")}, {Type: "odd type", Value: []byte{8}},
			}}},
		},
	})
	t.Add(&tape.Call{
		Number: 7, Method: "/shop.Shop/Buy", Codec: "json",
		Events: []tape.Event{{Kind: tape.Send, Message: []byte(`{"n":1}`)}, {Kind: tape.CloseSend}, {Kind: tape.Recv}},
	})
	t.Add(&tape.Call{
		Number: 8, Method: "/shop.Shop/See", Shape: tape.Unary,
		Events: []tape.Event{
			{Kind: tape.Send, Message: bytes.Repeat([]byte{0x0a, 1, 'x'}, 50)}, {Kind: tape.CloseSend},
			{Kind: tape.Recv, Message: []byte{8, 1}}, {Kind: tape.End, Status: tape.Status{Code: 99}},
		},
	})
	return t
}

func write(t testing.TB, tp *tape.Tape, s *schema.Set) string {
	t.Helper()
	var b bytes.Buffer
	if err := text.Write(&b, tp, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func read(t testing.TB, s string, program *schema.Set) *tape.Tape {
	t.Helper()
	tp, err := text.Read([]byte(s), program, tape.Limits{})
	if err != nil {
		t.Fatalf("%v in\n%s", err, s)
	}
	return tp
}

// same tells where two tapes differ in what a text form holds.
func same(t testing.TB, got, want *tape.Tape) {
	t.Helper()
	if a, b := tape.AppendHead(nil, got.Head), tape.AppendHead(nil, want.Head); !bytes.Equal(a, b) {
		t.Errorf("the head is\n%+v, want\n%+v", got.Head, want.Head)
	}
	if !bytes.Equal(got.Schema, want.Schema) {
		t.Errorf("%d bytes of descriptors, want %d", len(got.Schema), len(want.Schema))
	}
	if got.Len() != want.Len() {
		t.Fatalf("%d calls, want %d", got.Len(), want.Len())
	}
	for i := range want.Len() {
		g, w := got.Call(i), withoutOrder(want.Call(i))
		if !bytes.Equal(tape.AppendCall(nil, g), tape.AppendCall(nil, w)) {
			t.Errorf("call %d is\n%+v, want\n%+v", i, g, w)
		}
	}
}

func withoutOrder(c *tape.Call) *tape.Call {
	c.Order, c.Events = 0, slices.Clone(c.Events)
	for i := range c.Events {
		c.Events[i].Order = 0
	}
	return c
}
