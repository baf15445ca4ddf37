// Imports that lead nowhere, of files that know what they mean.

package schema_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
)

func TestAFileMayImportWhatItRefersToByAnotherPath(t *testing.T) {
	// As etcd's files do, whose compiler was called in several directories.
	field := func(name, of string) []*descriptorpb.FieldDescriptorProto {
		return []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String(name), Number: proto.Int32(1), TypeName: proto.String(of),
			Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(),
		}}
	}
	set, err := schema.FromFiles(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		{Name: proto.String("kv.proto"), Package: proto.String("kv"), MessageType: []*descriptorpb.DescriptorProto{
			{Name: proto.String("Pair")},
		}},
		{
			Name: proto.String("rpc.proto"), Package: proto.String("rpc"),
			Dependency: []string{"some/where/kv.proto", "gone.proto"},
			MessageType: []*descriptorpb.DescriptorProto{
				{Name: proto.String("Range"), Field: field("kvs", ".kv.Pair")},
				{Name: proto.String("Lost"), Field: field("it", ".gone.It")},
			},
			Service: []*descriptorpb.ServiceDescriptorProto{{
				Name: proto.String("KV"), Method: []*descriptorpb.MethodDescriptorProto{
					{
						Name:      proto.String("Get"),
						InputType: proto.String(".kv.Pair"), OutputType: proto.String(".rpc.Range"),
					},
				}},
			},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	again, err := schema.Parse(set.Used([]string{"/rpc.KV/Get"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*schema.Set{"once": set, "written and read": again} {
		if in := s.Input("/rpc.KV/Get"); in == nil || in.IsPlaceholder() {
			t.Errorf("%s: the method takes %v", name, in)
		}
		if kvs := s.Message("rpc.Range").Fields().ByName("kvs").Message(); kvs.IsPlaceholder() {
			t.Errorf("%s: the field's type is not known", name)
		}
		if it := s.Message("rpc.Lost").Fields().ByName("it").Message(); !it.IsPlaceholder() {
			t.Errorf("%s: a type that nobody has is %v", name, it)
		}
	}
}
