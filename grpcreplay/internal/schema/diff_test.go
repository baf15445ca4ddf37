// Differences, sketches and paths, told as people read them.

package schema_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
)

func TestDifferencesAreToldByTheirFields(t *testing.T) {
	s := testSet(t)
	for _, c := range []struct{ name, want, got, diff string }{
		{"the same", `{"i": 1}`, `{"i": 1}`, ``},
		{"a number", `{"i": 1}`, `{"i": 2}`, `i: 1 | 2`},
		{"absent", `{"i": 1}`, `{"child": {"i": 1}}`, `i: 1 | ;child:  | {"i": 1}`},
		{"within", `{"items": [{}, {"child": {"u": 1}}]}`, `{"items": [{}, {"child": {"u": 2}}]}`,
			`items[1].child.u: "1" | "2"`},
		{"a list", `{"packed": [1, 2]}`, `{"packed": [1, 3, 4]}`, `packed[1]: 2 | 3;packed[2]:  | 4`},
		{"a map", `{"counts": {"a": 1, "b": 2}}`, `{"counts": {"b": 3, "c": 4}}`,
			`counts["a"]: 1 | ;counts["b"]: 2 | 3;counts["c"]:  | 4`},
		{"a map of messages", `{"kids": {"-5": {"i": 1}}}`, `{"kids": {"-5": {"i": 2}}}`, `kids[-5].i: 1 | 2`},
		{"an Any", `{"any": {"@type": "a/test.v1.All", "i": 1}}`, `{"any": {"@type": "a/test.v1.All", "i": 2}}`,
			`any.i: 1 | 2`},
		{"another type", `{"any": {"@type": "a/test.v1.All"}}`, `{"any": {"@type": "a/test.v1.Old"}}`,
			`any.type_url: "a/test.v1.All" | "a/test.v1.Old"`},
		{"a time", `{"at": "2026-01-01T00:00:00Z"}`, `{"at": "2026-01-02T00:00:00Z"}`,
			`at: "2026-01-01T00:00:00Z" | "2026-01-02T00:00:00Z"`},
		{"a struct", `{"st": {"a": [1]}}`, `{"st": {"a": [2]}}`, `st.fields["a"]: [1] | [2]`},
		{"a group", `{"old": {"Grp": {"x": 1}}}`, `{"old": {"Grp": {"x": 2}}}`, `old.Grp.x: 1 | 2`},
		{"an extension", `{"old": {"[test.v1.note]": "x"}}`, `{"old": {}}`, `old.[test.v1.note]: "x" | `},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, err := s.Wire(all(s), []byte(c.want))
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Wire(all(s), []byte(c.got))
			if err != nil {
				t.Fatal(err)
			}
			if diff := told(s.Diff(all(s), want, got, nil)); diff != c.diff {
				t.Errorf("told %s\nwant %s", diff, c.diff)
			}
		})
	}
}

func told(diff []schema.Difference) string {
	var lines []string
	for _, d := range diff {
		lines = append(lines, fmt.Sprintf("%s: %s | %s", d.Path, d.Want, d.Got))
	}
	return strings.Join(lines, ";")
}

func TestDifferencesWithoutASchemaGoByNumber(t *testing.T) {
	s := (*schema.Set)(nil)
	one, other := []byte("\x12\x04\x08\x01\x10\x05\x1a\x03abc"), []byte("\x12\x04\x08\x02\x10\x05\x1a\x03abd")
	got := told(s.Diff(nil, one, other, nil))
	if want := `2.1: 1 | 2;3: "abc" | "abd"`; got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
	if got := told(s.Diff(nil, []byte("\x08"), []byte("\xff"), nil)); got != ": 1 bytes 08 | 1 bytes ff" {
		t.Errorf("told %s", got)
	}
	if n := len(s.Diff(nil, []byte(strings.Repeat("\x08\x01", 100)), nil, nil)); n != 20 {
		t.Errorf("%d differences are told", n)
	}
}

func TestASketchShowsWhatBytesLookLike(t *testing.T) {
	s := (*schema.Set)(nil)
	for wire, want := range map[string]string{
		"":                     `{}`,
		"\x0a\x04text\x10\x2a": `{1: "text", 2: 42}`,
		"\x1a\x02\x08\x01":     `{3: {1: 1}}`,
		"\x0a\x03\x0a\x01a":    `{1: {1: "a"}}`,
		"\x0a\x03\xff\x00\x01": `{1: 3 bytes ff0001}`,
		"\x0d\x00\x00\xc0\x3f": `{1: 1.5}`,
		"\x0b\x10\x01\x0c":     `{1: {2: 1}}`,
		"\x08\x01\xff":         `{1: 1, 1 bytes ff}`,
		"\x0a\x00":             `{1: ""}`,
		"\x09\x01" + "\x00\x00\x00\x00\x00\x00\x00": `{1: 0x0000000000000001}`,
	} {
		if got := s.Sketch([]byte(wire)); got != want {
			t.Errorf("%x: got %s, want %s", wire, got, want)
		}
	}
	if n := len(s.Sketch([]byte(strings.Repeat("\x08\x01", 10000)))); n > 300 {
		t.Errorf("it is %d long", n)
	}
}

