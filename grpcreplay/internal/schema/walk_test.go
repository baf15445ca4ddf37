// Walks come to every wanted field, say where it is, and replace it.

package schema_test

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
)

const nested = `{"some_name": "x", "packed": [1], "names": ["a", "b"], "counts": {"k": 5}, ` +
	`"kids": {"-3": {"some_name": "y"}}, "items": [{}, {"some_name": "z"}], ` +
	`"any": {"@type": "a/test.v1.All", "some_name": "w"}, "old": {"Grp": {"again": [{"secret": "s"}]}, "secret": "t"}}`

func TestAWalkComesToEveryField(t *testing.T) {
	s := testSet(t)
	wire, err := s.Wire(all(s), []byte(nested))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	got := s.Walk(all(s), append(wire, "\x98\x06\x01"...), func(f *schema.Field) ([]byte, bool) {
		paths = append(paths, f.Path()+"="+f.Name())
		return nil, false
	})
	want := `some_name=some_name packed[0]=packed names[0]=names names[1]=names counts["k"]=counts counts["k"]=key ` +
		`counts["k"]=k kids[-3]=kids kids[-3]=key kids[-3]=-3 kids[-3].some_name=some_name items[0]=items items[1]=items ` +
		`items[1].some_name=some_name any=any any.type_url=type_url any.value=value any.some_name=some_name old=old ` +
		`old.Grp=Grp old.Grp.again[0]=again old.Grp.again[0].secret=secret old.secret=secret 99=99`
	if told := strings.Join(paths, " "); told != want {
		t.Errorf("told %s\nwant %s", told, want)
	}
	if !bytes.Equal(got[:len(wire)], wire) {
		t.Error("a walk that replaces nothing changes something")
	}
}

func TestAWalkReplacesFields(t *testing.T) {
	s := testSet(t)
	wire, err := s.Wire(all(s), []byte(nested))
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(wire)
	secret := func(fd protoreflect.FieldDescriptor) bool {
		if fd == nil {
			return false
		}
		options, _ := fd.Options().(*descriptorpb.FieldOptions)
		return options.GetDebugRedact() || fd.Name() == "some_name" || fd.Name() == "value"
	}
	got := s.Watch(secret).Walk(all(s), wire, func(f *schema.Field) ([]byte, bool) {
		switch f.Path() {
		case "old.secret", "items[1].some_name":
			return nil, true
		case `counts["k"]`:
			return []byte{7}, true
		}
		return []byte("***"), f.Desc.Kind() == protoreflect.StringKind
	})
	text, exact, err := s.JSON(all(s), got)
	want := strings.NewReplacer(`"x"`, `"***"`, `"y"`, `"***"`, `"some_name": "z"`, ``, `"w"`, `"***"`, `"s"`, `"***"`,
		`, "secret": "t"`, ``, `"k": 5`, `"k": 7`).Replace(nested)
	if err != nil || !exact || string(text) != want {
		t.Errorf("%v %v\n%s\nwant\n%s", exact, err, text, want)
	}
	if !bytes.Equal(wire, before) {
		t.Error("the walk wrote into what it was given")
	}
}

func TestAWatchKnowsWhereNothingIsWanted(t *testing.T) {
	s := testSet(t)
	w := s.Watch(func(fd protoreflect.FieldDescriptor) bool { return fd != nil && fd.Name() == "secret" })
	for name, want := range map[string]bool{
		"test.v1.All": true, "test.v1.Old": true, "google.protobuf.Any": true,
		"google.protobuf.Struct": false, "google.protobuf.Timestamp": false,
	} {
		if got := w.Wants(s.Message(name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if w.Wants(nil) {
		t.Error("unknown fields are wanted")
	}
	visited := 0
	s.Walk(nil, []byte("\x08\x01\x12\x02\x08\x01"), func(*schema.Field) ([]byte, bool) {
		visited++
		return nil, false
	})
	if visited != 2 {
		t.Errorf("%d unknown fields were visited", visited)
	}
}
