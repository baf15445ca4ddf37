// Failing a test whose history is not linearizable, and what it leaves behind.

package linear

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rehearse-go/rehearse/history"
)

// TB is what Require needs of a test; *testing.T is one.
type TB interface {
	Helper()
	Name() string
	Fatalf(format string, args ...any)
	ArtifactDir() string
}

// Require ends the test as failed unless the history is linearizable: also if
// that is undecided, or if there was nothing to check. It tells the operations
// around the first answer that cannot be, and keeps a picture and the history,
// which [history.History.Load] reads back: in the test's artifact directory if
// go test keeps those, else in $REHEARSE_ARTIFACTS, else in "rehearse" in the
// user's cache directory. Limits may be given once; else they are the zero
// Limits.
func Require[S, In, Out any](tb TB, h *history.History[In, Out], m Model[S, In, Out], limits ...Limits) {
	tb.Helper()
	var l Limits
	switch len(limits) {
	case 0:
	case 1:
		l = limits[0]
	default:
		panic("linear: Require takes Limits once")
	}
	result := Check(h, m, l)
	err := result.Err()
	if err == nil {
		return
	}
	kept := ""
	if result.Verdict == Violation {
		kept += keep(tb, "picture", m.Name+".html", result.Picture)
	}
	kept += keep(tb, "history", m.Name+".history", h.Save)
	tb.Fatalf("%v%s", err, kept)
}

// keep writes a file and returns the line that tells of it, or why there is
// none.
func keep(tb TB, what, name string, write func(io.Writer) error) string {
	path := filepath.Join(artifactDir(tb), fileName(tb.Name())+"."+fileName(name))
	if err := writeFile(path, write); err != nil {
		return "\nno " + what + ": " + err.Error()
	}
	return "\n" + what + " " + path
}

func writeFile(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}

// artifactDir is where files of a failed test are kept.
func artifactDir(tb TB) string {
	if f := flag.Lookup("test.artifacts"); f != nil && f.Value.String() == "true" {
		return tb.ArtifactDir()
	}
	if dir := os.Getenv("REHEARSE_ARTIFACTS"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "rehearse")
}

// fileName returns the name with what file systems may not take replaced.
func fileName(name string) string {
	const safe = "-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(safe, r) {
			return r
		}
		return '-'
	}, name)
	return name[:min(len(name), 120)]
}
