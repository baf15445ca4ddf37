// What the tests share: the service of the samples, and what a tape tells.

package foreign_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/foreign"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// The samples in testdata were recorded of this service with
// cloud.google.com/go/rpcreplay v0.123.0, go-replayers/grpcreplay v1.5.1 and
// gRPC's binary log v1.79.3.
func samples(tb testing.TB) *schema.Set {
	tb.Helper()
	str, obj := ".google.protobuf.StringValue", ".google.protobuf.Struct"
	method := func(name, to string, client, server bool) *descriptorpb.MethodDescriptorProto {
		return &descriptorpb.MethodDescriptorProto{
			Name: &name, InputType: &str, OutputType: &to, ClientStreaming: &client, ServerStreaming: &server,
		}
	}
	set, err := schema.FromFiles(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{{
		Syntax: proto.String("proto3"), Name: proto.String("sample/v1/store.proto"), Package: proto.String("sample.v1"),
		Dependency: []string{"google/protobuf/wrappers.proto", "google/protobuf/struct.proto"},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("Store"),
			Method: []*descriptorpb.MethodDescriptorProto{
				method("Get", obj, false, false), method("List", str, false, true),
				method("Put", str, true, false), method("Chat", str, true, true),
			},
		}},
	}}})
	if err != nil {
		tb.Fatal(err)
	}
	return set.Or(schema.Linked())
}

func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func read(tb testing.TB, b []byte, program *schema.Set) *tape.Tape {
	tb.Helper()
	tp, err := foreign.Read(b, program, tape.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return tp
}

// tell writes down what a tape of the sample service holds, without times.
func tell(tb testing.TB, tp *tape.Tape) string {
	tb.Helper()
	var b strings.Builder
	for _, c := range tp.Calls() {
		fmt.Fprintf(&b, "%d %s %s%s\n", c.Number, c.Method, c.Shape, pairs(c.Pairs))
		for i := range c.Events {
			e := &c.Events[i]
			fmt.Fprintf(&b, "  %v", e.Kind)
			switch e.Kind {
			case tape.Send, tape.Recv:
				fmt.Fprintf(&b, " %s", text(tb, c, e))
			case tape.End:
				fmt.Fprintf(&b, " %d %q%s", e.Status.Code, e.Status.Message, details(tb, e.Status.Details))
			}
			fmt.Fprintf(&b, "%s\n", pairs(e.Pairs))
		}
	}
	return b.String()
}

func pairs(pairs []tape.Pair) (s string) {
	for _, p := range pairs {
		s += fmt.Sprintf(" %s=%q", p.Key, p.Value)
	}
	return s
}

func details(tb testing.TB, details []tape.Any) (s string) {
	for _, d := range details {
		var value wrapperspb.StringValue
		decode(tb, d.Value, &value)
		s += fmt.Sprintf(" %s(%s)", d.Type, value.Value)
	}
	return s
}

func text(tb testing.TB, c *tape.Call, e *tape.Event) string {
	tb.Helper()
	if e.Kind == tape.Recv && strings.HasSuffix(c.Method, "/Get") {
		var m structpb.Struct
		decode(tb, e.Message, &m)
		return fmt.Sprint(m.AsMap())
	}
	var m wrapperspb.StringValue
	decode(tb, e.Message, &m)
	return fmt.Sprintf("%q", m.Value)
}

func decode(tb testing.TB, wire []byte, m proto.Message) {
	tb.Helper()
	if err := proto.Unmarshal(wire, m); err != nil {
		tb.Fatal(err)
	}
}

// wireOf is the wire form of a string's message.
func wireOf(s string) []byte {
	b, _ := proto.Marshal(wrapperspb.String(s))
	return b
}

// same fails the test if two texts differ, and shows both.
func same(tb testing.TB, got, want string) {
	tb.Helper()
	if got != want {
		tb.Errorf("it tells\n%s\nwant\n%s", got, want)
	}
}

// sorted returns a text's lines in their order by letters.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
