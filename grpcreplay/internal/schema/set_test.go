// What sets hold and find, and what a recording keeps of them.

package schema_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
)

var (
	_ protodesc.Resolver                  = (*schema.Set)(nil)
	_ protoregistry.MessageTypeResolver   = (*schema.Set)(nil)
	_ protoregistry.ExtensionTypeResolver = (*schema.Set)(nil)
	_ interface {
		RangeExtensionsByMessage(protoreflect.FullName, func(protoreflect.ExtensionType) bool)
	} = (*schema.Set)(nil)
)

func TestAMethodTellsItsTypes(t *testing.T) {
	s := testSet(t)
	if in, out := s.Input("/test.v1.S/Do"), s.Output("/test.v1.S/Do"); in.FullName() != "test.v1.All" ||
		out.FullName() != "test.v1.Old" {
		t.Errorf("got %v and %v", in, out)
	}
	for _, name := range []string{
		"", "/", "//", "/test.v1.S/", "/test.v1.S/No", "/No/Do", "test.v1.S", "/test.v1.All/Do",
	} {
		if s.Method(name) != nil || s.Input(name) != nil || s.Output(name) != nil {
			t.Errorf("%q is a method", name)
		}
	}
	if md := s.Message("any.host/path/test.v1.All"); md == nil || md.FullName() != "test.v1.All" {
		t.Errorf("by URL: %v", md)
	}
	if s.Message("test.v1.S") != nil || s.Message("") != nil {
		t.Error("what is no message was found as one")
	}
	if names := s.Services(); !slices.Contains(names, "test.v1.S") || !slices.IsSorted(names) {
		t.Errorf("services %v", names)
	}
}

func TestTheNilSetKnowsNothingAndWorks(t *testing.T) {
	var s *schema.Set
	if s.Method("/a.B/C") != nil || s.Message("a.B") != nil || s.Services() != nil ||
		s.Used([]string{"/a.B/C"}, nil) != nil {
		t.Error("it knows something")
	}
	if _, err := s.FindFileByPath("x"); err != protoregistry.NotFound {
		t.Error(err)
	}
	if got := s.Canon(nil, nil).Append(nil, []byte("\x10\x01\x08\x02")); string(got) != "\x08\x02\x10\x01" {
		t.Errorf("canonical form %x", got)
	}
	if s.Or(nil) != nil || s.Or(schema.Linked()) == nil {
		t.Error("Or")
	}
	if got := s.Sketch([]byte("\x08\x01")); got != "{1: 1}" {
		t.Error(got)
	}
}

func TestTheFirstSetWins(t *testing.T) {
	fds := testFiles(t)
	fds.File[1].MessageType[0].Field = fds.File[1].MessageType[0].Field[:1]
	fewer, err := schema.FromFiles(fds)
	if err != nil {
		t.Fatal(err)
	}
	if n := fewer.Or(testSet(t)).Message("test.v1.Old").Fields().Len(); n != 1 {
		t.Errorf("%d fields, want the 1 of the first set", n)
	}
	if n := testSet(t).Or(fewer).Message("test.v1.Old").Fields().Len(); n != 4 {
		t.Errorf("%d fields, want the 4 of the first set", n)
	}
}

func TestWhatIsUsedStandsAlone(t *testing.T) {
	s := testSet(t)
	messages := []string{"type.googleapis.com/google.protobuf.FileDescriptorSet"}
	b := s.Used([]string{"/test.v1.S/Do", "/no.S/Do"}, messages)
	if again := s.Used([]string{"/no.S/Do", "/test.v1.S/Do"}, messages); !bytes.Equal(b, again) {
		t.Error("it depends on the order of what is asked for")
	}
	fds := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(b, fds); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, file := range fds.File {
		for _, dep := range file.Dependency {
			if !slices.Contains(paths, dep) {
				t.Errorf("%s comes before %s, which it imports", file.GetName(), dep)
			}
		}
		paths = append(paths, file.GetName())
	}
	if len(paths) != 10 {
		t.Errorf("%d files: %v", len(paths), paths)
	}
	if _, err := protodesc.NewFiles(fds); err != nil {
		t.Error(err)
	}
	again, err := schema.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Used([]string{"/test.v1.S/Do"}, messages), b) {
		t.Error("what was read is written otherwise")
	}
	if s.Used([]string{"/no.S/Do"}, nil) != nil {
		t.Error("something is used of nothing")
	}
}

func TestImportsThatAreMissingAreTolerated(t *testing.T) {
	fds := testFiles(t)
	fds.File = fds.File[:1] // old.proto is gone
	s, err := schema.FromFiles(fds)
	if err != nil {
		t.Fatal(err)
	}
	if s.Input("/test.v1.S/Do") == nil || s.Output("/test.v1.S/Do") != nil {
		t.Error("want the input known and the output unknown")
	}
	wire := []byte("\x08\x01\xda\x01\x02\x08\x02")
	text, exact, err := s.JSON(all(s), wire)
	if err != nil || exact || string(text) != `{"i": 1, "old": {}}` {
		t.Errorf("%s %v %v", text, exact, err)
	}
	if got := s.Canon(all(s), nil).Append(nil, wire); !bytes.Equal(got, wire) {
		t.Errorf("%x", got)
	}
	s.Diff(all(s), wire, nil, nil)
	s.Walk(all(s), wire, func(*schema.Field) ([]byte, bool) { return nil, false })
}

func TestASchemaThatIsWrongIsAnError(t *testing.T) {
	twice := testFiles(t)
	twice.File[1].MessageType = append(twice.File[1].MessageType, twice.File[1].MessageType[0])
	clash := testFiles(t)
	clash.File = append(clash.File, proto.Clone(clash.File[1]).(*descriptorpb.FileDescriptorProto))
	clash.File[2].Name = proto.String("other.proto")
	for want, fds := range map[string]*descriptorpb.FileDescriptorSet{
		`"test/v1/old.proto" is not valid`: twice,
		`"other.proto" is not valid`:       clash,
	} {
		if _, err := schema.FromFiles(fds); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := schema.Parse([]byte("\x0a\x05abc")); err == nil {
		t.Error("garbage is a schema")
	}
	loop := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		{Name: proto.String("a"), Dependency: []string{"b"}},
		{Name: proto.String("b"), Dependency: []string{"a"}},
	}}
	if s, err := schema.FromFiles(loop); err != nil || len(s.Services()) != 0 {
		t.Errorf("a loop of imports, which is harmless, gave %v", err)
	}
}
