// JSON and back.

package schema_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/dynamicpb"
)

func TestJSONGivesBackWhatTheLibraryMarshals(t *testing.T) {
	s := testSet(t)
	for seed := range uint64(1000) {
		_, wire := random(t, s, all(s), seed)
		text, exact, err := s.JSON(all(s), wire)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !json.Valid(text) || bytes.ContainsAny(text, "\n\t") {
			t.Fatalf("seed %d: no line of JSON: %s", seed, text)
		}
		back, err := s.Wire(all(s), text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if exact != bytes.Equal(back, wire) {
			t.Fatalf("seed %d: exact is %v\n%x\n%x", seed, exact, wire, back)
		}
		if !exact {
			t.Fatalf("seed %d: %s\n is not exact:\n%x\n%x", seed, text, wire, back)
		}
	}
}

func TestJSONIsWhatTheLibraryReads(t *testing.T) {
	s := testSet(t)
	compared := 0
	for seed := range uint64(1000) {
		_, wire := random(t, s, all(s), seed)
		text, _, err := s.JSON(all(s), wire)
		if err != nil {
			t.Fatal(err)
		}
		theirs := dynamicpb.NewMessage(all(s))
		if err := (protojson.UnmarshalOptions{Resolver: s, AllowPartial: true}).Unmarshal(text, theirs); err != nil {
			if strings.Contains(string(text), `"@value"`) || strings.Contains(string(text), `"seconds"`) ||
				strings.Contains(string(text), `"nanos"`) ||
				strings.Contains(string(text), `"paths"`) || strings.Contains(string(text), `null`) {
				continue // there is no form of theirs for that
			}
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if want := parse(t, s, all(s), wire); !sameWithAny(s, want, theirs) {
			t.Fatalf("seed %d: %s\nmeans something else to the library", seed, text)
		}
		compared++
	}
	if compared < 200 {
		t.Errorf("only %d were compared", compared)
	}
}

func TestJSONLooksTheSameEveryTime(t *testing.T) {
	s := testSet(t)
	const want = `{"some_name": "a\"b\u2028é", "i": -5, "b": "AP8=", "packed": [1, 2], "counts": {"a": 1, "b": 2}, ` +
		`"kids": {"-3": {}, "4": {"ok": true}}, "any": {"@type": "x.y/test.v1.Old", "need": 0, "[test.v1.note]": "n"}, ` +
		`"d": 1e-07, "f": "NaN", "color": "BLUE", "fx": "12", "maybe": 0, "at": "1970-01-01T00:00:01.500Z", ` +
		`"st": {"a": null, "b": [1, "x", true, {}]}, "dur": "-3s", "wrap": "0", ` +
		`"old": {"unpacked": ["-1"], "Grp": {"x": 1}}, "mask": "aB,c", "empty": {}, "signs": {"-1": true, "1": false}}`
	wire, err := s.Wire(all(s), []byte(want))
	if err != nil {
		t.Fatal(err)
	}
	got, exact, err := s.JSON(all(s), wire)
	if err != nil || !exact || string(got) != want {
		t.Errorf("got %v %v\n%s\nwant\n%s", exact, err, got, want)
	}
}

func TestJSONSaysWhenItIsNotExact(t *testing.T) {
	s := testSet(t)
	for name, wire := range map[string]string{
		"an unknown field":        "\x98\x06\x01",
		"fields in another order": "\x12\x01a\x08\x01",
		"a long varint":           "\x08\x81\x00",
		"a zero":                  "\x08\x00",
		"no UTF-8":                "\x12\x01\xff",
		"one field twice":         "\x08\x01\x08\x02",
		"a list in parts":         "\x22\x01\x01\x22\x01\x02",
		"a value in Struct":       "\xb2\x01\x05\x0a\x03\x0a\x01a",
	} {
		text, exact, err := s.JSON(all(s), []byte(wire))
		if err != nil || exact {
			t.Errorf("%s: %s %v %v", name, text, exact, err)
		}
	}
	for _, wire := range []string{"\x08", "\x42\x01\x08", "\xff"} {
		if text, _, err := s.JSON(all(s), []byte(wire)); err == nil {
			t.Errorf("%x is shown as %s", wire, text)
		}
	}
	if _, _, err := s.JSON(nil, nil); err == nil {
		t.Error("no type, no error")
	}
}

func TestWireTellsWhereTheJSONIsWrong(t *testing.T) {
	s := testSet(t)
	for text, want := range map[string]string{
		`{"items": [{}, {"i": "x"}]}`:          `items[1].i: "x" is no int32`,
		"{\n\"child\": {\n\"nope\": 1}}":       "line 3: child: test.v1.All has no field \"nope\"",
		`{"i": 1, "i": 2}`:                     "i: the field is there twice",
		`{"number": 1, "word": ""}`:            "word: the oneof pick has number already",
		`{"any": {"@type": "a/b.C", "x": 1}}`:  `any: the type "a/b.C" is not in the schema`,
		`{"any": {"x": 1}}`:                    `any: "x" needs "@type" beside it`,
		`{"at": "yesterday"}`:                  "at: it is no Timestamp",
		`{"kids": {"a": {}}}`:                  `kids[a]: "a" is no int64`,
		`{"counts": {"a": 1, "a": 2}}`:         "counts: a key is there twice",
		`{"color": "GREEN"}`:                   `color: test.v1.Color has no value "GREEN"`,
		`{"i": 3000000000}`:                    "i: \"3000000000\" is no int32",
		`{"ok": "true"}`:                       "ok: true or false is wanted here",
		`{"packed": 1}`:                        "packed: a list is wanted here",
		`{"child": []}`:                        "child: an object is wanted here",
		`{"b": "*"}`:                           "b: bytes are wanted here in base64",
		`{"any": {"@type": "q", "@value": 5}}`: "any: bytes are wanted here",
		`{`:                                    "it is no JSON",
		"{\"some_name\": \"\xff\"}":            "it is not in UTF-8",
	} {
		_, err := s.Wire(all(s), []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestJSONMayBeWrittenFreely(t *testing.T) {
	s := testSet(t)
	for _, text := range []string{
		` { "someName" : "a" , "maybe" : 1e1, "fx": 12, "b": "_-8", "child": null, "u": "3.0", "color": 2 } `,
		`{"some_name": "a", "b": "/+8=", "color": "BLUE", "fx": "12", "maybe": "10", "u": "3"}`,
	} {
		got, err := s.Wire(all(s), []byte(text))
		want := "\x12\x01a\x1a\x02\xff\xef\x90\x01\x02\x99\x01\x0c\x00\x00\x00\x00\x00\x00\x00\xa0\x01\x0a\xb8\x01\x03"
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\n%x\n%x", text, err, got, want)
		}
	}
}

func TestDeepMessagesAreAnErrorInJSON(t *testing.T) {
	s := testSet(t)
	var wire []byte
	for range 5000 {
		wire = protowire.AppendBytes([]byte("\x42"), wire)
	}
	if _, _, err := s.JSON(all(s), wire); err == nil {
		t.Error("5,000 levels are shown")
	}
	if _, err := s.Wire(all(s), []byte(strings.Repeat(`{"child":`, 5000)+"{}"+strings.Repeat("}", 5000))); err == nil {
		t.Error("5,000 levels are read")
	}
	if got := s.Canon(all(s), nil).Append(nil, wire); !bytes.Equal(got, wire) {
		t.Error("5,000 levels have another canonical form")
	}
}
