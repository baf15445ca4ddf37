// The migration guides, held against the tests that they show.

package kafka_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest"
)

func TestTheMigrationGuidesShowTestsThatRun(t *testing.T) {
	for doc, name := range map[string]string{
		"../../docs/from-sarama-mockbroker.md": "migration_sarama_test.go",
		"../../docs/from-kfake.md":             "migration_kfake_test.go",
	} {
		code, snippets := text(t, name), snippets(text(t, doc))
		if len(snippets) == 0 {
			t.Errorf("%s shows no code", doc)
		}
		for _, s := range snippets {
			if !strings.Contains(code, s) {
				t.Errorf("%s is not what %s has:\n%s", doc, name, s)
			}
		}
	}
}

func TestTheMigrationGuidesNameWhatThereIs(t *testing.T) {
	named := regexp.MustCompile(`\b(c|b|Config|Listener|Exchange|Verdict)[.{]([A-Z]\w*)`)
	types := map[string]reflect.Type{
		"c": reflect.TypeFor[*kafkatest.Cluster](), "b": reflect.TypeFor[*kafkatest.Broker](),
		"Config": reflect.TypeFor[kafkatest.Config](), "Listener": reflect.TypeFor[kafkatest.Listener](),
		"Exchange": reflect.TypeFor[kafkatest.Exchange](), "Verdict": reflect.TypeFor[kafkatest.Verdict](),
	}
	for _, doc := range []string{"../../docs/from-sarama-mockbroker.md", "../../docs/from-kfake.md"} {
		found := named.FindAllStringSubmatch(text(t, doc), -1)
		if len(found) < 20 {
			t.Errorf("%s names %d things; was it read right?", doc, len(found))
		}
		for _, m := range found {
			if !has(types[m[1]], m[2]) {
				t.Errorf("%s: there is no %s in %v", doc, m[2], types[m[1]])
			}
		}
	}
}

// has reports whether a type has a method or a field.
func has(t reflect.Type, name string) bool {
	if _, ok := t.MethodByName(name); ok || t.Kind() == reflect.Pointer {
		return ok
	}
	_, ok := t.FieldByName(name)
	return ok
}

// snippets returns the blocks of Go in a page.
func snippets(page string) (all []string) {
	for {
		_, rest, found := strings.Cut(page, "```go\n")
		if !found {
			return all
		}
		snippet, rest, _ := strings.Cut(rest, "```\n")
		all, page = append(all, snippet), rest
	}
}

func text(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	must(t, err)
	return string(b)
}
