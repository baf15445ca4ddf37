// Allocating where there is no fallocate, which is not where these tests run.

package osfs

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestFillingLeavesAloneWhatIsThere(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	under, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &file{f: under, name: "f", sync: &syncer{}}
	defer f.Close()
	const size = 3<<20 + 17
	for range 2 {
		if err := f.fill(5, size); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if want := append([]byte("hello"), make([]byte, size-5)...); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes that begin with %q, %v", len(got), got[:min(9, len(got))], err)
	}
	if err := f.fill(9, 7); err != nil {
		t.Errorf("nothing to fill: %v", err)
	}
}
