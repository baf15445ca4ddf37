// What lies on the disk: while it is recorded, after a kill, after an edit, and cut off.

package grpcreplay_test

import (
	"os"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay"
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

// replayed replays a file, on a socket too.
func replayed(t *testing.T, file string) *grpcreplay.Service {
	t.Helper()
	return grpcreplay.Start(t, grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone, Strict: true, Listen: listen})
}
