// The migration guides, held against the tests that they show.

package kafka_test

import (
	"os"
	"strings"
	"testing"
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
