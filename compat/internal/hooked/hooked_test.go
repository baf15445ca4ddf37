// Callbacks and the kinds of messages that programs have.

package hooked_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rehearse-go/rehearse/compat/internal/hooked"
	"github.com/rehearse-go/rehearse/grpcreplay"
)

const method = "/old.v1.Names/Get"

// A name is a message of the first API, as old generators made them.
type name struct {
	Value string `protobuf:"bytes,1,opt,name=value,proto3"`
}

func (n *name) Reset()         { *n = name{} }
func (n *name) String() string { return n.Value }
func (n *name) ProtoMessage()  {}

// echo answers with what it is asked, by the codec that the call has.
func echo(_ context.Context, _ string, req, reply any, _ *grpc.ClientConn, opts ...grpc.CallOption) error {
	codec := encoding.GetCodecV2("proto")
	for _, o := range opts {
		if f, ok := o.(grpc.ForceCodecV2CallOption); ok {
			codec = f.CodecV2
		}
	}
	b, err := codec.Marshal(req)
	if err != nil {
		return err
	}
	defer b.Free()
	return codec.Unmarshal(b, reply)
}

// shouting is a callback that changes what both kinds of messages hold.
func shouting() hooked.Func {
	return func(_ string, m proto.Message) error {
		r := m.ProtoReflect()
		field := r.Descriptor().Fields().ByNumber(1)
		r.Set(field, protoreflect.ValueOfString(strings.ToUpper(r.Get(field).String())))
		return nil
	}
}

func record(t *testing.T, hook func() hooked.Func, req, reply any) ([]byte, error) {
	t.Helper()
	var b bytes.Buffer
	rec, err := hooked.NewRecorder(grpcreplay.Config{Writer: &b}, hook)
	if err != nil {
		t.Fatal(err)
	}
	called := rec.InterceptUnary(t.Context(), method, req, reply, nil, echo)
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), called
}

func replay(t *testing.T, recording []byte, hook func() hooked.Func, req, reply any) error {
	t.Helper()
	rep, err := hooked.Read(bytes.NewReader(recording), grpcreplay.Config{}, hook)
	if err != nil {
		t.Fatal(err)
	}
	defer rep.Close()
	return rep.InterceptUnary(t.Context(), method, req, reply, nil, nil)
}

func TestCallbacksTakeMessagesOfBothAPIs(t *testing.T) {
	for _, c := range []struct {
		what       string
		req, reply any
	}{
		{"the first API", &name{Value: "anna"}, new(name)},
		{"the second API", wrapperspb.String("anna"), new(wrapperspb.StringValue)},
	} {
		value := func() string {
			if n, first := c.reply.(*name); first {
				return n.Value
			}
			return c.reply.(*wrapperspb.StringValue).GetValue()
		}
		recording, err := record(t, shouting, c.req, c.reply)
		if err != nil || value() != "anna" {
			t.Errorf("%s: recording, the answer is %q, %v", c.what, value(), err)
		}
		err = replay(t, recording, shouting, c.req, c.reply)
		if err != nil || value() != "ANNA" {
			t.Errorf("%s: replayed, the answer is %q, %v\n%s", c.what, value(), err, recording)
		}
	}
}

func TestWithoutACallbackAnyMessageIsTaken(t *testing.T) {
	none := func() hooked.Func { return nil }
	for _, hook := range []func() hooked.Func{nil, none} {
		recording, err := record(t, hook, &name{Value: "anna"}, new(name))
		if err != nil {
			t.Fatal(err)
		}
		got := new(name)
		if err := replay(t, recording, hook, &name{Value: "anna"}, got); err != nil || got.Value != "anna" {
			t.Errorf("replayed, the answer is %q, %v", got, err)
		}
	}
}

func TestAMessageThatIsNoProtocolBufferIsRefused(t *testing.T) {
	if _, err := record(t, shouting, "text", new(name)); err == nil || !strings.Contains(err.Error(), "type string") {
		t.Errorf("recording a string: %v", err)
	}
	recording, err := record(t, shouting, &name{}, new(name))
	if err != nil {
		t.Fatal(err)
	}
	err = replay(t, recording, shouting, "text", new(name))
	if err == nil || !strings.Contains(err.Error(), "type string") {
		t.Errorf("replaying a string: %v", err)
	}
}

func TestACallbackThatOnlyLooksLeavesTheBytes(t *testing.T) {
	looks := func() hooked.Func { return func(string, proto.Message) error { return nil } }
	// A number in more bytes than it needs, which no serializer writes again.
	odd := wrapperspb.String("x")
	odd.ProtoReflect().SetUnknown([]byte{0x10, 0x81, 0x00})
	with, err := record(t, looks, odd, new(wrapperspb.StringValue))
	if err != nil {
		t.Fatal(err)
	}
	without, err := record(t, nil, odd, new(wrapperspb.StringValue))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(calls(with), calls(without)) {
		t.Errorf("looked at, the recording is\n%s\nelse\n%s", with, without)
	}
}

// calls returns a recording without its times.
func calls(recording []byte) []byte {
	before, _, _ := bytes.Cut(recording, []byte("\ntimes"))
	return before
}

func TestACallbacksErrorEndsTheCall(t *testing.T) {
	refused := errors.New("refused")
	hook := func() hooked.Func { return func(string, proto.Message) error { return refused } }
	recording, err := record(t, hook, &name{}, new(name))
	if !errors.Is(err, refused) {
		t.Errorf("recording: %v", err)
	}
	if err := replay(t, recording, hook, &name{}, new(name)); !errors.Is(err, refused) {
		t.Errorf("replaying: %v", err)
	}
}
