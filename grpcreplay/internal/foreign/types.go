// The types of rpcreplay's text form, described.

package foreign

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
)

const anyName = ".google.protobuf.Any"

// newTypes returns the types that a text may name.
func newTypes(program *schema.Set) *types {
	label := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
	repeated := descriptorpb.FieldDescriptorProto_LABEL_REPEATED
	entry := &descriptorpb.DescriptorProto{
		Name: proto.String("Entry"),
		Field: []*descriptorpb.FieldDescriptorProto{
			describe("kind", int32(entryKind), label, ".grpcreplay.Entry.Kind"),
			describe("method", int32(entryMethod), label, "string"),
			describe("message", int32(entryMessage), label, anyName),
			describe("is_error", int32(entryIsError), label, "bool"),
			describe("ref_index", int32(entryRef), label, "int32"),
			describe("raw_message", int32(entryRaw), label, "bytes"),
		},
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("Kind")}},
	}
	for n, name := range kindNames {
		entry.EnumType[0].Value = append(entry.EnumType[0].Value, &descriptorpb.EnumValueDescriptorProto{
			Name: proto.String(name), Number: proto.Int32(int32(n)),
		})
	}
	status := &descriptorpb.DescriptorProto{
		Name: proto.String("Status"),
		Field: []*descriptorpb.FieldDescriptorProto{
			describe("code", 1, label, "int32"), describe("message", 2, label, "string"),
			describe("details", 3, repeated, anyName),
		},
	}
	return &types{Set: program, entry: file("grpcreplay", entry), status: file("google.rpc", status)}
}

// describe describes a field. Its type is a scalar's name, or the full name of
// a message or, for the field kind, an enum.
func describe(
	name string, number int32, label descriptorpb.FieldDescriptorProto_Label, typ string,
) *descriptorpb.FieldDescriptorProto {
	f := &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Label: &label}
	switch typ {
	case "string":
		f.Type = descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum()
	case "bytes":
		f.Type = descriptorpb.FieldDescriptorProto_TYPE_BYTES.Enum()
	case "bool":
		f.Type = descriptorpb.FieldDescriptorProto_TYPE_BOOL.Enum()
	case "int32":
		f.Type = descriptorpb.FieldDescriptorProto_TYPE_INT32.Enum()
	case anyName:
		f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), &typ
	default:
		f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_ENUM.Enum(), &typ
	}
	return f
}

// file makes a message's descriptor, in a file of its own that imports Any.
func file(pkg string, message *descriptorpb.DescriptorProto) protoreflect.MessageDescriptor {
	fd, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Syntax: proto.String("proto3"), Name: proto.String(pkg + ".proto"), Package: &pkg,
		Dependency:  []string{anypb.File_google_protobuf_any_proto.Path()},
		MessageType: []*descriptorpb.DescriptorProto{message},
	}, protoregistry.GlobalFiles)
	if err != nil {
		panic("foreign: a description of ours is wrong: " + err.Error())
	}
	return fd.Messages().Get(0)
}
