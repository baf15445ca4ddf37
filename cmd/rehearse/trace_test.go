// Tests of parts of the trace commands that scripts do not reach.

package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheBrowserOfEachSystem(t *testing.T) {
	for _, c := range []struct {
		system, wanted string
		command        []string
	}{
		{"linux", "", []string{"xdg-open", "p"}},
		{"darwin", "", []string{"open", "p"}},
		{"windows", "", []string{"rundll32", "url.dll,FileProtocolHandler", "p"}},
		{"linux", "firefox", []string{"firefox", "p"}},
	} {
		if got := browserCommand(c.system, c.wanted, "p"); !slices.Equal(got, c.command) {
			t.Errorf("%s, %q: %v, want %v", c.system, c.wanted, got, c.command)
		}
	}
}

func TestOnATerminalTheSidesOfADiffAreColoured(t *testing.T) {
	got := colored("first difference\n\n  1 a\n- 2 b\n+ 2 c\n")
	want := "first difference\n\n  1 a\n\x1b[31m- 2 b\x1b[0m\n\x1b[32m+ 2 c\x1b[0m\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAFormThatNeedsTypesSaysHowTheyAreGiven(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "a.journal", "rehearse grpc recording 1\n\ncall 1  a.B/C  unary\n  → bytes aGk=\n  ← OK\n")
	code, _, said := command(t, "trace", "convert", file, filepath.Join(dir, "a.replay"))
	if code != exitUsage || !strings.Contains(said, "/a.B/C; give --descriptors or --proto") {
		t.Errorf("exit code %d, %s", code, said)
	}
}
