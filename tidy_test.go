// How every file of the repository looks: the walk, and the checks in a row.

package rehearse_test

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A source is one text file of the repository.
type source struct {
	path  string // from the root, with slashes
	text  string
	lines []string
	fset  *token.FileSet
	file  *ast.File // nil unless it is Go to be checked as Go
}

// A finding is a place that is not tidy, and what to do about it.
type finding struct {
	path string
	line int
	what string
}

func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.path, f.line, f.what) }

// A report notes a finding in the line in which pos lies.
type report func(pos token.Pos, format string, args ...any)

// checks are asked one by one for every Go file outside testdata.
var checks = []struct {
	name  string
	check func(s *source, r report)
}{
	{"a file opens with one line that says what it holds", checkOpening},
	{"a file has at most 500 lines", checkFileLength},
	{"a line has at most 120 columns", checkLineLength},
	{"a function has at most 70 lines", checkFunctionLength},
	{"statements nest at most three deep", checkNesting},
	{"a function has at most four parameters", checkParameters},
	{"names are nouns of the field", checkNames},
	{"tests do not sleep in real time", checkSleep},
	{"what is imported has its place here", checkImports},
	{"what is exported is documented", checkDocs},
}

func TestEveryFileIsTidy(t *testing.T) {
	sources := readTree(t)
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			for _, s := range sources {
				tell(t, s.run(c.check))
			}
		})
	}
	t.Run("every package says what it is for", func(t *testing.T) {
		tell(t, packageDocs(sources))
	})
	t.Run("words of elsewhere stay out", func(t *testing.T) {
		for _, s := range sources {
			tell(t, bannedWords(s))
		}
	})
}

func TestTheWalkSeesTheRepository(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range readTree(t) {
		seen[s.path] = s.file != nil
	}
	for _, name := range []string{"tidy_test.go", "journal/journal.go", "rule/rule.go"} {
		if !seen[name] {
			t.Errorf("%s was not read as Go: the checks are held against nothing", name)
		}
	}
	if isGo, ok := seen["CONTRIBUTING.md"]; isGo || !ok {
		t.Error("CONTRIBUTING.md was not read as text")
	}
}

func tell(t *testing.T, found []finding) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

// run asks one check about a Go file; other files pass.
func (s *source) run(check func(*source, report)) (found []finding) {
	if s.file == nil {
		return nil
	}
	check(s, func(pos token.Pos, format string, args ...any) {
		found = append(found, s.finding(pos, fmt.Sprintf(format, args...)))
	})
	slices.SortStableFunc(found, func(a, b finding) int { return cmp.Compare(a.line, b.line) })
	return found
}

func (s *source) finding(pos token.Pos, what string) finding {
	return finding{s.path, s.fset.Position(pos).Line, what}
}

func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// generated holds for files whose form is another program's business.
func (s *source) generated() bool { return ast.IsGenerated(s.file) }

// parseSource makes a source of a file's text.
func parseSource(name, text string) (*source, error) {
	s := &source{path: name, text: text, lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
	if path.Ext(name) != ".go" || slices.Contains(strings.Split(name, "/"), "testdata") {
		return s, nil
	}
	var err error
	s.fset = token.NewFileSet()
	s.file, err = parser.ParseFile(s.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return s, err
}

// readTree reads every text file that git knows or would take in. The tree is
// walked as well, so that go test's cache notices a file that is new.
func readTree(t *testing.T) (sources []*source) {
	t.Helper()
	visible := gitVisible(t)
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case !d.Type().IsRegular() || !visible(name):
			return nil
		}
		return readInto(&sources, name)
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

func readInto(sources *[]*source, name string) error {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) || !utf8.Valid(text) || slices.Contains(text, 0) {
		return nil // gone since, or not text
	}
	if err != nil {
		return err
	}
	s, err := parseSource(name, string(text))
	if err != nil {
		return err
	}
	*sources = append(*sources, s)
	return nil
}

// gitVisible tells which files git does not ignore; all, where git is not.
func gitVisible(t *testing.T) func(name string) bool {
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	out, err := list.Output()
	if err != nil {
		return func(string) bool { return true }
	}
	visible := map[string]bool{}
	for name := range strings.SplitSeq(string(out), "\x00") {
		visible[name] = true
	}
	return func(name string) bool { return visible[name] }
}
