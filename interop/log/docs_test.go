// The list of programs in the documentation, held against what is required here.

package log_test

import (
	"os"
	"strings"
	"testing"
)

// alsoNeeded are modules that the tests require for the sake of another.
var alsoNeeded = map[string]bool{
	"github.com/rehearse-go/rehearse":           true,
	"google.golang.org/genproto/googleapis/rpc": true,
	"google.golang.org/grpc":                    true,
	"google.golang.org/protobuf":                true,
}

func TestTheDocumentationListsWhatIsRequired(t *testing.T) {
	docs := string(must(os.ReadFile("../../docs/interop.md"))(t))
	listed := 0
	for line := range strings.Lines(string(must(os.ReadFile("go.mod"))(t))) {
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(words) != 2 || !strings.HasPrefix(words[1], "v") || alsoNeeded[words[0]] {
			continue
		}
		listed++
		if row := "| " + words[0] + " | " + words[1] + " |"; !strings.Contains(docs, row) {
			t.Errorf("docs/interop.md has no row that begins %q", row)
		}
	}
	if listed < 3 {
		t.Errorf("go.mod requires %d modules of others; was it read right?", listed)
	}
}
