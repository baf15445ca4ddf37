// What lies on the disk: while it is recorded, after a kill, after an edit, and cut off.

package grpcreplay_test

import (
	"os"
	"testing"
)

// read returns a file's contents.
func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
