// What each room exports, held against api/*.txt.

package rehearse_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite api/*.txt to what is exported now")

const rewrite = "if that is meant: go test -run TestAPI -update . (and tell it in CHANGELOG.md)"

// TestAPI fails when an exported name comes, goes or changes, so that none
// does unnoticed.
func TestAPI(t *testing.T) {
	written := writtenAPI(t)
	for _, p := range goList(t, "linux") {
		if !isPublic(p) {
			continue
		}
		name := apiFile(p.ImportPath)
		now := exported(t, p)
		if *update && now != written[name] {
			writeAPI(t, name, now)
		} else if diff := lineDiff(written[name], now); diff != "" {
			t.Errorf("%s no longer says what %s exports:\n%s\n%s", name, p.ImportPath, diff, rewrite)
		}
		delete(written, name)
	}
	for name := range written {
		if *update {
			err := os.Remove(name)
			t.Logf("removing %s: %v", name, err)
			continue
		}
		t.Errorf("%s is about a package that is gone; %s", name, rewrite)
	}
}

// isPublic holds for packages that others may import and that hold something.
func isPublic(p pkg) bool {
	inner := strings.Split(p.ImportPath, "/")
	return p.Name != "main" && p.ImportPath != modulePath && !slices.Contains(inner, "internal") && len(p.GoFiles) > 0
}

// apiFile names the file for a package: api/commitlog-server.txt for
// commitlog/server.
func apiFile(importPath string) string {
	room := strings.TrimPrefix(importPath, modulePath+"/")
	return filepath.Join("api", strings.ReplaceAll(room, "/", "-")+".txt")
}

func writtenAPI(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("api/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		written[name] = string(text)
	}
	return written
}

func writeAPI(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("wrote %s", name)
}

// exported prints what p, as built for Linux, exports.
func exported(t *testing.T, p pkg) string {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	text, err := printAPI(fset, files, p.ImportPath)
	if err != nil {
		t.Fatalf("printing what %s exports: %v", p.ImportPath, err)
	}
	return text
}

// printAPI prints the exported declarations as go doc groups them, without
// bodies, comments and what is not exported.
func printAPI(fset *token.FileSet, files []*ast.File, importPath string) (string, error) {
	d, err := doc.NewFromFiles(fset, files, importPath)
	if err != nil {
		return "", err
	}
	var decls []ast.Decl
	decls = append(decls, values(d.Consts)...)
	decls = append(decls, values(d.Vars)...)
	decls = append(decls, funcs(d.Funcs)...)
	for _, t := range d.Types {
		decls = append(decls, t.Decl)
		decls = append(decls, values(t.Consts)...)
		decls = append(decls, values(t.Vars)...)
		decls = append(decls, funcs(t.Funcs)...)
		decls = append(decls, funcs(t.Methods)...)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s\n", d.Name)
	for _, decl := range decls {
		if _, isFunc := decl.(*ast.FuncDecl); !isFunc {
			b.WriteString("\n")
		}
		if err := (&printer.Config{Mode: printer.UseSpaces, Tabwidth: 4}).Fprint(&b, fset, decl); err != nil {
			return "", err
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

func values(vs []*doc.Value) (decls []ast.Decl) {
	for _, v := range vs {
		decls = append(decls, v.Decl)
	}
	return decls
}

func funcs(fs []*doc.Func) (decls []ast.Decl) {
	for _, f := range fs {
		f.Decl.Body = nil
		decls = append(decls, f.Decl)
	}
	return decls
}

// lineDiff tells which lines only one of two texts has, each with the line
// number there; "" if the texts are equal.
func lineDiff(want, got string) string {
	if want == got {
		return ""
	}
	out := onlyIn("-", want, got) + onlyIn("+", got, want)
	if out == "" {
		return "\tthe same lines in another order"
	}
	return strings.TrimSuffix(out, "\n")
}

func onlyIn(sign, text, other string) string {
	count := map[string]int{}
	for line := range strings.Lines(other) {
		count[line]++
	}
	var b strings.Builder
	number := 0
	for line := range strings.Lines(text) {
		number++
		if count[line]--; count[line] < 0 && line != "\n" {
			fmt.Fprintf(&b, "\t%s %4d  %s\n", sign, number, strings.TrimSuffix(line, "\n"))
		}
	}
	return b.String()
}
