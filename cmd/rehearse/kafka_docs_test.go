// Tests of what is written about rehearse kafka: it is what the fields say.

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the documentation to what is so now")

const (
	tableBegins = "<!-- the table is written by: go test ./cmd/rehearse -run Documentation -update -->\n"
	tableEnds   = "<!-- end of the table -->\n"
)

func TestTheDocumentationHasTheTableOfFlagsAndKeys(t *testing.T) {
	name := filepath.FromSlash("../../docs/kafka.md")
	text := readText(t, name)
	before, rest, begins := strings.Cut(text, tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", name)
	}
	table := fieldTable(reflect.TypeFor[kafkaConfig](), kafkaDocs)
	agree(t, name, text, before+tableBegins+"\n"+table+"\n"+tableEnds+after)
}

func TestTheDocumentationHasTheSchema(t *testing.T) {
	name := filepath.FromSlash("../../docs/kafka.schema.json")
	var want strings.Builder
	if err := printSchema(&want); err != nil {
		t.Fatal(err)
	}
	agree(t, name, readText(t, name), want.String())
}

func TestTheExampleOfTheDocumentationIsAConfiguration(t *testing.T) {
	_, rest, _ := strings.Cut(readText(t, filepath.FromSlash("../../docs/kafka.md")), "```yaml\n")
	example, _, ends := strings.Cut(rest, "```\n")
	var c kafkaConfig
	if err := decodeYAML("kafka.md", []byte(example), &c); err != nil || !ends {
		t.Fatalf("%v\n%s", err, example)
	}
	if len(c.Rules) != 2 || c.Topics["accounts"].Partitions != 2 || c.Topics["clicks"].Partitions != 1 {
		t.Errorf("the example reads as %+v", c)
	}
}

// readText reads a file; one that is not there yet is empty.
func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil && !*update {
		t.Fatal(err)
	}
	return string(text)
}

// agree holds a file's text to be what it should be, or makes it so.
func agree(t *testing.T, name, text, want string) {
	t.Helper()
	switch {
	case text == want:
	case !*update:
		t.Errorf("%s is not what the fields of the configuration say; "+
			"to mend: go test ./cmd/rehearse -run Documentation -update", name)
	default:
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// fieldTable returns the table of flags and keys of a type.
func fieldTable(t reflect.Type, docs map[string]string) string {
	var b strings.Builder
	b.WriteString("| flag | in the file | |\n|---|---|---|\n")
	addRows(&b, t, docs, "")
	return b.String()
}

func addRows(b *strings.Builder, t reflect.Type, docs map[string]string, prefix string) {
	for f := range fieldsOf(t) {
		key := prefix + f.Tag.Get("yaml")
		if f.Type.Kind() == reflect.Struct {
			addRows(b, f.Type, docs, key+".")
			continue
		}
		flag := ""
		if name, letter := flagOf(f); name != "" {
			value := &fieldFlag{f, reflect.New(f.Type).Elem(), f.Tag.Get("key")}
			flag = strings.TrimSuffix("`--"+name+" "+value.Type(), " bool") + "`"
			if letter != "" {
				flag += ", `-" + letter + "`"
			}
		}
		fmt.Fprintf(b, "| %s | `%s` | %s |\n", flag, key, docs[key])
	}
}
