// The originals' own tests, run on the drop-ins.

package rpcreplay_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/google/go-cmp/cmp"         // the originals' tests import it
	_ "github.com/google/go-cmp/cmp/cmpopts" // likewise
)

// A suite is an original's package whose tests are run on the drop-in: a copy
// of it, in which the names that the drop-in takes over are out of the way, lies
// over testdata/suites, where dropin.go puts the drop-in in their place.
type suite struct {
	module, dir string            // where the original is
	taken       []string          // those names
	instead     map[string]string // of text in the tests that a copy cannot have
	passes      []string          // the tests that run, and pass
	inside      []string          // those that test the original's insides, and nothing of the drop-in
}

var suites = map[string]suite{
	"grpcreplay": {
		module: "github.com/google/go-replayers/grpcreplay",
		taken: []string{
			"Recorder", "RecorderOptions", "NewRecorder", "NewRecorderWriter",
			"Replayer", "ReplayerOptions", "NewReplayer", "NewReplayerReader", "newReader",
		},
		passes: []string{
			"TestConcurrentBidiStreamReplay", "TestEmptyRecordingIsReplayable",
			"TestEmptyRecordingKeepsInitialState",
			"TestOutOfOrderStreamReplay", "TestRecord", "TestRecorderBeforeFunc", "TestReplay",
			"TestReplayerBeforeFunc", "TestSetInitial",
		},
		inside: []string{
			"TestEntryIO", "TestHeaderIO", "TestNewReader", "TestOversizeRecord", "TestRawMessageRecord",
			"TestRawMessageRoundTrip", "TestRemoveExtraSpaces", "TestReplayRawRecv",
		},
	},
	"rpcreplay": {
		module: "cloud.google.com/go", dir: "rpcreplay",
		taken: []string{
			"Recorder", "NewRecorder", "NewRecorderWriter",
			"Replayer", "NewReplayer", "NewReplayerReader", "readHeader",
		},
		instead: map[string]string{`"cloud.google.com/go/internal/testutil"`: "", "testutil.Equal": "cmp.Equal"},
		passes: []string{
			"TestOutOfOrderStreamReplay", "TestRecord", "TestRecorderBeforeFunc", "TestReplay",
			"TestReplayerBeforeFunc",
		},
		inside: []string{"TestEntryIO", "TestHeaderIO", "TestRecordIO"},
	},
}

func TestTheOriginalsOwnTestsPassOnTheDropIns(t *testing.T) {
	for name, s := range suites {
		t.Run(name, func(t *testing.T) {
			overlay := s.overlay(t, name)
			out := goTest(t, "-json", "-count=1", "-vet=off", "-overlay", overlay, "./testdata/suites/"+name)
			passed, failed := results(out)
			if !slices.Equal(passed, s.passes) || len(failed) > 0 {
				t.Errorf("of the original's tests pass\n%q\nwant\n%q\nand fail %q:\n%s", passed, s.passes, failed, out)
			}
		})
	}
}

// goTest runs go test and returns what it prints.
func goTest(t *testing.T, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"test"}, args...)...).CombinedOutput()
	if err != nil {
		t.Errorf("go test: %v", err)
	}
	return out
}

// overlay makes the copy, and an overlay by which it lies at its place.
func (s suite) overlay(t *testing.T, name string) string {
	t.Helper()
	dir, virtual := t.TempDir(), map[string]string{}
	add := func(file string, text []byte) {
		real := filepath.Join(dir, file)
		must(t, os.WriteFile(real, text, 0o644))
		at, err := filepath.Abs(filepath.Join("testdata/suites", name, file))
		must(t, err)
		virtual[at] = real
	}
	from := filepath.Join(moduleDir(t, s.module), s.dir)
	files, err := filepath.Glob(filepath.Join(from, "*.go"))
	must(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		base := filepath.Base(file)
		switch {
		case base == "example_test.go": // of another package, it only has to compile
		case strings.HasSuffix(base, "_test.go") && base != "fake_test.go":
			add(base, s.tests(t, text))
		case base == "fake_test.go":
			add(base, text)
		default:
			add(base, s.aside(text))
		}
	}
	overlay := filepath.Join(dir, "overlay.json")
	b, err := json.Marshal(map[string]any{"Replace": virtual})
	must(t, err)
	must(t, os.WriteFile(overlay, b, 0o644))
	return overlay
}

func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	must(t, err)
	return strings.TrimSpace(string(out))
}

// aside gets the names that are taken over out of the way.
func (s suite) aside(text []byte) []byte {
	return regexp.MustCompile(`\b(`+strings.Join(s.taken, "|")+`)\b`).ReplaceAll(text, []byte("original$1"))
}

// tests takes the tests of the insides out, and the imports that only they use.
func (s suite) tests(t *testing.T, text []byte) []byte {
	t.Helper()
	for old, instead := range s.instead {
		text = bytes.ReplaceAll(text, []byte(old), []byte(instead))
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", text, parser.SkipObjectResolution)
	must(t, err)
	file.Decls = slices.DeleteFunc(file.Decls, func(d ast.Decl) bool {
		f, is := d.(*ast.FuncDecl)
		return is && slices.Contains(s.inside, f.Name.Name)
	})
	used := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, is := n.(*ast.SelectorExpr); is {
			if x, is := sel.X.(*ast.Ident); is {
				used[x.Name] = true
			}
		}
		return true
	})
	for _, imp := range file.Imports {
		name := strings.Trim(imp.Path.Value, `"`)
		name = name[strings.LastIndex(name, "/")+1:]
		if imp.Name == nil && !used[name] {
			imp.Name = ast.NewIdent("_")
		}
	}
	var b bytes.Buffer
	must(t, format.Node(&b, fset, file))
	return b.Bytes()
}

// results returns the tests, without their parts, that passed and failed.
func results(out []byte) (passed, failed []string) {
	for line := range bytes.Lines(out) {
		var e struct{ Action, Test string }
		if json.Unmarshal(line, &e) != nil || e.Test == "" || strings.Contains(e.Test, "/") {
			continue
		}
		switch e.Action {
		case "pass":
			passed = append(passed, e.Test)
		case "fail", "skip":
			failed = append(failed, e.Test)
		}
	}
	slices.Sort(passed)
	return passed, failed
}
