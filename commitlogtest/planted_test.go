// Bugs that are planted, for the storms to find.

package commitlogtest_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What a build with a planted bug does to a storm: it fails within the seeds
// that are run here anyway, for the right reason; what is left of the faults
// fails again alone, and passes where no bug is planted.
func TestStormsFindWhatIsPlanted(t *testing.T) {
	sound := build(t, "")
	for _, c := range []struct{ bug, storm, sign string }{
		{"ack_before_sync", main, "its disk has lost some of it|lost: offset"},
		{"skip_term_check", main, "lost: offset"},
		{"forget_past", "^TestNoHarsherStormLosesWhatWasAcknowledged$/^restarts$", "duplicated: offset"},
	} {
		t.Run(c.bug, func(t *testing.T) {
			broken := build(t, "plant_"+c.bug)
			out, err := storm(t, broken, c.storm)
			if err == nil {
				t.Fatal("no seed has found it")
			}
			if !regexp.MustCompile(c.sign).MatchString(out) {
				t.Errorf("nothing says %q:\n%s", c.sign, out)
			}
			if !strings.Contains(out, "smallest faults: ") {
				t.Errorf("it is not shrunk:\n%s", out)
			}
			replay := regexp.MustCompile(`replay  go test -run '(.*)' `).FindStringSubmatch(out)
			if replay == nil {
				t.Fatalf("nothing says how to run it again:\n%s", out)
			}
			if out, err := storm(t, broken, replay[1]); err == nil || !regexp.MustCompile(c.sign).MatchString(out) {
				t.Errorf("it does not fail again, but %v:\n%s", err, out)
			}
			if out, err := storm(t, sound, replay[1]); err != nil || strings.Contains(out, "no tests to run") {
				t.Errorf("without the bug, the same: %v\n%s", err, out)
			}
		})
	}
}

const main = "^TestNoStormLosesWhatWasAcknowledged$"

// build makes this package's test binary, with a bug if a tag is named.
func build(t *testing.T, tag string) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "commitlogtest.test")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", tag, "-o", binary, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("building with tag %q: %v\n%s", tag, err, out)
	}
	return binary
}

// storm runs tests of a binary and returns what it printed.
func storm(t *testing.T, binary, tests string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "-test.run", tests).CombinedOutput()
	return string(out), err
}
