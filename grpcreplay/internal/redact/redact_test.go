// Secrets give way, equality stays, and messages stay messages.

package redact_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/redact"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

var salt = []byte("0123456789abcdef")

func redactor(t testing.TB, r redact.Rules, s *schema.Set) *redact.Redactor {
	t.Helper()
	compiled, err := redact.New(r, s, salt)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// github is a token, put together so that no scanner takes it for one here.
func github() string { return "ghp" + "_" + strings.Repeat("aB3", 12) }

const vault = `
name: "vault.proto" package: "vault.v1" syntax: "proto3"
dependency: "google/protobuf/any.proto" dependency: "google/protobuf/struct.proto"
message_type {
  name: "Entry"
  field { name: "title" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "clientSecret" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "password" number: 3 type: TYPE_BYTES label: LABEL_REPEATED }
  field { name: "page_token" number: 4 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "pin" number: 5 type: TYPE_INT32 label: LABEL_REPEATED options { debug_redact: true } }
  field { name: "owner" number: 6 type: TYPE_MESSAGE type_name: ".vault.v1.Owner" label: LABEL_OPTIONAL
    options { debug_redact: true } }
  field { name: "friend" number: 7 type: TYPE_MESSAGE type_name: ".vault.v1.Owner" label: LABEL_REPEATED }
  field { name: "labels" number: 8 type: TYPE_MESSAGE type_name: ".vault.v1.Entry.LabelsEntry" label: LABEL_REPEATED }
  field { name: "detail" number: 9 type: TYPE_MESSAGE type_name: ".google.protobuf.Any" label: LABEL_OPTIONAL }
  field { name: "extra" number: 10 type: TYPE_MESSAGE type_name: ".google.protobuf.Struct" label: LABEL_OPTIONAL }
  field { name: "child" number: 300 type: TYPE_MESSAGE type_name: ".vault.v1.Entry" label: LABEL_OPTIONAL }
  field { name: "blob" number: 12 type: TYPE_BYTES label: LABEL_OPTIONAL }
  field { name: "token" number: 13 type: TYPE_INT64 label: LABEL_OPTIONAL }
  nested_type { name: "LabelsEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL } }
}
message_type {
  name: "Owner"
  field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "age" number: 2 type: TYPE_SINT64 label: LABEL_OPTIONAL }
  field { name: "vip" number: 3 type: TYPE_BOOL label: LABEL_OPTIONAL }
  field { name: "score" number: 4 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
  field { name: "weight" number: 5 type: TYPE_FLOAT label: LABEL_REPEATED }
  field { name: "key" number: 6 type: TYPE_BYTES label: LABEL_OPTIONAL }
}
message_type { name: "Plain" field { name: "note" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "count" number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL } }
service { name: "Vault" method { name: "Put" input_type: ".vault.v1.Entry" output_type: ".vault.v1.Plain" } }
`

// testSet is the schema above with what it imports.
func testSet(t testing.TB) *schema.Set {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(vault), file); err != nil {
		t.Fatal(err)
	}
	s, err := schema.FromFiles(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(anypb.File_google_protobuf_any_proto),
		protodesc.ToFileDescriptorProto(structpb.File_google_protobuf_struct_proto), file,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func typed(t testing.TB, s *schema.Set, name string) protoreflect.MessageDescriptor {
	t.Helper()
	md := s.Message(name)
	if md == nil {
		t.Fatalf("%s is not known", name)
	}
	return md
}

// parse reads a message in the text format; its bytes are deterministic.
func parse(t testing.TB, s *schema.Set, md protoreflect.MessageDescriptor, text string) []byte {
	t.Helper()
	m := dynamicpb.NewMessage(md)
	if err := (prototext.UnmarshalOptions{Resolver: s}).Unmarshal([]byte(text), m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsSecretInAMessageGivesWay(t *testing.T) {
	s := testSet(t)
	md := typed(t, s, "vault.v1.Entry")
	r := redactor(t, redact.Rules{Fields: []string{"vault.v1.Plain.count"}, Names: []string{"Nick-Name"}}, s)
	pseudonym := func(v string) string { return r.Pairs([]tape.Pair{{Key: "authorization", Value: v}})[0].Value }
	text := r.Text(github())
	for _, row := range []struct{ name, in, want string }{
		{"an open text", `title: "hello"`, `title: "hello"`},
		{"a token in a text", `title: "see ` + github() + `."`, `title: "see ` + text + `."`},
		{"a name without its underscore", `clientSecret: "x"`, `clientSecret: "` + pseudonym("x") + `"`},
		{
			"bytes keep their length", `password: "hunter2hunter2"`,
			`password: "` + pseudonym("hunter2hunter2")[:14] + `"`,
		},
		{"a page token", `page_token: "x"`, `page_token: "x"`},
		{"a number by its name", `token: 7`, `token: 7`},
		{"a message without secrets", `friend { name: "Ann" age: 4 }`, `friend { name: "Ann" age: 4 }`},
		{
			"values of a map by their keys",
			`labels { key: "db-password" value: "x" } labels { key: "zone" value: "y" }`,
			`labels { key: "db-password" value: "` + pseudonym("x") + `" } labels { key: "zone" value: "y" }`,
		},
		{
			"a key that is a token", `labels { key: "` + github() + `" value: "x" }`,
			`labels { key: "` + text + `" value: "x" }`,
		},
		{
			"what a user names", `labels { key: "nick_name" value: "x" }`,
			`labels { key: "nick_name" value: "` + pseudonym("x") + `" }`,
		},
		{
			"in a known Any", `detail { [a.b/vault.v1.Entry] { clientSecret: "x" child { title: "y" } } }`,
			`detail { [a.b/vault.v1.Entry] { clientSecret: "` + pseudonym("x") + `" child { title: "y" } } }`,
		},
		{
			"in JSON", `extra { fields { key: "token" value { list_value { values { string_value: "x" } } } } }`,
			`extra { fields { key: "token" value { list_value { values { string_value: "` + pseudonym("x") +
				`" } } } } }`,
		},
		{
			"deep below", `child { child { clientSecret: "x" } title: "y" }`,
			`child { child { clientSecret: "` + pseudonym("x") + `" } title: "y" }`,
		},
		{
			"in bytes, at its length", `blob: "\x0a\x28` + github() + `"`,
			`blob: "\x0a\x28` + text + strings.Repeat("?", 15) + `"`,
		},
	} {
		got, want := r.Message(md, parse(t, s, md, row.in)), parse(t, s, md, row.want)
		if !alike(got, want) {
			t.Errorf("%s: %s became\n%q, want\n%q", row.name, row.in, got, want)
		}
		if again := r.Message(md, got); string(again) != string(got) {
			t.Errorf("%s: a second time it became\n%q, want\n%q", row.name, again, got)
		}
	}
}

// alike compares bytes; a "?" in want stands for any hexadecimal digit.
func alike(got, want []byte) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i] != want[i] && !(want[i] == '?' && strings.IndexByte("0123456789abcdef", got[i]) >= 0) {
			return false
		}
	}
	return true
}

func TestEveryLeafOfARedactedFieldGivesWayAndStaysEqual(t *testing.T) {
	s := testSet(t)
	md := typed(t, s, "vault.v1.Entry")
	r := redactor(t, redact.Rules{}, s)
	const owner = `name: "Ann" age: -4 vip: true score: 1.5 weight: [2.5, 3.5, 2.5, 0] key: "0123456789abcdef"`
	in := parse(t, s, md, `pin: [1234, 0, 99, 1234] owner {`+owner+`} friend {`+owner+`}`)
	out := r.Message(md, in)
	m := dynamicpb.NewMessage(md)
	if err := proto.Unmarshal(out, m); err != nil {
		t.Fatal(err)
	}
	field := func(m protoreflect.Message, name protoreflect.Name) protoreflect.Value {
		return m.Get(m.Descriptor().Fields().ByName(name))
	}
	pins := field(m, "pin").List()
	a, zero, b := pins.Get(0).Int(), pins.Get(1).Int(), pins.Get(2).Int()
	if a == 1234 || a != pins.Get(3).Int() || zero != 0 || b == 99 || a == b || a < 0 {
		t.Errorf("the numbers are %v", m)
	}
	hidden, shown := field(m, "owner").Message(), field(m, "friend").List().Get(0).Message()
	for _, name := range []protoreflect.Name{"name", "age", "vip", "score", "key"} {
		if a, b := field(hidden, name), field(shown, name); a.Equal(b) {
			t.Errorf("%s still is %v", name, a)
		}
	}
	var w [4]float64
	for i := range w {
		w[i] = field(hidden, "weight").List().Get(i).Float()
	}
	if w[0] != w[2] || w[0] == w[1] || w[0] == 2.5 || w[3] != 0 {
		t.Errorf("the weights are %v", hidden)
	}
	want := parse(t, s, typed(t, s, "vault.v1.Owner"), owner)
	if !strings.HasSuffix(string(in), string(out[len(out)-len(want):])) {
		t.Errorf("the one who is not to be redacted is %v", shown)
	}
	if again := r.Message(md, out); string(again) != string(out) {
		t.Errorf("a second time it became\n%q, want\n%q", again, out)
	}
}

func TestAMessageWithoutSecretsIsTheSame(t *testing.T) {
	s := testSet(t)
	r := redactor(t, redact.Rules{}, s)
	for name, text := range map[string]string{
		"vault.v1.Plain": `note: "hello" count: 3`,
		"vault.v1.Entry": `title: "hello" child { page_token: "p" } labels { key: "k" value: "v" }`,
	} {
		md := typed(t, s, name)
		in := parse(t, s, md, text)
		if out := r.Message(md, in); &out[0] != &in[0] || len(out) != len(in) {
			t.Errorf("%s was copied", name)
		}
		if out := r.Message(nil, in); &out[0] != &in[0] || len(out) != len(in) {
			t.Errorf("%s was copied when its type was not known", name)
		}
	}
}

func TestMetadataGivesWayByItsKeys(t *testing.T) {
	hidden := func(r redact.Rules, key, value string) string {
		return redactor(t, r, nil).Pairs([]tape.Pair{{Key: "x", Value: "y"}, {Key: key, Value: value}})[1].Value
	}
	secret := hidden(redact.Rules{}, "authorization", "abc")
	if secret == "abc" || !strings.HasPrefix(secret, "redacted-") || len(secret) != 25 {
		t.Fatalf("a secret became %q", secret)
	}
	for _, row := range []struct {
		name, key, in, want string
		rules               redact.Rules
	}{
		{"the scheme stays", "authorization", "Bearer abc", "Bearer " + secret, redact.Rules{}},
		{"another key, the same secret", "x-api-key", "abc", secret, redact.Rules{}},
		{"a pseudonym stays", "authorization", "Bearer " + secret, "Bearer " + secret, redact.Rules{}},
		{"by its end", "x-tenant-token", "abc", secret, redact.Rules{}},
		{"a place in a list", "x-page-token", "abc", "abc", redact.Rules{}},
		{"a place, but named", "x-page-token", "abc", secret, redact.Rules{Headers: []string{"X-Page-Token"}}},
		{"bytes keep their length", "session-token-bin", "abc", "*" + "?" + "*", redact.Rules{}},
		{"kept by a rule", "authorization", "abc", "abc", redact.Rules{Keep: []string{"authorization"}}},
		{"an open key", "tenant", "abc", "abc", redact.Rules{}},
		{"not on the list", "tenant", "abc", secret, redact.Rules{Allow: []string{"zone"}}},
		{"on the list", "zone", "abc", "abc", redact.Rules{Allow: []string{"zone"}}},
		{"on the list, and a credential", "cookie", "abc", secret, redact.Rules{Allow: []string{"cookie"}}},
		{"gRPC's own", "grpc-retry-pushback-ms", "5", "5", redact.Rules{Allow: []string{"zone"}}},
		{"off", "authorization", "abc", "abc", redact.Rules{Off: true}},
	} {
		got := hidden(row.rules, row.key, row.in)
		if row.want == "*?*" {
			if len(got) != 3 || got == row.in || got[0] != '*' || got[2] != '*' {
				t.Errorf("%s: %s: %q became %q", row.name, row.key, row.in, got)
			}
		} else if got != row.want {
			t.Errorf("%s: %s: %q became %q, want %q", row.name, row.key, row.in, got, row.want)
		}
	}
}

func TestMetadataWithoutSecretsIsTheSameSlice(t *testing.T) {
	r := redactor(t, redact.Rules{}, nil)
	in := []tape.Pair{{Key: "x", Value: "y"}, {Key: "trace-bin", Value: "\x00\xff"}}
	if out := r.Pairs(in); &out[0] != &in[0] {
		t.Error("it was copied")
	}
	in = append(in, tape.Pair{Key: "cookie", Value: "z"})
	if out := r.Pairs(in); &out[0] == &in[0] || in[2].Value != "z" || out[2].Value == "z" {
		t.Errorf("the metadata was changed in place: %v", in)
	}
}

func TestAStatusGivesWayInTextAndDetails(t *testing.T) {
	s := testSet(t)
	r := redactor(t, redact.Rules{}, s)
	md := typed(t, s, "vault.v1.Entry")
	in := tape.Status{Code: 16, Message: "bad token " + github(), Details: []tape.Any{
		{Type: "type.googleapis.com/vault.v1.Plain", Value: []byte("\x10\x03")},
		{Type: "type.googleapis.com/vault.v1.Entry", Value: parse(t, s, md, `clientSecret: "x"`)},
		{Type: "type.googleapis.com/not.Known", Value: []byte("\x0a\x28" + github())},
	}}
	out := r.Status(in)
	if want := "bad token " + r.Text(github()); out.Message != want || out.Code != 16 {
		t.Errorf("its message is %q, want %q", out.Message, want)
	}
	for i, d := range out.Details {
		if leak := strings.Contains(string(d.Value), github()) || strings.HasSuffix(string(d.Value), "x"); leak {
			t.Errorf("detail %d is %q", i, d.Value)
		}
	}
	if !strings.Contains(string(in.Details[2].Value), github()) {
		t.Error("the status that was given has changed")
	}
	if string(out.Details[0].Value) != "\x10\x03" || len(out.Details[2].Value) != 42 {
		t.Errorf("the details are %q", out.Details)
	}
}
