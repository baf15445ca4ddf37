// The table of what each mode can do, which stands in two places.

package clustertest_test

import (
	"os"
	"strings"
	"testing"
)

// The package's documentation and the page for readers on the web say the same.
func TestTheTableOfModesIsOneTable(t *testing.T) {
	source, page := read(t, "doc.go"), read(t, "../docs/cluster.md")
	_, below, _ := strings.Cut(source, "# What each mode can do\n")
	below, _, found := strings.Cut(below, "package clustertest")
	_, below, begun := strings.Cut(below, "never passes silently.\n")
	if !found || !begun {
		t.Fatal("doc.go has no table of modes")
	}
	var table []string
	for line := range strings.Lines(below) {
		line = strings.TrimPrefix(strings.TrimRight(line, "\n"), "//")
		table = append(table, strings.TrimPrefix(strings.TrimPrefix(line, "\t"), " "))
	}
	if want := strings.Trim(strings.Join(table, "\n"), "\n"); !strings.Contains(page, want) {
		t.Errorf("docs/cluster.md lacks the table of doc.go:\n%s", want)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
