// The schema that the tests use, and random messages of it.

package schema_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

const newer = `
name: "test/v1/all.proto" package: "test.v1" syntax: "proto3"
dependency: "google/protobuf/any.proto" dependency: "google/protobuf/timestamp.proto"
dependency: "google/protobuf/duration.proto" dependency: "google/protobuf/struct.proto"
dependency: "google/protobuf/wrappers.proto" dependency: "google/protobuf/field_mask.proto"
dependency: "google/protobuf/empty.proto" dependency: "test/v1/old.proto"
message_type {
  name: "All"
  field { name: "some_name" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL json_name: "someName" }
  field { name: "i" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL }
  field { name: "b" number: 3 type: TYPE_BYTES label: LABEL_OPTIONAL }
  field { name: "packed" number: 4 type: TYPE_INT32 label: LABEL_REPEATED }
  field { name: "names" number: 5 type: TYPE_STRING label: LABEL_REPEATED }
  field { name: "counts" number: 6 type: TYPE_MESSAGE label: LABEL_REPEATED type_name: ".test.v1.All.CountsEntry" }
  field { name: "kids" number: 7 type: TYPE_MESSAGE label: LABEL_REPEATED type_name: ".test.v1.All.KidsEntry" }
  field { name: "child" number: 8 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: ".test.v1.All" }
  field { name: "items" number: 9 type: TYPE_MESSAGE label: LABEL_REPEATED type_name: ".test.v1.All" }
  field { name: "number" number: 11 type: TYPE_INT32 label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "word" number: 10 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "sub" number: 12 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: ".test.v1.All" oneof_index: 0 }
  field { name: "any" number: 13 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: ".google.protobuf.Any" }
  field { name: "d" number: 14 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
  field { name: "f" number: 15 type: TYPE_FLOAT label: LABEL_OPTIONAL }
  field { name: "z" number: 16 type: TYPE_SINT32 label: LABEL_OPTIONAL }
  field { name: "ok" number: 17 type: TYPE_BOOL label: LABEL_OPTIONAL }
  field { name: "color" number: 18 type: TYPE_ENUM label: LABEL_OPTIONAL type_name: ".test.v1.Color" }
  field { name: "fx" number: 19 type: TYPE_FIXED64 label: LABEL_OPTIONAL }
  field { name: "maybe" number: 20 type: TYPE_INT32 label: LABEL_OPTIONAL proto3_optional: true oneof_index: 1 }
  field { name: "at" number: 21 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: ".google.protobuf.Timestamp" }
  field { name: "st" number: 22 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: ".google.protobuf.Struct" }
  field { name: "u" number: 23 type: TYPE_UINT64 label: LABEL_OPTIONAL }
  field { name: "ds" number: 24 type: TYPE_DOUBLE label: LABEL_REPEATED }
  field { name: "dur" number: 25 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: ".google.protobuf.Duration" }
  field { name: "wrap" number: 26 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: ".google.protobuf.Int64Value" }
  field { name: "old" number: 27 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: ".test.v1.Old" }
  field { name: "mask" number: 28 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: ".google.protobuf.FieldMask" }
  field { name: "empty" number: 29 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: ".google.protobuf.Empty" }
  field { name: "signs" number: 30 type: TYPE_MESSAGE label: LABEL_REPEATED type_name: ".test.v1.All.SignsEntry" }
  field { name: "far" number: 5000 type: TYPE_UINT32 label: LABEL_OPTIONAL }
  oneof_decl { name: "pick" } oneof_decl { name: "_maybe" }
  nested_type { name: "CountsEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL } }
  nested_type { name: "KidsEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: ".test.v1.All" } }
  nested_type { name: "SignsEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_SINT32 label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_BOOL label: LABEL_OPTIONAL } }
}
enum_type { name: "Color" value { name: "RED" number: 0 } value { name: "BLUE" number: 2 } }
service { name: "S" method { name: "Do" input_type: ".test.v1.All" output_type: ".test.v1.Old" } }
`

const older = `
name: "test/v1/old.proto" package: "test.v1" syntax: "proto2"
message_type {
  name: "Old"
  field { name: "unpacked" number: 1 type: TYPE_SINT64 label: LABEL_REPEATED }
  field { name: "grp" number: 2 type: TYPE_GROUP label: LABEL_OPTIONAL type_name: ".test.v1.Old.Grp" }
  field { name: "need" number: 3 type: TYPE_INT32 label: LABEL_OPTIONAL default_value: "7" }
  field { name: "secret" number: 4 type: TYPE_STRING label: LABEL_OPTIONAL options { debug_redact: true } }
  nested_type { name: "Grp"
    field { name: "x" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL }
    field { name: "again" number: 2 type: TYPE_MESSAGE label: LABEL_REPEATED type_name: ".test.v1.Old" } }
  extension_range { start: 100 end: 200 }
}
extension { name: "note" number: 100 type: TYPE_STRING label: LABEL_OPTIONAL extendee: ".test.v1.Old" }
extension { name: "more" number: 101 type: TYPE_MESSAGE label: LABEL_REPEATED type_name: ".test.v1.Old" extendee: ".test.v1.Old" }
`

