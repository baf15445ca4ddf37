// Golden files: a run's shape, kept beside the test.

package vnettest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/rehearse-go/rehearse/journal"
)

var update = flag.Bool("rehearse.update", os.Getenv("REHEARSE_UPDATE") != "",
	"write golden files instead of comparing with them; -update does the same")

// A test package may have an -update flag of its own, so ours must not be
// registered before that package had its turn. When -update is given, a flag
// is put before all others whose parsing registers it then, if nobody has.
func init() {
	asked := func(arg string) bool { return arg == "-update" || arg == "--update" }
	if !slices.ContainsFunc(os.Args, asked) {
		return
	}
	flag.BoolFunc("rehearse.late", "internal: registers -update", func(string) error {
		if flag.Lookup("update") == nil {
			flag.BoolVar(update, "update", *update, "write golden files")
		}
		return nil
	})
	os.Args = slices.Insert(os.Args, 1, "-rehearse.late")
}

// updating tells whether golden files are to be written.
func updating() bool {
	if *update {
		return true
	}
	f := flag.Lookup("update")
	if f == nil {
		return false
	}
	on, err := strconv.ParseBool(f.Value.String())
	return err == nil && on
}

// Golden compares the shape of the journal so far (who, whom, what, how much;
// not when, not which bytes) with the file, a path relative to the test's
// package, and fails the test with the first difference. Run with -update,
// the test writes the file instead.
func Golden(t *T, file string) {
	t.Helper()
	got := slices.Collect(journal.Shapes(t.Journal.Events(0)))
	if updating() {
		writeGolden(t, file, got)
		return
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatalf("vnettest: no golden file: %v; run the test with -update to write it", err)
	}
	defer f.Close()
	_, want, err := journal.Read(f)
	if err != nil {
		t.Fatalf("vnettest: %s: %v", file, err)
	}
	if diff := journal.Diff(slices.Values(want), slices.Values(got)); diff != "" {
		t.Fatalf("vnettest: the run differs from %s; run with -update if that is right\n%s", file, diff)
	}
}

func writeGolden(t *T, file string, events []journal.Event) {
	t.Helper()
	var b bytes.Buffer
	header := journal.Header{Notes: []journal.Note{{Key: "test", Value: t.Name()}}}
	if err := journal.Write(&b, header, slices.Values(events)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
