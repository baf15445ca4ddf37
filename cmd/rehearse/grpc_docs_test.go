// Tests of what is written about rehearse record and rehearse replay: it is what the fields say.

package main

import (
	"bytes"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestTheDocumentationHasTheTablesOfRecordAndReplay(t *testing.T) {
	name := filepath.FromSlash("../../docs/grpc.md")
	text := readText(t, name)
	want := text
	for _, table := range []struct {
		of string
		t  reflect.Type
	}{{"record", reflect.TypeFor[recordConfig]()}, {"replay", reflect.TypeFor[replayConfig]()}} {
		begins := "<!-- the table of " + table.of + " is written by: " +
			"go test ./cmd/rehearse -run Documentation -update -->\n"
		ends := "<!-- end of the table of " + table.of + " -->\n"
		before, rest, begun := strings.Cut(want, begins)
		_, after, ended := strings.Cut(rest, ends)
		if !begun || !ended {
			t.Fatalf("%s has no place for the table of %s", name, table.of)
		}
		want = before + begins + "\n" + fieldTable(table.t, grpcDocs) + "\n" + ends + after
	}
	agree(t, name, text, want)
}

func TestEveryKeyOfRecordAndReplayHasItsWords(t *testing.T) {
	known := map[string]bool{}
	collectKeys(known, reflect.TypeFor[recordConfig](), "")
	collectKeys(known, reflect.TypeFor[replayConfig](), "")
	for key := range known {
		if words := grpcDocs[key]; words == "" || strings.HasSuffix(words, ".") {
			t.Errorf("%s: grpcDocs says %q", key, words)
		}
	}
	for key := range grpcDocs {
		if !known[key] {
			t.Errorf("grpcDocs tells of %s, which is no key", key)
		}
	}
}

// commandLine finds commands in the documentation's indented blocks.
var commandLine = regexp.MustCompile(`(?m)^    rehearse ((?:record|replay|trace [a-z]+).*)$`)

// TestTheCommandsOfTheDocumentationHaveFlagsThatThereAre holds each flag in
// docs/grpc.md against the help of its command.
func TestTheCommandsOfTheDocumentationHaveFlagsThatThereAre(t *testing.T) {
	text := readText(t, filepath.FromSlash("../../docs/grpc.md"))
	found := commandLine.FindAllStringSubmatch(text, -1)
	if len(found) < 10 {
		t.Errorf("only %d commands are found", len(found))
	}
	for _, m := range found {
		words := strings.Fields(m[1])
		help := []string{words[0], "--help"}
		if words[0] == "trace" {
			help = []string{words[0], words[1], "--help"}
		}
		var out bytes.Buffer
		if code := run(t.Context(), help, streams{nil, &out, &out}); code != exitDone {
			t.Fatalf("%v ends with %d", help, code)
		}
		for _, word := range words {
			name, _, _ := strings.Cut(word, "=")
			if strings.HasPrefix(name, "--") && !strings.Contains(out.String(), name+" ") {
				t.Errorf("%s: rehearse %s has no %s", m[0], words[0], name)
			}
		}
	}
}

func TestSizesAndSpansAndFactors(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "12B": 12, "3KiB": 3 << 10, "64MiB": 64 << 20, "2 GiB": 2 << 30,
		"": 0, "x": 0, "-1": 0, "99999999999GiB": 0, "1KB": 0,
	} {
		var b byteSize
		err := b.UnmarshalText([]byte(text))
		if (err == nil) != (want > 0) || err == nil && b.bytes() != want {
			t.Errorf("size %q: %d, %v", text, b.bytes(), err)
		}
	}
	for text, good := range map[string]bool{
		"1": true, "0.5": true, "0": true, "-1": false, "NaN": false, "x": false, "1e9": false,
	} {
		if err := new(factor).UnmarshalText([]byte(text)); (err == nil) != good {
			t.Errorf("factor %q: %v", text, err)
		}
	}
	for text, good := range map[string]bool{"1s": true, "0": false, "-1s": false, "1": false, "": false} {
		if err := new(span).UnmarshalText([]byte(text)); (err == nil) != good {
			t.Errorf("span %q: %v", text, err)
		}
	}
}