// testFiles returns the descriptors of the tests.
func testFiles(tb testing.TB) *descriptorpb.FileDescriptorSet {
	tb.Helper()
	fds := new(descriptorpb.FileDescriptorSet)
	for _, text := range []string{newer, older} {
		file := new(descriptorpb.FileDescriptorProto)
		if err := prototext.Unmarshal([]byte(text), file); err != nil {
			tb.Fatal(err)
		}
		fds.File = append(fds.File, file)
	}
	return fds
}

func testSet(tb testing.TB) *schema.Set {
	tb.Helper()
	s, err := schema.FromFiles(testFiles(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return s.Or(schema.Linked())
}

func all(s *schema.Set) protoreflect.MessageDescriptor { return s.Message("test.v1.All") }

// parse reads a message with the library; it is the judge of what bytes mean.
func parse(tb testing.TB, s *schema.Set, md protoreflect.MessageDescriptor, wire []byte) proto.Message {
	tb.Helper()
	m := dynamicpb.NewMessage(md)
	if err := (proto.UnmarshalOptions{Resolver: s, AllowPartial: true}).Unmarshal(wire, m); err != nil {
		tb.Fatal(err)
	}
	return m
}

// A maker makes random messages.
type maker struct {
	*rand.Rand
	set *schema.Set
}

// message fills a message with random fields.
func (r maker) message(md protoreflect.MessageDescriptor, depth int) *dynamicpb.Message {
	m := dynamicpb.NewMessage(md)
	if md.FullName() == "google.protobuf.Any" {
		r.fillAny(m, depth)
		return m
	}
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if r.IntN(4) == 0 || depth > 0 && fd.Message() == nil && r.IntN(2) == 0 {
			r.fill(m, fd, depth)
		}
	}
	if name := md.FullName(); name == "google.protobuf.Value" && m.WhichOneof(md.Oneofs().Get(0)) == nil {
		m.Set(md.Fields().ByName("bool_value"), protoreflect.ValueOfBool(true)) // JSON takes none for null
	}
	if md.FullName() == "test.v1.Old" && r.IntN(2) == 0 {
		xt, _ := r.set.FindExtensionByName("test.v1.note")
		m.Set(xt.TypeDescriptor(), protoreflect.ValueOfString("n"))
	}
	return m
}

func (r maker) fillAny(m *dynamicpb.Message, depth int) {
	names := []string{"test.v1.All", "test.v1.Old", "google.protobuf.Timestamp", "google.protobuf.Any", "un.Known"}
	name := names[r.IntN(len(names))]
	value := []byte("\x08\x01")
	if md := r.set.Message(name); md != nil {
		value, _ = proto.MarshalOptions{Deterministic: true}.Marshal(r.message(md, depth-2))
	}
	m.Set(m.Descriptor().Fields().ByNumber(1), protoreflect.ValueOfString("type.googleapis.com/"+name))
	m.Set(m.Descriptor().Fields().ByNumber(2), protoreflect.ValueOfBytes(value))
}

func (r maker) fill(m *dynamicpb.Message, fd protoreflect.FieldDescriptor, depth int) {
	if depth <= 0 && fd.Message() != nil && !fd.IsMap() {
		return
	}
	switch {
	case fd.IsMap():
		if depth <= 0 && fd.MapValue().Message() != nil {
			return
		}
		for range r.IntN(4) {
			m.Mutable(fd).Map().Set(r.value(fd.MapKey(), 0).MapKey(), r.value(fd.MapValue(), depth-1))
		}
	case fd.IsList():
		for range r.IntN(4) {
			m.Mutable(fd).List().Append(r.value(fd, depth-1))
		}
	default:
		m.Set(fd, r.value(fd, depth-1))
	}
}

func (r maker) value(fd protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	n := []int64{0, 1, -1, 127, 128, math.MaxInt32, math.MinInt32}[r.IntN(7)]
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(n > 0)
	case protoreflect.EnumKind:
		if fd.Enum().Values().Len() == 1 {
			return protoreflect.ValueOfEnum(0) // of NullValue, JSON has no other
		}
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(r.IntN(4)))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(n << r.IntN(30))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(n))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(n) / 3)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float64(n) / 3 * math.Pow(10, float64(r.IntN(40)-20)))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString([]string{"", "a", "b", "a\"\\\n\u2028é", "paths"}[r.IntN(5)])
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte([]string{"", "\x00\xff", "b"}[r.IntN(3)]))
	default:
		return protoreflect.ValueOfMessage(r.message(fd.Message(), depth).ProtoReflect())
	}
}

// random returns a random message of a type.
func random(tb testing.TB, s *schema.Set, md protoreflect.MessageDescriptor, seed uint64) (maker, []byte) {
	tb.Helper()
	r := maker{rand.New(rand.NewPCG(seed, 1)), s}
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(r.message(md, 4))
	if err != nil {
		tb.Fatal(err)
	}
	return r, wire
}

func newAll(s *schema.Set) proto.Message { return dynamicpb.NewMessage(all(s)) }
