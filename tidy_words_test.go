// The checks of words: names, sleeping, imports, and what is not said here.

package rehearse_test

import (
	"go/ast"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// bannedNames are words that say nothing about what they name.
var bannedNames = map[string]string{
	"manager": "name what it holds or decides (Set, Pool, Schedule, ...)",
	"helper":  "name what it does, by a verb",
	"util":    "put it where it is used, under a name of its own",
	"impl":    "name what sets it apart from the others",
}

// checkNames looks at what a file declares, not at what it uses. Helper as
// a method stays: package testing has named it.
func checkNames(s *source, r report) {
	for _, word := range nameWords(strings.TrimSuffix(path.Base(s.path), ".go")) {
		if advice, banned := bannedNames[word]; banned {
			r(s.file.FileStart, "a file is called %q: %s", word, advice)
		}
	}
	for banned, advice := range bannedNames {
		if name := s.file.Name; strings.HasSuffix(strings.TrimSuffix(name.Name, "s"), banned) {
			r(name.Pos(), "the package's name ends in %q: %s", banned, advice)
		}
	}
	for _, name := range declared(s.file) {
		for _, word := range nameWords(name.Name) {
			if advice, banned := bannedNames[word]; banned {
				r(name.Pos(), "the name %s says %q: %s", name.Name, word, advice)
			}
		}
	}
}

// declared returns the names that a file declares.
func declared(file *ast.File) (names []*ast.Ident) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil || n.Name.Name != "Helper" {
				names = append(names, n.Name)
			}
		case *ast.InterfaceType:
			names = append(names, interfaceMethods(n)...)
			return false
		case *ast.TypeSpec:
			names = append(names, n.Name)
		case *ast.ValueSpec:
			names = append(names, n.Names...)
		case *ast.Field:
			names = append(names, n.Names...)
		case *ast.AssignStmt:
			if n.Tok.String() == ":=" {
				names = append(names, idents(n.Lhs)...)
			}
		case *ast.RangeStmt:
			names = append(names, idents([]ast.Expr{n.Key, n.Value})...)
		}
		return true
	})
	return names
}

func interfaceMethods(n *ast.InterfaceType) (names []*ast.Ident) {
	for _, m := range n.Methods.List {
		if len(m.Names) == 1 && m.Names[0].Name != "Helper" {
			names = append(names, m.Names[0])
		}
	}
	return names
}

func idents(exprs []ast.Expr) (names []*ast.Ident) {
	for _, e := range exprs {
		if name, ok := e.(*ast.Ident); ok {
			names = append(names, name)
		}
	}
	return names
}

// nameWords splits a name where a capital or an underscore begins a new word,
// in lower case and in the singular: "UtilsHTTPImpl" is util, http, impl.
func nameWords(name string) []string {
	var b strings.Builder
	runes := []rune(name)
	for i, c := range runes {
		startsWord := unicode.IsUpper(c) && i > 0 &&
			(!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if startsWord {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	words := strings.FieldsFunc(b.String(), func(c rune) bool { return c == '_' || c == '-' || c == '.' })
	for i := range words {
		words[i] = strings.TrimSuffix(words[i], "s")
	}
	return words
}

// checkSleep wants time.Sleep in a test marked as virtual, which it is within
// a testing/synctest bubble and nowhere else. It sees the function called and
// handed on.
func checkSleep(s *source, r report) {
	if !s.isTest() {
		return
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || sel.Sel.Name != "Sleep" {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); !ok || x.Name != "time" {
			return true
		}
		line := s.lines[s.fset.Position(n.Pos()).Line-1]
		if !strings.HasSuffix(strings.TrimSpace(line), "// virtual") {
			r(n.Pos(), "a test waits for what it needs, on a channel; in a bubble, end the line with // virtual")
		}
		return true
	})
}

// bannedImports name what to use instead.
var bannedImports = map[string]string{
	"github.com/stretchr/testify": "compare by hand, or with go-cmp",
	"math/rand":                   "math/rand/v2, seeded",
	"io/ioutil":                   "io and os",
	"golang.org/x/exp":            "the standard library's slices, maps and cmp",
}

func checkImports(s *source, r report) {
	for _, imp := range s.file.Imports {
		name, _ := strconv.Unquote(imp.Path.Value)
		for banned, instead := range bannedImports {
			if name == banned || strings.HasPrefix(name, banned+"/") && banned != "math/rand" {
				r(imp.Pos(), "%s has no place here: use %s", name, instead)
			}
		}
	}
}

// bannedText are words that speak of where the project was written, or of
// work not done. They are put together here from halves, so as not to be
// found themselves.
var bannedText = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{
		regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`),
		"do it, or write down why not",
	},
	{
		regexp.MustCompile(`/wo` + `rk/|/tm` + `p/|/ro` + `ot/`),
		"no path of one machine: use t.TempDir, mktemp, or a path from the root",
	},
	{
		regexp.MustCompile(`(?i)\bthis ses` + `sion\b|\bhelper ses` + `sion|\bsub-?ag` + `ent`),
		"the project speaks of itself alone",
	},
	{
		regexp.MustCompile(`(?i)shared/des` + `ign|\bHOU` + `SE\.md|\bdesign br` + `ief`),
		"say it here, or in docs/decisions",
	},
	{
		regexp.MustCompile(`(?i)\bissues? #?` + `\d`),
		"say what it is about; another project's is owner/name#number",
	},
	{
		regexp.MustCompile(`\b(proxy|sum)\.go` + `lang\.org|\bregistry\.np` + `mjs\.org|` +
			`\bdeb\.deb` + `ian\.org|\bpypi\.o` + `rg`),
		"no registry's host: the ordinary client knows its own",
	},
}

// lockFiles are written by package managers and hold hosts and hashes.
var lockFiles = map[string]bool{"go.sum": true, "package-lock.json": true}

// bannedWords reads any text file, a fuzzer's finds apart.
func bannedWords(s *source) (found []finding) {
	if lockFiles[path.Base(s.path)] || strings.Contains(s.path, "testdata/fuzz/") {
		return nil
	}
	for i, line := range s.lines {
		for _, b := range bannedText {
			if at := b.pattern.FindString(line); at != "" {
				found = append(found, finding{s.path, i + 1, strconv.Quote(at) + ": " + b.instead})
			}
		}
	}
	return found
}