func TestIgnoredPathsDoNotCount(t *testing.T) {
	s := testSet(t)
	const one = `{"i": 1, "child": {"i": 2, "u": 3}, "items": [{"u": 4, "child": {"u": 5}}], ` +
		`"kids": {"1": {"u": 6}}, "any": {"@type": "a/test.v1.All", "u": 7}, "counts": {"a": 8}}`
	for path, left := range map[string]string{
		"test.v1.All.u":                 "i child.i counts[\"a\"]",
		"**.u":                          "i child.i counts[\"a\"]",
		"i":                             "child.i child.u items[0].u items[0].child.u kids[1].u any.u counts[\"a\"]",
		"child":                         "i items[0].u items[0].child.u kids[1].u any.u counts[\"a\"]",
		"child.u":                       "i child.i items[0].u items[0].child.u kids[1].u any.u counts[\"a\"]",
		"items.*.u":                     "i child.i child.u items[0].child.u kids[1].u any.u counts[\"a\"]",
		"items.u":                       "i child.i child.u items[0].child.u kids[1].u any.u counts[\"a\"]",
		"items.*":                       "i child.i child.u kids[1].u any.u counts[\"a\"]",
		"kids.*.u":                      "i child.i child.u items[0].u items[0].child.u any.u counts[\"a\"]",
		"any.u":                         "i child.i child.u items[0].u items[0].child.u kids[1].u counts[\"a\"]",
		"*.u":                           "i child.i items[0].child.u counts[\"a\"]",
		"**.child.u":                    "i child.i items[0].u kids[1].u any.u counts[\"a\"]",
		"counts":                        "i child.i child.u items[0].u items[0].child.u kids[1].u any.u",
		"/test.v1.S/Do:**.u":            "i child.i counts[\"a\"]",
		"/test.v1.S/Other:**.u":         "i child.i child.u items[0].u items[0].child.u kids[1].u any.u counts[\"a\"]",
		"nothing.of.the.kind":           "i child.i child.u items[0].u items[0].child.u kids[1].u any.u counts[\"a\"]",
		"test.v1.All.CountsEntry.value": "i child.i child.u items[0].u items[0].child.u kids[1].u any.u",
	} {
		p, err := schema.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		if p.String() != path {
			t.Errorf("%s is written %s", path, p)
		}
		before, _ := s.Wire(all(s), []byte(one))
		after, _ := s.Wire(all(s), []byte(strings.NewReplacer(": 1,", ": 91,", ": 2,", ": 92,",
			": 3}", ": 93}", ": 4,", ": 94,",
			": 5}", ": 95}", ": 6}", ": 96}", ": 7}", ": 97}", ": 8}", ": 98}").Replace(one)))
		var paths []string
		for _, d := range s.Diff(all(s), before, after, schema.Paths{p}.For("/test.v1.S/Do")) {
			paths = append(paths, d.Path)
		}
		slices.Sort(paths)
		want := strings.Fields(left)
		if slices.Sort(want); !slices.Equal(paths, want) {
			t.Errorf("%s leaves %s\nwant %s", path, paths, want)
		}
	}
}

func TestIgnoredPathsGoByNumberWithoutASchema(t *testing.T) {
	s := (*schema.Set)(nil)
	paths, err := schema.ParsePaths([]string{"2.1", "3"})
	if err != nil {
		t.Fatal(err)
	}
	got := s.Canon(nil, paths).Append(nil, []byte("\x18\x05\x12\x04\x10\x01\x08\x02\x08\x07\x12\x02\xff\xff"))
	if string(got) != "\x08\x07\x12\x02\x10\x01\x12\x02\xff\xff" {
		t.Errorf("%x", got)
	}
}

func TestAPathThatIsWrongSaysWhatIsWrong(t *testing.T) {
	for path, want := range map[string]string{
		"":                          "empty",
		"a..b":                      "empty",
		"a.":                        "empty",
		"a.**":                      "** needs the name of a field",
		"a-b":                       "letters, digits",
		"items[2].x":                "letters, digits",
		"/a.B/C":                    "a method is written",
		"/a.B:x":                    "a method is written",
		"/a.B/:x":                   "a method is written",
		strings.Repeat("a.", 1<<20): "more than 100",
	} {
		_, err := schema.ParsePath(path)
		if told := fmt.Sprint(err); err == nil || !strings.Contains(told, want) || len(told) > 300 {
			t.Errorf("%.20q: got %.300s, want %s", path, told, want)
		}
	}
	if _, err := schema.ParsePaths([]string{"a", ""}); err == nil {
		t.Error("no error among several")
	}
}
