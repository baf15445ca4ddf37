// The sample service, described: its descriptor is linked in by hand.

package sample

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	_ "google.golang.org/protobuf/types/known/structpb"   // what it depends on
	_ "google.golang.org/protobuf/types/known/wrapperspb" // likewise
)

func init() {
	file, err := protodesc.NewFile(described(), protoregistry.GlobalFiles)
	if err != nil {
		panic(err)
	}
	if err := protoregistry.GlobalFiles.RegisterFile(file); err != nil {
		panic(err)
	}
}

func described() *descriptorpb.FileDescriptorProto {
	text, object := ".google.protobuf.StringValue", ".google.protobuf.Struct"
	method := func(name, to string, client, server bool) *descriptorpb.MethodDescriptorProto {
		return &descriptorpb.MethodDescriptorProto{
			Name: &name, InputType: &text, OutputType: &to, ClientStreaming: &client, ServerStreaming: &server,
		}
	}
	return &descriptorpb.FileDescriptorProto{
		Syntax: proto.String("proto3"), Name: proto.String("sample/v1/store.proto"), Package: proto.String("sample.v1"),
		Dependency: []string{"google/protobuf/wrappers.proto", "google/protobuf/struct.proto"},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("Store"),
			Method: []*descriptorpb.MethodDescriptorProto{
				method("Get", object, false, false), method("None", object, false, false),
				method("List", text, false, true), method("Put", text, true, false), method("Chat", text, true, true),
			},
		}},
	}
}
