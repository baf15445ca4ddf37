// The list of programs in the documentation, held against what is tested.

package interop_test

import (
	"os"
	"strings"
	"testing"
)

// alsoNeeded are modules that the tests require for the sake of another.
var alsoNeeded = map[string]bool{
	"github.com/rehearse-go/rehearse": true,
	"go.etcd.io/etcd/api/v3":          true,
	"go.uber.org/zap":                 true,
}

func TestTheDocumentationListsWhatIsTested(t *testing.T) {
	docs := read(t, "../docs/interop.md")
	listed := 0
	for line := range strings.Lines(read(t, "go.mod")) {
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(words) != 2 || !strings.HasPrefix(words[1], "v") || alsoNeeded[words[0]] {
			continue
		}
		listed++
		if row := "| " + words[0] + " | " + words[1] + " |"; !strings.Contains(docs, row) {
			t.Errorf("docs/interop.md has no row that begins %q", row)
		}
	}
	if listed < 5 {
		t.Errorf("go.mod requires %d modules of others; was it read right?", listed)
	}
	for _, c := range grpcCases {
		if !strings.Contains(docs, "`"+c.uses+"`") {
			t.Errorf("docs/interop.md does not name %s", c.uses)
		}
	}
	for name := range leftOut {
		if !strings.Contains(docs, "`"+name+"`") {
			t.Errorf("docs/interop.md does not say that %s is left out", name)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
