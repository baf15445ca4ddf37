// Hostile bytes make no panic, and what holds for all bytes holds for them.

package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
)

// seeds adds bytes that reach far into the code.
func seeds(f *testing.F, s *schema.Set) {
	f.Helper()
	for seed := range uint64(20) {
		_, wire := random(f, s, all(s), seed)
		f.Add(wire)
	}
	for _, wire := range []string{
		"", "\x08", "\x08\x80\x00", "\x42\x00\x42\x02\x08\x01", "\xda\x01\x04\x13\x08\x01\x14", "\x6a\x02\x0a\x00",
		"\x32\x00\x32\x02\x10\x01", "\x3a\x04\x12\x00\x12\x00", "\x20\x01\x22\x02\x01\x02", "\x8b\x01\x8c\x81\x00",
		"\xc2\x01\x03abc", "\x50\x01\x58\x01\x52\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
	} {
		f.Add([]byte(wire))
	}
}

func FuzzMessage(f *testing.F) {
	s := testSet(f)
	seeds(f, s)
	paths, err := schema.ParsePaths([]string{"**.u", "items.*.i", "99", "98.1", "test.v1.Old.need", "any.i"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		for _, md := range []protoreflect.MessageDescriptor{all(s), s.Message("test.v1.Old"), nil} {
			for _, ignore := range []schema.Paths{nil, paths} {
				checkCanon(t, s, md, ignore, wire)
			}
			checkDiff(t, s, md, wire)
			checkWalk(t, s, md, wire)
			checkJSON(t, s, md, wire)
		}
	})
}

// judged reads a message with the library, which takes some bytes for a bug of
// the program's: maps whose entries hold a key of another wire type.
func judged(s *schema.Set, wire []byte, m proto.Message) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the library panics: %v", r)
		}
	}()
	return proto.UnmarshalOptions{Resolver: s}.Unmarshal(wire, m) // it knows the extensions too
}

func checkCanon(t *testing.T, s *schema.Set, md protoreflect.MessageDescriptor, ignore schema.Paths, wire []byte) {
	t.Helper()
	c, plain := s.Canon(md, ignore), md != nil && md == all(s) && ignore == nil
	canon := c.Append([]byte("dst"), wire)[3:]
	if again := c.Append(nil, canon); !bytes.Equal(again, canon) {
		t.Fatalf("%x became\n%x, and that\n%x", wire, canon, again)
	}
	before, after := newAll(s), newAll(s)
	if judged(s, wire, before) != nil || !plain {
		return
	}
	if err := judged(s, canon, after); err != nil || !sameWithAny(s, before, after) {
		t.Fatalf("%x means something else as\n%x (%v)", wire, canon, err)
	}
}

func checkDiff(t *testing.T, s *schema.Set, md protoreflect.MessageDescriptor, wire []byte) {
	t.Helper()
	c, half := s.Canon(md, nil), wire[:len(wire)/2]
	same := bytes.Equal(c.Append(nil, wire), c.Append(nil, half))
	if diff := s.Diff(md, wire, half, nil); same != (len(diff) == 0) {
		t.Fatalf("%x and %x: the same is %v, but told %v", wire, half, same, diff)
	}
	if sketch := s.Sketch(wire); !utf8.ValidString(sketch) || len(sketch) > 1000 {
		t.Fatalf("a sketch of %d bytes: %q", len(sketch), sketch)
	}
}

func checkWalk(t *testing.T, s *schema.Set, md protoreflect.MessageDescriptor, wire []byte) {
	t.Helper()
	n := 0
	got := s.Walk(md, wire, func(f *schema.Field) ([]byte, bool) {
		_, _ = f.Path(), f.Name()
		n++
		return f.Value, false
	})
	if !bytes.Equal(got, wire) {
		t.Fatal("a walk changed what it was told to leave")
	}
	s.Walk(md, wire, func(f *schema.Field) ([]byte, bool) { n--; return nil, n%2 == 0 })
}

func checkJSON(t *testing.T, s *schema.Set, md protoreflect.MessageDescriptor, wire []byte) {
	t.Helper()
	text, exact, err := s.JSON(md, wire)
	if err != nil {
		return
	}
	if !json.Valid(text) {
		t.Fatalf("%x is no JSON: %s", wire, text)
	}
	back, err := s.Wire(md, text)
	if err != nil && len(text) < 5000 {
		t.Fatalf("%x: %v\n%s", wire, err, text)
	}
	if exact != (err == nil && bytes.Equal(back, wire)) {
		t.Fatalf("%x: exact is %v: %s", wire, exact, text)
	}
}

func FuzzWire(f *testing.F) {
	s := testSet(f)
	for seed := range uint64(20) {
		_, wire := random(f, s, all(s), seed)
		text, _, _ := s.JSON(all(s), wire)
		f.Add(text)
	}
	for _, text := range []string{
		nested, `{"any": {"@type": "test.v1.All", "@value": ""}}`, `{"st": {"a": null}, "wrap": "1", "at": "x"}`, "[]", "{\"a\"",
		`{"any": {"@type": {}, "@value": 5}}`, `{"any": {"@type": [], "x": {}}}`, `{"kids": {"1": null}}`, `"\ud800"`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		wire, err := s.Wire(all(s), text)
		if err != nil {
			return
		}
		shown, _, err := s.JSON(all(s), wire)
		if err != nil {
			t.Fatalf("%s gave %x: %v", text, wire, err)
		}
		again, err := s.Wire(all(s), shown)
		if c := s.Canon(all(s), nil); err != nil || !bytes.Equal(c.Append(nil, again), c.Append(nil, wire)) {
			t.Fatalf("%s\nis shown as\n%s\n%x\n%x %v", text, shown, wire, again, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	s := testSet(f)
	f.Add(s.Used([]string{"/test.v1.S/Do"}, nil))
	b, err := proto.Marshal(testFiles(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	_, wire := random(f, s, all(s), 3)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := schema.Parse(b)
		if err != nil {
			return
		}
		s.Services()
		s.Used([]string{"/test.v1.S/Do"}, []string{"test.v1.Old"})
		md := s.Message("test.v1.All")
		if md == nil {
			return
		}
		c := s.Canon(md, nil)
		if canon := c.Append(nil, wire); !bytes.Equal(c.Append(nil, canon), canon) {
			t.Fatal("not idempotent")
		}
		checkJSON(t, s, md, wire)
		checkDiff(t, s, md, wire)
		checkWalk(t, s, md, wire)
	})
}

func FuzzParsePath(f *testing.F) {
	for _, text := range []string{"a.b", "**.x", "/a.B/C:x.*.y", "1.2", "a..b", "*", "**", "/:", "test.v1.All.i"} {
		f.Add(text)
	}
	s := testSet(f)
	_, wire := random(f, s, all(s), 5)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := schema.ParsePath(text)
		if err != nil {
			return
		}
		if p.String() != text {
			t.Errorf("%q is written %q", text, p)
		}
		c := s.Canon(all(s), schema.Paths{p})
		if canon := c.Append(nil, wire); !bytes.Equal(c.Append(nil, canon), canon) {
			t.Fatalf("under %q the form is not stable", text)
		}
	})
}
